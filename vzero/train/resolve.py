"""What params make of a named recipe. Settings that contradict it, or would change nothing, are refused.

A setting counts as set where it differs from its default: `params.yaml` spells the defaults out for all. What
only says how much a machine holds (`max_teacher_tokens`, `teacher.offload`) is of no recipe: an overlay for a
card serves them all.
Which settings of `train.objective` belong to which divergence says `vzero.config`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from typing import Any

from vzero import config
from vzero.errors import ConfigError
from vzero.signals.policy import MAX_K3
from vzero.train.recipes import RECIPES, Recipe

GATE = tuple(f"gate.{name}" for name in config.Gate.model_fields if name != "enabled")
ADVANTAGE = tuple(f"advantage.{name}" for name in config.Advantage.model_fields)
TEACHER = ("teacher.kind", "teacher.decay")


def resolve(train: config.Train) -> Recipe:
    """The named recipe with the fields that params set explicitly.

    Raises ConfigError for settings that mean nothing to what the recipe brings, and names all of them.
    """
    named = RECIPES[train.recipe]
    temperature_of = train.logprob_temperature or named.logprob_temperature
    temperature = train.temperature if temperature_of == "rollout" else 1.0
    objective = _given(train.objective) | {"logprob_temperature": temperature}
    if not named.needs_replay:
        objective.pop("divergence", None)  # refused below
    recipe = replace(
        named,
        gate=replace(named.gate, **_given(train.gate)),
        advantage=replace(named.advantage, **_given(train.advantage)),
        objective=replace(named.objective, **objective),
        logprob_temperature=temperature_of,
    )
    if problems := [*_contradictions(named, recipe, train), *_unused_settings(recipe, train)]:
        raise ConfigError(f"with train.recipe {train.recipe}: {'; '.join(problems)}")
    return recipe


def _contradictions(named: Recipe, recipe: Recipe, train: config.Train) -> Iterator[str]:
    if not named.needs_replay and train.objective.divergence is not None:
        yield f"train.objective.divergence must be null: its signal is the {named.objective.divergence}"
    if named.writer == "teacher" and train.teacher.kind != "frozen":
        yield f"train.teacher.kind must be frozen, not {train.teacher.kind}: a student would copy itself"
    if recipe.needs_labels and train.group < 2 and recipe.advantage.group_of_one == "zero":
        yield "rewards are compared: train.group must be at least 2, or train.advantage.group_of_one reward"
    yield from _objective_contradictions(recipe, train)
    yield from _gate_contradictions(recipe, train)


def _objective_contradictions(recipe: Recipe, train: config.Train) -> Iterator[str]:
    objective = recipe.objective
    try:
        train.objective.check_settings(objective.divergence, top_k=objective.top_k, tilt=objective.tilt)
    except ConfigError as error:
        yield f"train.objective: {error}"
    if objective.divergence == "k3" and train.objective.clamp is not None and objective.clamp > MAX_K3:
        yield f"train.objective.clamp must be at most {MAX_K3:g}, which bounds k3 anyway, or null"


def _gate_contradictions(recipe: Recipe, train: config.Train) -> Iterator[str]:
    gate = recipe.gate
    if not gate.enabled:
        if recipe.objective.tilt:
            yield "train.objective.tilt needs the negative view: train.gate.enabled true"
        return
    if not recipe.needs_replay:
        yield "train.gate.enabled must be null or false: there is no replay to weigh"
    elif train.group < 2:
        yield "the gate compares siblings: train.group must be at least 2, or train.gate.enabled false"
    if gate.w_max < gate.w_min:
        yield f"train.gate.w_max ({gate.w_max:g}) must be at least train.gate.w_min ({gate.w_min:g})"


def _given(section: config.Section) -> dict[str, Any]:
    return {name: value for name, value in section if value is not None}


def _unused_settings(recipe: Recipe, train: config.Train) -> list[str]:
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
        (
            train.group == 1,
            ("advantage.group_of_one",),
            "train.group is above 1 and every answer has siblings",
        ),
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
