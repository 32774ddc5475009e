"""Recipes are the published settings of a method; params override them field by field."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, get_args

import pytest

from vzero.config import Section, Train, loss, parse_params
from vzero.config.loss import Divergence
from vzero.config.methods import gated, grpo, kinds
from vzero.config.recipes import RECIPES
from vzero.errors import ConfigError
from vzero.methods import method_of
from vzero.signals.aggregation import Aggregation
from vzero.signals.divergence import Divergence as Distributions
from vzero.signals.evidence import GateConstants
from vzero.signals.policy import MAX_K3, Estimator

METHODS = ("paper", "released", "needle")


def settings(recipe: str | None, **method: Any) -> Any:
    """A recipe's settings, with others over them."""
    return Train(recipe=recipe, method=method).method


def test_paper_and_released_differ_where_the_sources_do():
    paper, released = settings("paper"), settings("released")
    assert (paper.gate.alpha, released.gate.alpha) == (1.0, 0.5)
    assert (paper.divergence.aggregation, released.divergence.aggregation) == ("sequence_mean", "token_mean")
    assert (paper.divergence.bound, released.divergence.bound) == (math.inf, 10.0)
    for recipe in (paper, released):
        assert (recipe.divergence.kind, recipe.divergence.surrogate) == ("k1", "clipped")
        gate = recipe.gate
        assert (gate.gamma, gate.w_min, gate.w_max, gate.eps) == (1.0, 0.0, 2.0, 1e-6)
        assert (recipe.divergence.ratio_clip, recipe.divergence.dual_clip) == (0.2, 3.0)


@pytest.mark.parametrize("name", METHODS)
def test_what_the_published_methods_do_not_have_is_off(name):
    method = settings(name)
    gate, divergence = method.gate, method.divergence
    assert (gate.shrinkage, gate.margin, gate.renormalise) == (0.0, None, False)
    assert (gate.top_share, gate.skip_first) == (1.0, False)
    assert (divergence.top_k, divergence.tail, method.target.tilt, method.reference) == (0, True, 0.0, None)


def test_params_override_single_fields():
    method = settings("released", gate={"alpha": 0.7}, divergence={"kind": "jsd", "top_k": 5})
    assert method.gate.alpha == 0.7
    assert method.gate.w_max == 2.0
    assert (method.divergence.kind, method.divergence.top_k) == ("jsd", 5)
    assert method.divergence.aggregation == "token_mean"
    assert method.divergence.clamp is None, "the recipe's clamp is of its own kind of divergence"


def test_null_is_the_recipes_value_and_zero_and_false_are_values():
    assert settings("paper", gate={"alpha": None, "margin": None}) == settings("paper")
    method = settings(
        "needle", gate={"alpha": 0.0, "w_min": 0.0, "margin": 0.0}, divergence={"top_k": 4, "tail": False}
    )
    assert (method.gate.alpha, method.gate.margin, method.divergence.tail) == (0.0, 0.0, False)


def test_without_a_recipe_the_method_says_everything():
    assert settings(None, kind="gated") == settings("needle")
    assert settings(None, kind="grpo").logprob_temperature == "one"
    for kind in kinds():
        assert method_of(settings(None, kind=kind)).settings.kind == kind
    with pytest.raises(ConfigError, match=r"train\.method\.kind, .*: allowed: gated, grpo, sft, got None"):
        parse_params({"train": {"recipe": None}})


def test_policy_gradient_with_a_small_kl_to_the_start_can_be_said():
    method = settings("grpo", reference={"coefficient": 0.01})
    gradient, near = method.terms()
    assert (gradient.surrogate, gradient.coefficient) == ("clipped", 1.0)
    assert (near.kind, near.coefficient, near.aggregation) == ("k3", 0.01, "sequence_mean")


def test_params_offer_what_the_signals_have():
    def choices(section: type[Section], name: str) -> set[str]:
        return set(get_args(section.model_fields[name].annotation))

    assert choices(Divergence, "kind") == {*get_args(Distributions), *get_args(Estimator)}
    assert choices(Divergence, "aggregation") == set(get_args(Aggregation))
    more = {"enabled", "shuffled", "oracle"}
    assert set(gated.Gate.model_fields) == {field.name for field in fields(GateConstants)} | more
    assert GateConstants(**gated.Gate().model_dump(exclude=more)) == GateConstants()
    assert loss.MAX_K3 == MAX_K3


def refusal(recipe: str = "needle", **method: Any) -> str:
    """What is said of these settings."""
    with pytest.raises(ConfigError) as raised:
        parse_params({"train": {"recipe": recipe, "method": method}})
    return str(raised.value)


@pytest.mark.parametrize("kind", ["reverse_kl", "jsd"])
def test_a_bare_top_k_is_for_forward_kl_only(kind):
    message = refusal(divergence={"kind": kind, "top_k": 4, "tail": False})
    assert f"tail: false is for forward_kl only, not for {kind}: mass outside the teacher's" in message
    assert "the student could put all of its own there for free" in message
    settings("needle", divergence={"kind": "forward_kl", "top_k": 4, "tail": False})


