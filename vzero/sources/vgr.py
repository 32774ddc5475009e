"""VGR-SFT (huggingface.co/datasets/BytedanceDouyinContent/VGR): boxes inside the reasoning text.

Licence: CC0-1.0 for the annotations, by the card; the images are LLaVA-NeXT's. Boxes: xyxy as
`<SOT>[x1, y1, x2, y2]<EOT><image>` in the text, from 0 to 1 of the image's sides. Known from the paper
(arXiv 2506.11991) and two independent code bases that read the published files. UNVERIFIED: the files
themselves were not seen, so the params declare the scale.

vgr_shortcot.parquet and vgr_longcot.parquet have `image` (path in LLaVA-NeXT's raw format) and
`conversations`, whose first question and reply count: the reasoning, up to `</think>`, and after it the
answer. Copies with columns of their own for question, reasoning and answer are read too, and tags in small
letters.

Boxes were drawn by a model and checked by a model. Every box of the text counts as evidence; a row with a tag
whose other half is missing is a reject, for a box of it is lost.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from vzero.config import VgrSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, NoBox, Source, annotate_rows, in_batches
from vzero.sources.conversations import said_by
from vzero.untrusted.boxes import Numbers, parse_boxes
from vzero.untrusted.cells import parse_literal, split_options
from vzero.untrusted.rejects import Reject, RejectCode, Rejected
from vzero.untrusted.rows import read_rows

CONVERSATIONS = "conversations"
TURNS = re.compile(r"\s*\[\s*\{")  # a list of turns, written down
END_OF_REASONING = "</think>"
TAG = re.compile(r"<[se]ot>", re.IGNORECASE)
# It begins with the first of the spaces before it: tried from each of many, it would take their square.
REGION = re.compile(r"(?<!\s)\s*<sot>([^<>]*)<eot>(?:\s*<image>)?", re.IGNORECASE)


def open_vgr(config: VgrSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    columns = _columns(path, config)
    rows = read_rows(path, tuple(columns.values()))
    notice = (
        f"boxes are read as ingest.vgr.box_unit {config.box_unit} says; code that reads the published files "
        "takes fractions, but the files were not seen: look at some boxes before training on them"
    )
    return Source(
        "vgr",
        in_batches(annotate_rows(rows, partial(_annotation, columns=columns, config=config))),
        images=paths.resolve(config.images),
        inputs=(path,),
        notices=(notice,),
    )


def _columns(path: Path, config: VgrSource) -> dict[str, str]:
    """Which column holds what: as declared, or the conversations where the file has no such column."""
    declared = config.columns.model_dump()
    first = next(read_rows(path, (config.columns.image,)), None)
    found = first if isinstance(first, dict) else {}
    texts = {what: name for what, name in declared.items() if what != "image" and name not in found}
    return declared | dict.fromkeys(texts, CONVERSATIONS) if CONVERSATIONS in found else declared


def _annotation(
    number: int, row: dict[str, Any], columns: dict[str, str], config: VgrSource
) -> Annotation | Reject:
    image, asked, reply, answer = (
        row.get(columns[what]) for what in ("image", "question", "reasoning", "answer")
    )
    try:
        asked, reply, answer = _first("human", asked), _first("gpt", reply), _first("gpt", answer)
        question, options = split_options(asked) if isinstance(asked, str) else (asked, [])
        boxes = _boxes(reply)
    except Rejected as rejected:
        name = image if isinstance(image, str) else None
        return Reject(number, rejected.code, rejected.detail, image=name)
    return Annotation(
        row=number,
        image=image,
        question=question,
        boxes=boxes,
        box_format=BoxFormat("xyxy", config.box_unit),
        options=options,
        answer=_answer(answer),
        licence=config.licence,
    )


def _first(speaker: Any, cell: Any) -> Any:
    """What is said first, of a cell that holds a conversation, as text where the form has no lists; any other
    cell as it is."""
    if isinstance(cell, str) and TURNS.match(cell):
        try:
            cell = parse_literal(cell)
        except ValueError as error:
            raise Rejected(RejectCode.MALFORMED_ROW, f"not a conversation: {error}") from error
    if not isinstance(cell, list):
        return cell
    return next(iter(said_by(speaker, cell)), None)


def _boxes(reply: Any) -> list[Numbers] | NoBox:
    """All boxes between tags; none where a pair of tags has nothing between them."""
    if not isinstance(reply, str):
        return []
    found = REGION.findall(reply)
    if len(TAG.findall(reply)) != 2 * len(found):
        raise Rejected(RejectCode.BAD_BOX, "a <sot> without its <eot>, or the other way round")
    if not all(text.strip() for text in found):
        return NoBox("nothing between <sot> and <eot>")
    return [box for text in found for box in parse_boxes(text)]


def _answer(reply: Any) -> Any:
    """What is said after the reasoning, without boxes; `None` where the reasoning does not end."""
    if not isinstance(reply, str):
        return reply
    _, end, said = reply.rpartition(END_OF_REASONING)
    unfinished = not end and "<think>" in reply
    return None if unfinished else REGION.sub("", said).strip()
