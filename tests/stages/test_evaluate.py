"""One cell of the evaluation matrix, with real tiny models on the embedded benchmarks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.checked_tables import write_items
from vzero import shards
from vzero.benchmarks.items import picture_facts
from vzero.config import EMBEDDED, Crops, NeedleSource, Params, parse_params
from vzero.errors import ConfigError, ModelError, ProjectError
from vzero.evaluate import predict
from vzero.evaluate.replies import Replies
from vzero.imaging import encode_png, probe
from vzero.needle.benchmarks import benchmark_items
from vzero.paths import Paths
from vzero.stages import evaluate
from vzero.tables import BenchmarkItems, EvaluateTimings, Predictions, Scores

LetterModel = Callable[[str], Path]
QUESTIONS = 10


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks") / "items"
    table = benchmark_items(NeedleSource(benchmark_questions=QUESTIONS), Crops())
    write_items(folder, table, 20)
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
        "evaluate": {"batch_tokens": 300, "max_new_tokens": 3, "resamples": 200},
    }


def evaluated(letter_model: LetterModel, **changed: Any) -> dict[str, Any]:
    """The parameters with other settings of `evaluate`."""
    base = tree(letter_model)
    return base | {"evaluate": base["evaluate"] | changed}


def predictions(paths: Paths, model: str, benchmark: str) -> pl.DataFrame:
    return shards.read(paths.predictions(model, benchmark), Predictions)


def timings(paths: Paths, model: str, benchmark: str) -> pl.DataFrame:
    return shards.read(paths.evaluate_timings(model, benchmark), EvaluateTimings)


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
    # The answer stands at A in exactly one of the four orders. Ten questions that agree are no certainty.
    found = summary["views"]["full"]
    assert (found["accuracy"], found["unresolved"]) == (0.25, 0.0)
    assert found["low"] < 0.25 < found["high"]


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


def test_another_policy_reads_the_same_replies(
    params: Params, paths: Paths, letter_model: LetterModel, monkeypatch: pytest.MonkeyPatch
):
    evaluate.run(params, paths, "base", "search")
    first, seconds = predictions(paths, "base", "search"), timings(paths, "base", "search")
    monkeypatch.setattr(predict, "load_model", lambda *_: pytest.fail("the model was loaded"))
    changed = parse_params(evaluated(letter_model, reader="mmstar-official", resamples=100))
    evaluate.run(changed, paths, "base", "search")
    again = predictions(paths, "base", "search")
    assert set(again["reader"]) == {"mmstar-official"}
    kept = ["item", "prompt_hash", "text"]
    assert again.select(kept).equals(first.select(kept))
    assert timings(paths, "base", "search").equals(seconds)


@pytest.mark.parametrize(
    "changed",
    [{"max_new_tokens": 2}, {"temperature": 1.0}, {"wording": "vlmevalkit"}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_changed_setting_asks_everything_again(
    params: Params, paths: Paths, letter_model: LetterModel, changed: dict[str, Any]
):
    evaluate.run(params, paths, "base", "search")
    before = len(stored(paths))
    evaluate.run(parse_params(evaluated(letter_model, **changed)), paths, "base", "search")
    assert len(stored(paths)) == 2 * before == 2 * QUESTIONS


def test_a_changed_image_is_asked_about_again(params: Params, paths: Paths):
    evaluate.run(params, paths, "base", "search")
    changed = change_one_image(paths, "search")
    evaluate.run(params, paths, "base", "search")
    asked = stored(paths).group_by("item").len()
    assert dict(asked.iter_rows()) == {item: 2 if item == changed else 1 for item in asked["item"]}


def test_a_question_that_came_with_new_data_is_the_only_one_asked(params: Params, paths: Paths):
    [shard] = shards.files(paths.items_of("coarse"))
    whole = pl.read_parquet(shard)
    lost = whole["item"][0]
    shards.write_table(shard, whole.filter(pl.col("item") != lost), BenchmarkItems)
    evaluate.run(params, paths, "base", "coarse")
    before = stored(paths)
    shards.write_table(shard, whole, BenchmarkItems)
    evaluate.run(params, paths, "base", "coarse")
    new = stored(paths).join(before, on="key", how="anti")
    assert new["item"].to_list() == [lost]


def test_answers_of_several_seeds_are_pooled(paths: Paths, letter_model: LetterModel):
    settings = evaluated(letter_model, temperature=1.0, top_p=0.9, top_k=50, seeds=[3, 5, 8])
    summary = evaluate.run(parse_params(settings), paths, "base", "search")
    rows = predictions(paths, "base", "search")
    assert sorted(set(rows["seed"])) == [3, 5, 8]
    assert len(rows) == 3 * QUESTIONS
    assert summary["views"]["full"]["n"] == QUESTIONS
    scores = shards.read(paths.scores("base", "search"), Scores)
    assert set(scores["seeds"]) == {3}
    whole = scores.filter(pl.col("category") == "all")
    assert whole["accuracy"].item() == pytest.approx(rows["hit"].mean())
    by_seed = rows.group_by("seed").agg(pl.col("hit").mean())["hit"]
    assert whole["seed_deviation"].item() == pytest.approx(by_seed.std())


def stored(paths: Paths) -> pl.DataFrame:
    [folder] = (paths.scratch / "replies").iterdir()
    return shards.read(folder, Replies)


def test_an_item_whose_picture_is_refused_stays_in_n_and_counts_as_wrong(
    params: Params, paths: Paths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    thin = change_one_image(paths, "search", size=(4, 900))
    summary = evaluate.run(params, paths, "base", "search")
    rows = predictions(paths, "base", "search")
    Predictions.validate(rows)
    read = ["item", "rule", "resolved", "hit", "text", "shown_width", "image_width", "finish_reason"]
    refused = rows.filter(pl.col("finish_reason") == "refused").select(read).rows()
    assert refused == [(thin, "picture_refused", False, False, "", 0, 900, "refused")]
    found = summary["views"]["full"]
    assert (found["n"], found["refused"]) == (QUESTIONS, 1)
    assert found["unresolved"] == pytest.approx(1 / QUESTIONS)
    assert found["accuracy"] == rows["hit"].sum() / QUESTIONS
    said = capsys.readouterr().out
    assert f"1 of {QUESTIONS} questions are not asked" in said and f"item {thin}, view full, 900 x 4" in said
    monkeypatch.setattr(predict, "load_model", lambda *_: pytest.fail("the model was loaded"))
    assert evaluate.run(params, paths, "base", "search") == summary


def test_a_cell_of_refused_pictures_alone_scores_nothing(params: Params, paths: Paths):
    thin = change_one_image(paths, "search", size=(4, 900))
    [shard] = shards.files(paths.items_of("search"))
    rows = pl.read_parquet(shard)
    shards.write_table(shard, rows.filter(pl.col("item") == thin), BenchmarkItems)
    found = evaluate.run(params, paths, "base", "search")["views"]["full"]
    assert (found["n"], found["accuracy"], found["unresolved"], found["refused"]) == (1, 0.0, 1.0, 1)


def change_one_image(paths: Paths, benchmark: str, size: tuple[int, int] = (40, 60)) -> str:
    """Put another picture of this height and width into the first item of a benchmark; its id."""
    shard, *_ = shards.files(paths.items_of(benchmark))
    rows = pl.read_parquet(shard).to_dicts()
    pixels = np.zeros((*size, 3), np.uint8)
    rows[0]["image"] = encode_png(pixels)
    rows[0]["pictures"][0] = picture_facts(rows[0]["image"], pixels)
    shards.write_table(shard, shards.frame_of(rows, BenchmarkItems), BenchmarkItems)
    return rows[0]["item"]


def test_unknown_names_are_errors_that_say_what_is_allowed(params: Params, paths: Paths):
    with pytest.raises(ConfigError, match=r"unknown model 'bas': allowed: base, trained, teacher"):
        evaluate.run(params, paths, "bas", "search")
    with pytest.raises(
        ConfigError, match=f"unknown benchmark 'vstar': allowed: {', '.join(EMBEDDED['needle'])}"
    ):
        evaluate.run(params, paths, "base", "vstar")


def test_what_is_missing_is_named(params: Params, paths: Paths):
    shutil.rmtree(paths.trained_model)
    with pytest.raises(ModelError, match="no folder there to load the trained model from"):
        evaluate.run(params, paths, "trained", "search")
    shutil.rmtree(paths.benchmark_items)
    with pytest.raises(ProjectError, match="no items of this benchmark there; run ingest"):
        evaluate.run(params, paths, "base", "search")
