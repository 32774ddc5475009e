"""The parameters that each stage of `dvc.yaml` lists, one by one, and what the fields say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from vzero.config import Params, Reach, Section, Sources, read_yaml
from vzero.config.base import reach_of
from vzero.config.methods import kinds
from vzero.graph import stages_of

ROOT = Path(__file__).parent.parent
STAGES = stages_of(ROOT / "dvc.yaml")
SOURCE = read_yaml(ROOT / "params.yaml")["ingest"]["source"]


def sections_of(section: type[Section], name: str) -> type[Section] | None:
    """The section that a field holds, if it holds one or None."""
    annotation = section.model_fields[name].annotation
    choices = (annotation, *get_args(annotation))
    return next((each for each in choices if isinstance(each, type) and issubclass(each, Section)), None)


def leaves(key: str) -> set[str]:
    """All single parameters under a dotted key; the key itself where it is one."""
    holder, name = _holder(key)
    below = sections_of(holder, name)
    if below is None:
        return {key}
    return {leaf for inner in below.model_fields for leaf in leaves(f"{key}.{inner}")}


def listed(stage: str) -> set[str]:
    """The single parameters that a stage depends on, with the shipped source."""
    keys = [key.replace("${ingest.source}", SOURCE) for key in STAGES[stage]["params"]]
    return {leaf for key in keys for leaf in leaves(key)}


def fields_of(key: str) -> list[tuple[type[BaseModel], str]]:
    """The class and the name of a single parameter, and of the section that may be None around it.

    The settings of a method are one parameter: which there are depends on the method.
    """
    if key.startswith("train.method."):
        return [field for kind in kinds().values() for field in _all_fields(kind)]
    *above, _ = key.split(".")
    keys = [key, ".".join(above)] if len(above) > 1 else [key]
    return [_holder(each) for each in keys]


def _all_fields(section: type[Section]) -> list[tuple[type[BaseModel], str]]:
    """Every field of a section and of those in it."""
    found: list[tuple[type[BaseModel], str]] = []
    for name in section.model_fields:
        inner = sections_of(section, name)
        found += [(section, name), *(_all_fields(inner) if inner else [])]
    return found


def _holder(key: str) -> tuple[type[Section], str]:
    holder: type[Section] = Params
    *above, name = key.split(".")
    for each in above:
        below = sections_of(holder, each)
        assert below is not None, key
        holder = below
    return holder, name


def reaching(section: str, *reaches: Reach) -> set[str]:
    """Parameters of a section whose fields say that they reach so far only."""
    return {key for key in leaves(section) if reach_of(*_holder(key)) in reaches}


OTHER_SOURCES = {
    leaf for name in (*Sources.model_fields, "several") if name != SOURCE for leaf in leaves(f"ingest.{name}")
}

DECLARED = {
    "ingest": ("ingest", OTHER_SOURCES | reaching("ingest", Reach.MACHINE)),
    "crops": ("crops", set[str]()),
    "train": ("train", reaching("train", Reach.MACHINE)),
    "evaluate": ("evaluate", reaching("evaluate", Reach.CELLS)),
    "evaluate-frozen": ("evaluate", reaching("evaluate", Reach.CELLS)),
    "report": ("report", set[str]()),
}
"""By stage its own section, and what of it is not listed."""
