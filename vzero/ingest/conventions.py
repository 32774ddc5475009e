"""Whether a source's boxes are written as declared: counts of its raw numbers, and what follows. Pure.

Every box is read under each convention (`CONVENTIONS`). It fits one when its corners are in order, it lies
inside the image and is no speck in the upper left corner, as 0-1 read as pixels is. A declaration is
contradicted by another convention that at least `FITTING` of the boxes fit, when

- fewer than `TOLERATED` fit the declared one, and they are not all one box. Between pixels and 0-1000, which
  differ little on images of some 1000 pixels, boxes must also end near the right or lower edge by the other
  convention; or
- the order is the same, one unit is pixels and the other 0-1000, and on sides of which the declared unit
  makes at most 0.87 of what the other does, no box ends near the edge as declared, while by the
  other convention some do, on shorter and longer sides alike. Boxes whose own layout keeps them from the
  edge would have to keep from it by another share for each size of image.

What boxes are drawn on where EXIF turns a picture (`ingest.exif`) is contradicted when at least `TELLING` of
those boxes fit the other alone, fewer than `TOLERATED` the declared one and at least `FITTING` the other.
Where width and height stay in place, the same boxes fit both: nothing tells.

Precision comes first. With fewer than `MIN_BOXES` boxes nothing is decided. What cannot be told apart is left
as declared: large boxes in the upper left (xyxy or xywh), pixels or 0-1000 on images of a single square size,
0-1 of the image or of the padded square when the boxes stay off the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

import numpy as np

from vzero.geometry import BoxFormat
from vzero.imaging import QUARTER_TURNS

Verdict = Literal["verified", "cannot tell", "contradicted"]

CONVENTIONS = tuple(
    BoxFormat(order, unit)
    for unit in ("pixel", "fraction", "thousandth", "fraction_of_square")
    for order in ("xyxy", "xywh")
)
MIN_BOXES = 50
FITTING = 0.98
TOLERATED = 0.9
TELLING = 5

SLACK = 2.0, 0.01  # pixels plus share of the side, for what annotators do at the border
SPECK = 2.0, 0.002  # the same, of what all ends of a speck lie within

# Where boxes end, as a share of the side. The last part but one is the edge, the last beyond it.
PARTS = np.array([0.1, 0.25, 0.4, 0.55, 0.7, 0.87, 0.9, 1.02])
NEAR, EDGE, BEYOND = 6, 7, 8
SIZES, FINENESS = 96, 8  # sides of 16 to 65,536 pixels, eight sizes an octave
FAR = 0.87  # ratio of pixels and 0-1000 from which on they are told apart: where NEAR begins
APART = 3  # sizes; at least a factor of 1.19, more than an edge is wide
MIN_EDGE = 0.02  # share of ends
MIN_SPREAD = 3, 5  # of the first eight parts: so that not all are one box, and that they fill the image


class SourceBox(NamedTuple):
    """A box as its source has it."""

    numbers: Sequence[float]
    declared: BoxFormat
    extent: tuple[int, int]
    """Width and height of what the box is declared to be drawn on."""
    orientation: int
    """EXIF orientation of the image, 1 to 8."""
    folder: str = ""
    """That the row names the image in; "" where it names none."""


@dataclass(frozen=True)
class Counts:
    """Sums over boxes of one declared convention; those of parts of a source add up to the whole's."""

    boxes: np.ndarray
    """(): all boxes."""
    inside: np.ndarray
    """(8,): boxes in order and inside their image by each of `CONVENTIONS`."""
    fits: np.ndarray
    """(8,): of these, those that are no speck."""
    ends: np.ndarray
    """(8, SIZES, 9): right and lower ends by size of the side and by where on it they are (`PARTS`).
    Of a subset (8, 1, 9): its sizes are not told apart."""
    turned: np.ndarray
    """(4,): boxes on images with an EXIF orientation other than 1; of these, those that fit, as declared,
    what they are declared to be drawn on, the other (the stored or the shown image), and both."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name.name) + getattr(other, name.name) for name in fields(self)))


@dataclass(frozen=True)
class Contradiction:
    """What the boxes say instead of what is declared."""

    fitting: BoxFormat
    turned: bool
    """Whether boxes are on the other of the stored and the shown image; `fitting` is what is declared."""
    boxes: int
    as_declared: float
    """Share of these boxes that fit as declared."""
    as_fitting: float
    alike: tuple[BoxFormat, ...] = ()
    """Others that fit and mean other places; when boxes come to the edges by the fitting one, none."""


@dataclass(frozen=True)
class Measured:
    """What is counted, box by box, of boxes of one declared convention."""

    inside: np.ndarray
    """(n, 8) as of `Counts`, of each box."""
    fits: np.ndarray
    """(n, 8)."""
    size: np.ndarray
    """(n, 2): of the sides that the right and lower end are on."""
    part: np.ndarray
    """(n, 8, 2): where these ends are, by each of `CONVENTIONS`."""
    turned: np.ndarray
    """(n, 4)."""


def count(source_boxes: Sequence[SourceBox]) -> dict[BoxFormat, Counts]:
    """Counts of boxes by the convention that is declared for them."""
    return {
        declared: total(measure(declared, boxes)) for declared, boxes in by_convention(source_boxes).items()
    }


def by_convention(source_boxes: Sequence[SourceBox]) -> dict[BoxFormat, list[SourceBox]]:
    groups: dict[BoxFormat, list[SourceBox]] = {}
    for box in source_boxes:
        groups.setdefault(box.declared, []).append(box)
    return groups


def measure(declared: BoxFormat, source_boxes: Sequence[SourceBox]) -> Measured:
    numbers = np.array([box.numbers for box in source_boxes], np.float64)
    extents = np.array([box.extent for box in source_boxes], np.float64)
    orientations = np.array([box.orientation for box in source_boxes])
    inside, fits, part = [], [], []
    for convention in CONVENTIONS:
        start, end = corners(numbers, convention, extents)
        inside.append(_inside(start, end, extents))
        fits.append(_fits(start, end, extents))
        part.append(np.searchsorted(PARTS, end / extents))
    turned = orientations != 1
    quarter = np.isin(orientations, QUARTER_TURNS)[:, None]
    as_declared = fits[CONVENTIONS.index(declared)]
    on_other = fit(numbers, declared, np.where(quarter, extents[:, ::-1], extents))
    return Measured(
        inside=np.stack(inside, axis=1),
        fits=np.stack(fits, axis=1),
        size=np.floor(FINENESS * (np.log2(extents) - 4)).astype(int).clip(0, SIZES - 1),
        part=np.stack(part, axis=1),
        turned=np.stack(
            [turned, turned & as_declared, turned & on_other, turned & as_declared & on_other], 1
        ),
    )


def total(measured: Measured) -> Counts:
    """Sums over all boxes."""
    shape = SIZES, len(PARTS) + 1
    ends = []
    for number in range(len(CONVENTIONS)):
        places = np.ravel_multi_index((measured.size, measured.part[:, number]), shape)
        ends.append(np.bincount(places.ravel(), minlength=np.prod(shape)).reshape(shape))
    return Counts(
        boxes=np.array(len(measured.fits)),
        inside=measured.inside.sum(axis=0),
        fits=measured.fits.sum(axis=0),
        ends=np.array(ends),
        turned=measured.turned.sum(axis=0),
    )


def corners(numbers: np.ndarray, convention: BoxFormat, extents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upper left and lower right corners, (n, 2) each in pixels; `geometry.to_pixels` of (n, 4) numbers."""
    start, end = numbers[:, :2], numbers[:, 2:]
    if convention.order == "xywh":
        end = start + end
    if convention.unit == "pixel":
        return start, end
    if convention.unit == "fraction_of_square":
        side = extents.max(axis=1, keepdims=True)
        padding = (side - extents) // 2
        return start * side - padding, end * side - padding
    scale = extents if convention.unit == "fraction" else extents / 1000
    return start * scale, end * scale


