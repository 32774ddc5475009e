"""Objects of a picture as data sets annotate them, and questions about them, before anything is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import xxhash

from vzero import geometry
from vzero.geometry import Box, BoxFormat
from vzero.sources.annotation import PIXEL_CORNERS
from vzero.untrusted.boxes import Numbers
from vzero.untrusted.rejects import Reject, Rejected

Thing = TypeVar("Thing")

MIN_SIDE = 10  # pixels; nobody can tell what a smaller object is


@dataclass(frozen=True)
class Region:
    """An annotated object."""

    category: str
    box: Box
    askable: bool = True
    """If not (a crowd, a difficult one), its category is there all the same."""
    written: Numbers | None = None
    """The box as the source writes it, where that is not by its corners: it is what has to be verified."""

    @property
    def clear(self) -> bool:
        """Whether one can tell what it is."""
        return self.askable and min(geometry.sides(self.box)) >= MIN_SIDE


def regions_of(
    objects: Iterable[Thing],
    *,
    name: Callable[[Thing], str | None],
    read: Callable[[Thing], Region],
    reject: Callable[[Thing, Rejected], Reject],
) -> tuple[list[Region], list[Reject]]:
    """The objects of a picture, and a reject for each of which `read` raises Rejected.

    What cannot be asked about is there all the same, where it has a name.
    """
    regions, rejects = [], []
    for thing in objects:
        try:
            regions.append(read(thing))
        except Rejected as rejected:
            rejects.append(reject(thing, rejected))
            if category := name(thing):
                regions.append(Region(category, (0, 0, 0, 0), askable=False))
    return regions, rejects


def without_picture(
    rejected: Rejected, names: Iterable[str | None], image: str | None, where: str = ""
) -> Reject:
    """The reject of a picture that cannot be used, with what becomes of its objects."""
    lost = tuple((name, "no_picture") for name in names if name)
    return Reject(0, rejected.code, f"{where}{rejected.detail}", image=image, objects=lost)


@dataclass(frozen=True)
class AnnotatedImage:
    """A picture with its objects. What is `Any` is as the source has it; `ingest.check` looks at it."""

    image: Any
    extent: tuple[Any, Any]  # width and height
    licence: str
    regions: Sequence[Region]
    box_format: BoxFormat = PIXEL_CORNERS
    """Of the boxes as they are written."""

    @property
    def name(self) -> str:
        """Its path, or a hash of its bytes: what is drawn for its questions depends on it."""
        picture = self.image
        if isinstance(picture, dict):
            picture = picture.get("bytes") or picture.get("path")
        return xxhash.xxh64_hexdigest(picture) if isinstance(picture, bytes) else f"{picture}"

    @property
    def sides(self) -> tuple[float, float] | None:
        """Width and height, where the source tells both."""
        numbers = [side for side in self.extent if isinstance(side, (int, float)) and 0 < side < 2**20]
        return (numbers[0], numbers[1]) if len(numbers) == 2 else None


@dataclass(frozen=True)
class RegionQuestion:
    template: str
    text: str
    options: list[str]
    answer: str
    """The right option's text."""
    regions: list[Region]
