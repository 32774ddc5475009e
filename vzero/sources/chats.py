"""Grounding chats: conversations with boxes written into the text, as vision-language models are tuned on.

Boxes: xyxy, as declared: pixels of the picture, 0-1 or 0-1000 of its sides (Qwen3-VL), or pixels of the
picture as Qwen2.5-VL resizes it. Written as `<|box_start|>(x1,y1),(x2,y2)<|box_end|>` (Qwen2-VL), as
`<box>(x1,y1),(x2,y2)</box>` (Qwen-VL), as `<box>[x1, y1, x2, y2]</box>` (TreeVGR-SFT), or as JSON with
`bbox_2d`, fenced or not (Qwen2.5-VL). Known from those models' documentation and TreeVGR's code; no published
file was seen (unverified). Licence: as the params say.

Rows are ShareGPT's (`conversations` of `from` and `value`) or OpenAI's (`messages` of `role` and `content`,
text or parts), with the picture in `image` or `images`. The first question and the first answer count. The
boxes are the answer's; their marks are taken off, and of an answer that is nothing else nothing is left. A
question with a box in it would not say what it asks about without the numbers, and is a reject.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from vzero.config import ChatsSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, NoBox, Source, annotate_rows, in_batches
from vzero.sources.extents import extent_of
from vzero.sources.resizing import resized
from vzero.untrusted.boxes import Numbers, parse_boxes
from vzero.untrusted.cells import parse_literal
from vzero.untrusted.files import Images, open_images
from vzero.untrusted.rejects import Reject, RejectCode, Rejected
from vzero.untrusted.rows import read_rows
from vzero.untrusted.tar_shards import Progress

NUMBER = r" {0,9}(-?\d{1,9}(?:\.\d{1,9})?) {0,9}"
CORNERS = rf"\({NUMBER},{NUMBER}\) {{0,9}}, {{0,9}}\({NUMBER},{NUMBER}\)"
MARKED = (
    re.compile(rf"<\|box_start\|>{CORNERS}<\|box_end\|>"),
    re.compile(rf"<box>{CORNERS}</box>"),
    re.compile(rf"<box>\[{NUMBER},{NUMBER},{NUMBER},{NUMBER}\]</box>"),
)
NAMED = re.compile(r"</?ref>|<\|object_ref_(?:start|end)\|>")
FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)
ASKING, ANSWERING = ("human", "user"), ("gpt", "assistant")


def open_chats(config: ChatsSource, paths: Paths, advance: Progress = lambda done, total: None) -> Source:
    path = paths.resolve(config.rows)
    images = open_images(paths.resolve(config.images), paths.scratch, advance)
    annotations = annotate_rows(read_rows(path, ()), partial(_annotation, images=images, config=config))
    return Source("chats", in_batches(annotations), images=images, inputs=(path,))


def _annotation(number: int, row: dict[str, Any], images: Images, config: ChatsSource) -> Annotation | Reject:
    image = row.get("images") if row.get("image") is None else row["image"]
    asked, answered = (_said(row, speakers) for speakers in (ASKING, ANSWERING))
    question, pointed = _without_boxes(asked)
    answer, found = _without_boxes(answered)
    name = image if isinstance(image, str) else None
    if pointed:
        what = "the question points at a box by its numbers, and asks nothing without them"
        return Reject(number, RejectCode.MISSING_QUESTION, what, image=name)
    unit = config.box_unit
    try:
        if unit == "resized" and found:
            found, unit = _of_sides(found, extent_of(image, images), config), "fraction"
    except Rejected as rejected:
        return Reject(number, rejected.code, rejected.detail, image=name)
    return Annotation(
        row=number,
        image=image,
        question=question,
        boxes=[list(box) for box in found] if found else NoBox("no box in the answer"),
        box_format=BoxFormat("xyxy", "pixel" if unit == "resized" else unit),
        answer=answer or None,
        licence=config.licence,
    )


def _said(row: dict[str, Any], speakers: tuple[str, str]) -> str:
    """The first text of a speaker in either form; "" without one."""
    turns = row.get("messages") if row.get("conversations") is None else row["conversations"]
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, dict) and turn.get("from", turn.get("role")) in speakers:
            said = turn.get("value", turn.get("content"))
            parts = said if isinstance(said, list) else [said]
            texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
            return "\n".join(text for text in texts if isinstance(text, str))
    return ""


def _without_boxes(text: str) -> tuple[str, list[Numbers]]:
    """A text without the boxes in it, and these."""
    if (listed := _of_json(text)) is not None:
        return "", listed
    found = sorted((match.start(), match) for mark in MARKED for match in mark.finditer(text))
    boxes = [tuple(float(number) for number in match.groups()) for _, match in found]
    for mark in (*MARKED, NAMED):
        text = mark.sub("", text)
    return re.sub(r" {2,9}", " ", text).strip(), [(a, b, c, d) for a, b, c, d in boxes]


def _of_json(text: str) -> list[Numbers] | None:
    """The boxes of a text that is JSON with `bbox_2d`; None of any other."""
    fenced = FENCE.match(text)
    inner = fenced[1] if fenced else text.strip()
    if "bbox_2d" not in inner or not inner.startswith(("[", "{")):
        return None
    try:
        return parse_boxes(parse_literal(inner))
    except (ValueError, Rejected):
        return None


def _of_sides(boxes: list[Numbers], extent: tuple[int, int], config: ChatsSource) -> list[Numbers]:
    """Boxes on the resized picture as parts of its sides."""
    width, height = resized(extent, config.resized)
    return [(x1 / width, y1 / height, x2 / width, y2 / height) for x1, y1, x2, y2 in boxes]
