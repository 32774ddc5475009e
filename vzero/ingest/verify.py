"""Whether a whole source writes its boxes as declared: the verdict, and the picture that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vzero import geometry, shards
from vzero.config import Ingest, SourceName
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.ingest import checked_parts
from vzero.ingest.box_sheet import Drawn, draw_disputed
from vzero.ingest.convention_counts import read_counts
from vzero.ingest.conventions import (
    MIN_BOXES,
    Contradiction,
    Counts,
    SourceBox,
    Verdict,
    contradiction,
    fit,
    inside_share,
    verdict,
)
from vzero.ingest.grid import DrawnOn, Grid
from vzero.ingest.image_store import CheckedImage, ImageStore
from vzero.ingest.subsets import KINDS, Subset, subsets_of
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, NoBox, ReadyCrops, Source
from vzero.sources.catalogue import open_source
from vzero.untrusted.boxes import Numbers, parse_boxes
from vzero.untrusted.cells import folder_of, single_image
from vzero.untrusted.rejects import Reject, Rejected

LOOKED_AT = 400  # rows from which the disputed boxes to draw are taken
DRAWN = 6
SHEET = Path("ingest/box_convention.png")  # in the scratch folder
MOST_LISTED = 20  # subsets of a kind
VERDICTS: tuple[Verdict, ...] = ("contradicted", "cannot tell", "verified")

Summary = dict[str, dict[str, dict[str, Any]]]


def verify(config: Ingest, paths: Paths, folder: Path) -> Summary:
    """What the counts in `folder` say, by source and declared convention: boxes, share inside, verdict.

    The same of the subsets, by kind and name. Raises SourceError when boxes contradict a declaration
    and `ingest.verify_boxes` is on; disputed boxes are then drawn to `.vzero/ingest/box_convention.png`.
    """
    summary: Summary = {}
    for (name, declared), counts in read_counts(checked_parts.stored_counts(folder)).items():
        subsets = sorted(counts.subsets.items(), key=lambda item: KINDS.index(item[0].kind))
        found = {subset: contradiction(part, declared) for subset, part in [(None, counts.whole), *subsets]}
        if config.verify_boxes:
            for subset, contradicted in found.items():
                if contradicted is not None:
                    raise _error(name, config, paths, Dispute(declared, contradicted, subset))
        whole = _judged(counts.whole, declared, found[None])
        turned = int(counts.whole.turned[0]) / int(counts.whole.boxes)
        judged = {subset: _judged(part, declared, found[subset]) for subset, part in subsets}
        row = whole | {"exif_oriented": round(turned, 4), "subsets": _listed(judged)}
        summary.setdefault(name, {})[_name(declared)] = row
    return summary


def _judged(counts: Counts, declared: BoxFormat, found: Contradiction | None) -> dict[str, Any]:
    return {
        "boxes": int(counts.boxes),
        "inside": round(inside_share(counts, declared), 4),
        "verdict": verdict(counts, declared, found),
    }


def _listed(judged: dict[Subset, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """By kind and name, those with the worst verdict and the most boxes first; none that are the whole."""
    listed: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in KINDS:
        parts = {subset.name: row for subset, row in judged.items() if subset.kind == kind}
        if len(parts) > 1 or (kind == "orientation" and set(parts) != {"1"}):
            order = sorted(parts, key=partial(_worst_first, parts))
            listed[kind] = {name: parts[name] for name in order[:MOST_LISTED]}
    return listed


def _worst_first(parts: dict[str, dict[str, Any]], name: str) -> tuple[int, int, str]:
    return VERDICTS.index(parts[name]["verdict"]), -parts[name]["boxes"], name


def describe(summary: Summary, config: Ingest) -> Iterator[str]:
    """Lines for people about each declared convention, and about what it is not verified of."""
    for source, name, row in ((s, name, row) for s, rows in summary.items() for name, row in rows.items()):
        yield f"{source}: {row['boxes']:,} boxes of {name}, {_in_words(row)}"
        for kind, parts in row["subsets"].items():
            for part, judged in parts.items():
                subset, boxes = Subset(kind, part), f"{source}: {judged['boxes']:,} of these boxes"
                if judged["verdict"] == "contradicted":
                    yield f"{boxes}, of {subset}: {_in_words(judged)}"
                elif kind == "orientation" and part != "1" and judged["verdict"] == "cannot tell":
                    yield (
                        f"{boxes} are on images of {subset}, taken as drawn on the {config.exif} image "
                        "(ingest.exif): the numbers cannot tell"
                    )


def _in_words(row: dict[str, Any]) -> str:
    inside = f"{row['inside']:.1%} inside their image"
    if row["verdict"] == "verified":
        return f"{inside}: verified, they are as declared"
    if row["verdict"] == "contradicted":
        return f"{inside}: contradicted, look at some before training on them"
    few = f", as fewer than {MIN_BOXES} are too few" if row["boxes"] < MIN_BOXES else ""
    return f"{inside}: cannot tell whether they are as declared{few}"


def _name(convention: BoxFormat) -> str:
    return f"{convention.order} {convention.unit}"


class Dispute(NamedTuple):
    """What the boxes of a source, or of a subset of it, say instead of what is declared."""

    declared: BoxFormat
    found: Contradiction
    subset: Subset | None


def _error(name: SourceName, config: Ingest, paths: Paths, dispute: Dispute) -> SourceError:
    sheet = paths.scratch / SHEET
    with shards.atomic_path(sheet) as temporary:
        temporary.write_bytes(_draw(open_source(name, config, paths), config, dispute))
    return SourceError(_complaint(name, config, dispute, sheet))


def _complaint(name: SourceName, config: Ingest, dispute: Dispute, sheet: Path) -> str:
    """Which source, what its boxes say, what to change, and where to look."""
    declared, found, subset = dispute
    source = name if subset is None else f"{name}, images of {subset}"
    numbers = f"{found.as_declared:.1%} of {found.boxes:,} boxes fit their image so, {found.as_fitting:.1%}"
    look = f"Look at {sheet}. If the boxes are right as declared: ingest.verify_boxes: false"
    if found.turned:
        other = _other(config.exif)
        return (
            f"{source}: boxes are declared as drawn on the {config.exif} image but are on the {other} one: "
            f"{numbers} on the {other} one. Set ingest.exif: {other}. {look}"
        )
    if subset is not None:
        change = "One convention is declared for all of a source: mend these rows, or leave them out"
        return (
            f"{source}: boxes are declared as {_name(declared)} but are {_name(found.fitting)}: {numbers} "
            f"as {_name(found.fitting)}. {change}. {look}"
        )
    section = getattr(config.settings, name)
    changes = {
        "box_order": (declared.order, found.fitting.order),
        "box_unit": (declared.unit, found.fitting.unit),
    }
    keys = {key: new for key, (old, new) in changes.items() if old != new}
    if all(hasattr(section, key) for key in keys) and found.fitting.unit != "fraction_of_square":
        change = "Set " + " and ".join(f"{config.key(name)}.{key}: {new}" for key, new in keys.items())
    else:
        change = "This reader knows the published form only; ingest.source: table reads other conventions"
    alike = f" They fit {', '.join(map(_name, found.alike))} as well: find out which." if found.alike else ""
    return (
        f"{name}: boxes are declared as {_name(declared)} but are {_name(found.fitting)}: {numbers} "
        f"as {_name(found.fitting)}. {change}.{alike} {look}"
    )


def _other(drawn_on: DrawnOn) -> DrawnOn:
    return "shown" if drawn_on == "stored" else "stored"


def _draw(source: Source, config: Ingest, dispute: Dispute) -> bytes:
    if dispute.found.turned:
        titles = f"declared: the {config.exif} image", f"fits: the {_other(config.exif)} image"
    else:
        titles = f"declared: {_name(dispute.declared)}", f"fits: {_name(dispute.found.fitting)}"
    return draw_disputed(list(_disputed(source, config, dispute)), titles)


class Candidate(NamedTuple):
    """A row that may be drawn."""

    fits: bool
    """Whether all its boxes fit as declared."""
    row: int
    boxes: list[Numbers]
    checked: CheckedImage
    grid: Grid
    """As declared."""
    fitting: Grid


def _disputed(source: Source, config: Ingest, dispute: Dispute) -> Iterator[tuple[Drawn, Drawn, str]]:
    """Rows to draw: of those looked at, such as do not fit as declared first, each of another image."""
    declared, found, subset = dispute
    store = ImageStore(source.name, source.images, config.max_megapixels, config.upright)
    candidates = []
    for annotation, boxes, checked in _rows(source, store, declared):
        grid = checked.grid(config.exif)
        fitting = checked.grid(_other(config.exif)) if found.turned else grid
        source_boxes = [
            SourceBox(box, declared, grid.extent, grid.orientation, folder_of(annotation.image))
            for box in boxes
        ]
        concerned = subset is None or subset in subsets_of(source_boxes[0])
        if (
            concerned
            and _all_fit(boxes, found.fitting, fitting)
            and (fitting.extent != grid.extent) == found.turned
        ):
            as_declared = _all_fit(boxes, declared, grid)
            candidates.append(Candidate(as_declared, annotation.row, boxes, checked, grid, fitting))
    candidates.sort(key=lambda candidate: candidate[:2])
    first_of_image = {candidate.checked.row["image_id"]: candidate for candidate in reversed(candidates)}
    chosen = sorted(first_of_image.values(), key=lambda candidate: candidate[:2])[:DRAWN]
    for _, row, boxes, checked, grid, fitting in chosen:
        picture = store.pixels(checked.row["image_id"])
        yield (
            Drawn(grid.pixels(picture), [geometry.to_pixels(box, declared, *grid.extent) for box in boxes]),
            Drawn(
                fitting.pixels(picture),
                [geometry.to_pixels(box, found.fitting, *fitting.extent) for box in boxes],
            ),
            f"row {row}: {grid.extent[0]} x {grid.extent[1]} pixels; the numbers are {_short(boxes)}",
        )


def _all_fit(boxes: Sequence[Numbers], convention: BoxFormat, grid: Grid) -> bool:
    return bool(fit(np.array(boxes, np.float64), convention, np.tile(grid.extent, (len(boxes), 1))).all())


def _rows(
    source: Source, store: ImageStore, declared: BoxFormat
) -> Iterator[tuple[Annotation, list[Numbers], CheckedImage]]:
    """The first rows of this convention that can be read, their boxes and images."""
    looked_at = 0
    for batch in source.batches:
        for annotation in batch.load():
            looked_at += 1
            if isinstance(annotation, Reject) or isinstance(annotation.boxes, ReadyCrops | NoBox):
                continue
            if annotation.box_format == declared:
                try:
                    boxes = parse_boxes(annotation.boxes)
                    checked = store.add(single_image(annotation.image), annotation.licence)
                except Rejected:
                    continue
                yield annotation, boxes, checked
        if looked_at >= LOOKED_AT:
            return


def _short(boxes: Sequence[Sequence[float]]) -> str:
    first = ", ".join(f"{number:.6g}" for number in boxes[0])
    return f"[{first}]" + (f" and {len(boxes) - 1} more" if len(boxes) > 1 else "")
