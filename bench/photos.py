"""Photos that cost what real ones do: 3 to 12 megapixels of smooth shades, grain and hard edges, as JPEG."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

SIDES = ((2048, 1536), (2592, 1944), (3264, 2448), (4000, 3000))
QUALITY = 90


def photo(number: int) -> np.ndarray:
    """RGB pixels (height, width, 3), uint8, the same for the same number."""
    rng = np.random.default_rng([1, number])
    width, height = SIDES[number % len(SIDES)]
    pixels = np.zeros((height, width, 3), np.float32)
    for cells, strength in ((6, 90), (40, 40), (300, 16)):
        shades = rng.normal(0, strength, (cells * 3 // 4, cells, 3)).astype(np.float32)
        pixels += cv2.resize(shades, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels += 110 + rng.normal(0, 3, (height, width, 1)).astype(np.float32)
    for _ in range(60):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        side = int(rng.integers(20, width // 8))
        colour = [int(value) for value in rng.integers(0, 256, 3)]
        if rng.random() < 0.5:
            cv2.rectangle(pixels, (x, y), (x + side, y + side // 2), colour, int(rng.choice([-1, 4])))
        else:
            cv2.line(pixels, (x, y), (x + side, y - side), colour, 5, cv2.LINE_AA)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def write_photos(folder: Path, count: int, copies: int) -> list[Path]:
    """`count` different photos, each `copies` times; copies differ in bytes after the picture's end."""
    folder.mkdir(parents=True)
    paths = []
    for number in range(count):
        settings = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        data = cv2.imencode(".jpg", photo(number)[..., ::-1], settings)[1].tobytes()
        for copy in range(copies):
            paths.append(folder / f"{number:04d}-{copy}.jpg")
            paths[-1].write_bytes(data + bytes([copy]))
    return paths


def annotate(paths: list[Path], table: Path) -> None:
    """One question a photo, about a box of some hundred pixels, as rows for the source `table`."""
    with table.open("w") as file:
        for number, path in enumerate(paths):
            rng = np.random.default_rng([2, number])
            width, height = SIDES[int(path.name[:4]) % len(SIDES)]
            sides = rng.integers(80, 500, 2)
            x, y = int(rng.integers(0, width - sides[0])), int(rng.integers(0, height - sides[1]))
            box = [x, y, x + int(sides[0]), y + int(sides[1])]
            file.write(json.dumps({"image": path.name, "question": f"What is at {number}?", "box": box}))
            file.write("\n")
