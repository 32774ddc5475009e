"""Recipes are the published settings; params override them field by field."""

from __future__ import annotations

import math

from vzero.config import Gate, Objective, Train
from vzero.train.recipes import RECIPES, resolve


def test_paper_and_released_differ_where_the_sources_do():
    paper, released = RECIPES["paper"], RECIPES["released"]
    assert (paper.gate.alpha, released.gate.alpha) == (1.0, 0.5)
    assert (paper.objective.aggregation, released.objective.aggregation) == ("sequence_mean", "token_mean")
    assert (paper.objective.clamp, released.objective.clamp) == (math.inf, 10.0)
    for recipe in (paper, released):
        assert recipe.objective.divergence == "k1"
        gate = recipe.gate
        assert (gate.gamma, gate.w_min, gate.w_max, gate.eps) == (1.0, 0.0, 2.0, 1e-6)
        assert (recipe.objective.ratio_clip, recipe.objective.dual_clip) == (0.2, 3.0)


def test_params_override_single_fields():
    train = Train(recipe="released", gate=Gate(alpha=0.7), objective=Objective(divergence="jsd", top_k=5))
    recipe = resolve(train)
    assert recipe.gate.alpha == 0.7
    assert recipe.gate.w_max == 2.0
    assert (recipe.objective.divergence, recipe.objective.top_k) == ("jsd", 5)
    assert recipe.objective.aggregation == "token_mean"


def test_without_overrides_a_recipe_is_itself():
    for name, recipe in RECIPES.items():
        assert resolve(Train(recipe=name)) == recipe


def test_zero_is_an_override_too():
    assert resolve(Train(gate=Gate(alpha=0.0, w_min=0.0))).gate.alpha == 0.0
