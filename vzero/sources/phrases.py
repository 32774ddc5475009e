"""Phrases with a box each: RefCOCO and its kin, and Visual Genome's regions, from JSON.

Boxes: xywh in pixels of the picture, in all three forms, known from descriptions and from code that reads the
files; the files themselves were not seen (unverified):

- `refer`: the list that RefCOCO, RefCOCO+ and RefCOCOg publish as a pickle (`refs(unc).p` and so on), as
  JSON, beside their `instances.json`; described in lichengunc/refer, README.md. A pickle is refused: opening
  one runs its code.
- `captions`: COCO's form with a `caption` in each entry of `images`, one annotation each, as MDETR's files
  have it and mmpretrain's and xtuner's readers of RefCOCO read it.
- `visual_genome`: `region_descriptions.json`, described in ranjaykrishna/visual_genome_python_driver.

Licence: as the params say; Visual Genome's annotations are CC BY 4.0, RefCOCO's state none, its pictures are
COCO's.

Not every object has a phrase, so nothing is asked that presumes it: which side of another a thing is, whether
it is higher, and which corner it is nearest to. A phrase is asked about where it is the only one of its words
in the picture (no other has all of them), and tells no place itself.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vzero import geometry
from vzero.config import PhrasesSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches, numbered
from vzero.sources.categories import categories_of
from vzero.sources.extents import extent_of
from vzero.sources.gathered import Gathered
from vzero.sources.phrase_files import FORMS, Described
from vzero.sources.region_questions import annotations_of
from vzero.sources.regions import AnnotatedImage, Region, regions_of, without_picture
from vzero.untrusted.boxes import parse_boxes
from vzero.untrusted.files import Images, holds, open_images
from vzero.untrusted.rejects import Reject, Rejected
from vzero.untrusted.tar_shards import Progress

CORNER_AND_SIDES = BoxFormat("xywh", "pixel")
LONGEST = 100  # characters; a longer phrase is a description
PLACE = re.compile(
    r"\b(left|right|top|bottom|upper|lower|up|down|above|below|under|over|behind|front|back|next|beside|between"
    r"|side|middle|cent(er|re)|corner|edge|end|near(est|er)?|far|farthest|close(st|r)|first|second|third|fourth"
    r"|fifth|last|(fore|back)ground|high(est|er)|lowest)\b",
    re.IGNORECASE,
)
ARTICLE = re.compile(r"^(a|an|the)\s+", re.IGNORECASE)
PICKLES = (".p", ".pkl", ".pickle")


def open_phrases(config: PhrasesSource, paths: Paths, advance: Progress = lambda done, total: None) -> Source:
    files = [paths.resolve(config.rows)]
    if config.instances is not None:
        files.append(paths.resolve(config.instances))
    for path in files:
        _require_json(path)
    images = open_images(paths.resolve(config.images), paths.scratch, advance)
    found = _found(files, images, config)
    return Source("phrases", in_batches(numbered(found)), images=images, inputs=tuple(files))


def _require_json(path: Path) -> None:
    if path.suffix in PICKLES:
        once = f'json.dump(pickle.load(open("{path.name}", "rb")), open("{path.stem}.json", "w"))'
        raise SourceError(
            f"{path}: a pickle is not read, since opening one runs its code. Where you trust it, write it as "
            f"JSON once: python -c 'import json, pickle; {once}'"
        )
    if not path.is_file():
        raise SourceError(f"{path}: no such file")


def _found(files: Sequence[Path], images: Images, config: PhrasesSource) -> Iterator[Annotation | Reject]:
    """Rejects of rows, then questions and rejects of one picture after the other; rows not yet numbered."""
    with contextlib.closing(Gathered()) as gathered:
        for item in FORMS[config.form](files, config):
            if isinstance(item, Reject):
                yield item
            else:
                gathered.add(item.image, [list(item.phrases), item.box, item.extent])
        for image, cells in gathered.groups():
            described = [Described(image, *cell) for cell in cells]
            try:
                yield from _of_image(image, described, images, config)
            except Rejected as rejected:
                yield without_picture(rejected, (_called(one.phrases) for one in described), image)


def _of_image(
    image: str, described: list[Described], images: Images, config: PhrasesSource
) -> Iterator[Annotation | Reject]:
    name = _name(image, images)
    told = described[0].extent or ()
    extent = told if told and None not in told else extent_of(name, images)
    called = [_called(one.phrases) for one in described]
    regions, rejects = regions_of(
        [
            Phrase(phrase, one.box, unclear=_told(phrase, called))
            for one, phrase in zip(described, called, strict=True)
        ],
        name=lambda phrase: phrase.text,
        read=_region,
        reject=lambda _, rejected: Reject(0, rejected.code, rejected.detail, image=name),
    )
    yield from rejects
    annotated = AnnotatedImage(name, tuple(extent), config.licence, regions, CORNER_AND_SIDES)
    # Phrases of other pictures are no options here.
    categories = categories_of(region.category for region in regions)
    yield from annotations_of(annotated, categories, config)


@dataclass(frozen=True)
class Phrase:
    text: str
    box: Any
    unclear: bool
    """Whether it may be another thing's phrase too, or tells where the thing is."""


def _region(phrase: Phrase) -> Region:
    [numbers] = parse_boxes(phrase.box)
    box = geometry.to_pixels(numbers, CORNER_AND_SIDES, 1, 1)
    return Region(phrase.text, box, askable=not phrase.unclear, written=numbers)


def _called(phrases: Sequence[str]) -> str:
    """Of the phrases of one thing the first that can be asked about, without article and full stop; else the
    first."""
    plain = [ARTICLE.sub("", phrase.strip().rstrip(".")) for phrase in phrases]
    usable = [text for text in plain if text and len(text) <= LONGEST and not PLACE.search(text)]
    return next(iter(usable or plain))[:LONGEST]


def _told(phrase: str, others: Sequence[str]) -> bool:
    words = _words(phrase)
    wider = sum(words <= _words(other) for other in others)  # itself is one
    return not words or PLACE.search(phrase) is not None or wider > 1


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _name(image: str, images: Images) -> str:
    """Visual Genome's pictures lie in two folders, COCO's in one of its split."""
    places = [image, *(f"{folder}/{image}" for folder in ("VG_100K", "VG_100K_2", "train2014"))]
    return next((place for place in places if holds(images, place)), image)
