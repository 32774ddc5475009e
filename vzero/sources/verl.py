"""The Parquet form that the reference code (a fork of verl) trains on, ours or its authors'.

Columns `prompt` (messages with `<image>` where the picture goes) and `images`, and where present
`teacher_images` (ready-cut positive crops), `reward_model` (with `ground_truth`) and `extra_info`.

`vzero export verl` keeps our columns in `extra_info`; such rows come back as they were. The authors' own rows
(ZwZ-RL-VQA/verl_format_teacher_crop_train37k) hold no boxes: question and options are taken from the prompt,
and the box is where the ready crop is found in the image, unless `extra_info` has a `bbox` (xyxy pixels).
Known from the reference's code and README only; its data are not published. Licence: our rows hold their own;
the authors' are derived from ZwZ-RL-VQA (Apache-2.0), and the params say what to write down for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Any

from vzero.config import VerlSource
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, NoBox, ReadyCrops, Source, annotate_rows, in_batches
from vzero.sources.zwz import read_problem
from vzero.untrusted.cells import is_null
from vzero.untrusted.rows import files_of, read_rows

COLUMNS = ("prompt", "images")
OURS = ("sample_id", "question", "options", "boxes", "split", "category", "licence")
ROWS_TOGETHER = 20  # each comes with its own copy of a full image


def open_verl(config: VerlSource, paths: Paths) -> Source:
    files = files_of(paths.resolve(config.rows), ".parquet")
    rows = chain.from_iterable(read_rows(file, COLUMNS) for file in files)
    images = paths.resolve(config.images) if config.images is not None else None
    batches = in_batches(annotate_rows(rows, partial(_annotation, config=config)), ROWS_TOGETHER)
    return Source("verl", batches, images=images, inputs=tuple(files))


def _annotation(number: int, row: dict[str, Any], config: VerlSource) -> Annotation:
    extra = _mapping(row.get("extra_info"))
    if all(name in extra for name in OURS):
        return _our_row(number, row, extra)
    return _their_row(number, row, extra, config)


def _our_row(number: int, row: Mapping[str, Any], extra: Mapping[str, Any]) -> Annotation:
    split = extra["split"]
    return Annotation(
        row=number,
        image=row["images"],
        question=extra["question"],
        boxes=extra["boxes"],
        exif="stored",
        options=extra["options"],
        answer=_ground_truth(row),
        sample_id=extra["sample_id"],
        needs_id=True,
        category=str(extra["category"]),
        licence=str(extra["licence"]),
        split=split if split in ("train", "dev") else None,
    )


def _their_row(
    number: int, row: Mapping[str, Any], extra: Mapping[str, Any], config: VerlSource
) -> Annotation:
    problem = _last_message(row.get("prompt"))
    return Annotation(
        row=number,
        image=row.get("images"),
        **read_problem(problem, keep_hint=config.allow_drawn_boxes),
        boxes=_evidence(extra.get("bbox"), row.get("teacher_images"), config),
        refuse_drawn_boxes=not config.allow_drawn_boxes,
        answer=_ground_truth(row),
        licence=config.licence,
    )


def _evidence(box: Any, crops: Any, config: VerlSource) -> Any:
    if box is not None:
        return box
    if is_null(crops) or crops == []:
        return NoBox("neither box nor ready crop")
    return ReadyCrops(crops, config.crop_scale)


def _last_message(prompt: Any) -> Any:
    """What the user says last; a system message before it belongs to the other project's training."""
    messages = prompt if isinstance(prompt, list) else []
    said = [_mapping(message).get("content") for message in messages]
    return said[-1] if said else None


def _ground_truth(row: Mapping[str, Any]) -> Any:
    return _mapping(row.get("reward_model")).get("ground_truth")


def _mapping(cell: Any) -> Mapping[str, Any]:
    return cell if isinstance(cell, dict) else {}
