"""Every setting of `train` beside every recipe: it means something there, or it is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from vzero.config import Params, Section, Train, parse_params, read_yaml
from vzero.errors import ConfigError
from vzero.train.recipes import RECIPES
from vzero.train.resolve import resolve

ROOT = Path(__file__).parent.parent.parent
GATED = {"needle", "paper", "released"}
REPLAYED = GATED | {"opd"}
EVERY = set(RECIPES)

SETTINGS: dict[str, tuple[Any, set[str]]] = {
    "gate.enabled": (True, REPLAYED),
    "gate.gamma": (0.5, GATED),
    "gate.alpha": (0.7, GATED),
    "gate.w_min": (0.1, GATED),
    "gate.w_max": (1.5, GATED),
    "gate.eps": (1e-4, GATED),
    "gate.shrinkage": (0.1, GATED),
    "gate.margin": (0.0, GATED),
    "gate.renormalise": (True, GATED),
    "gate.top_share": (0.5, GATED),
    "gate.skip_first": (True, GATED),
    "advantage.ddof": (0, {"grpo"}),
    "advantage.eps": (1e-4, {"grpo"}),
    "advantage.group_of_one": ("zero", set()),
    "objective.divergence": ("k2", REPLAYED),
    "objective.surrogate": ("plain", {"paper", "released", "grpo"}),
    "objective.top_k": (8, {"needle", "opd"}),
    "objective.tail": (True, set()),
    "objective.jsd_beta": (0.3, set()),
    "objective.clamp": (5.0, {"paper", "released"}),
    "objective.tilt": (1.0, GATED),
    "objective.tilt_clip": (5.0, set()),
    "objective.aggregation": ("sequence_sum", EVERY),
    "teacher.kind": ("initial", REPLAYED),
    "teacher.decay": (0.9, set()),
    "teacher.offload": (True, EVERY),
    "lora": ({"rank": 4}, EVERY),
    "steps": (7, EVERY),
    "prompts": (8, EVERY),
    "group": (8, EVERY),
    "mini_batches": (2, EVERY),
    "micro_tokens": (1_000, EVERY),
    "temperature": (0.7, EVERY),
    "logprob_temperature": ("rollout", EVERY),
    "max_new_tokens": (8, EVERY),
    "max_prompt_tokens": (1_000, EVERY),
    "max_teacher_tokens": (1_000, EVERY),
    "learning_rate": (1e-5, EVERY),
    "warmup_steps": (5, EVERY),
    "weight_decay": (0.0, EVERY),
    "max_grad_norm": (0.5, EVERY),
    "gradient_checkpointing": (True, EVERY),
    "checkpoint_every": (5, EVERY),
    "on_collapse": ("stop", EVERY - {"sft"}),
    "save_precision": ("fp32", EVERY),
    "seed": (1, EVERY),
}
"""A value that is not the default, and the recipes that have a use for it when it is all that is set."""

TOGETHER: list[tuple[dict[str, Any], set[str]]] = [
    ({"objective.top_k": 8, "objective.tail": True}, {"needle", "opd"}),
    ({"objective.divergence": "jsd", "objective.jsd_beta": 0.3}, REPLAYED),
    ({"objective.divergence": "jsd", "objective.clamp": 5.0}, set()),
    ({"objective.tilt": 1.0, "objective.tilt_clip": 5.0}, GATED),
    ({"objective.tilt": 1.0, "gate.enabled": False}, set()),
    ({"objective.divergence": "k3", "objective.clamp": 10.0}, REPLAYED),
    ({"objective.divergence": "k3", "objective.clamp": 10.1}, set()),
    ({"teacher.kind": "ema", "teacher.decay": 0.9}, REPLAYED),
    ({"teacher.kind": "initial", "teacher.decay": 0.9}, set()),
    ({"gate.enabled": True, "gate.alpha": 0.7}, REPLAYED),
    ({"gate.enabled": False, "gate.alpha": 0.7}, set()),
    ({"gate.enabled": False}, EVERY),
    ({"gate.w_min": 2.5}, set()),
    ({"group": 1}, {"opd", "sft"}),
    ({"group": 1, "gate.enabled": False}, EVERY - {"grpo"}),
    ({"group": 1, "advantage.group_of_one": "reward"}, {"grpo"}),
    ({"group": 1, "advantage.group_of_one": "zero"}, set()),
    ({"group": 1, "advantage.group_of_one": "reward", "advantage.ddof": 1}, set()),
    ({"group": 1, "advantage.group_of_one": "reward", "advantage.eps": 1e-4}, set()),
]
"""Settings that need each other, or exclude each other."""

CASES = [({key: value}, meaningful) for key, (value, meaningful) in SETTINGS.items()] + TOGETHER


SHIPPED = read_yaml(ROOT / "params.yaml")["train"]


def train_of(recipe: str, settings: dict[str, Any]) -> Train:
    """The shipped params.yaml, which spells every default out, with some settings."""
    tree = copy.deepcopy(SHIPPED) | {"recipe": recipe}
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        (tree[section] if section else tree)[name] = value
    return parse_params({"train": tree}).train


def refusal(recipe: str, settings: dict[str, Any]) -> str:
    """What is said against them, by params or by the recipe; empty where they can be run."""
    try:
        resolve(train_of(recipe, settings))
    except ConfigError as error:
        return str(error)
    return ""


def leaves(section: Section, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in section:
        found |= leaves(value, f"{prefix}{name}.") if isinstance(value, Section) else {f"{prefix}{name}"}
    return found


def test_every_setting_is_in_the_table():
    assert set(SETTINGS) == leaves(Train()) - {"recipe"}
    assert all(train_of("needle", {}) != train_of("needle", {key: v}) for key, (v, _) in SETTINGS.items())


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs_on_the_params_as_they_are_shipped(recipe):
    assert resolve(train_of(recipe, {})) == resolve(Train(recipe=recipe)) == RECIPES[recipe]
    assert resolve(Params().train.model_copy(update={"recipe": recipe})) == RECIPES[recipe]


@pytest.mark.parametrize(("settings", "meaningful"), CASES, ids=["+".join(case) for case, _ in CASES])
def test_a_setting_means_something_to_a_recipe_or_is_refused_by_name(settings, meaningful):
    refusals = {recipe: refusal(recipe, settings) for recipe in RECIPES}
    assert {recipe for recipe, said in refusals.items() if not said} == meaningful
    names = [key.rpartition(".")[2] for key in settings]
    for recipe in EVERY - meaningful:
        assert any(name in refusals[recipe] for name in names), refusals[recipe]


@pytest.mark.parametrize(
    ("recipe", "settings", "expected"),
    [
        (
            "opd",
            {"gate.alpha": 0.7},
            "with train.recipe opd: train.gate.alpha means nothing, train.gate.enabled is not true: "
            "leave it at null",
        ),
        (
            "grpo",
            {"gate.eps": 1e-4, "advantage.eps": 1e-4},
            "with train.recipe grpo: train.gate.eps means nothing, no teacher's replay is weighed: "
            "leave it at null",
        ),
        (
            "grpo",
            {"teacher.kind": "ema", "teacher.decay": 0.9},
            "with train.recipe grpo: train.teacher.kind means nothing, no teacher takes part: leave it at "
            "frozen; train.teacher.decay means nothing, no teacher takes part: leave it at 0.95",
        ),
        (
            "paper",
            {"teacher.decay": 0.5},
            "train.teacher.decay means nothing, train.teacher.kind is frozen, not ema: leave it at 0.95",
        ),
        (
            "needle",
            {"advantage.ddof": 1},
            "train.advantage.ddof means nothing, no rewards are compared: leave it at null",
        ),
        ("paper", {"gate.w_min": 3.0}, "train.gate.w_max (2) must be at least train.gate.w_min (3)"),
        ("grpo", {"group": 1}, "train.group must be at least 2, or train.advantage.group_of_one reward"),
    ],
)
def test_the_refusal_names_the_key_the_reason_and_what_to_do(recipe, settings, expected):
    assert expected in refusal(recipe, settings)
