"""Samples without a box (`ingest.missing_box: keep`) through the stages that make and show the data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from tests.table_project import row, table_project
from vzero import shards, tables
from vzero.config import Params
from vzero.paths import Paths
from vzero.quality.inputs import read_inputs
from vzero.quality.tokens import prompt_lengths
from vzero.stages import crops, ingest, quality

WEIGHTS = Path(__file__).parents[2] / "vzero/needle/weights"
OF_EVIDENCE = ("evidence_area", "evidence_centre", "boxes", "fallback")


def run_all(root: Path, rows: list[dict]) -> tuple[Params, Paths, dict, dict]:
    """Params, paths, and the summaries of `ingest` and `crops`."""
    params, paths = table_project(root, rows, missing_box="keep", shard_images=2)
    models = params.models.model_copy(update={name: WEIGHTS / name for name in ("student", "teacher")})
    params = params.model_copy(update={"models": models})
    ingested, cut = ingest.run(params, paths, processes=1), crops.run(params, paths, processes=1)
    quality.run(params, paths)
    return params, paths, ingested, cut


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Params, Paths, dict, dict]:
    """Six questions about six pictures; r1, r3 and r4 have no box."""
    rows = [row(number, number, **({"box": None} if number in (1, 3, 4) else {})) for number in range(6)]
    return run_all(tmp_path_factory.mktemp("mixed"), rows)


@pytest.fixture(scope="module")
def none(tmp_path_factory: pytest.TempPathFactory) -> tuple[Params, Paths, dict, dict]:
    """Three questions, none with a box."""
    return run_all(tmp_path_factory.mktemp("none"), [row(n, n, box=None) for n in range(3)])


def test_they_are_samples_like_others_and_are_counted(mixed: tuple, capsys: pytest.CaptureFixture[str]):
    _, paths, ingested, cut = mixed
    assert (ingested["samples"], ingested["rejects"], ingested["without_box"]) == (6, {}, 3)
    assert json.loads(paths.ingest_summary.read_text()) == ingested
    samples = shards.read(paths.samples, tables.Samples).sort("sample_id")
    assert samples["evidence_box"].is_null().to_list() == [False, True, False, True, True, False]
    assert samples["boxes"].list.len().to_list() == [1, 0, 1, 0, 0, 1]
    assert (cut["samples"], cut["without_box"], sum(cut["fallback"].values())) == (3, 3, 3)
    assert json.loads(paths.crops_summary.read_text()) == cut


def test_boxes_are_verified_by_the_rows_that_have_one(mixed: tuple):
    assert mixed[2]["box_conventions"]["table"]["xyxy pixel"]["boxes"] == 3


def test_crops_are_of_the_others_in_the_shards_of_their_samples(mixed: tuple):
    _, paths, _, _ = mixed
    names = [[path.name for path in shards.files(folder)] for folder in (paths.samples, paths.crops)]
    assert names[0] == names[1]
    for samples, made in zip(shards.files(paths.samples), shards.files(paths.crops), strict=True):
        boxed = pl.read_parquet(samples).filter(pl.col("evidence_box").is_not_null())
        assert pl.read_parquet(made)["sample_id"].to_list() == boxed["sample_id"].sort().to_list()


def test_where_no_sample_has_a_box_the_crops_are_an_empty_table(none: tuple):
    _, paths, ingested, cut = none
    assert (ingested["samples"], ingested["without_box"], ingested["box_conventions"]) == (3, 3, {})
    assert cut == {"samples": 0, "negatives": 0, "fallback": dict.fromkeys(tables.FALLBACKS, 0)} | {
        "without_box": 3
    }
    made = tables.Crops.validate(shards.read(paths.crops, tables.Crops))
    assert made.is_empty() and len(shards.files(paths.crops)) == len(shards.files(paths.samples))


def test_a_summary_says_nothing_of_it_where_every_sample_has_a_box(tmp_path: Path):
    _, _, ingested, cut = run_all(tmp_path, [row(0, 0)])
    assert "without_box" not in ingested | cut


def figure(paths: Paths, name: str) -> dict[str, int]:
    table = shards.read(paths.quality, tables.Quality).filter(figure=name, source="table").sort("position")
    return {level: count for level, count in table.select("level", "count").rows() if count}


def test_figures_of_the_evidence_are_of_samples_with_a_box_and_the_others_are_counted(mixed: tuple):
    paths = mixed[1]
    for name in (*OF_EVIDENCE, "evidence_aspect", "teacher_tokens"):
        assert sum(figure(paths, name).values()) == 3, name
    for name in ("question_length", "answer", "student_tokens"):
        assert sum(figure(paths, name).values()) == 6, name
    assert figure(paths, "counts") == {"images": 6, "train samples": 6, "samples without a box": 3}
    html = paths.quality_page.read_text()
    assert "3 samples have no box, and so no crops." in html
    cards = re.findall(r'<figure class="card">.*?</figure>', html, re.DOTALL)
    boxless = [card for card in cards if any(f"<code>{name}</code>" in card for name in ("r1", "r3", "r4"))]
    assert boxless, "of six samples four are drawn, and three have no box"
    assert all("at random: no box, 60 x 50 pixels" in text and "<rect" not in text for text in boxless)


def test_figures_where_no_sample_has_a_box(none: tuple):
    paths = none[1]
    assert all(figure(paths, name) == {} for name in OF_EVIDENCE)
    html = paths.quality_page.read_text()
    assert "3 samples have no box, and so no crops." in html
    assert html.count("at random: no box") == 3 and "Where the evidence is" not in html


def test_the_teacher_is_not_asked_without_a_crop_and_nothing_was_refused(mixed: tuple):
    params, paths, _, _ = mixed
    lengths, notes = prompt_lengths(read_inputs(paths), params.models, paths.resolve)
    assert notes == []
    assert (lengths["student_tokens"].null_count(), lengths["teacher_tokens"].null_count()) == (0, 3)


def test_suspects_may_have_no_boxes_to_draw(tmp_path: Path):
    rows = [row(0, 0, box=None), row(1, 1), row(2, 0, box=[100, 10, 120, 30])]
    _, paths, ingested, _ = run_all(tmp_path, rows)
    assert ingested["suspect"]["samples"] == 1
    html = paths.quality_page.read_text()
    [card] = re.findall(r'alt="Suspect image with the boxes that passed">.*?</figure>', html, re.DOTALL)
    assert "<rect" not in card and "Question 0?" in card
