"""Every setting of `train` beside every recipe: it means something there, or it is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, get_args

import pytest

from vzero.config import Section, Train, parse_params, read_yaml
from vzero.config.methods import kinds
from vzero.config.recipes import RECIPES
from vzero.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
GATED = {"needle", "paper", "released"}
REPLAYED = GATED | {"opd"}
EVERY = set(RECIPES)

SETTINGS: dict[str, tuple[Any, set[str]]] = {
    "method.gate.enabled": (True, REPLAYED),
    "method.gate.gamma": (0.5, GATED),
    "method.gate.alpha": (0.7, GATED),
    "method.gate.w_min": (0.1, GATED),
    "method.gate.w_max": (1.5, GATED),
    "method.gate.eps": (1e-4, GATED),
    "method.gate.shrinkage": (0.1, GATED),
    "method.gate.margin": (0.0, GATED),
    "method.gate.renormalise": (True, GATED),
    "method.gate.top_share": (0.5, GATED),
    "method.gate.skip_first": (True, GATED),
    "method.gate.shuffled": (True, GATED),
    "method.gate.oracle": (True, GATED),
    "method.advantage.ddof": (0, {"grpo"}),
    "method.advantage.eps": (1e-4, {"grpo"}),
    "method.advantage.group_of_one": ("zero", set()),
    "method.divergence.kind": ("k2", REPLAYED),
    "method.divergence.surrogate": ("plain", {"paper", "released"}),
    "method.divergence.ratio_clip": (0.3, {"paper", "released"}),
    "method.divergence.dual_clip": (4.0, {"paper", "released"}),
    "method.divergence.coefficient": (2.0, REPLAYED),
    "method.policy_gradient.surrogate": ("plain", {"grpo"}),
    "method.policy_gradient.ratio_clip": (0.3, {"grpo"}),
    "method.policy_gradient.dual_clip": (4.0, {"grpo"}),
    "method.policy_gradient.coefficient": (2.0, {"grpo"}),
    "method.policy_gradient.aggregation": ("sequence_sum", {"grpo"}),
    "method.likelihood.coefficient": (2.0, {"sft"}),
    "method.likelihood.aggregation": ("sequence_sum", {"sft"}),
    "method.reference.coefficient": (0.1, EVERY),
    "method.reference.kind": ("k2", EVERY),
    "method.reference.aggregation": ("token_mean", EVERY),
    "method.divergence.top_k": (8, {"needle", "opd"}),
    "method.divergence.tail": (True, set()),
    "method.divergence.jsd_beta": (0.3, set()),
    "method.divergence.clamp": (5.0, {"paper", "released"}),
    "method.target.tilt": (1.0, GATED),
    "method.target.tilt_clip": (5.0, set()),
    "method.target.adaptive": (True, set()),
    "method.divergence.aggregation": ("sequence_sum", REPLAYED),
    "teacher.kind": ("initial", REPLAYED),
    "teacher.decay": (0.9, set()),
    "teacher.offload": (True, EVERY),
    "lora": ({"rank": 4}, EVERY),
    "steps": (7, EVERY),
    "prompts": (8, EVERY),
    "group": (8, EVERY),
    "mini_batches": (2, EVERY),
    "micro_tokens": (1_000, EVERY),
    "decode_tokens": (1_000, EVERY),
    "temperature": (0.7, EVERY),
    "method.logprob_temperature": ("rollout", EVERY),
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
    "trackers": (["wandb"], EVERY),
    "seed": (1, EVERY),
}
"""A value that is not the default, and the recipes that have a use for it when it is all that is set."""

TOGETHER: list[tuple[dict[str, Any], set[str]]] = [
    ({"method.divergence.top_k": 8, "method.divergence.tail": True}, {"needle", "opd"}),
    ({"method.divergence.kind": "jsd", "method.divergence.jsd_beta": 0.3}, REPLAYED),
    ({"method.divergence.kind": "jsd", "method.divergence.clamp": 5.0}, set()),
    ({"method.target.tilt": 1.0, "method.target.tilt_clip": 5.0}, GATED),
    ({"method.target.tilt": 1.0, "method.target.adaptive": True}, GATED),
    ({"method.target.tilt": 1.0, "method.gate.enabled": False}, set()),
    ({"method.gate.oracle": True, "method.gate.gamma": 0.5}, set()),
    ({"method.gate.oracle": True, "method.gate.alpha": 0.7}, GATED),
    ({"method.gate.oracle": True, "method.gate.shuffled": True}, set()),
    ({"method.divergence.kind": "k3", "method.divergence.clamp": 10.0}, REPLAYED),
    ({"method.divergence.kind": "k3", "method.divergence.clamp": 10.1}, set()),
    ({"teacher.kind": "ema", "teacher.decay": 0.9}, REPLAYED),
    ({"teacher.kind": "initial", "teacher.decay": 0.9}, set()),
    ({"method.gate.enabled": True, "method.gate.alpha": 0.7}, REPLAYED),
    ({"method.gate.enabled": False, "method.gate.alpha": 0.7}, set()),
    ({"method.gate.enabled": False}, REPLAYED),
    ({"method.gate.w_min": 2.5}, set()),
    ({"group": 1}, {"opd", "sft"}),
    ({"group": 1, "method.gate.enabled": False}, REPLAYED),
    ({"group": 1, "method.advantage.group_of_one": "reward"}, {"grpo"}),
    ({"group": 1, "method.advantage.group_of_one": "zero"}, set()),
    ({"group": 1, "method.advantage.group_of_one": "reward", "method.advantage.ddof": 1}, set()),
    ({"group": 1, "method.advantage.group_of_one": "reward", "method.advantage.eps": 1e-4}, set()),
]
"""Settings that need each other, or exclude each other."""

CASES = [({key: value}, meaningful) for key, (value, meaningful) in SETTINGS.items()] + TOGETHER


SHIPPED = read_yaml(ROOT / "params.yaml")["train"]


def train_of(recipe: str, settings: dict[str, Any]) -> Train:
    """The shipped params.yaml, which spells every default out, with some settings."""
    tree = copy.deepcopy(SHIPPED) | {"recipe": recipe}
    for key, value in settings.items():
        *sections, name = key.split(".")
        inner = tree
        for section in sections:
            inner = inner[section]
        inner[name] = value
    return parse_params({"train": tree}).train


def refusal(recipe: str, settings: dict[str, Any]) -> str:
    """What is said against them, by params or by the recipe; empty where they can be run."""
    try:
        train_of(recipe, settings)
    except ConfigError as error:
        return str(error)
    return ""


def leaves(section: type[Section], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in section.model_fields.items():
        held = [field.annotation, *get_args(field.annotation)]
        inner = next((each for each in held if isinstance(each, type) and issubclass(each, Section)), None)
        within = inner is not None and name not in ("method", "lora")
        found |= leaves(inner, f"{prefix}{name}.") if within else {f"{prefix}{name}"}
    return found


def test_every_setting_is_in_the_table():
    of_methods = {leaf for kind in kinds().values() for leaf in leaves(kind, "method.")} - {"method.kind"}
    assert set(SETTINGS) == leaves(Train) - {"recipe", "method"} | of_methods


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs_on_the_params_as_they_are_shipped(recipe):
    assert train_of(recipe, {}).method == Train(recipe=recipe).method


@pytest.mark.parametrize(("settings", "meaningful"), CASES, ids=["+".join(case) for case, _ in CASES])
def test_a_setting_means_something_to_a_recipe_or_is_refused_by_name(settings, meaningful):
    refusals = {recipe: refusal(recipe, settings) for recipe in RECIPES}
    assert {recipe for recipe, said in refusals.items() if not said} == meaningful
    names = [name for key in settings for name in key.split(".")[-2:] if name != "method"]
    for recipe in EVERY - meaningful:
        assert any(name in refusals[recipe] for name in names), refusals[recipe]


@pytest.mark.parametrize(
    ("recipe", "settings", "expected"),
    [
        (
            "opd",
            {"method.gate.alpha": 0.7},
            "with train.recipe opd: train.method.gate.alpha means nothing, "
            "train.method.gate.enabled is not true: leave it at null",
        ),
        (
            "grpo",
            {"method.gate.eps": 1e-4, "method.advantage.eps": 1e-4},
            "unknown key 'train.method.gate': allowed: advantage, kind, logprob_temperature,",
        ),
        (
            "grpo",
            {"teacher.kind": "ema", "teacher.decay": 0.9},
            "with train.recipe grpo: train.teacher.kind means nothing, no teacher takes part: leave it at "
            "frozen; with train.recipe grpo: train.teacher.decay means nothing, no teacher takes part: leave "
            "it at 0.95",
        ),
        (
            "paper",
            {"teacher.decay": 0.5},
            "train.teacher.decay means nothing, train.teacher.kind is frozen, not ema: leave it at 0.95",
        ),
        (
            "needle",
            {"method.advantage.ddof": 1},
            "unknown key 'train.method.advantage': allowed: divergence, gate, kind,",
        ),
        ("paper", {"method.gate.w_min": 3.0}, "gate.w_max (2) must be at least gate.w_min (3)"),
        ("grpo", {"group": 1}, "train.group must be at least 2, or advantage.group_of_one reward"),
    ],
)
def test_the_refusal_names_the_key_the_reason_and_what_to_do(recipe, settings, expected):
    assert expected in refusal(recipe, settings)
