"""Questions about how many objects of a category there are, where they are, and which is larger.

They need no second category, so sets of a single class have questions too, and so have the many objects of
one kind in a picture. `region_questions` asks them after its own.

- `count`: how many objects of a category there are, at most `MOST_COUNTED`, among four numbers.
- `corner`: which corner of the picture an object is nearest to. Its middle lies off the picture's middle.
- `half`: in which half of the picture an object is, told by its place along the other axis.
- `larger`: which of two objects of a category is larger, told by their sides.

An object is called by its category where the picture has no other of it, else by what sets it apart: it is
the leftmost, rightmost, highest or lowest, by `LEAD` of the picture's side, or the largest or smallest, by
`FACTOR`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from vzero import geometry
from vzero.geometry import Box
from vzero.sources.regions import Region, RegionQuestion
from vzero.sources.shuffle import shuffled

MOST_COUNTED = 9
LEAD = 0.05  # of the picture's side, between the middles of two objects
OFF_MIDDLE = 0.08  # of the picture's side, between an object's middle and the picture's
FACTOR = 1.5  # of areas
OPTIONS = 4
ENDS = {"leftmost": (0, min), "rightmost": (0, max), "highest": (1, min), "lowest": (1, max)}
HALVES = (("left", "right"), ("upper", "lower"))


def place_questions(
    groups: Collection[Sequence[Region]], extent: tuple[float, float] | None, key: str
) -> dict[str, list[RegionQuestion]]:
    """Questions by template. `groups`: all objects of each category that shares its objects with no other.

    Without the picture's `extent` none depends on where its middle is.
    """
    asked: dict[str, list[RegionQuestion]] = {"larger": [], "count": [], "corner": [], "half": []}
    for group in groups:
        if not all(region.clear for region in group):
            continue
        asked["larger"] += _larger(group, key)
        asked["count"] += _count(group, key)
        if extent is not None:
            asked["corner"] += _corners(group, extent, key)
            asked["half"] += _halves(group, extent, key)
    return asked


def _count(group: Sequence[Region], key: str) -> Iterator[RegionQuestion]:
    number, name = len(group), group[0].category
    if number > MOST_COUNTED:
        return
    places = shuffled([str(place) for place in range(min(number, OPTIONS - 1) + 1)], f"{key}/count/{name}")
    first = number - int(places[0])
    options = [str(first + step) for step in range(OPTIONS)]
    text = f"How many objects of this kind are in the picture: {name}?"
    yield RegionQuestion("count", text, options, str(number), list(group))


def _larger(group: Sequence[Region], key: str) -> Iterator[RegionQuestion]:
    if len(group) != 2:
        return
    small, large = sorted(group, key=lambda region: geometry.area(region.box))
    if geometry.area(large.box) < FACTOR * geometry.area(small.box):
        return
    for axis, words in enumerate(HALVES):
        before, after = sorted(group, key=lambda region: region.box[axis])
        if before.box[axis + 2] <= after.box[axis]:
            options = [f"the {word} one" for word in words]
            answer = options[0] if large is before else options[1]
            name = group[0].category
            text = f"Two objects of this kind are in the picture: {name}. Which of them is larger?"
            order = shuffled(options, f"{key}/larger/{name}")
            yield RegionQuestion("larger", text, order, answer, [small, large])
            return


def _corners(group: Sequence[Region], extent: tuple[float, float], key: str) -> Iterator[RegionQuestion]:
    """Of the only object of a category, or its largest or smallest: no place along an axis may tell."""
    for called, region in [*_only(group), *_by_size(group)]:
        halves = [_half(region.box, axis, extent) for axis in (0, 1)]
        if None in halves:
            continue
        options = [f"the {up} {side} one" for up in HALVES[1] for side in HALVES[0]]
        answer = f"the {halves[1]} {halves[0]} one"
        text = f"Which corner of the picture is {called} nearest to?"
        order = shuffled(options, f"{key}/corner/{called}")
        yield RegionQuestion("corner", text, order, answer, [region])


def _halves(group: Sequence[Region], extent: tuple[float, float], key: str) -> Iterator[RegionQuestion]:
    for called, region, axis in _by_end(group, extent):
        across = 1 - axis
        half = _half(region.box, across, extent)
        if half is None:
            continue
        one, other = HALVES[across]
        options = shuffled([f"in the {one} half", f"in the {other} half"], f"{key}/half/{called}")
        text = f"Is {called} in the {one} or in the {other} half of the picture?"
        yield RegionQuestion("half", text, options, f"in the {half} half", [region])


def _only(group: Sequence[Region]) -> Iterator[tuple[str, Region]]:
    if len(group) == 1:
        yield f"the {group[0].category}", group[0]


def _by_size(group: Sequence[Region]) -> Iterator[tuple[str, Region]]:
    if len(group) < 2:
        return
    ordered = sorted(group, key=lambda region: geometry.area(region.box))
    for word, region, next_to_it in (
        ("smallest", ordered[0], ordered[1]),
        ("largest", ordered[-1], ordered[-2]),
    ):
        less, more = sorted(geometry.area(each.box) for each in (region, next_to_it))
        if more >= FACTOR * less:
            yield f"the {word} {region.category}", region


def _by_end(group: Sequence[Region], extent: tuple[float, float]) -> Iterator[tuple[str, Region, int]]:
    """What an object is called, the object, and the axis along which it is the first or the last."""
    if len(group) < 2:
        return
    for word, (axis, first) in ENDS.items():
        ordered = sorted(group, key=lambda region: _middle(region.box, axis), reverse=first is max)
        lead = abs(_middle(ordered[0].box, axis) - _middle(ordered[1].box, axis))
        if lead >= LEAD * extent[axis]:
            yield f"the {word} {ordered[0].category}", ordered[0], axis


def _middle(box: Box, axis: int) -> float:
    return (box[axis] + box[axis + 2]) / 2


def _half(box: Box, axis: int, extent: tuple[float, float]) -> str | None:
    """The half that a box's middle is in; None where it is too near to the picture's."""
    off = _middle(box, axis) / extent[axis] - 0.5
    if abs(off) < OFF_MIDDLE:
        return None
    return HALVES[axis][off > 0]
