"""Questions about a filled square of each image, whose boxes are written in any convention."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import written_boxes
from PIL import Image, ImageDraw

from vzero import imaging
from vzero.geometry import BoxFormat
from vzero.paths import Paths

EXTENTS = [(640, 480), (360, 640), (800, 600), (480, 480), (500, 400), (640, 360)]
OBJECT = (60, 90, 160)
TURN = 6  # EXIF orientation: to be shown turned clockwise by a quarter


def project(
    root: Path, truth: BoxFormat, rows: int = 80, orientation: int = 1, turned: int = 80, smaller: int = 1
) -> Paths:
    """Questions about a filled square of each image, whose box is written as `truth` says.

    The last `turned` files hold their image so that EXIF has to turn it into what the boxes were drawn on.
    """
    rng, lines = np.random.default_rng(0), []
    (root / "images").mkdir(parents=True)
    for number in range(rows):
        width, height = EXTENTS[number % len(EXTENTS)]
        extent = width // smaller, height // smaller
        side = rng.integers(20, 100)
        left, top = (int(rng.integers(0, limit - side)) for limit in extent)
        box = left, top, left + int(side), top + int(side)
        image = Image.new("RGB", extent, (200, 205, 210))
        ImageDraw.Draw(image).rectangle(box, fill=OBJECT)
        exif = Image.Exif()
        if number >= rows - turned:
            stored = imaging.turn(np.asarray(image), imaging.undone(orientation))
            image, exif[imaging.ORIENTATION_TAG] = Image.fromarray(stored), orientation
        image.save(root / f"images/{number}.jpg", exif=exif)
        written = written_boxes.written(box, truth, *extent)
        lines.append({"image": f"{number}.jpg", "question": f"Question {number}?", "box": written})
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return Paths(root)
