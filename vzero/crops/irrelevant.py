"""Irrelevant windows: off the target by the first rule that has a place for one, or on another image.

What each rule asks for is said in `vzero.crops.places`; their order is `crops.fallbacks`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate

from vzero import geometry, imaging
from vzero.crops import windows
from vzero.crops.places import RULES, Place, Search, at, grid_of, in_full_resolution, large_enough
from vzero.crops.strategy import Divisor, NegativeView, Picture, Request
from vzero.crops.windows import Extent


def irrelevant_views(request: Request, divisor: Divisor) -> list[NegativeView]:
    """Different windows, one for each seed while there are any left, all by the same rule."""
    search = _search(request, divisor)
    for rule in ("exact", *request.config.fallbacks):
        if rule == "other_image":
            views = borrowed_views(request, divisor) or _borrowed_finer(request, search)
            found = [replace(view, fallback="other_image") for view in views]
        else:
            found = [_view(request, request.picture, place) for place in RULES[rule](search)]
        if found:
            return found
    return []


def borrowed_views(request: Request, divisor: Divisor) -> list[NegativeView]:
    """Windows of the positive's pixel size on other images that are large enough."""
    sides = {
        image_id: request.window
        for image_id, extent in request.neighbours.extents.items()
        if windows.all_positions(grid_of(extent, divisor), request.window)
    }
    return _borrowed(request, sides, divisor)


def _borrowed_finer(request: Request, search: Search) -> list[NegativeView]:
    """The largest windows on other images at full resolution, where `finer` is among the rules."""
    if "finer" not in request.config.fallbacks:
        return []
    sides = {
        image_id: _largest(extent, request.window, search.divisor)
        for image_id, extent in request.neighbours.extents.items()
    }
    return _borrowed(
        request, {image_id: each for image_id, each in sides.items() if large_enough(search, each)}, 1
    )


def _largest(image: Extent, window: Extent, most: int) -> Extent:
    """Sides of the largest window of the same aspect, up to `most` times as large."""
    fit = min(image[0] / window[0], image[1] / window[1], most)
    return math.floor(window[0] * fit + 1e-9), math.floor(window[1] * fit + 1e-9)


def _borrowed(request: Request, sides: Mapping[str, Extent], divisor: Divisor) -> list[NegativeView]:
    """A seed draws an image among those with sides for a window, then a place on it."""
    extents = request.neighbours.extents
    names = sorted(sides.keys() - {request.picture.image_id})
    places = {name: windows.all_positions(grid_of(extents[name], divisor), sides[name]) for name in names}
    if not places:
        return []
    counts = [windows.count(places[name]) for name in names]
    ends = list(accumulate(counts))
    numbers = []
    for seed in request.seeds:
        donor = seed % len(counts)
        # Other bits of the seed than those that chose the image.
        numbers.append(ends[donor] - counts[donor] + (seed >> 32) % counts[donor])
    views = []
    for number in windows.distinct(numbers, ends[-1]):
        donor = bisect_right(ends, number)
        name = names[donor]
        corner = windows.pick(places[name], number - ends[donor] + counts[donor])
        place = Place(at(corner, sides[name]), divisor, "exact")
        views.append(_view(request, request.neighbours.open(name), place))
    return views


def _search(request: Request, divisor: Divisor) -> Search:
    return Search(
        request.picture.extent, request.evidence_box, request.window, divisor, request.config, request.seeds
    )


def _view(request: Request, picture: Picture, place: Place) -> NegativeView:
    window, upscale = request.window, request.config.upscale
    sides = window[0] * upscale, window[1] * upscale
    pixels = picture.part(place.box, place.divisor)
    finer = geometry.sides(place.box)[0] > window[0]
    if finer:  # down to the positive's pixel size, as halving does
        pixels = imaging.reduce(pixels, *window)
    box = in_full_resolution(place.box, picture.extent, place.divisor)
    return NegativeView(
        imaging.resize(pixels, *sides),
        picture.image_id,
        box,
        sides[0] / geometry.sides(box)[0],
        place.fallback,
    )
