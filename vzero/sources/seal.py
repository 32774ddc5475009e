"""SEAL's visual search data (huggingface.co/datasets/craigwu/seal_vqa_data): several boxes a question.

Licence: none stated; the images are COCO's and GQA's. Boxes: `target_instances`, a list of `{name, bbox,
instance_id}`, each bbox xywh in pixels, not whole ones. Known from the training code (penghao-wu/vstar,
LLaVA/llava/train/train_search.py).

GQA_data, llava_focus_data, spatial_relation_data and vaw_attribute_data .json are lists of rows with `image`
(path), `conversations`, `search` and `target_instances`. Rows of the other two files have no boxes and are
rejected. Of a conversation the first question and answer count. The line of a question that lists what to
look at, at the places of `<object>` marks, would tell the student and is left out; that it is a line of its
own is known from the evaluation code only (vstar_bench_eval.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from vzero.config import SealSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, annotate_rows, in_batches
from vzero.sources.conversations import said_by
from vzero.untrusted.cleaning import Cleaning, without
from vzero.untrusted.rejects import Reject
from vzero.untrusted.rows import files_of, read_rows

COLUMNS = ("image", "conversations")


def open_seal(config: SealSource, paths: Paths) -> Source:
    files = files_of(paths.resolve(config.rows), ".json")
    annotations = _annotations(files, config.licence)
    images = paths.resolve(config.images)
    return Source("seal", in_batches(annotations), images=images, inputs=tuple(files))


def _annotations(files: list[Path], licence: str) -> Iterator[Annotation | Reject]:
    numbers = count()
    for file in files:
        annotate = partial(_annotation, category=file.stem.removesuffix("_data"), licence=licence)
        yield from annotate_rows(read_rows(file, COLUMNS), annotate, numbers)


def _annotation(number: int, row: dict[str, Any], category: str, licence: str) -> Annotation:
    asked, answered = (said_by(speaker, row.get("conversations")) for speaker in ("human", "gpt"))
    question, cleanings = without(Cleaning.LISTED_OBJECTS, asked[0]) if asked else (None, ())
    return Annotation(
        row=number,
        image=row.get("image"),
        question=question,
        cleanings=cleanings,
        boxes=row.get("target_instances"),
        box_format=BoxFormat("xywh", "pixel"),
        answer=answered[0] if answered else None,
        category=category,
        licence=licence,
    )
