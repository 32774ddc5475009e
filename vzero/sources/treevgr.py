"""TreeVGR-RL-37K (huggingface.co/datasets/HaochenWang/TreeVGR-RL-37K): several boxes a question.

Licence: Apache-2.0, of the repository (Haochen-Wang409/TreeVGR). Boxes: `target_instances`, a list of
`{bbox, name}` or text of one, each bbox xyxy in pixels. Known from the repository's code and the file's name,
which ends in x1y1x2y2.

The Parquet file has `images` (list of one path), `problem` (with its options), `answer` and
`target_instances`; its rows come from SEAL's V* pool and from VisDrone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from vzero.config import TreeVgrSource
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, annotate_rows, in_batches
from vzero.untrusted.cells import split_options
from vzero.untrusted.rows import read_rows

COLUMNS = ("images", "problem", "target_instances")


def open_treevgr(config: TreeVgrSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    annotations = annotate_rows(read_rows(path, COLUMNS), partial(_annotation, licence=config.licence))
    images = paths.resolve(config.images)
    return Source("treevgr", in_batches(annotations), images=images, inputs=(path,))


def _annotation(number: int, row: dict[str, Any], licence: str) -> Annotation:
    problem = row.get("problem")
    question, options = split_options(problem) if isinstance(problem, str) else (problem, [])
    return Annotation(
        row=number,
        image=row.get("images"),
        question=question,
        boxes=row.get("target_instances"),
        options=options,
        answer=row.get("answer"),
        licence=licence,
    )
