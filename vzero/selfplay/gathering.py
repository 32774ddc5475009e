"""Images of a place: a folder, tar files, a table, or drawn scenes; each is decoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vzero import imaging
from vzero.config import Ingest
from vzero.config.selfplay import Photographs
from vzero.errors import SourceError
from vzero.needle.scenes import SIDES, Scene, draw_scene, render
from vzero.paths import Paths
from vzero.untrusted.files import PICTURES, Images, open_images, read_image
from vzero.untrusted.parquet import read_batches
from vzero.untrusted.rejects import RejectCode, Rejected
from vzero.untrusted.tar_shards import TarShards

DRAWN_STREAM = 7  # of needle's scenes, beside those of its samples, benchmarks and exams
Found = tuple[str, bytes | Rejected]
"""Name and bytes, or why there are none."""


def gather(
    place: Photographs, name: str, settings: Ingest, paths: Paths, dev_fraction: float
) -> Iterator[dict[str, Any]]:
    """Rows of `tables.Photographs`, and of `tables.Rejects` for what cannot be used; no image twice."""
    known: set[str] = set()
    for number, (image, data) in enumerate(_images(place, paths)):
        try:
            row = _checked(data, settings.max_megapixels)
        except Rejected as rejected:
            code, detail = rejected.code, rejected.detail
            yield {
                "source": name,
                "row": number,
                "sample_id": None,
                "image": image,
                "code": code,
                "detail": detail,
            }
            continue
        if row["image_id"] not in known:
            known.add(row["image_id"])
            yield row | {"source": name, "split": _split(row["image_id"], dev_fraction)}


def _checked(data: bytes | Rejected, max_megapixels: float) -> dict[str, Any]:
    if isinstance(data, Rejected):
        raise data
    try:
        pixels, form = imaging.decode_to_check(data, max_megapixels=max_megapixels)
    except imaging.ImageError as error:
        raise Rejected(RejectCode(error.code), error.detail) from error
    height, width = pixels.shape[:2]
    return {
        "image_id": hashlib.sha256(data).hexdigest(),
        "bytes": data,
        "width": width,
        "height": height,
        "format": form,
        "perceptual_hash": imaging.difference_hash(pixels),
    }


def _split(image_id: str, dev_fraction: float) -> str:
    """By the image alone: the same wherever it is found."""
    return "dev" if int(image_id[:16], 16) / 2**64 < dev_fraction else "train"


def _images(place: Photographs, paths: Paths) -> Iterator[Found]:
    where = paths.resolve(place.path)
    if place.kind == "needle":
        yield from ((f"scene {number}", data) for number, (_, data) in enumerate(drawn(place.scenes)))
    elif place.kind == "table":
        yield from _of_table(where, place.column)
    else:
        images = open_images(where, paths.scratch / "tar")
        if isinstance(images, TarShards) != (place.kind == "tar"):
            raise SourceError(f"{where}: not a {place.kind} of images; kind: folder, tar, table, needle")
        yield from _of_files(images)


def drawn(scenes: int) -> Iterator[tuple[Scene, bytes]]:
    """The scenes of a place of kind needle, encoded."""
    for number in range(scenes):
        scene = draw_scene(np.random.default_rng([0, DRAWN_STREAM, number]), side=SIDES["standard"])
        yield scene, imaging.encode_png(render(scene))


def _of_files(images: Images) -> Iterator[Found]:
    for name in _names(images):
        try:
            yield name, read_image(images, name)
        except Rejected as rejected:
            yield name, rejected


def _names(images: Images) -> Iterator[str]:
    if isinstance(images, TarShards):
        yield from (name for name in images.all_names() if Path(name).suffix.lower() in PICTURES)
        return
    for path in sorted(images.rglob("*")):
        if path.suffix.lower() in PICTURES and path.is_file():
            yield str(path.relative_to(images))


def _of_table(where: Path, column: str) -> Iterator[Found]:
    tables = sorted(where.rglob("*.parquet")) if where.is_dir() else [where]
    if not tables:
        raise SourceError(f"{where}: no Parquet files")
    for path in tables:
        for batch in read_batches(path):
            if column not in batch.schema.names:
                raise SourceError(f"{path}: no column {column!r}: {', '.join(batch.schema.names)}")
            for number, cell in enumerate(batch.column(column).to_pylist()):
                data = cell.get("bytes") if isinstance(cell, dict) else cell
                if isinstance(data, bytes):
                    yield f"{path.name} {number}", data
                else:
                    yield f"{path.name} {number}", Rejected(RejectCode.MISSING_IMAGE, "no bytes in the cell")