def test_k1_propagated_directly_is_refused_with_the_reason():
    message = refusal(divergence={"kind": "k1", "surrogate": "direct"})
    assert (
        "train.method.divergence.surrogate: k1 cannot be back-propagated directly, its gradient does not"
        in message
    )


@pytest.mark.parametrize(
    ("divergence", "expected"),
    [
        ({"kind": "k2", "surrogate": "plain"}, "surrogate means nothing, belongs to k1, not to k2"),
        ({"kind": "jsd", "surrogate": "plain"}, "surrogate means nothing, belongs to k1, not to jsd"),
        (
            {"kind": "k1", "surrogate": "plain", "dual_clip": 2.0},
            "belongs to surrogate clipped, not to plain",
        ),
        ({"kind": "k3", "tail": True}, "tail means nothing, belongs to forward_kl / reverse_kl / jsd, not"),
        ({"kind": "k2", "top_k": 8}, "top_k means nothing, belongs to forward_kl / reverse_kl / jsd, not to"),
        ({"kind": "reverse_kl", "clamp": 1.0}, "clamp means nothing, belongs to k1 / k2 / k3, not to"),
        ({"tail": False, "top_k": 0}, "tail means nothing, has no meaning without a support"),
        ({"kind": "k4"}, "train.method.divergence.kind: Input should be 'k1', 'k2', 'k3', 'forward_kl'"),
        (
            {"surrogate": "ppo"},
            "train.method.divergence.surrogate: Input should be 'clipped' or 'plain', got",
        ),
        (
            {"aggregation": "mean"},
            "train.method.divergence.aggregation: Input should be 'token_mean', 'sequence_mean'",
        ),
    ],
)
def test_divergences_that_mean_nothing_are_refused(divergence, expected):
    assert expected in refusal(divergence=divergence)


@pytest.mark.parametrize(
    ("recipe", "method", "expected"),
    [
        ("paper", {"divergence": {"top_k": 8}}, "top_k means nothing, belongs to forward_kl"),
        ("needle", {"divergence": {"clamp": 1.0}}, "clamp means nothing, belongs to k1 / k2 / k3, not to"),
        ("needle", {"divergence": {"tail": False}}, "tail means nothing, has no meaning without a support"),
        (
            "released",
            {"target": {"tilt_clip": 5.0}},
            "tilt_clip means nothing, has no meaning without a tilt",
        ),
        ("released", {"target": {"tilt": -1.0}}, "target.tilt: Input should be greater than or equal to 0"),
        ("opd", {"kind": "grpo"}, "train.method.kind grpo is not that of train.recipe opd"),
        ("needle", {"kind": "ppo"}, "train.method.kind: allowed: gated, grpo, sft, got 'ppo'"),
        ("needle", {"gate": {"alhpa": 1.0}}, "'train.method.gate.alhpa': did you mean 'alpha'? allowed:"),
        ("needle", {"gate": {"alhpa": None}}, "unknown key 'train.method.gate.alhpa': no method has it"),
    ],
)
def test_settings_that_mean_nothing_to_the_recipe_are_refused(recipe, method, expected):
    assert expected in refusal(recipe, **method)


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        ({"top_share": 0.0}, "train.method.gate.top_share: Input should be greater than 0"),
        ({"top_share": 1.1}, "train.method.gate.top_share: Input should be less than or equal to 1"),
        ({"shrinkage": -0.1}, "train.method.gate.shrinkage: Input should be greater than or equal to 0"),
        ({"renormalise": 1}, "train.method.gate.renormalise: Input should be a valid boolean"),
    ],
)
def test_gate_constants_out_of_range_are_refused(constants, expected):
    assert expected in refusal(gate=constants)


def test_peers_of_grpo_divide_by_the_deviation_over_n_minus_1():
    assert settings("grpo").advantage == grpo.Advantage(ddof=1, eps=1e-6, group_of_one="zero")
    changed = settings("grpo", advantage={"ddof": 0, "eps": 1e-4})
    assert changed.advantage == grpo.Advantage(ddof=0, eps=1e-4, group_of_one="zero")


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [("needle", 1.0), ("paper", 1.0), ("opd", 1.0), ("sft", 1.0), ("released", 0.7), ("grpo", 0.7)],
)
def test_recipes_take_log_probs_at_temperature_one_or_at_the_rollouts(recipe, expected):
    def temperature_of(said: str | None = None, **changes: Any) -> float:
        return Train(recipe=recipe, method={"logprob_temperature": said}, **changes).logprob_temperature

    assert temperature_of(temperature=0.7) == expected
    assert temperature_of() == 1.0
    assert temperature_of("one", temperature=0.7) == 1.0
    assert temperature_of("rollout", temperature=0.7) == 0.7


def test_the_recipes_are_those_of_the_choice():
    offered, _ = get_args(Train.model_fields["recipe"].annotation)
    assert set(get_args(offered)) == set(RECIPES)
