"""Irrelevant windows: the positive's size, off the target, on the image at full or at half resolution.

Section 3 of arXiv 2606.25319 asks for such a window; what happens where none fits is ours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from vzero import geometry, imaging
from vzero.crops import windows
from vzero.crops.strategy import Divisor, Fallback, NegativeView, Picture, Request
from vzero.crops.windows import Extent
from vzero.geometry import Box, PixelBox

MIN_SHRUNK_SIDE = 8  # pixels of the grid; a smaller window holds nothing to look at


@dataclass(frozen=True)
class Window:
    """A place on the grid, and which rule found it."""

    box: PixelBox
    fallback: Fallback


def irrelevant_views(request: Request, divisor: Divisor) -> list[NegativeView]:
    """Windows on the sample's own image, else on others that are large enough. All by the same rule."""
    picture = request.picture
    found = choose_windows(
        picture.extent,
        request.evidence_box,
        request.window,
        divisor=divisor,
        max_overlap=request.config.max_overlap,
        seeds=request.seeds,
    )
    if found:
        return [_view(request, picture, window, divisor) for window in found]
    return [replace(view, fallback="other_image") for view in borrowed_views(request, divisor)]


def borrowed_views(request: Request, divisor: Divisor) -> list[NegativeView]:
    """Windows on other images: a seed draws an image among those that are large enough, then a place."""
    window = request.window
    places = {
        image_id: windows.all_positions(grid_of(extent, divisor), window)
        for image_id, extent in sorted(request.neighbours.extents.items())
        if image_id != request.picture.image_id
    }
    large_enough = [image_id for image_id, positions in places.items() if positions]
    if not large_enough:
        return []
    counts = [windows.count(places[image_id]) for image_id in large_enough]
    ends = list(accumulate(counts))
    numbers = []
    for seed in request.seeds:
        donor = seed % len(counts)
        # Other bits of the seed than those that chose the image.
        numbers.append(ends[donor] - counts[donor] + (seed >> 32) % counts[donor])
    views = []
    for number in windows.distinct(numbers, ends[-1]):
        donor = bisect_right(ends, number)
        image_id = large_enough[donor]
        corner = windows.pick(places[image_id], number - ends[donor] + counts[donor])
        picture = request.neighbours.open(image_id)
        views.append(_view(request, picture, Window(_place(corner, window), "exact"), divisor))
    return views


def choose_windows(
    image: Extent,
    evidence_box: Box,
    window: Extent,
    *,
    divisor: Divisor,
    max_overlap: float,
    seeds: Sequence[int],
) -> list[Window]:
    """Different windows of sides `window` off the evidence, one for each seed while there are any left.

    A window is uniform over all positions that a rule allows. The first rule that allows any decides for
    all: `exact` does not touch the evidence, `shrunk` is the largest window of the same aspect that does
    not, `overlap` touches it with at most `max_overlap` of its area. `evidence_box` is in pixels of the
    image, of sides `image`; windows are on the grid of that image at resolution 1 / `divisor`.
    """
    grid = grid_of(image, divisor)
    # A pixel of the grid that mixes in any pixel of the evidence belongs to the target.
    target = geometry.round_outward(geometry.scale(evidence_box, grid[0] / image[0], grid[1] / image[1]))
    if positions := windows.disjoint_positions(grid, window, target):
        return _pick(positions, window, seeds, "exact")
    smaller = windows.largest_disjoint(grid, window, target)
    if min(smaller) >= MIN_SHRUNK_SIDE:
        return _pick(windows.disjoint_positions(grid, smaller, target), smaller, seeds, "shrunk")
    places = windows.overlapping_positions(grid, window, target, max_overlap)
    numbers = windows.distinct(seeds, len(places))
    return [Window(_place(places[number], window), "overlap") for number in numbers]


def grid_of(image: Extent, divisor: Divisor) -> Extent:
    """Sides of an image at resolution 1 / `divisor`, rounded down as `imaging.halve` does."""
    return max(image[0] // divisor, 1), max(image[1] // divisor, 1)


def in_full_resolution(box: PixelBox, image: Extent, divisor: Divisor) -> Box:
    """A box of the grid in pixels of the full image."""
    grid = grid_of(image, divisor)
    return geometry.scale(box, image[0] / grid[0], image[1] / grid[1])


def _view(request: Request, picture: Picture, window: Window, divisor: Divisor) -> NegativeView:
    upscale = request.config.upscale
    sides = request.window[0] * upscale, request.window[1] * upscale
    box = in_full_resolution(window.box, picture.extent, divisor)
    return NegativeView(
        imaging.resize(picture.part(window.box, divisor), *sides),
        picture.image_id,
        box,
        sides[0] / geometry.sides(box)[0],
        window.fallback,
    )


def _pick(
    positions: windows.Positions, window: Extent, seeds: Sequence[int], fallback: Fallback
) -> list[Window]:
    numbers = windows.distinct(seeds, windows.count(positions))
    return [Window(_place(windows.pick(positions, number), window), fallback) for number in numbers]


def _place(corner: tuple[int, int], window: Extent) -> PixelBox:
    return corner[0], corner[1], corner[0] + window[0], corner[1] + window[1]
