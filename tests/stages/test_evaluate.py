"""One cell of the evaluation matrix, with real tiny models on the embedded benchmarks."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from vzero import shards
from vzero.config import BENCHMARKS, ConfigError, NeedleSource, Params, parse_params
from vzero.evaluate.predict import Replies
from vzero.imaging import probe
from vzero.needle.benchmarks import benchmark_items
from vzero.paths import Paths
from vzero.stages import evaluate
from vzero.tables import BenchmarkItems, Predictions, Scores

LetterModel = Callable[[str], Path]
QUESTIONS = 10


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks") / "items"
    table = benchmark_items(NeedleSource(benchmark_questions=QUESTIONS))
    shards.write_shards(folder, table, BenchmarkItems, key="item", shards=3)
    return folder


@pytest.fixture
def paths(tmp_path: Path, items: Path, letter_model: LetterModel) -> Paths:
    """A project after ingest and train: the untouched student says A, the trained one B, the teacher C."""
    return project(tmp_path, items, letter_model)


def project(root: Path, items: Path, letter_model: LetterModel) -> Paths:
    paths = Paths(root)
    shutil.copytree(items, paths.benchmark_items)
    shutil.copytree(letter_model("B"), paths.trained_model)
    return paths


@pytest.fixture
def params(letter_model: LetterModel) -> Params:
    return parse_params(tree(letter_model))


def tree(letter_model: LetterModel) -> dict[str, Any]:
    return {
        "models": {"student": str(letter_model("A")), "teacher": str(letter_model("C"))},
        "evaluate": {"batch": 4, "max_new_tokens": 3, "resamples": 200},
    }


def predictions(paths: Paths, model: str, benchmark: str) -> pl.DataFrame:
    return shards.read(paths.predictions(model, benchmark), Predictions)


def test_a_cell_holds_predictions_and_scores_that_pass_their_schemas(params: Params, paths: Paths):
    summary = evaluate.run(params, paths, "trained", "search")
    rows = predictions(paths, "trained", "search")
    Predictions.validate(rows)
    Scores.validate(shards.read(paths.scores("trained", "search"), Scores))
    assert set(rows["text"]) == {"B"}
    assert rows["hit"].to_list() == (rows["answer"] == "B").to_list()
    assert summary["views"]["full"]["accuracy"] == rows["hit"].mean()
    assert [path.name for path in sorted(paths.evaluation("trained", "search").iterdir())] == [
        "predictions",
        "scores",
    ]


@pytest.mark.parametrize(("model", "letter"), [("base", "A"), ("trained", "B"), ("teacher", "C")])
def test_each_row_of_the_matrix_asks_its_own_model(params: Params, paths: Paths, model: str, letter: str):
    evaluate.run(params, paths, model, "coarse")
    rows = predictions(paths, model, "coarse")
    assert set(rows["extracted"]) == {letter}
    assert set(rows["view"].cast(pl.String)) == {"full"}  # no region, so no crop for the teacher either


def test_cyclic_orders_of_one_answer_score_a_quarter(params: Params, paths: Paths):
    summary = evaluate.run(params, paths, "base", "cyclic")
    assert summary["views"]["full"]["n"] == 4 * QUESTIONS
    # The answer stands at A in exactly one of the four orders: every question, and every resample, has 1/4.
    assert summary["views"]["full"] | {"n": 0} == {
        "n": 0,
        "accuracy": 0.25,
        "low": 0.25,
        "high": 0.25,
        "unresolved": 0.0,
    }


def test_zoom_is_seen_in_full_and_as_the_crop_alone_by_the_student(params: Params, paths: Paths):
    summary = evaluate.run(params, paths, "base", "zoom")
    assert {view: score["n"] for view, score in summary["views"].items()} == {"full": 10, "crop": 10}
    rows = predictions(paths, "base", "zoom")
    crops = rows.filter(pl.col("view") == "crop")
    items = shards.read(paths.benchmark_items, BenchmarkItems).filter(pl.col("benchmark") == "zoom")
    sizes = {(probe(crop)[0], item) for item, crop in items.select("item", "crop_image").iter_rows()}
    assert set(crops.select("image_width", "item").iter_rows()) == sizes


def test_the_teachers_ceiling_sees_the_crop_beside_the_full_image(params: Params, paths: Paths):
    evaluate.run(params, paths, "teacher", "search")
    teacher = predictions(paths, "teacher", "search")
    assert set(teacher["view"].cast(pl.String)) == {"full+crop"}
    evaluate.run(params, paths, "base", "search")
    base = predictions(paths, "base", "search")
    both = teacher.join(base, on="item", suffix="_base")
    assert (both["image_hash"] != both["image_hash_base"]).all()
    assert (both["prompt_hash"] != both["prompt_hash_base"]).all()


def test_running_again_gives_the_same_scores_byte_for_byte(params: Params, paths: Paths):
    part = shards.shard_path(paths.scores("base", "search"), 0)
    evaluate.run(params, paths, "base", "search")
    first = part.read_bytes()
    evaluate.run(params, paths, "base", "search")
    assert part.read_bytes() == first
    assert not list((paths.scratch / "evaluate/base-search").iterdir())


RUN = """
import json, sys, torch
from pathlib import Path
from vzero.config import parse_params
from vzero.paths import Paths
from vzero.stages import evaluate
torch.set_num_threads(1)
evaluate.run(parse_params(json.loads(sys.argv[2])), Paths(Path(sys.argv[1])), "trained", "cyclic")
"""


def test_a_killed_run_goes_on_and_scores_the_same(tmp_path: Path, items: Path, letter_model: LetterModel):
    settings = tree(letter_model) | {"evaluate": {"batch": 1, "max_new_tokens": 3, "resamples": 200}}
    params = parse_params(settings)
    killed, whole = (project(tmp_path / name, items, letter_model) for name in ("killed", "whole"))
    stop_after(3, killed, settings)
    replies = next((killed.scratch / "evaluate/trained-cyclic").iterdir()) / "replies"
    before = shards.read(replies, Replies)
    assert 3 <= len(before) < 4 * QUESTIONS
    assert not killed.evaluation("trained", "cyclic").exists()
    for paths in (killed, whole):
        evaluate.run(params, paths, "trained", "cyclic")
    # Seconds are measured: only replies that were kept, not asked again, still have theirs.
    kept = predictions(killed, "trained", "cyclic").join(before, on=["item", "seconds"])
    assert len(kept) == len(before)
    resumed, straight = (shards.shard_path(at.scores("trained", "cyclic"), 0) for at in (killed, whole))
    assert resumed.read_bytes() == straight.read_bytes()


def stop_after(batches: int, paths: Paths, settings: dict[str, Any]) -> None:
    """Run the stage in a process of its own and kill it once it has answered some batches."""
    process = subprocess.Popen([sys.executable, "-c", RUN, str(paths.root), json.dumps(settings)])
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        if len(list(paths.scratch.glob("evaluate/*/*/replies/part-*"))) >= batches:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_unknown_names_are_errors_that_say_what_is_allowed(params: Params, paths: Paths):
    with pytest.raises(ConfigError, match=r"unknown model 'bas': allowed: base, trained, teacher"):
        evaluate.run(params, paths, "bas", "search")
    with pytest.raises(ConfigError, match=f"unknown benchmark 'vstar': allowed: {', '.join(BENCHMARKS)}"):
        evaluate.run(params, paths, "base", "vstar")


def test_what_is_missing_is_named(params: Params, paths: Paths):
    shutil.rmtree(paths.trained_model)
    with pytest.raises(ConfigError, match="no folder there to load the trained model from"):
        evaluate.run(params, paths, "trained", "search")
    shutil.rmtree(paths.benchmark_items)
    with pytest.raises(FileNotFoundError, match="run the stage that writes it first"):
        evaluate.run(params, paths, "base", "search")
