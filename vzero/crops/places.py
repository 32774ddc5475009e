"""Where an irrelevant window may stand on the sample's own image: one rule a function, of no pixels.

Grids are the image at full (`divisor` 1) or half resolution (2). Section 3 of arXiv 2606.25319 asks for a
window of the positive's size at half resolution off the target, which is `exact`; what happens where none
fits is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vzero import geometry
from vzero.config import Crops
from vzero.crops import windows
from vzero.crops.strategy import Divisor, Fallback
from vzero.crops.windows import Extent
from vzero.geometry import Box, PixelBox

MIN_SIDE = 8  # pixels of the grid; a smaller window holds nothing to look at


@dataclass(frozen=True)
class Place:
    """A place on a grid, and which rule found it."""

    box: PixelBox
    divisor: Divisor
    fallback: Fallback


@dataclass(frozen=True)
class Search:
    """What a rule is given: places for windows of sides `window`, one for each seed while there are any."""

    image: Extent
    evidence_box: Box
    """In pixels of the image."""
    window: Extent
    """Sides of the positive crop in pixels of the image."""
    divisor: Divisor
    config: Crops
    seeds: Sequence[int]

    def target(self, divisor: Divisor) -> PixelBox:
        """The evidence on a grid: a pixel that mixes in any pixel of the evidence belongs to it."""
        grid = grid_of(self.image, divisor)
        scaled = geometry.scale(self.evidence_box, grid[0] / self.image[0], grid[1] / self.image[1])
        return geometry.round_outward(scaled)


def exact(search: Search) -> list[Place]:
    """Windows of the positive's pixel size that do not touch the evidence."""
    return _beside(search, search.window, search.divisor, "exact")


def shrunk(search: Search) -> list[Place]:
    """The largest windows of the positive's aspect that do not touch the evidence."""
    grid, target = grid_of(search.image, search.divisor), search.target(search.divisor)
    sides = windows.largest_disjoint(grid, search.window, target)
    return _beside(search, sides, search.divisor, "shrunk") if large_enough(search, sides) else []


def finer(search: Search) -> list[Place]:
    """As `shrunk` from the full resolution, with at most what an `exact` window shows of the image.

    The same place has so many more pixels there: at half resolution it would be enlarged twice as far.
    """
    wide, high = windows.largest_disjoint(search.image, search.window, search.target(1))
    sides = min(wide, search.window[0] * search.divisor), min(high, search.window[1] * search.divisor)
    return _beside(search, sides, 1, "finer") if large_enough(search, sides) else []


def overlap(search: Search) -> list[Place]:
    """Windows of the positive's pixel size of which a little, `config.max_overlap`, touches the evidence."""
    grid, target = grid_of(search.image, search.divisor), search.target(search.divisor)
    corners = windows.overlapping_positions(grid, search.window, target, search.config.max_overlap)
    numbers = windows.distinct(search.seeds, len(corners))
    return [Place(at(corners[number], search.window), search.divisor, "overlap") for number in numbers]


RULES: dict[str, Callable[[Search], list[Place]]] = {
    "exact": exact,
    "shrunk": shrunk,
    "finer": finer,
    "overlap": overlap,
}
"""By their name in `crops.fallbacks`, and `exact`."""


def large_enough(search: Search, sides: Extent) -> bool:
    """Whether a window holds something to look at, and is not enlarged further than the parameters allow."""
    if min(sides) < MIN_SIDE:
        return False
    most = search.config.max_enlargement
    return most is None or max(search.window[0] / sides[0], search.window[1] / sides[1]) <= most


def grid_of(image: Extent, divisor: Divisor) -> Extent:
    """Sides of an image at resolution 1 / `divisor`, rounded down as `imaging.halve` does."""
    return max(image[0] // divisor, 1), max(image[1] // divisor, 1)


def in_full_resolution(box: PixelBox, image: Extent, divisor: Divisor) -> Box:
    """A box of the grid in pixels of the full image."""
    grid = grid_of(image, divisor)
    return geometry.scale(box, image[0] / grid[0], image[1] / grid[1])


def at(corner: tuple[int, int], sides: Extent) -> PixelBox:
    """The window with this upper left corner."""
    return corner[0], corner[1], corner[0] + sides[0], corner[1] + sides[1]


def _beside(search: Search, sides: Extent, divisor: Divisor, fallback: Fallback) -> list[Place]:
    """Different windows that do not touch the evidence, uniform over all positions."""
    positions = windows.disjoint_positions(grid_of(search.image, divisor), sides, search.target(divisor))
    numbers = windows.distinct(search.seeds, windows.count(positions))
    return [Place(at(windows.pick(positions, number), sides), divisor, fallback) for number in numbers]
