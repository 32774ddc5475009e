"""Visual-CoT metadata (huggingface.co/datasets/deepcs233/Visual-CoT): several boxes a question.

Licence: of each source data set's images; the annotations are under Apache-2.0, by the card. Boxes: `bboxs`,
a list of xyxy in pixels of the original image. Known from the repository's code (deepcs233/Visual-CoT,
tools/convert_data_to_llava_format.py).

The images are in one folder a source data set. Columns `question`, `image` (bare name), `dataset`, `bboxs`,
and where present `answer`, `width` and `height`. Image names are not unique, so the `dataset` column says
which sub-folder is meant.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import Any

from vzero.config import VisualCotSource
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, annotate_rows, in_batches
from vzero.untrusted.rows import files_of, read_rows

COLUMNS = ("question", "image", "dataset", "bboxs")

# Where the sub-folder is not called what the dataset column says.
FOLDERS = {"textcap": "textvqa", "visual7w": "v7w"}

# Licences of the pictures, UNVERIFIED: no published file tells them. Others get the one from the params.
LICENCES = {
    "gqa": "CC BY 4.0",
    "openimages": "CC BY 2.0",
    "textcap": "CC BY 4.0",
    "textvqa": "CC BY 4.0",
}


def open_visual_cot(config: VisualCotSource, paths: Paths) -> Source:
    files = files_of(paths.resolve(config.rows), ".jsonl")
    rows = chain.from_iterable(read_rows(file, COLUMNS) for file in files)
    annotations = annotate_rows(rows, partial(_annotation, licence=config.licence))
    images = paths.resolve(config.images)
    return Source("visual_cot", in_batches(annotations), images=images, inputs=tuple(files))


def _annotation(number: int, row: dict[str, Any], licence: str) -> Annotation:
    dataset = row.get("dataset")
    name = dataset if isinstance(dataset, str) else ""
    return Annotation(
        row=number,
        image=_image(name, row.get("image")),
        question=row.get("question"),
        boxes=row.get("bboxs"),
        answer=row.get("answer"),
        annotated_size=(row.get("width"), row.get("height")),
        category=name,
        licence=LICENCES.get(name, licence),
    )


def _image(dataset: str, name: Any) -> str | None:
    if not dataset or not isinstance(name, str) or not name:
        return None
    return f"{FOLDERS.get(dataset, dataset)}/{name}"
