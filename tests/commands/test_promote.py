"""Promotion: the better or equal student goes on, anything else leaves everything as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.checked_tables import write_shards
from vzero import shards
from vzero.commands import promote
from vzero.config import Params, parse_params
from vzero.errors import ConfigError, ProjectError
from vzero.evaluate.statistics import Difference
from vzero.imaging import encode_png
from vzero.models.hashing import folder_hash
from vzero.paths import Paths
from vzero.tables import Images, Promotions, Samples

LetterModel = Callable[[str], Path]
# Eight dev questions on four images: A is right twice, B five times, C once.
ANSWERS = "AABBBBBC"


@pytest.fixture
def params(letter_model: LetterModel) -> Params:
    """The untouched student always says A."""
    return parse_params(
        {
            "models": {"student": str(letter_model("A"))},
            "evaluate": {"max_new_tokens": 3, "resamples": 500},
        }
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    rows = [dev_sample(number, answer) for number, answer in enumerate(ANSWERS)]
    # Training samples and open or unanswered questions are not for comparing: B would lose by them.
    rows += [
        dev_sample(8, "A") | {"split": "train"},
        dev_sample(9, None),
        dev_sample(10, "A") | {"options": []},
    ]
    write_samples(paths, rows)
    images = [image(number) for number in range(6)]
    frame = pl.DataFrame(images)
    write_shards(paths.images, frame, Images, 3)
    return paths


def dev_sample(number: int, answer: str | None) -> dict[str, Any]:
    return {
        "sample_id": f"s{number}",
        "image_id": f"i{number // 2}",
        "more_image_ids": [],
        "question": "Which?",
        "options": ["w", "x", "y", "z"],
        "answer": answer,
        "boxes": [[1.0, 1.0, 5.0, 5.0]],
        "evidence_box": [1.0, 1.0, 5.0, 5.0],
        "split": "dev",
        "category": "letter",
        "source": "test",
    }


def image(number: int) -> dict[str, Any]:
    data = encode_png(np.full((32, 32, 3), number, dtype=np.uint8))
    fixed = {
        "width": 32,
        "height": 32,
        "format": "png",
        "perceptual_hash": 0,
        "source": "test",
        "licence": "-",
        "suspect": False,
    }
    return {"image_id": f"i{number}", "bytes": data, **fixed}


def write_samples(paths: Paths, rows: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(rows)
    write_shards(paths.samples, frame, Samples, 6)


def train(paths: Paths, folder: Path) -> None:
    shutil.rmtree(paths.trained_model, ignore_errors=True)
    shutil.copytree(folder, paths.trained_model)


def history(paths: Paths) -> pl.DataFrame:
    return shards.read(paths.promotion_history, Promotions)


def test_the_first_promotion_is_measured_against_the_untouched_student(
    params: Params, paths: Paths, letter_model: LetterModel
):
    train(paths, letter_model("B"))
    summary = promote.run(params, paths)
    assert summary["outcome"] == "promoted"
    assert (summary["previous"], summary["n"]) == ("base", 8)
    assert (summary["accuracy"], summary["previous_accuracy"]) == (5 / 8, 2 / 8)
    assert summary["delta"] == pytest.approx(37.5)
    assert summary["delta_low"] < 37.5 < summary["delta_high"]
    assert folder_hash(paths.promoted_model) == folder_hash(letter_model("B"))
    record = json.loads(paths.promotion.read_text())
    assert record["model_hash"] == folder_hash(paths.promoted_model)
    assert record["delta"] == summary["delta"]
    assert json.loads(paths.promote_summary.read_text()) == summary


def test_a_student_below_is_not_promoted(params: Params, paths: Paths, letter_model: LetterModel):
    train(paths, letter_model("B"))
    promote.run(params, paths)
    record = paths.promotion.read_bytes()
    train(paths, letter_model("C"))
    summary = promote.run(params, paths)
    assert summary["outcome"] == "kept"
    # Four of eight questions, but they are about four images: that may be chance.
    assert summary["reason"].endswith("not distinguishable from, and below, the promoted one")
    assert summary["delta"] == pytest.approx(-50.0)
    assert summary["delta_low"] < 0 == summary["delta_high"]
    assert folder_hash(paths.promoted_model) == folder_hash(letter_model("B"))
    assert paths.promotion.read_bytes() == record
    assert len(history(paths)) == 1
    assert json.loads(paths.promote_summary.read_text())["outcome"] == "kept"


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((1.0, 0.5, 1.5), "the trained model is better than the base one"),
        ((1.0, -0.5, 2.5), "the trained model is not distinguishable from, and not below, the base one"),
        ((-1.0, -2.5, 0.5), "the trained model is not distinguishable from, and below, the base one"),
        ((-1.0, -1.5, -0.5), "the trained model is worse than the base one"),
    ],
)
def test_what_is_said_of_a_difference_is_what_its_interval_says(
    params: Params,
    paths: Paths,
    letter_model: LetterModel,
    monkeypatch: pytest.MonkeyPatch,
    interval: tuple[float, float, float],
    said: str,
):
    train(paths, letter_model("B"))
    monkeypatch.setattr(promote, "paired_difference", lambda *_, **__: Difference(*interval))
    summary = promote.run(params, paths)
    assert summary["reason"] == said
    assert summary["outcome"] == ("kept" if interval[0] < 0 else "promoted")


def test_an_equal_student_is_promoted_and_the_history_grows(
    params: Params, paths: Paths, letter_model: LetterModel
):
    train(paths, letter_model("B"))
    promote.run(params, paths)
    equal = paths.trained_model / "card.md"
    equal.write_text("The same weights under another card.")
    summary = promote.run(params, paths)
    assert (summary["outcome"], summary["previous"], summary["delta"]) == ("promoted", "promoted", 0.0)
    rows = history(paths)
    Promotions.validate(rows)
    assert rows["previous"].cast(pl.String).to_list() == ["base", "promoted"]
    assert rows["previous_hash"][1] == rows["model_hash"][0]
    assert (paths.promoted_model / "card.md").is_file()


def test_the_promoted_model_offered_again_changes_nothing(
    params: Params, paths: Paths, letter_model: LetterModel
):
    train(paths, letter_model("B"))
    promote.run(params, paths)
    record, rows = paths.promotion.read_bytes(), history(paths)
    summary = promote.run(params, paths)
    assert summary == {"outcome": "unchanged", "reason": "the trained model is the promoted one"}
    assert paths.promotion.read_bytes() == record
    assert history(paths).equals(rows)


def test_without_dev_answers_nothing_is_promoted(params: Params, paths: Paths, letter_model: LetterModel):
    write_samples(paths, [dev_sample(0, None), dev_sample(1, "A") | {"split": "train"}])
    train(paths, letter_model("B"))
    summary = promote.run(params, paths)
    assert summary["outcome"] == "kept"
    assert summary["reason"] == "no dev sample has options and an answer to compare by"
    assert not paths.promoted_model.exists()
    assert not paths.promotion_history.exists()


def test_a_rejected_student_offered_again_is_not_asked_again(
    params: Params, paths: Paths, letter_model: LetterModel
):
    train(paths, letter_model("C"))
    first = promote.run(params, paths)
    shards_before = {part: part.stat().st_mtime_ns for part in paths.scratch.rglob("part-*")}
    assert shards_before
    assert promote.run(params, paths) == first
    assert {part: part.stat().st_mtime_ns for part in paths.scratch.rglob("part-*")} == shards_before


def test_a_half_copied_model_of_a_killed_run_is_replaced(
    params: Params, paths: Paths, letter_model: LetterModel
):
    leftover = paths.promoted / ".model.new.tmp"
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half")
    train(paths, letter_model("B"))
    promote.run(params, paths)
    assert folder_hash(paths.promoted_model) == folder_hash(letter_model("B"))
    assert sorted(path.name for path in paths.promoted.iterdir()) == [
        "history.parquet",
        "model",
        "promotion.json",
        "summary.json",
    ]


def test_a_promotion_killed_before_the_model_was_in_place_is_recorded_once(
    params: Params, paths: Paths, letter_model: LetterModel, monkeypatch: pytest.MonkeyPatch
):
    train(paths, letter_model("C"))
    shutil.copytree(letter_model("C"), paths.promoted_model)
    train(paths, letter_model("B"))

    def killed(source: Path, target: Path) -> None:
        """Stands for a kill when the old model is aside and the new one not in place."""
        rename(source, target)
        if target.name == ".model.old.tmp":
            raise KeyboardInterrupt

    rename = Path.rename
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "rename", killed)
        promote.run(params, paths)
    assert not paths.promoted_model.exists()
    assert promote.run(params, paths)["previous_hash"] == shards.content_hash(letter_model("C"))
    assert history(paths)["previous"].cast(pl.String).to_list() == ["promoted"]
    assert folder_hash(paths.promoted_model) == folder_hash(letter_model("B"))


def test_nothing_trained_is_an_error(params: Params, paths: Paths):
    with pytest.raises(ProjectError, match="no trained model; run train first"):
        promote.run(params, paths)


def test_a_solver_of_self_play_is_promoted_like_a_student(
    params: Params, paths: Paths, letter_model: LetterModel
):
    shutil.copytree(letter_model("B"), paths.solver_model("solver-2"))
    summary = promote.run(params, paths, "solver-2")
    assert (summary["outcome"], summary["accuracy"]) == ("promoted", 5 / 8)
    assert folder_hash(paths.promoted_model) == folder_hash(paths.solver_model("solver-2"))
    assert promote.run(params, paths, "solver-2")["outcome"] == "unchanged"
    with pytest.raises(ProjectError, match="solver-3/model: no trained model; run solver first"):
        promote.run(params, paths, "solver-3")
    with pytest.raises(ConfigError, match="unknown model 'teacher': allowed: trained, solver-1 and so on"):
        promote.run(params, paths, "teacher")


def test_without_samples_to_compare_by_a_solver_is_kept(
    params: Params, tmp_path: Path, letter_model: LetterModel
):
    images_alone = Paths(tmp_path)
    shutil.copytree(letter_model("B"), images_alone.solver_model("solver-1"))
    summary = promote.run(params, images_alone, "solver-1")
    assert summary["outcome"] == "kept" and "no dev sample" in summary["reason"]
