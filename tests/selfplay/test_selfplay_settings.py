"""Modes, what lies over them, and iterations that do not follow each other."""

from __future__ import annotations

import pytest

from vzero.config import SelfPlay, parse_params
from vzero.errors import ConfigError

PLACES = {"photographs": {"mine": {"kind": "folder"}}}
FIRST = {"questioner": "models/q", "solver": "models/s"}


def selfplay(**settings) -> SelfPlay:
    return parse_params({"selfplay": settings}).selfplay


def test_the_reference_is_the_released_code_to_the_constant():
    voting, keep, reward = (
        getattr(selfplay(mode="reference"), name) for name in ("voting", "keep", "reward")
    )
    assert (voting.votes, voting.temperature, voting.top_k, voting.words) == (10, 1.0, 40, "boxed")
    assert (voting.permuted, voting.fast, voting.blind) == (False, "questioner", False)
    assert (keep.least, keep.most, keep.by_chance, keep.honest, keep.label) == (0.3, 0.8, 1.0, False, "full")
    assert (reward.reading, reward.malformed, reward.tracks) == ("lenient", -1.0, "both")
    assert (reward.only_kept, reward.repeats) == (False, 0.0)


def test_both_roles_train_as_published():
    params = selfplay(mode="reference")
    roles = (params.questioner, params.questioner_method()), (params.solver, params.solver_method())
    trained = [role.training(method) for role, method in roles]
    assert [(train.group, train.max_new_tokens) for train in trained] == [(4, 2048), (5, 4096)]
    for train in trained:
        assert (train.prompts, train.mini_batches, train.learning_rate) == (64, 2, 1e-6)
        terms = {type(term).__name__: term for term in train.method.terms()}
        gradient, reference = terms["PolicyGradient"], terms["Reference"]
        assert (gradient.ratio_clip, gradient.dual_clip) == (0.2, 3.0)
        assert (reference.coefficient, reference.kind) == (0.01, "k3")
        assert (train.method.advantage.ddof, train.method.advantage.eps) == (1, 1e-6)
        assert train.logprob_temperature == train.temperature


def test_what_is_given_lies_over_the_mode_and_null_does_not():
    changed = selfplay(mode="reference", voting={"votes": 12, "top_k": None}, keep={"most": 0.7})
    assert (changed.voting.votes, changed.voting.top_k, changed.keep.least) == (12, 40, 0.3)
    assert changed.keep.most == 0.7


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"mode": "published"}, "selfplay.mode"),
        ({"voting": {"voices": None}}, "unknown key 'selfplay.voting.voices'"),
        ({"voting": {"votes": 7}}, "voting.votes (7) must be even"),
        ({"voting": {"words": "boxed"}}, "voting.permuted must be false"),
        ({"iterations": {"1": FIRST}}, "iterations need images"),
        (PLACES | {"iterations": {"2": FIRST}}, "iterations count from 1, and this is number 1"),
        (
            PLACES | {"iterations": {"1": FIRST, "2": FIRST}},
            "iterations.2.questioner must be data/selfplay/q",
        ),
        ({"questioner": {"group": 1}}, "selfplay.questioner.group"),
        ({"solver": {"prompts": 10, "mini_batches": 4}}, "mini_batches (4) must divide prompts (10)"),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings, expected):
    with pytest.raises(ConfigError) as caught:
        selfplay(**settings)
    assert expected in str(caught.value)


def test_a_role_of_self_play_is_no_method_of_train():
    with pytest.raises(ConfigError, match="allowed: gated, grpo, sft, got 'questioner'"):
        parse_params({"train": {"recipe": None, "method": {"kind": "questioner"}}})
