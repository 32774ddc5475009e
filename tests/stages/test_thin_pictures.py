"""Pictures and boxes too thin for a model's processor, from annotated rows to a trained model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_project import SETTINGS

from vzero import imaging, shards
from vzero.config import Params, parse_params
from vzero.errors import ConfigError
from vzero.paths import Paths
from vzero.stages import crops, ingest, train
from vzero.tables import Crops, LeftOut, Rollouts

SIZES = {"ordinary": (100, 100), "wide": (900, 4), "large": (700, 700)}
BOXES = {"ordinary": (20, 20, 80, 80), "wide": (10, 0, 60, 4), "large": (5, 300, 695, 301)}
WHY = "absolute aspect ratio must be smaller than 200, got"


@pytest.fixture
def thin(made_project: Path, tmp_path: Path) -> Paths:
    """Three rows: one as any other, a picture of 900 x 4, and a box of 690 x 1 on an ordinary picture."""
    rows = []
    for number, (name, (width, height)) in enumerate(SIZES.items()):
        pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        (tmp_path / f"{name}.png").write_bytes(imaging.encode_png(pixels))
        row = {"id": name, "image": f"{name}.png", "question": "What is it?", "box": BOXES[name]}
        rows.append(row | {"options": ["red", "blue"]})
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for model in ("student", "teacher"):
        (tmp_path / model).symlink_to(made_project / model)
    return Paths(tmp_path)


def parameters(min_side: int | None, prompts: int) -> Params:
    columns = {"sample_id": "id", "options": "options"}
    table = {"rows": "rows.jsonl", "images": ".", "columns": columns}
    needle = {"benchmark_questions": 1}
    changed = {
        "ingest": {"source": "table", "table": table, "needle": needle, "dev_fraction": 0},
        "crops": {"min_side": min_side},
        "train": SETTINGS["train"] | {"steps": 1, "prompts": prompts},
    }
    return parse_params(SETTINGS | changed)


def through(paths: Paths, min_side: int | None, prompts: int) -> dict[str, Any]:
    """Ingest, crops and a step of training; the summary of the last."""
    params = parameters(min_side, prompts)
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    return train.run(params, paths)


def test_what_is_refused_is_left_out_with_its_reason_and_the_rest_is_trained_on(thin: Paths, capsys):
    summary = through(thin, min_side=None, prompts=1)
    assert summary["samples"] == 1
    assert {code: count for code, count in summary["left_out"].items() if count} == {
        "student_picture_refused": 1,
        "teacher_picture_refused": 1,
    }
    # The box of 690 x 1 gets a pixel's margin above and below, and is enlarged twice.
    assert shards.read(thin.left_out, LeftOut).rows() == [
        ("large", "teacher_picture_refused", f"crop of 1400 x 6 pixels: {WHY} {1400 / 6}"),
        ("wide", "student_picture_refused", f"image of 900 x 4 pixels: {WHY} 225.0"),
    ]
    assert set(shards.read(thin.rollouts, Rollouts)["sample_id"]) == {"ordinary"}
    assert "2 of 3 training samples are left out: 1 teacher_picture_refused (the first: large" in (
        " ".join(capsys.readouterr().out.split())
    )
    shutil.rmtree(thin.left_out)
    with pytest.raises(
        ConfigError, match=r"train\.prompts \(2\) is more than the samples left \(1\): 2 of 3"
    ):
        train.run(parameters(min_side=None, prompts=2), thin)
    assert shards.read(thin.left_out, LeftOut).height == 2, "to see why"


def test_a_least_side_keeps_the_crop_of_a_thin_box(thin: Paths):
    assert through(thin, min_side=64, prompts=2)["samples"] == 2
    boxes = dict(shards.read(thin.crops, Crops, ["sample_id", "positive_box"]).iter_rows())
    assert boxes["large"] == [0, 269, 700, 333]  # 299 to 302, and 61 more: 30 above, 31 below
    assert shards.read(thin.left_out, LeftOut)["sample_id"].to_list() == ["wide"]
