"""The three forms of files that hold phrases with boxes, each as one stream of the same things."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vzero.config import PhrasesSource
from vzero.sources.gathered import Gathered
from vzero.untrusted.cells import parse_id, require_text
from vzero.untrusted.json_stream import list_items
from vzero.untrusted.rejects import Reject, RejectCode, Rejected
from vzero.untrusted.rows import Row, read_rows


@dataclass(frozen=True)
class Described:
    """A box with the phrases for what is in it; numbers are as the file has them."""

    image: str
    phrases: Sequence[str]
    box: Any
    extent: Sequence[Any] | None = None
    """Width and height of the picture, where the file tells them."""


Form = Callable[[Sequence[Path], PhrasesSource], Iterator[Described | Reject]]


def _refer(files: Sequence[Path], config: PhrasesSource) -> Iterator[Described | Reject]:
    """References name annotations of `instances.json`, which name its images."""
    with contextlib.closing(Gathered()) as instances:
        for kind in ("images", "annotations"):
            for item in list_items(files[1], kind):
                if (key := _key(kind, item, "id")) is not None:
                    kept = {name: item.get(name) for name in ("file_name", "width", "height", "bbox")}
                    instances.add(key, kept | {"image": _key("images", item, "image_id")})
        for reference in read_rows(files[0], ()):
            if isinstance(reference, str) or reference.get("split") in config.splits:
                yield from _told(reference, lambda row: [_reference(row, instances)])


def _reference(reference: dict[str, Any], instances: Gathered) -> Described:
    annotation = next(iter(instances.of(_key("annotations", reference, "ann_id"))), None)
    if annotation is None:
        raise Rejected(RejectCode.MISSING_BOX, "instances have no annotation of this ann_id")
    image = next(iter(instances.of(annotation["image"])), None)
    if image is None:
        raise Rejected(RejectCode.MISSING_IMAGE, "instances have no image of the annotation's image_id")
    told = reference.get("sentences")
    sentences = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    phrases = [text for one in sentences if isinstance(text := one.get("sent") or one.get("raw"), str)]
    return _described(image["file_name"], phrases, annotation["bbox"], [image["width"], image["height"]])


def _captions(files: Sequence[Path], config: PhrasesSource) -> Iterator[Described | Reject]:
    """An entry of `images` for each phrase, so that several may name the same picture."""
    with contextlib.closing(Gathered()) as entries:
        for kind, key, wanted in (
            ("images", "id", ("file_name", "width", "height", "caption")),
            ("annotations", "image_id", ("bbox",)),
        ):
            for item in list_items(files[0], kind):
                name = _key("images", item, key)
                if name is None or (kind == "annotations" and name not in entries):
                    yield Reject(0, RejectCode.MALFORMED_ROW, f"one of {kind} without a known {key}")
                else:
                    entries.add(name, {each: item.get(each) for each in wanted})
        for _, (entry, *boxes) in entries.groups():
            yield from _told(entry | {"boxes": boxes}, lambda row: [_captioned(row)])


def _captioned(entry: dict[str, Any]) -> Described:
    if len(entry["boxes"]) != 1:
        code = RejectCode.BAD_BOX if entry["boxes"] else RejectCode.MISSING_BOX
        raise Rejected(code, f"{len(entry['boxes'])} annotations of a caption")
    phrases = [entry["caption"]] if isinstance(entry.get("caption"), str) else []
    extent = [entry.get("width"), entry.get("height")]
    return _described(entry.get("file_name"), phrases, entry["boxes"][0].get("bbox"), extent)


def _visual_genome(files: Sequence[Path], config: PhrasesSource) -> Iterator[Described | Reject]:
    for row in read_rows(files[0], ()):
        yield from _told(row, _regions)


def _regions(row: dict[str, Any]) -> Iterator[Described | Reject]:
    if not isinstance(row.get("regions"), list):
        raise Rejected(RejectCode.MALFORMED_ROW, "no list of regions")
    for region in row["regions"]:
        yield from _told(region, lambda found: [_region(found, row)])


def _region(region: dict[str, Any], row: dict[str, Any]) -> Described:
    number = region.get("image_id", row.get("id"))
    image = f"{parse_id(number)}.jpg" if number is not None else None
    phrases = [region["phrase"]] if isinstance(region.get("phrase"), str) else []
    return _described(image, phrases, [region.get(side) for side in ("x", "y", "width", "height")], None)


def _described(image: Any, phrases: Sequence[str], box: Any, extent: Sequence[Any] | None) -> Described:
    name = require_text(image, RejectCode.MISSING_IMAGE, "image")
    told = [phrase for phrase in phrases if phrase.strip()]
    if not told:
        raise Rejected(RejectCode.MISSING_QUESTION, "no phrase")
    return Described(name, told, box, extent)


def _told(
    row: Row, read: Callable[[dict[str, Any]], Iterator[Described | Reject] | list[Described]]
) -> Iterator[Described | Reject]:
    """What `read` makes of a row, or the reject that it raises."""
    if not isinstance(row, dict):
        yield Reject(0, RejectCode.MALFORMED_ROW, row if isinstance(row, str) else "not an object")
        return
    try:
        yield from read(row)
    except Rejected as rejected:
        yield Reject(0, rejected.code, rejected.detail)


def _key(kind: str, item: Any, name: str) -> str | None:
    try:
        return f"{kind}/{parse_id(item.get(name))}" if isinstance(item, dict) else None
    except Rejected:
        return None


FORMS: dict[str, Form] = {"refer": _refer, "captions": _captions, "visual_genome": _visual_genome}
"""By their name in `phrases.form`."""
