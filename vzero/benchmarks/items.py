"""From a row of a published file to a row of the table of benchmark items, or the reason why not."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vzero import geometry, imaging
from vzero.benchmarks.cells import (
    Options,
    answer_letter,
    images_in,
    options_in_list,
    options_in_text,
    require,
    text_of,
)
from vzero.benchmarks.declaration import Benchmark, Form
from vzero.config import Crops
from vzero.crops.positive import positive_view
from vzero.geometry import Box, BoxFormat
from vzero.prompts.parts import IMAGE_MARK
from vzero.untrusted.boxes import parse_boxes
from vzero.untrusted.cells import LETTERS
from vzero.untrusted.rejects import RejectCode, Rejected

Picture = dict[str, Any]
CONTENT = ("question", "options", "answer", "kind", "category", "l2_category", "source", "cycle", "prompt")


@dataclass
class ItemReader:
    """Turns rows of one form of a benchmark into items, each image decoded once however many rows hold it."""

    benchmark: Benchmark
    form: Form
    max_megapixels: float
    crops: Crops
    """How the crop is cut where only boxes are published."""
    _pictures: dict[str, Picture | Rejected] = field(default_factory=dict)

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Columns of `BenchmarkItems` but for the version. Raises Rejected for what cannot be asked."""
        form = self.form
        item = require(_cell(row, form.item), RejectCode.MISSING_ID, "id")
        asked = require(_cell(row, form.question), RejectCode.MISSING_QUESTION, "question")
        question, options = _question_and_options(row, form, asked)
        kind, answer, options = _answer(row, form, item, options)
        images = [image for column in form.images for image in images_in(row.get(column))]
        if not images:
            raise Rejected(RejectCode.MISSING_IMAGE, "no image in the row")
        if self.benchmark.marks_images:
            _check_marks([asked, *options], len(images))
        pictures = [self._picture(image) for image in images]
        boxes = _boxes(row, form, (pictures[0]["width"], pictures[0]["height"]))
        crop = self._crop(row, images[0], boxes)
        return {
            "benchmark": self.benchmark.name,
            "item": item,
            "group": f"{self.benchmark.name}-{hashlib.sha256(images[0]).hexdigest()[:16]}",
            "question": question if kind == "choice" else asked,
            "options": options,
            "answer": answer,
            "kind": kind,
            "answer_type": text_of(_cell(row, form.answer_type)) or "",
            "prompt": text_of(_cell(row, form.prompt)),
            "hint": text_of(_cell(row, form.hint)),
            "category": text_of(_cell(row, form.category)) or "",
            "l2_category": text_of(_cell(row, form.l2_category)) or "",
            "source": text_of(_cell(row, form.source)) or "",
            "cycle": _cycle(_cell(row, form.cycle)),
            "resolution": "",
            "image": images[0],
            "more_images": images[1:],
            "crop_image": crop,
            "pictures": pictures + ([self._picture(crop) | {"role": "crop"}] if crop is not None else []),
            "boxes": [list(box) for box in boxes],
            "evidence_box": list(geometry.union(boxes)) if boxes else None,
        }

    def _picture(self, image: bytes) -> Picture:
        """Facts of a whole, readable image."""
        name = hashlib.sha256(image).hexdigest()
        if name not in self._pictures:
            try:
                pixels = imaging.decode(image, max_megapixels=self.max_megapixels)
                self._pictures[name] = picture_facts(image, pixels)
            except imaging.ImageError as error:
                self._pictures[name] = Rejected(RejectCode(error.code), error.detail)
        known = self._pictures[name]
        if isinstance(known, Rejected):
            raise known
        return known

    def _crop(self, row: Mapping[str, Any], image: bytes, boxes: list[Box]) -> bytes | None:
        """The published crop, or one cut as those of training where only boxes are published."""
        published = images_in(_cell(row, self.form.crop_image))
        if published:
            self._picture(published[0])
            return published[0]
        if not boxes:
            return None
        pixels = imaging.decode(image, max_megapixels=self.max_megapixels)
        crop, _ = positive_view(pixels, geometry.union(boxes), self.crops)
        return imaging.encode(crop, self.crops.format)


