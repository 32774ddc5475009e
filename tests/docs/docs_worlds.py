"""The small projects in which the pages' commands and Python are run, by the names that blocks call them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import example_run
import numpy as np
import polars as pl
from docs_blocks import ROOT
from example_run import write_example

from vzero import imaging, shards, tables
from vzero.paths import Paths
from vzero.quality import inputs as quality_inputs
from vzero.quality.measures import measure
from vzero.report import inputs as report_inputs
from vzero.report.summary import summarise

EMBEDDED = {"samples": 1, "dev_samples": 0, "benchmark_questions": 1}


def example(root: Path) -> None:
    """A finished run, with the tables that the report and the data page leave."""
    with mock.patch.object(example_run, "CATEGORIES", ["cross", "single"]):  # as needle's own
        params, paths = write_example(root)
    _write_params(root, evaluate={"resamples": 200})
    found = report_inputs.read_inputs(params, paths)
    headline = summarise(found.predictions, found.scores, params.evaluate, params.evaluate.models)
    shards.write_table(paths.summary, headline, tables.Summary)
    data = quality_inputs.read_inputs(paths)
    near = pl.DataFrame(schema={"source": pl.String, "distance": pl.Int64})
    lengths = pl.DataFrame(
        schema={"source": pl.String, "student_tokens": pl.Int64, "teacher_tokens": pl.Int64}
    )
    shards.write_table(paths.quality, measure(data, near, lengths, 4), tables.Quality)


def checkout(root: Path) -> None:
    """What of the checkout is read: results of measurements and of experiments."""
    for name in ("bench", "configs", "experiments"):
        (root / name).symlink_to(ROOT / name)


def overlays(root: Path) -> None:
    """The project's own params, to be changed."""
    (root / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (root / "configs").symlink_to(ROOT / "configs")


def wrong_boxes(root: Path) -> None:
    """200 boxes written xywh, declared xyxy."""
    rng = np.random.default_rng(0)
    corners, sides = rng.integers(0, (560, 400), (200, 2)), rng.integers(20, 80, (200, 2))
    boxes = np.hstack([corners, np.minimum(sides, (640, 480) - corners)]).tolist()
    _write_pictures(root, {"0.png": imaging.encode_png(drawing(0, 640, 480))})
    _write_rows(root, [_row("0.png", box, f"What is at {box}?") for box in boxes])
    _write_params(root, ingest={"source": "table", "needle": EMBEDDED, "table": {**TABLE}})


def overlapping(root: Path) -> None:
    """Eight drawings, of which a V* file of five items shows one as it is, one in JPEG at half size, and one
    with 1 % cut off each side."""
    pictures = [drawing(number, 600, 400) for number in range(8)]
    _write_pictures(
        root, {f"{number}.png": imaging.encode_png(pixels) for number, pixels in enumerate(pictures)}
    )
    _write_rows(root, [_row(f"{number}.png", [9, 9, 60, 60], "What is it?") for number in range(8)])
    shown = [
        imaging.encode_png(pictures[0]),
        imaging.encode_jpeg(imaging.halve(pictures[1])),
        imaging.encode_png(pictures[2][4:-4, 6:-6]),
        imaging.encode_png(drawing(98, 600, 400)),
        imaging.encode_png(drawing(99, 600, 400)),
    ]
    _write_vstar(root, shown)
    named = {"vstar": "vstar.tsv"}
    _write_params(root, ingest={"source": "table", "needle": EMBEDDED, "table": TABLE, "benchmarks": named})


def filtered(root: Path) -> None:
    """Ten drawings, two of them half-size copies of others, with eight questions each, and the page's
    filters; a benchmark shows one of the drawings."""
    pictures = [drawing(number, 600, 400) for number in range(8)]
    pictures += [imaging.halve(pixels) for pixels in pictures[:2]]
    _write_pictures(
        root, {f"{number}.png": imaging.encode_png(pixels) for number, pixels in enumerate(pictures)}
    )
    rows = [_made_up(number, question) for number in range(10) for question in range(8)]
    rows[3]["question"], rows[20]["image"], rows[41]["box"] = "", "lost.png", None
    _write_rows(root, rows)
    _write_vstar(root, [imaging.encode_png(pictures[2])])
    table = {**TABLE, "columns": {"licence": "licence"}}
    named = {"vstar": "vstar.tsv"}
    filters = {
        "min_question_length": 10,
        "max_evidence_area": 0.1,
        "refused_licences": ["CC BY-NC"],
        "refuse_benchmark_images": True,
        "near_duplicate_distance": 4,
    }
    ingest = {"source": "table", "needle": EMBEDDED, "table": table, "benchmarks": named, "filters": filters}
    _write_params(root, ingest=ingest)


def versions(root: Path) -> None:
    """Samples and rejects as they lie in the folder, and in `v1` as they were before: one row was a reject,
    and one question was another. Four files of samples, of which two are the same."""
    now = [[_sample(4 * shard + row) for row in range(4)] for shard in range(4)]
    before = [list(rows) for rows in now]
    before[1] = [row | {"question": "What?"} if row["sample_id"] == "s05" else row for row in before[1]]
    before[3] = before[3][:-1]
    for folder, samples, rejected in ((root / "v1", before, 2), (root, now, 1)):
        paths = Paths(folder)
        for number, rows in enumerate(samples):
            frame = pl.DataFrame(rows, infer_schema_length=None)
            shards.write_table(shards.shard_path(paths.samples, number), frame, tables.Samples)
        rejects = pl.DataFrame([_reject(row) for row in range(rejected)])
        shards.write_table(shards.shard_path(paths.rejects, 0), rejects, tables.Rejects)


WORLDS: dict[str, Callable[[Path], None]] = {
    "example": example,
    "checkout": checkout,
    "overlays": overlays,
    "wrong_boxes": wrong_boxes,
    "overlapping": overlapping,
    "filtered": filtered,
    "versions": versions,
}

TABLE = {"rows": "rows.jsonl", "images": "images"}
SHORT, LONG = "What?", "What is written on it?"


def drawing(number: int, width: int, height: int) -> np.ndarray:
    """A smooth picture, another for every number."""
    coarse = np.random.default_rng(number).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    return imaging.resize(coarse, width, height)


def _made_up(picture: int, question: int) -> dict[str, Any]:
    """Of a picture's eight questions two are short and two about a large box; one picture may not be used."""
    box = [10, 10, 250, 190] if question in (2, 3) else [10, 10, 60, 50]
    licence = "CC BY-NC-SA 4.0" if picture == 5 else "CC BY 4.0"
    words = SHORT if question < 2 else LONG
    return _row(f"{picture}.png", box, f"{words[:-1]} {question}?") | {"licence": licence}


def _row(image: str, box: Any, question: str) -> dict[str, Any]:
    return {"image": image, "question": question, "box": box}


def _sample(number: int) -> dict[str, Any]:
    return {
        "sample_id": f"s{number:02d}",
        "image_id": f"i{number:02d}",
        "more_image_ids": [],
        "question": f"What is at {number}?",
        "options": ["a", "b"],
        "answer": "A",
        "boxes": [[1.0, 1.0, 9.0, 9.0]],
        "evidence_box": [1.0, 1.0, 9.0, 9.0],
        "split": "train",
        "category": "",
        "source": "table",
    }


def _reject(row: int) -> dict[str, Any]:
    return {
        "source": "table",
        "row": row,
        "sample_id": None,
        "image": f"{row}.png",
        "code": "unreadable_image",
        "detail": "",
    }


def _write_pictures(root: Path, pictures: Mapping[str, bytes]) -> None:
    (root / "images").mkdir()
    for name, data in pictures.items():
        (root / "images" / name).write_bytes(data)


def _write_rows(root: Path, rows: list[dict[str, Any]]) -> None:
    (root / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))


def _write_vstar(root: Path, pictures: list[bytes]) -> None:
    """V* as VLMEvalKit publishes it: a TSV with the pictures in base64."""
    asked = {"question": "Q?", "A": "x", "B": "y", "answer": "A", "category": "direct_attributes"}
    rows = [
        {"index": number, "image": base64.b64encode(data).decode(), **asked}
        for number, data in enumerate(pictures)
    ]
    pl.DataFrame(rows).write_csv(root / "vstar.tsv", separator="\t")


def _write_params(root: Path, **sections: Any) -> None:
    (root / "params.yaml").write_text(json.dumps(sections))  # JSON is YAML
