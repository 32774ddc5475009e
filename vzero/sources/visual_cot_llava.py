"""Visual-CoT in LLaVA's form (huggingface.co/datasets/deepcs233/Visual-CoT): one union box a question.

Licence: of each source data set's images; the annotations are under Apache-2.0. Known from the repository's
code (deepcs233/Visual-CoT, tools/convert_data_to_llava_format.py) and its issue 1.

viscot_363k.json and viscot_mixed_2m.json are lists of rows with `dataset`, `split`, `question_id`, `image`
and `conversations`. The box is there twice: after `###` in the second image entry, `path###[x0, y0, x1, y1]`,
xyxy in whole pixels; and as the first answer, xyxy from 0 to 1 of the square that the image is centred in.
The row does not tell the image's size, which the second form needs: it is the image's own, and where both
forms disagree on it the image is not the annotated one. Rows of other data in the mixed file have no box
(`ingest.missing_box`).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from vzero.config import VisualCotLlavaSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import PIXEL_CORNERS, Annotation, Source, annotate_rows, in_batches
from vzero.sources.conversations import said_by
from vzero.sources.visual_cot import LICENCES
from vzero.untrusted.cleaning import Cleaning, without
from vzero.untrusted.rows import read_rows

COLUMNS = ("image", "conversations")
SEPARATOR = "###"  # between an image's path and its box
PADDED = BoxFormat("xyxy", "fraction_of_square")


def open_visual_cot_llava(config: VisualCotLlavaSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    annotations = annotate_rows(read_rows(path, COLUMNS), partial(_annotation, licence=config.licence))
    images = paths.resolve(config.images)
    return Source("visual_cot_llava", in_batches(annotations), images=images, inputs=(path,))


def _annotation(number: int, row: dict[str, Any], licence: str) -> Annotation:
    asked, answered = (said_by(speaker, row.get("conversations")) for speaker in ("human", "gpt"))
    path, box = _split(row.get("image"))
    # Only after that request is an answer in brackets the box of the evidence.
    question, cleanings = without(Cleaning.BOX_REQUEST, asked[0]) if asked else (None, ())
    requested = bool(cleanings and answered)
    padded = answered[0] if requested and answered[0].startswith("[") else None
    dataset = row.get("dataset")
    name = dataset if isinstance(dataset, str) else ""
    return Annotation(
        row=number,
        image=path,
        question=question,
        cleanings=cleanings,
        boxes=padded if box is None else box,
        box_format=PADDED if box is None else PIXEL_CORNERS,
        restated_box=(padded, PADDED) if box is not None and padded is not None else None,
        answer=answered[-1] if len(answered) > requested else None,
        category=name,
        licence=LICENCES.get(name, licence),
    )


def _split(cell: Any) -> tuple[Any, str | None]:
    """The one image that an image cell means, and the text of the box behind its separator."""
    entries = cell if isinstance(cell, list) else [cell]
    if not all(isinstance(entry, str) for entry in entries):
        return cell, None
    parts = [entry.partition(SEPARATOR) for entry in entries]
    paths = dict.fromkeys(path for path, _, _ in parts)
    boxes = [box for _, mark, box in parts if mark]
    return list(paths), boxes[0] if len(boxes) == 1 else None
