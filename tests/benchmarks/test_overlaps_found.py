"""Training images that a published benchmark shows too, from files to the table, the counts and the sheet."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from published_files import base64_of, write_tsv

from vzero import imaging, shards
from vzero.commands.sheet import CELL, GAP, TEXT_WIDTH
from vzero.commands.show import show
from vzero.config import Filters, Params, parse_params
from vzero.paths import Paths
from vzero.stages import ingest
from vzero.tables import Overlaps, Rejects


def drawing(number: int) -> np.ndarray:
    """A smooth picture of 144 x 128, another for every number."""
    coarse = np.random.default_rng(number).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    return imaging.resize(coarse, 144, 128)


@pytest.fixture
def leaked(tmp_path: Path) -> tuple[Params, Paths]:
    """Training images 0 to 5; of V*, item 10 shows image 0, item 11 image 1 in JPEG at half size as its
    second picture, and item 12 another picture."""
    (tmp_path / "images").mkdir()
    encoded = [imaging.encode_png(drawing(number)) for number in range(6)]
    for number, data in enumerate(encoded):
        (tmp_path / f"images/{number}.png").write_bytes(data)
    rows = [{"image": f"{number}.png", "question": "Q?", "box": [9, 9, 60, 60]} for number in range(6)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    start = {"question": "Q?", "A": "x", "B": "y", "answer": "A", "category": "direct_attributes"}
    copy = imaging.encode_jpeg(imaging.halve(drawing(1)))
    other = imaging.encode_png(drawing(99))
    cells = [base64_of(encoded[0]), str([base64_of(other), base64_of(copy)]), base64_of(other)]
    items = [{"index": 10 + number, "image": cell} | start for number, cell in enumerate(cells)]
    write_tsv(tmp_path / "a.tsv", items)
    settings = {
        "source": "table",
        "table": {"rows": "rows.jsonl", "images": "images"},
        "needle": {"samples": 1, "dev_samples": 0, "benchmark_questions": 2},
        "benchmarks": {"vstar": "a.tsv"},
    }
    return parse_params({"ingest": settings}), Paths(tmp_path)


def test_ingest_lists_counts_and_tells_the_leaked_images_and_removes_none(leaked, capsys):
    params, paths = leaked
    summary = ingest.run(params, paths, processes=1)
    overlaps = shards.read(paths.overlaps, Overlaps)
    Overlaps.validate(overlaps)
    assert overlaps.select("item", "picture", "same_bytes").rows() == [("10", 0, True), ("11", 1, False)]
    assert overlaps["distance"][0] == 0 <= overlaps["distance"][1] <= params.ingest.overlap_distance
    assert summary["overlapping_items"] == {"coarse": 0, "cyclic": 0, "search": 0, "vstar": 2, "zoom": 0}
    assert json.loads(paths.ingest_summary.read_text()) == summary
    told = " ".join(capsys.readouterr().out.split())
    assert "vstar: training images overlap with 2 of 3 items (same bytes: 1)" in told
    assert "search: training images" not in told
    assert summary["images"] == summary["samples"] == 6


def test_a_filter_leaves_the_leaked_images_out(leaked):
    params, paths = leaked
    filters = Filters(refuse_benchmark_images=True)
    ingested = params.ingest.model_copy(update={"filters": filters})
    summary = ingest.run(params.model_copy(update={"ingest": ingested}), paths, processes=1)
    assert summary["rejects"] == {"benchmark_image": 2} and summary["images"] == summary["samples"] == 4
    details = shards.read(paths.rejects, Rejects)["detail"].to_list()
    assert details[0] == "vstar, item 10: the same bytes" and details[1].startswith("vstar, item 11: ")
    assert shards.read(paths.overlaps, Overlaps).is_empty()


def test_the_table_is_the_same_file_on_every_run(leaked):
    params, paths = leaked
    ingest.run(params, paths, processes=1)
    file = shards.shard_path(paths.overlaps, 0)
    first = file.read_bytes()
    ingest.run(params, paths, processes=2)
    assert file.read_bytes() == first


def test_another_distance_makes_another_table(leaked):
    params, paths = leaked
    (paths.root / "images/5.png").write_bytes(imaging.encode_png(drawing(99)[4:, 4:]))
    found = {}
    for distance in (0, 16):
        changed = params.ingest.model_copy(update={"overlap_distance": distance})
        ingest.run(params.model_copy(update={"ingest": changed}), paths, processes=1)
        found[distance] = shards.read(paths.overlaps, Overlaps)
    assert found[0]["distance"].max() == 0 < found[16]["distance"].max() <= 16
    assert len(found[16]) > len(found[0])
    assert found[0].join(found[16], on=found[0].columns, how="anti").is_empty()


def test_the_sheet_sets_each_training_image_beside_the_picture_it_resembles(leaked):
    params, paths = leaked
    ingest.run(params, paths, processes=1)
    show("overlaps", paths, out=paths.root / "sheet.png")
    data = np.frombuffer((paths.root / "sheet.png").read_bytes(), np.uint8)
    sheet = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert sheet.shape[1] == GAP + 2 * (CELL + GAP) + TEXT_WIDTH
    shown_height = CELL * 128 // 144
    for top in (GAP, GAP + (sheet.shape[0] - GAP) // 2):
        left, right = (
            sheet[top : top + shown_height, start : start + CELL].astype(int)
            for start in (GAP, 2 * GAP + CELL)
        )
        assert np.abs(left - right).mean() < 6, "the same picture twice"
