"""Settings of the methods: one file each, with a class `Settings`; `train.method.kind` is the file's name.

A file that is put here is known: nothing lists them.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ValidationError

from vzero.config.base import dotted
from vzero.config.errors import explain
from vzero.config.loss import BELONGS_TO
from vzero.config.methods.base import MethodSettings
from vzero.config.recipes import RECIPES

KEY = "train.method"


def kinds() -> dict[str, type[MethodSettings]]:
    """The settings of every method that `train` runs, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base")
    found = {name: import_module(f"{__name__}.{name}").Settings for name in names}
    return {name: settings for name, settings in found.items() if settings.of_train}


def over_recipe(recipe: str | None, given: Mapping[str, Any], *, group: int) -> MethodSettings:
    """A recipe's settings with those that are given over it; null stands for the recipe's value.

    Raises ValueError, which names the keys, for settings that no method has, that mean nothing to this one,
    or that contradict each other.
    """
    known = kinds()
    preset = RECIPES[recipe] if recipe is not None else {}
    said = _said(given)
    kind = said.get("kind", preset.get("kind"))
    if kind not in known:
        where = "" if recipe is not None else ", which train.recipe null leaves to it"
        raise ValueError(f"{KEY}.kind{where}: allowed: {', '.join(known)}, got {kind!r}")
    if preset.get("kind", kind) != kind:
        raise ValueError(f"{KEY}.kind {kind} is not that of train.recipe {recipe}: set train.recipe to null")
    if unknown := list(_unknown(given, known)):
        raise ValueError("; ".join(unknown))
    settings = _checked(known[kind], _merged(preset, said))
    if problems := [*_unused(settings, said, group), *settings.problems(group=group)]:
        named = f"with train.recipe {recipe}" if recipe is not None else f"with {KEY}.kind {kind}"
        raise ValueError(f"{named}: {'; '.join(problems)}")
    return settings


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given without its nulls."""
    said: dict[str, Any] = {}
    for name, value in given.items():
        value = _said(value) if isinstance(value, Mapping) else value
        if value is not None and value != {}:
            said[name] = value
    return said


def _merged(preset: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """`said` over the preset. Another kind of divergence leaves behind what belongs to the preset's alone."""
    merged = dict(preset)
    for name, value in said.items():
        inner = preset.get(name)
        if not isinstance(value, Mapping) or not isinstance(inner, Mapping):
            merged[name] = value
            continue
        chosen = value.get("kind", inner.get("kind"))
        kept = {key: held for key, held in inner.items() if chosen in BELONGS_TO.get(key, (chosen,))}
        merged[name] = kept | dict(value)
    return merged


def _checked(kind: type[MethodSettings], tree: Mapping[str, Any]) -> MethodSettings:
    try:
        return kind.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        raise ValueError(
            "; ".join(explain(problem, kind, prefix=KEY) for problem in error.errors())
        ) from error


def _unknown(
    given: Mapping[str, Any], known: Mapping[str, type[MethodSettings]], prefix: str = ""
) -> Iterator[str]:
    """Keys that no method has, also where their value is null."""
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from _unknown(value, known, f"{prefix}{name}.")
        elif value is None and not any(_has(kind, f"{prefix}{name}") for kind in known.values()):
            yield f"unknown key '{KEY}.{prefix}{name}': no method has it"


def _has(section: type[BaseModel], key: str) -> bool:
    name, _, rest = key.partition(".")
    field = section.model_fields.get(name)
    if field is None or not rest:
        return field is not None
    inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return any(isinstance(each, type) and issubclass(each, BaseModel) and _has(each, rest) for each in inner)


def _unused(settings: MethodSettings, said: Mapping[str, Any], group: int) -> Iterator[str]:
    """A sentence for each given setting that means nothing beside the others."""
    reasons: dict[str, str] = {}
    for name, reason in settings.meaningless(group=group):
        reasons.setdefault(name, reason)
    for key in dotted(dict(said)):
        if key in reasons:
            yield f"{KEY}.{key} means nothing, {reasons[key]}: leave it at null"
