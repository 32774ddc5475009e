"""Ultralytics' YOLO text files: a file an image, a line an object, and `data.yaml` that names the classes.

Boxes: `class x y width height`, the middle of the box and its sides, 0-1 of the image's; or `class x1 y1 x2
y2 x3 y3 ...`, a polygon, whose box is taken. Known from docs.ultralytics.com/datasets/detect (unverified) and
from the files that `supervision` and `globox` write. A sixth number of a box, a prediction's confidence, is
passed over. Licence: as the params say.

`data.yaml` has `names` (a list, or by number), and `train`, `val` and `test`, folders of images, relative to
`path` or to the file; of a file without any of them `images` beside it is read. Roboflow writes
`../train/images` where it means `train/images`. A label lies where its picture does, with `labels` in the
place of the last `images` of the path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from vzero import geometry
from vzero.config import YoloSource
from vzero.errors import SourceError
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, in_batches, numbered
from vzero.sources.categories import categories_of
from vzero.sources.extents import extent_of
from vzero.sources.pictures import Pictures
from vzero.sources.region_questions import annotations_of
from vzero.sources.regions import AnnotatedImage, Region, regions_of, without_picture
from vzero.untrusted.boxes import Numbers
from vzero.untrusted.cells import shown
from vzero.untrusted.rejects import Reject, RejectCode, Rejected

LARGEST_FILE = 2**22  # bytes; a box takes about 40
PARTS_OF_SIDES = BoxFormat("xywh", "fraction")
SPLITS = ("train", "val", "test")
BESIDE = "images"  # the folder of files that name none, as supervision's
NO_LABELS = "classes.txt"  # of labelImg, beside its labels


def open_yolo(config: YoloSource, paths: Paths) -> Source:
    path = paths.resolve(config.data)
    tree = _read(path)
    names = _names(path, tree.get("names"))
    folders = [folder for split in config.splits for folder in _folders(path, tree, split)]
    labels = [(file, folder) for folder in folders for file in _labels(folder)]
    if not labels:
        raise SourceError(f"{path}: no *.txt file of labels beside {', '.join(map(str, folders))}")
    root = Path(os.path.commonpath(folders))
    found = _found(labels, names, root, config)
    return Source(
        "yolo", in_batches(numbered(found)), images=root, inputs=(path, *(file for file, _ in labels))
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SourceError(f"{path}: more than {LARGEST_FILE:,} bytes of YAML")
        tree = YAML(typ="safe").load(path.read_bytes())
    except (OSError, YAMLError, ValueError, RecursionError) as error:
        raise SourceError(f"{path}: not readable: {str(error)[:300]}") from error
    if not isinstance(tree, dict):
        raise SourceError(f"{path}: no mapping of names and folders")
    return tree


def _names(path: Path, names: Any) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise SourceError(f"{path}: no names of classes, as a list or by number")
    if not all(isinstance(key, int) and isinstance(name, (str, int, float)) for key, name in names.items()):
        raise SourceError(f"{path}: names must be texts, by number: found {shown(list(names.items())[:3])}")
    return {key: str(name).strip() for key, name in names.items()}


def _folders(path: Path, tree: dict[str, Any], split: str) -> list[Path]:
    """The folders of a split's images. Raises SourceError where it has none, or one that is not there."""
    told = tree.get(split) if any(name in tree for name in SPLITS) else BESIDE
    places = [place for place in (told if isinstance(told, list) else [told]) if isinstance(place, str)]
    if not places:
        raise SourceError(f"{path}: {split} must name a folder of images or several, found {shown(told)}")
    root = tree.get("path")
    return [_folder(path, root if isinstance(root, str) else "", place) for place in places]


def _folder(path: Path, root: str, place: str) -> Path:
    bare = place
    while bare.startswith("../"):
        bare = bare.removeprefix("../")
    starts = dict.fromkeys((path.parent / root, path.parent))
    for folder in (start / name for name in (place, bare) for start in starts):
        if folder.is_dir():
            return folder.absolute()
    raise SourceError(f"{path}: no folder of images {place!r}, under {' or '.join(map(str, starts))}")