def fit(numbers: np.ndarray, convention: BoxFormat, extents: np.ndarray) -> np.ndarray:
    """(n,) whether boxes fit a convention on images of these (n, 2) widths and heights."""
    return _fits(*corners(numbers, convention, extents), extents)


def _inside(start: np.ndarray, end: np.ndarray, extents: np.ndarray) -> np.ndarray:
    slack = SLACK[0] + SLACK[1] * extents
    return np.all((end > start) & (start >= -slack) & (end <= extents + slack), axis=1)


def _fits(start: np.ndarray, end: np.ndarray, extents: np.ndarray) -> np.ndarray:
    speck = np.all(end <= np.maximum(SPECK[0], SPECK[1] * extents), axis=1)
    return _inside(start, end, extents) & ~speck


def contradiction(counts: Counts, declared: BoxFormat) -> Contradiction | None:
    """What contradicts a declaration, by the rule above; `None` when nothing does, or too few boxes tell."""
    boxes = int(counts.boxes)
    turned, fits, fits_other, both = (int(number) for number in counts.turned)
    if fits_other - both >= TELLING and fits < TOLERATED * turned and fits_other >= FITTING * turned:
        return Contradiction(declared, True, turned, fits / turned, fits_other / turned)
    if boxes < MIN_BOXES:
        return None
    share = dict(zip(CONVENTIONS, counts.fits / boxes, strict=True))
    ends = dict(zip(CONVENTIONS, counts.ends, strict=True))
    rivals = [
        rival
        for rival in CONVENTIONS
        if rival != declared
        and share[rival] >= FITTING
        and (_more_fit(share, ends, declared, rival) or _reaches_the_edge(ends, declared, rival))
    ]
    if not rivals:
        return None
    # Several fit when their numbers are small enough: then the one whose boxes come to the edges.
    at_edges = {rival: ends[rival][:, EDGE].sum() for rival in rivals}
    fitting = max(rivals, key=lambda rival: at_edges[rival])
    # The same ends are the same boxes: fractions of a square image and of its square, for one.
    others = [rival for rival in rivals if not np.array_equal(ends[rival], ends[fitting])]
    alike = () if at_edges[fitting] else tuple(others)
    return Contradiction(fitting, False, boxes, float(share[declared]), float(share[fitting]), alike)


