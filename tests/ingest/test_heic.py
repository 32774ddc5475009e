"""HEIC photographs: read with the extra, stored as PNG; without it a reject that names the extra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from heic_files import PLAIN, TURNED

from vzero import imaging, shards, tables
from vzero.config import Ingest, NeedleSource, Params, TableSource
from vzero.imaging import ImageError
from vzero.paths import Paths
from vzero.stages import ingest

BOX = (8, 8, 40, 24)


def expected() -> np.ndarray:
    pixels = np.full((48, 64, 3), (200, 205, 210), np.uint8)
    pixels[8:24, 8:40] = (60, 90, 160)
    return pixels


@pytest.mark.parametrize("data", [PLAIN, TURNED], ids=["plain", "turned"])
def test_pixels_are_as_they_were_encoded_and_as_viewers_show_them(data: bytes):
    assert imaging.probe(data) == (64, 48, "heif")
    assert imaging.orientation(data) == imaging.left_to_turn(data) == 1
    assert np.abs(imaging.decode(data).astype(int) - expected()).max() <= 3


@pytest.mark.parametrize("length", [40, 200, len(PLAIN) - 40])
def test_a_cut_file_is_refused(length: int):
    with pytest.raises(ImageError):
        imaging.decode(PLAIN[:length])


def test_ingest_stores_them_as_png_with_the_boxes_where_they_were(tmp_path: Path):
    (tmp_path / "images").mkdir()
    rows = []
    for name, data in (("a", PLAIN), ("b", TURNED)):
        (tmp_path / f"images/{name}.heic").write_bytes(data)
        rows.append({"image": f"{name}.heic", "question": f"What is in {name}?", "box": BOX})
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    table = TableSource(rows=Path("rows.jsonl"), images=Path("images"))
    needle = NeedleSource(benchmark_questions=2)
    paths = Paths(tmp_path)
    ingest.run(Params(ingest=Ingest(source="table", table=table, needle=needle)), paths, processes=1)
    for row in shards.read(paths.images, tables.Images).iter_rows(named=True):
        assert (row["format"], row["width"], row["height"]) == ("png", 64, 48)
        assert np.abs(imaging.decode(row["bytes"]).astype(int) - expected()).max() <= 3
    assert [tuple(box) for box in shards.read(paths.samples, tables.Samples)["evidence_box"]] == [BOX] * len(
        rows
    )


def test_without_the_extra_the_reject_names_it():
    code = (
        "import sys; sys.modules['pi_heif'] = None\n"
        "from vzero import imaging\n"
        "try: imaging.probe(bytes.fromhex(sys.argv[1]))\n"
        "except imaging.ImageError as error: print(error.code, error.detail)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, PLAIN.hex()], capture_output=True, text=True, check=True
    )
    assert said.stdout == (
        "unreadable_image header cannot be read: HEIC is read with pip install 'vzero[heic]'\n"
    )
