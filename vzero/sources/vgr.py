"""VGR-SFT (huggingface.co/datasets/BytedanceDouyinContent/VGR): boxes inside the reasoning text.

Licence: CC0-1.0 for the annotations, by the card; the images are LLaVA-NeXT's. Boxes: xyxy as
`<sot>[x1, y1, x2, y2]<eot>` in the text, by the paper (arXiv 2506.11991). UNVERIFIED: the scale of their
numbers, which the params declare, and the names of the columns.

The Parquet files have an image (path in LLaVA-NeXT's raw format), a question, a reasoning text and an answer.
Boxes were drawn by a model and checked by a model. Every box of the text counts as evidence.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from vzero.config import VgrSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches
from vzero.sources.cells import split_options
from vzero.sources.rows import annotate_rows, read_rows

TAGGED = re.compile(r"<sot>\s*(\[[^\[\]]*\])\s*<eot>")


def open_vgr(config: VgrSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    rows = read_rows(path, tuple(config.columns.model_dump().values()))
    notice = (
        f"nothing published tells the scale of these boxes; they are read as ingest.vgr.box_unit "
        f"{config.box_unit} says, which is unverified: look at some before training on them"
    )
    return Source(
        "vgr",
        in_batches(annotate_rows(rows, partial(_annotation, config=config))),
        images=paths.resolve(config.images),
        inputs=(path,),
        notices=(notice,),
    )


def _annotation(number: int, row: dict[str, Any], config: VgrSource) -> Annotation:
    columns = config.columns
    asked = row.get(columns.question)
    question, options = split_options(asked) if isinstance(asked, str) else (asked, [])
    return Annotation(
        row=number,
        image=row.get(columns.image),
        question=question,
        boxes=_boxes(row.get(columns.reasoning)),
        box_format=BoxFormat("xyxy", config.box_unit),
        options=options,
        answer=row.get(columns.answer),
        licence=config.licence,
    )


def _boxes(reasoning: Any) -> str | None:
    """Text of the list of all boxes between tags."""
    found = TAGGED.findall(reasoning) if isinstance(reasoning, str) else []
    return f"[{', '.join(found)}]" if found else None
