"""Parts of a source whose boxes may be written otherwise than the rest: counts of each.

A few photos that EXIF turns, the largest images or one folder do not show in the counts of thousands. So
boxes are counted by the orientation of their image, by its size and by its folder too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from vzero.ingest.conventions import CONVENTIONS, PARTS, Counts, Measured, SourceBox

Kind = Literal["orientation", "size", "folder"]

KINDS: tuple[Kind, ...] = ("orientation", "size", "folder")
LONGER_SIDES = (512, 1024, 2048, 4096)  # pixels, where classes of sizes begin


class Subset(NamedTuple):
    kind: Kind
    name: str

    def __str__(self) -> str:
        words = {"orientation": "EXIF orientation", "size": "a longer side of", "folder": "the folder"}
        return f"{words[self.kind]} {self.name}"


def subsets_of(box: SourceBox) -> list[Subset]:
    """Those that a box is in, one of each kind; of no folder where the row names none."""
    found = [Subset("orientation", str(box.orientation)), Subset("size", _size(max(box.extent)))]
    return [*found, Subset("folder", box.folder)] if box.folder else found


def _size(longer: int) -> str:
    below = [side for side in LONGER_SIDES if side <= longer]
    above = [side for side in LONGER_SIDES if side > longer]
    if not below:
        return f"under {above[0]} px"
    return f"{below[-1]} px and more" if not above else f"{below[-1]} to {above[0] - 1} px"


def count_subsets(measured: Measured, source_boxes: Sequence[SourceBox]) -> dict[Subset, Counts]:
    """Counts of each subset that some of the boxes are in."""
    places: dict[Subset, int] = {}
    pairs = [
        (places.setdefault(subset, len(places)), row)
        for row, box in enumerate(source_boxes)
        for subset in subsets_of(box)
    ]
    member = np.zeros((len(places), len(source_boxes)), np.int64)
    member[tuple(np.array(pairs).T)] = 1
    ends = (measured.part[..., None] == np.arange(len(PARTS) + 1)).sum(axis=2)
    shape = len(CONVENTIONS), 1, len(PARTS) + 1
    sums = {
        "boxes": member.sum(axis=1),
        "inside": member @ measured.inside,
        "fits": member @ measured.fits,
        "ends": (member @ ends.reshape(len(source_boxes), -1)).reshape(len(places), *shape),
        "turned": member @ measured.turned,
    }
    return {subset: Counts(**{name: sums[name][at] for name in sums}) for subset, at in places.items()}
