"""What every section of the parameters is made of."""

from __future__ import annotations

from enum import Enum, auto
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class Reach(Enum):
    """What a field decides that does not reach all of a stage's work; stands in the field's annotation.

    A field without one reaches the result: the stage runs again, and its run begins anew (`vzero.runs`).
    """

    MACHINE = auto()
    """What a machine holds, or loses when it is killed: the result is the same to the byte. Nothing runs
    again."""
    END = auto()
    """Whether the work may go on, or how its end is saved. The stage runs again, and finds what was done."""
    CELLS = auto()
    """Which cells of a matrix there are. A new one runs, the others do not."""


def reach_of(section: type[Section], name: str) -> Reach | None:
    """How far a field reaches, where not to all of the work."""
    return next((each for each in section.model_fields[name].metadata if isinstance(each, Reach)), None)


def decisive(section: Section) -> dict[str, Any]:
    """The section as JSON without the fields that no finished work depends on: what names a run."""
    values = section.model_dump(mode="json")
    for name, value in section:
        if reach_of(type(section), name) is not None:
            del values[name]
        elif isinstance(value, Section):
            values[name] = decisive(value)
    return values


def dotted(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by names such as `gate.alpha`; a list is a value."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
