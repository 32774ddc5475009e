"""ZwZ-RL-VQA: one box a question, in pixels of the clean original.

Columns `images` (path of the one image), `problem` (marker, question and often the options), `bbox`
(xyxy), and where present `answer` (letter), `ability` and `status`. The published images carry a red
rectangle around the answer; the image folder must hold the clean originals under the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vzero.config import ZwzSource
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches
from vzero.sources.cells import split_options
from vzero.sources.rejects import Reject, RejectCode
from vzero.sources.rows import Row, read_rows

COLUMNS = ("images", "problem", "bbox")


def open_zwz(config: ZwzSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    annotations = _annotations(read_rows(path, COLUMNS), config.licence)
    return Source("zwz", in_batches(annotations), images=paths.resolve(config.images), inputs=(path,))


def _annotations(rows: Iterator[Row], licence: str) -> Iterator[Annotation | Reject]:
    for number, row in enumerate(rows):
        if isinstance(row, str):
            yield Reject(number, RejectCode.MALFORMED_ROW, row)
            continue
        question, options = _split(row.get("problem"))
        yield Annotation(
            row=number,
            image=row.get("images"),
            question=question,
            boxes=row.get("bbox"),
            options=options,
            answer=row.get("answer"),
            category=str(row.get("ability") or ""),
            licence=licence,
        )


def _split(problem: Any) -> tuple[Any, list[str]]:
    return split_options(problem) if isinstance(problem, str) else (problem, [])