def _labels(images: Path) -> list[Path]:
    """The label files of a folder of images, in order."""
    parts = list(images.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    files = (file for file in Path(*parts).rglob("*.txt") if file.is_file() and file.name != NO_LABELS)
    return sorted(files)


def _found(
    labels: Sequence[tuple[Path, Path]], names: dict[int, str], root: Path, config: YoloSource
) -> Iterator[Annotation | Reject]:
    categories, pictures = categories_of(_annotated(labels, names)), Pictures(root)
    for file, folder in labels:
        try:
            lines = _lines(file)
        except Rejected as rejected:
            yield Reject(0, rejected.code, f"{file.name}: {rejected.detail}")
            continue
        try:
            # A label's place under its folder of labels is that of its picture under the folder of images.
            place = Path(*file.parts[len(folder.parts) :]).with_suffix("")
            picture, _ = pictures.of_name(str(folder.relative_to(root) / place))
            extent = extent_of(picture, root)
        except Rejected as rejected:
            called = (_category(words, names) for words in lines)
            yield without_picture(rejected, called, None, f"{file.name}: ")
            continue
        regions, rejects = regions_of(
            lines,
            name=lambda words: _category(words, names),
            read=lambda words, extent=extent: _region(words, names, extent),
            reject=lambda _, rejected, file=file, picture=picture: Reject(
                0, rejected.code, f"{file.name}: {rejected.detail}", image=picture
            ),
        )
        yield from rejects
        annotated = AnnotatedImage(picture, extent, config.licence, regions, PARTS_OF_SIDES)
        yield from annotations_of(annotated, categories, config)


def _annotated(labels: Sequence[tuple[Path, Path]], names: dict[int, str]) -> Iterator[str]:
    """Names of all objects; the files are read twice for it, but never all at once."""
    used: set[int] = set()
    for file, _ in labels:
        try:
            used |= {number for line in _lines(file) if (number := _class(line)) is not None}
        except Rejected:
            continue
    return (names[number] for number in sorted(used) if number in names)


def _lines(file: Path) -> list[list[str]]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise Rejected(RejectCode.MALFORMED_ROW, f"more than {LARGEST_FILE:,} bytes")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(RejectCode.MALFORMED_ROW, f"not readable: {error}") from error
    return [words for line in lines if (words := line.split())]


def _class(words: Sequence[str]) -> int | None:
    return int(words[0]) if words[0].isascii() and words[0].isdigit() and len(words[0]) < 9 else None


def _category(words: Sequence[str], names: dict[int, str]) -> str | None:
    number = _class(words)
    return None if number is None else names.get(number)


def _region(words: Sequence[str], names: dict[int, str], extent: tuple[int, int]) -> Region:
    category = _category(words, names)
    if category is None:
        raise Rejected(RejectCode.MALFORMED_ROW, f"no class {words[0][:20]!r} among {len(names)}")
    numbers = _box(words[1:])
    return Region(category, geometry.to_pixels(numbers, PARTS_OF_SIDES, *extent), written=numbers)


def _box(words: Sequence[str]) -> Numbers:
    """Left, top, width and height of a box or of a polygon."""
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise Rejected(RejectCode.BAD_BOX, f"no numbers: {' '.join(words)[:80]!r}") from error
    if not all(abs(number) < 1e9 for number in numbers):
        raise Rejected(RejectCode.BAD_BOX, f"no coordinates: {' '.join(words)[:80]!r}")
    if len(numbers) in (4, 5):
        x, y, width, height = numbers[:4]
        return x - width / 2, y - height / 2, width, height
    if len(numbers) < 6 or len(numbers) % 2:
        raise Rejected(RejectCode.BAD_BOX, f"{len(numbers)} numbers are neither a box nor a polygon")
    across, down = numbers[::2], numbers[1::2]
    return min(across), min(down), max(across) - min(across), max(down) - min(down)
