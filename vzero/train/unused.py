"""Settings that would change nothing: what a recipe has no use for is refused, not ignored.

A setting counts as set where it differs from its default: `params.yaml` spells the defaults out for all. What
only says how much a machine holds (`max_teacher_tokens`, `teacher.offload`) is of no recipe: an overlay for a
card serves them all.
Which settings of `train.objective` belong to which divergence says `vzero.config`.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from vzero import config

if TYPE_CHECKING:
    from vzero.train.recipes import Recipe

GATE = tuple(f"gate.{name}" for name in config.Gate.model_fields if name != "enabled")
ADVANTAGE = tuple(f"advantage.{name}" for name in config.Advantage.model_fields)
TEACHER = ("teacher.kind", "teacher.decay")


def unused_settings(recipe: Recipe, train: config.Train) -> list[str]:
    """A sentence for each setting that means nothing to the resolved recipe: key, reason, what to do."""
    reasons: dict[str, str] = {}
    for used, keys, reason in _uses(recipe, train):
        for key in keys:
            if not used and _is_set(train, key):
                reasons.setdefault(key, reason)
    return [
        f"train.{key} means nothing, {reason}: leave it at {_written(_default(key))}"
        for key, reason in reasons.items()
    ]


def _uses(recipe: Recipe, train: config.Train) -> list[tuple[bool, tuple[str, ...], str]]:
    """Settings with whether the recipe uses them, and why it does not."""
    ungated = "train.gate.enabled is not true" if recipe.needs_replay else "no teacher's replay is weighed"
    return [
        (recipe.gate.enabled, GATE, ungated),
        (recipe.needs_labels, ADVANTAGE, "no rewards are compared"),
        (train.group == 1, ("advantage.lone",), "train.group is above 1 and every answer has siblings"),
        (train.group > 1, ("advantage.ddof", "advantage.eps"), "train.group is 1 and there is no deviation"),
        (recipe.needs_teacher, TEACHER, "no teacher takes part"),
        (
            train.teacher.kind == "ema",
            ("teacher.decay",),
            f"train.teacher.kind is {train.teacher.kind}, not ema",
        ),
        (recipe.writer == "student", ("on_collapse",), "the answers are a frozen teacher's"),
    ]


def _is_set(train: config.Train, key: str) -> bool:
    value: Any = reduce(getattr, key.split("."), train)
    return value != _default(key)


def _default(key: str) -> Any:
    return reduce(getattr, key.split("."), config.Train())


def _written(value: Any) -> str:
    """As in YAML."""
    return "null" if value is None else str(value).lower()
