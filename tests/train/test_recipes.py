"""Recipes are the published settings; params override them field by field."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, get_args

import pytest

from vzero import config
from vzero.config import Gate, Objective, Train, parse_params
from vzero.errors import ConfigError
from vzero.signals.aggregation import Aggregation
from vzero.signals.divergence import Divergence
from vzero.signals.policy import Estimator
from vzero.train import recipes
from vzero.train.recipes import RECIPES
from vzero.train.resolve import resolve

METHODS = ("paper", "released", "needle")


def test_paper_and_released_differ_where_the_sources_do():
    paper, released = RECIPES["paper"], RECIPES["released"]
    assert (paper.gate.alpha, released.gate.alpha) == (1.0, 0.5)
    assert (paper.objective.aggregation, released.objective.aggregation) == ("sequence_mean", "token_mean")
    assert (paper.objective.clamp, released.objective.clamp) == (math.inf, 10.0)
    for recipe in (paper, released):
        assert (recipe.objective.divergence, recipe.objective.surrogate) == ("k1", "clipped")
        gate = recipe.gate
        assert (gate.gamma, gate.w_min, gate.w_max, gate.eps) == (1.0, 0.0, 2.0, 1e-6)
        assert (recipe.objective.ratio_clip, recipe.objective.dual_clip) == (0.2, 3.0)


@pytest.mark.parametrize("name", METHODS)
def test_what_the_published_methods_do_not_have_is_off(name):
    gate, objective = RECIPES[name].gate, RECIPES[name].objective
    assert (gate.shrinkage, gate.margin, gate.renormalise) == (0.0, None, False)
    assert (gate.top_share, gate.skip_first) == (1.0, False)
    assert (objective.top_k, objective.tail, objective.tilt) == (0, True, 0.0)


def test_params_override_single_fields():
    train = Train(recipe="released", gate=Gate(alpha=0.7), objective=Objective(divergence="jsd", top_k=5))
    recipe = resolve(train)
    assert recipe.gate.alpha == 0.7
    assert recipe.gate.w_max == 2.0
    assert (recipe.objective.divergence, recipe.objective.top_k) == ("jsd", 5)
    assert recipe.objective.aggregation == "token_mean"


@pytest.mark.parametrize("name", METHODS)
def test_without_overrides_a_recipe_is_itself(name):
    assert resolve(Train(recipe=name)) == RECIPES[name]


def test_zero_and_false_are_overrides_too():
    recipe = resolve(
        Train(gate=Gate(alpha=0.0, w_min=0.0, margin=0.0), objective=Objective(top_k=4, tail=False))
    )
    assert (recipe.gate.alpha, recipe.gate.margin, recipe.objective.tail) == (0.0, 0.0, False)


def test_params_offer_what_the_signals_have():
    def choices(section: type[config.Section], name: str) -> set[str]:
        optional = section.model_fields[name].annotation
        return set(get_args(get_args(optional)[0]))

    assert choices(Objective, "divergence") == {*get_args(Divergence), *get_args(Estimator)}
    assert choices(Objective, "aggregation") == set(get_args(Aggregation))
    assert set(Gate.model_fields) == {field.name for field in fields(recipes.Gate)}
    assert set(config.Advantage.model_fields) == {field.name for field in fields(recipes.Advantage)}
    assert set(Objective.model_fields) <= {field.name for field in fields(recipes.Objective)}


def refusal(**objective: Any) -> str:
    """What is said of these settings, `recipe` among them, by params or by the recipe they meet."""
    recipe = objective.pop("recipe", "needle")
    with pytest.raises(ConfigError) as raised:
        resolve(parse_params({"train": {"recipe": recipe, "objective": objective}}).train)
    return str(raised.value)


@pytest.mark.parametrize("divergence", ["reverse_kl", "jsd"])
def test_a_bare_top_k_is_for_forward_kl_only(divergence):
    message = refusal(divergence=divergence, top_k=4, tail=False)
    assert f"tail: false is for forward_kl only, not for {divergence}: mass outside the teacher's" in message
    assert "the student could put all of its own there for free" in message
    parse_params({"train": {"objective": {"divergence": "forward_kl", "top_k": 4, "tail": False}}})


def test_k1_propagated_directly_is_refused_with_the_reason():
    message = refusal(divergence="k1", surrogate="direct")
    assert (
        "train.objective.surrogate: k1 cannot be back-propagated directly, its gradient does not" in message
    )


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ({"divergence": "k2", "surrogate": "plain"}, "surrogate belongs to k1 / reward, not to k2"),
        ({"divergence": "jsd", "surrogate": "plain"}, "surrogate belongs to k1 / reward, not to jsd"),
        ({"divergence": "k3", "tail": True}, "tail belongs to forward_kl / reverse_kl / jsd, not to k3"),
        ({"divergence": "k2", "top_k": 8}, "top_k belongs to forward_kl / reverse_kl / jsd, not to k2"),
        ({"divergence": "reverse_kl", "clamp": 1.0}, "clamp belongs to k1 / k2 / k3, not to reverse_kl"),
        ({"divergence": "forward_kl", "tail": False, "top_k": 0}, "tail has no meaning without a support"),
        ({"divergence": "k1", "tilt": 0.0, "tilt_clip": 5.0}, "tilt_clip has no meaning without a tilt"),
        ({"divergence": "k4"}, "train.objective.divergence: Input should be 'k1', 'k2', 'k3', 'forward_kl'"),
        ({"surrogate": "ppo"}, "train.objective.surrogate: Input should be 'clipped' or 'plain', got 'ppo'"),
        (
            {"aggregation": "mean"},
            "train.objective.aggregation: Input should be 'token_mean', 'sequence_mean'",
        ),
        ({"tilt": -1.0}, "train.objective.tilt: Input should be greater than or equal to 0"),
    ],
)
def test_objectives_that_mean_nothing_are_refused(objective, expected):
    assert expected in refusal(**objective)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ({"recipe": "paper", "top_k": 8}, "top_k belongs to forward_kl / reverse_kl / jsd, not to k1"),
        ({"recipe": "needle", "clamp": 1.0}, "clamp belongs to k1 / k2 / k3, not to forward_kl"),
        ({"recipe": "needle", "tail": False}, "tail has no meaning without a support: top_k must be above 0"),
        ({"recipe": "released", "tilt_clip": 5.0}, "tilt_clip has no meaning without a tilt"),
    ],
)
def test_settings_that_mean_nothing_to_the_recipes_divergence_are_refused(objective, expected):
    message = refusal(**objective)
    assert f"recipe {objective['recipe']}: " in message and expected in message


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        ({"top_share": 0.0}, "train.gate.top_share: Input should be greater than 0"),
        ({"top_share": 1.1}, "train.gate.top_share: Input should be less than or equal to 1"),
        ({"shrinkage": -0.1}, "train.gate.shrinkage: Input should be greater than or equal to 0"),
        ({"renormalise": 1}, "train.gate.renormalise: Input should be a valid boolean"),
    ],
)
def test_gate_constants_out_of_range_are_refused(constants, expected):
    with pytest.raises(ConfigError, match=expected):
        parse_params({"train": {"gate": constants}})


def test_peers_of_grpo_divide_by_the_deviation_over_n_minus_1():
    assert RECIPES["grpo"].advantage == recipes.Advantage(ddof=1, eps=1e-6, group_of_one="zero")
    changed = resolve(Train(recipe="grpo", advantage=config.Advantage(ddof=0, eps=1e-4)))
    assert changed.advantage == recipes.Advantage(ddof=0, eps=1e-4, group_of_one="zero")


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [("needle", 1.0), ("paper", 1.0), ("opd", 1.0), ("sft", 1.0), ("released", 0.7), ("grpo", 0.7)],
)
def test_recipes_take_log_probs_at_temperature_one_or_at_the_rollouts(recipe, expected):
    def temperature_of(**changes: Any) -> float:
        return resolve(Train(recipe=recipe, **changes)).objective.logprob_temperature

    assert temperature_of(temperature=0.7) == expected
    assert temperature_of() == 1.0
    assert temperature_of(temperature=0.7, logprob_temperature="one") == 1.0
    assert temperature_of(temperature=0.7, logprob_temperature="rollout") == 0.7
