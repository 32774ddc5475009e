"""Vision-OPD-6K (huggingface.co/datasets/yuanqianhao/Vision-OPD-6K): one box a question.

Licence: the code is under Apache-2.0; the data set's own is unverified. Box: `bbox`, xyxy in pixels of the
clean original. Known from the repository's code; the rows come from ZwZ-RL-VQA.

train.jsonl has `images` (full image with a red box drawn), `teacher_images` (crop), `original_images`
(clean), `problem`, `answer`, `bbox` and `extra_info`. Paths are lists of one. The student gets the clean
image unless red boxes are asked for. Some of the images are those of V*: `ingest` lists such overlaps.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from vzero.config import VisionOpdSource
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, annotate_rows, in_batches
from vzero.sources.zwz import read_problem
from vzero.untrusted.rows import read_rows


def open_vision_opd(config: VisionOpdSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    column = "images" if config.allow_drawn_boxes else "original_images"
    rows = read_rows(path, (column, "problem", "bbox"))
    annotations = annotate_rows(rows, partial(_annotation, column=column, config=config))
    images = paths.resolve(config.images)
    return Source("vision_opd", in_batches(annotations), images=images, inputs=(path,))


def _annotation(number: int, row: dict[str, Any], column: str, config: VisionOpdSource) -> Annotation:
    return Annotation(
        row=number,
        image=row.get(column),
        **read_problem(row.get("problem"), keep_hint=config.allow_drawn_boxes),
        boxes=row.get("bbox"),
        refuse_drawn_boxes=not config.allow_drawn_boxes,
        answer=row.get("answer"),
        licence=config.licence,
    )
