"""V*'s own folders: high-resolution photographs, each with a JSON file of the same stem beside it.

Where: huggingface.co/datasets/craigwu/vstar_bench, folders `direct_attributes` and `relative_position`.
It is a benchmark of 191 items: who trains on it cannot evaluate on it. Data of one's own can take its form.
Licence: not known here; the photographs are from SA-1B, which has research terms of its own.
Boxes: `bbox` is a list of [x, y, width, height] in pixels of the image, one for each name in
`target_object`; known from the published evaluation code
(penghao-wu/vstar, vstar_bench_eval.py and visual_search.py).

The right option is the first in every file, so the options are put in an order drawn from the item's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vzero.config import VstarSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches
from vzero.sources.shuffle import shuffled
from vzero.untrusted.cells import LETTERS, is_null, parse_options
from vzero.untrusted.files import PICTURES
from vzero.untrusted.json_stream import LONGEST_ITEM, parse_json
from vzero.untrusted.rejects import Reject, RejectCode, Rejected

FOLDERS = ("direct_attributes", "relative_position")


def open_vstar_folders(config: VstarSource, paths: Paths) -> Source:
    root = paths.resolve(config.images)
    stems: dict[str, list[Path]] = {}
    for path in sorted(path for folder in FOLDERS for path in (root / folder).glob("*")):
        # Only plain files: a pipe or a device of that name would never end.
        if path.suffix.lower() in (".json", *PICTURES) and not path.name.startswith(".") and path.is_file():
            stems.setdefault(path.relative_to(root).with_suffix("").as_posix(), []).append(path)
    if not stems:
        raise SourceError(f"{root}: no images and JSON files in {' or '.join(FOLDERS)}")
    files = [path for several in stems.values() for path in several if path.suffix.lower() == ".json"]
    annotations = _annotations(root, stems, config.licence)
    return Source("vstar", in_batches(annotations), images=root, inputs=tuple(files), total=len(stems))


def _annotations(root: Path, stems: dict[str, list[Path]], licence: str) -> Iterator[Annotation | Reject]:
    for number, (stem, several) in enumerate(stems.items()):
        try:
            pictures = [path for path in several if path.suffix.lower() != ".json"]
            if len(pictures) != 1:
                raise Rejected(RejectCode.MISSING_IMAGE, f"{len(pictures)} images beside the JSON file")
            item = _read([path for path in several if path not in pictures])
            options, answer = _options(item.get("options"), stem)
            yield Annotation(
                row=number,
                image=pictures[0].relative_to(root).as_posix(),
                question=item.get("question"),
                boxes=_boxes(item),
                box_format=BoxFormat("xywh", "pixel"),
                options=options,
                answer=answer,
                sample_id=stem,
                needs_id=True,
                category=stem.partition("/")[0],
                licence=licence,
            )
        except Rejected as rejected:
            yield Reject(number, rejected.code, rejected.detail, sample_id=stem)


def _read(files: list[Path]) -> dict[str, Any]:
    if not files:
        raise Rejected(RejectCode.MISSING_BOX, "no JSON file beside the image")
    try:
        with files[0].open("rb") as file:
            item = parse_json(file.read(LONGEST_ITEM + 1))
    except (ValueError, OSError) as error:
        raise Rejected(RejectCode.MALFORMED_ROW, f"not readable JSON: {error}") from error
    if not isinstance(item, dict):
        raise Rejected(RejectCode.MALFORMED_ROW, f"not a JSON object but {type(item).__name__}")
    return item


def _options(cell: Any, stem: str) -> tuple[list[str], str | None]:
    """The options in their drawn order, and the letter of the one that was first."""
    if is_null(cell):
        raise Rejected(RejectCode.BAD_OPTIONS, "no options")
    options = parse_options(cell)
    order = shuffled(options, stem)
    return order, LETTERS[order.index(options[0])] if options else None


def _boxes(item: dict[str, Any]) -> Any:
    boxes, names = item.get("bbox"), item.get("target_object")
    if isinstance(boxes, list) and isinstance(names, list) and len(boxes) != len(names):
        raise Rejected(RejectCode.BAD_BOX, f"{len(boxes)} boxes of {len(names)} objects")
    return boxes
