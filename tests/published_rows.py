"""Small data sets in published forms: their pictures, and what ingest makes of their rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tests.checked_tables import check_and_merge
from vzero import tables
from vzero.config import Ingest
from vzero.ingest import merge
from vzero.paths import Paths
from vzero.sources.catalogue import open_source

IMAGES = Path("images")


def picture(size: tuple[int, int] = (200, 120), drawn: tuple[float, ...] | None = None) -> Image.Image:
    """A dull picture; with a box, outlined as ZwZ does: grown by 5 %, five pixels of red."""
    pixels = np.random.default_rng(sum(size)).integers(60, 140, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    if drawn is not None:
        left, top, right, bottom = drawn
        x, y = 0.05 * (right - left), 0.05 * (bottom - top)
        ImageDraw.Draw(image).rectangle([left - x, top - y, right + x, bottom + y], outline="red", width=5)
    return image


def put(root: Path, name: str, image: Image.Image | None = None) -> None:
    """A picture in the image folder of a project."""
    path = root / IMAGES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or picture()).save(path)


def read(config: Ingest, root: Path) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """Samples in the order of their rows, each with its image's licence; rows and codes of the rejects."""
    [name] = config.sources
    folder = root / "scratch"
    _, images, rejects = check_and_merge(open_source(name, config, Paths(root)), config, folder)
    samples = merge.scan_parts(folder, tables.Samples).collect()
    rows = samples.join(images.select("image_id", "licence"), on="image_id").sort("row")
    return rows.to_dicts(), rejects.select("row", "code").rows()