def _more_fit(
    share: dict[BoxFormat, float], ends: dict[BoxFormat, np.ndarray], declared: BoxFormat, rival: BoxFormat
) -> bool:
    spread = (ends[rival][:, :BEYOND].sum(axis=0) > 0).sum()
    if share[declared] >= TOLERATED or spread < MIN_SPREAD[0]:
        return False
    if {declared.unit, rival.unit} != {"pixel", "thousandth"}:
        return True
    return ends[rival][:, EDGE].sum() >= MIN_EDGE * ends[rival].sum()


def _reaches_the_edge(ends: dict[BoxFormat, np.ndarray], declared: BoxFormat, rival: BoxFormat) -> bool:
    if declared.order != rival.order or {declared.unit, rival.unit} != {"pixel", "thousandth"}:
        return False
    if ends[declared].shape[0] != SIZES:
        return False
    shortest = 16 * 2 ** (np.arange(SIZES) / FINENESS)
    longest = 16 * 2 ** ((np.arange(SIZES) + 1) / FINENESS)
    far = shortest >= 1000 / FAR if declared.unit == "pixel" else longest <= 1000 * FAR
    as_declared, as_rival = ends[declared][far].sum(axis=0), ends[rival][far]
    total = as_declared.sum()
    touched = np.flatnonzero(as_rival[:, EDGE])
    return bool(
        total >= MIN_BOXES
        and as_declared[NEAR:].sum() <= 0.005 * total
        and as_rival[:, BEYOND].sum() <= (1 - FITTING) * total
        and (as_rival[:, :BEYOND].sum(axis=0) > 0).sum() >= MIN_SPREAD[1]
        and touched.size
        and np.ptp(touched) >= APART
    )


def inside_share(counts: Counts, declared: BoxFormat) -> float:
    """Share of boxes that are in order and inside their image as declared."""
    return float(counts.inside[CONVENTIONS.index(declared)] / counts.boxes)


def verdict(counts: Counts, declared: BoxFormat, found: Contradiction | None) -> Verdict:
    """What the numbers say of a declaration; `found` is what `contradiction` says.

    Boxes outside that fit no other convention either contradict it too: they may be of other images. Where
    more than a few are on images that EXIF turns, it must be told what those are drawn on.
    """
    boxes = int(counts.boxes)
    if found is not None or (boxes >= MIN_BOXES and inside_share(counts, declared) < TOLERATED):
        return "contradicted"
    turned, fits, fits_other, both = (int(number) for number in counts.turned)
    told = fits - both >= TELLING and fits >= TOLERATED * turned > fits_other
    if boxes < MIN_BOXES or (boxes - turned < TOLERATED * boxes and not told):
        return "cannot tell"
    return "verified"