def picture_facts(image: bytes, pixels: np.ndarray, role: str = "image") -> Picture:
    """A row of `pictures` in `tables.BenchmarkItems`, of encoded bytes and their pixels."""
    height, width = pixels.shape[:2]
    return {
        "role": role,
        "sha256": hashlib.sha256(image).hexdigest(),
        "width": width,
        "height": height,
        "perceptual_hash": imaging.difference_hash(imaging.turn(pixels, imaging.left_to_turn(image))),
    }


def item_digest(item: Mapping[str, Any]) -> str:
    """Hash of what is asked and of what counts as right, the pictures included."""
    digest = hashlib.sha256(repr([item["item"], *(item[name] for name in CONTENT)]).encode())
    crop = [item["crop_image"]] if item["crop_image"] is not None else []
    for image in (item["image"], *item["more_images"], *crop):
        digest.update(hashlib.sha256(image).digest())
    return digest.hexdigest()


def version_of(digests: Iterable[str]) -> str:
    """sha256 over all items of a benchmark, whatever their order: the name of its version."""
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


def _cell(row: Mapping[str, Any], name: str | None) -> Any:
    """The cell of a column, or of a field in a column of structs; `None` where there is none."""
    if name is None:
        return None
    column, _, inner = name.partition(".")
    cell = row.get(column)
    return cell.get(inner) if inner and isinstance(cell, Mapping) else cell


def _question_and_options(row: Mapping[str, Any], form: Form, text: str) -> tuple[str, Options]:
    match form.options:
        case "letters":
            options: Options = [text_of(row.get(letter)) for letter in LETTERS]
            last = max((number for number, option in enumerate(options, 1) if option is not None), default=0)
            return text, options[:last]
        case "column":
            return text, options_in_list(_cell(row, form.options_column))
        case "text":
            return options_in_text(text)
        case "none":
            return text, []


def _answer(row: Mapping[str, Any], form: Form, item: str, options: Options) -> tuple[str, str, Options]:
    """Kind, answer and options. The right letter of a choice stays right when its option reads as missing."""
    if form.right_first and options:
        order = list(range(len(options)))
        random.Random(item).shuffle(order)
        return "choice", LETTERS[order.index(0)], [options[number] for number in order]
    cell = _cell(row, form.answer)
    if not options:
        return "open", require(cell, RejectCode.BAD_ANSWER, "answer"), []
    if form.options == "letters":
        named = str(cell).strip().strip("()")
        if len(named) == 1 and named in LETTERS and named in row:
            options = options + [None] * (LETTERS.index(named) + 1 - len(options))
    try:
        return "choice", answer_letter(cell, options), options
    except Rejected:
        # Benchmarks with open questions may have lines in them that look like options.
        if form.options == "text":
            return "open", require(cell, RejectCode.BAD_ANSWER, "answer"), []
        raise


def _check_marks(texts: Iterable[str | None], images: int) -> None:
    for text in texts:
        for number in IMAGE_MARK.findall(text or ""):
            if not 1 <= int(number) <= images:
                raise Rejected(RejectCode.IMAGE_MARKER, f"<image {number}> with {images} images")


def _boxes(row: Mapping[str, Any], form: Form, extent: tuple[int, int]) -> list[Box]:
    """Annotated boxes inside the image. One that cannot be used is left out: the question is still asked."""
    declared = BoxFormat(form.box_order, "pixel")
    try:
        numbers = parse_boxes(_cell(row, form.boxes))
    except Rejected:
        return []
    boxes = [geometry.clip(geometry.to_pixels(box, declared, *extent), *extent) for box in numbers]
    return [box for box in boxes if min(geometry.sides(box)) > 0]


def _cycle(cell: Any) -> int | None:
    """The number of the option order, which some copies write with words around it."""
    text = text_of(cell)
    if text is None:
        return None
    found = re.fullmatch(r"\D*(\d+)(?:\.0)?", text)
    if found is None:
        raise Rejected(RejectCode.MALFORMED_ROW, f"cycle {text[:80]!r} is no number")
    return int(found[1])
