"""ZwZ-RL-VQA (huggingface.co/datasets/inclusionAI/ZwZ-RL-VQA, Apache-2.0): one box a question.

Box: `bbox`, xyxy in pixels of the clean original, as list or text. Known from the repository's code
(inclusionAI/Zooming-without-Zooming, data_synthesis/create_vqa.py and convert_jsonl2parquet.py), which keeps
boxes of less than a tenth of the image, and questions that a small model gets right at most once of four.

train.parquet has `images` (path of the one image), `problem` (question, hint, options and a request for the
letter; a marker where the image goes is optional), `bbox`, and where present `answer` (letter) and `status`.
The mini and CSV forms have `original_images` instead, as text of a list in CSV, and `ability` and
`data_source` as well. The published `images` carry a red rectangle around the answer: the image folder must
hold the clean originals under the same names.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from vzero.config import ZwzSource
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, annotate_rows, in_batches
from vzero.untrusted.cells import parse_literal, split_options
from vzero.untrusted.cleaning import Cleaning, without
from vzero.untrusted.rows import read_rows


def open_zwz(config: ZwzSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    rows = read_rows(path, (config.image_column, "problem", "bbox"))
    images = paths.resolve(config.images)
    annotations = annotate_rows(rows, partial(_annotation, config=config))
    return Source("zwz", in_batches(annotations), images=images, inputs=(path,))


def _annotation(number: int, row: dict[str, Any], config: ZwzSource) -> Annotation:
    return Annotation(
        row=number,
        image=_listed(row.get(config.image_column)),
        **read_problem(row.get("problem"), keep_hint=config.allow_drawn_boxes),
        boxes=row.get("bbox"),
        refuse_drawn_boxes=not config.allow_drawn_boxes,
        answer=row.get("answer"),
        category=str(row.get("ability") or row.get("data_source") or ""),
        licence=config.licence,
    )


def read_problem(problem: Any, *, keep_hint: bool) -> dict[str, Any]:
    """What an annotation has of a problem, with or without the sentence about the red box."""
    if not isinstance(problem, str):
        return {"question": problem}
    text, cleanings = (problem, ()) if keep_hint else without(Cleaning.RED_BOX, problem)
    question, options = split_options(text)
    return {"question": question, "options": options, "cleanings": cleanings}


def _listed(cell: Any) -> Any:
    """A CSV cell such as `['a.png']` as the list it is the text of."""
    if not isinstance(cell, str) or not cell.startswith("["):
        return cell
    try:
        return parse_literal(cell)
    except ValueError:
        return cell
