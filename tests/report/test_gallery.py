"""Which groups the gallery shows."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import polars as pl
import pytest
from example_run import picture, replace_negatives, write_example

from vzero import tables
from vzero.config.data import Negative
from vzero.pages.pictures import FURTHER_IMAGES
from vzero.paths import Paths
from vzero.report import gallery
from vzero.report.inputs import read_inputs
from vzero.shards import files, write_table
from vzero.stages import report

pytestmark = pytest.mark.usefixtures("charts_drawn_once")


def groups(**texts: list[str]) -> pl.DataFrame:
    rows = [(int(name[1:]), name, text) for name, said in texts.items() for text in said]
    frame = pl.DataFrame(rows, schema=["step", "sample_id", "text"], orient="row")
    return frame.with_columns(letter=pl.col("text").str.extract("([A-D])$"))


def test_groups_whose_answers_differ_come_first() -> None:
    frame = groups(s1=["A", "A"], s2=["A", "B"], s3=["C", "C"], s4=["D", "B"])
    assert gallery.pick_groups(frame, 2, seed=0)["sample_id"].to_list() == ["s2", "s4"]
    assert gallery.pick_groups(frame, 9, seed=0).height == 4


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    frame = groups(**{f"s{index}": ["A", "B"] for index in range(40)})
    first = gallery.pick_groups(frame, 5, seed=0)
    assert first.equals(gallery.pick_groups(frame.reverse(), 5, seed=0))
    assert not first.equals(gallery.pick_groups(frame, 5, seed=1))


def test_a_sample_is_shown_once() -> None:
    frame = pl.concat([groups(s1=["A", "B"]), groups(s1=["A", "B"]).with_columns(step=pl.lit(7, pl.Int64))])
    assert gallery.pick_groups(frame, 5, seed=0).height == 1


def test_the_window_of_another_image_is_not_drawn_on_this_one(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    inputs = read_inputs(params, paths)
    entry = gallery.build_gallery(_annotated(inputs.rollouts), inputs.samples, paths, 1, 0)[0]
    assert entry.negative_box == [4.0, 4.0, 36.0, 36.0]
    borrowed = gallery.Entry(**{**vars(entry), "crop": entry.crop | {"negative_image_id": "other"}})
    assert borrowed.negative_box is None


def test_an_entry_shows_every_negative_and_says_how_they_were_made(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    more = pl.lit([picture(1), picture(2)], pl.List(pl.Binary))
    replace_negatives(
        paths, strategy=pl.lit("same_resolution"), fallback=pl.lit("exact"), more_negatives=more
    )
    inputs = read_inputs(params, paths)
    entry = gallery.build_gallery(_annotated(inputs.rollouts), inputs.samples, paths, 1, 0)[0]
    assert [(shown.width, shown.height) for shown in entry.negatives] == [(32, 32), (96, 64), (96, 64)]
    assert entry.negative_words == gallery.STRATEGY_WORDS["same_resolution"]
    assert not any(isinstance(value, bytes) for value in entry.crop.values()), "pictures are not repeated"
    shrunk = gallery.Entry(**{**vars(entry), "crop": entry.crop | {"fallback": "shrunk"}})
    assert shrunk.negative_words == gallery.FALLBACK_WORDS["shrunk"]


def test_samples_without_a_box_are_shown_without_views_and_further_images_with_them(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    take_boxes(paths, "sample-000", "sample-001")
    inputs = read_inputs(params, paths)
    ids = inputs.samples["image_id"].to_list()
    rows = inputs.samples.with_columns(more_image_ids=pl.lit(ids[5:], pl.List(pl.String)))
    entries = {
        entry.sample["sample_id"]: entry
        for entry in gallery.build_gallery(_annotated(inputs.rollouts), rows, paths, 10, 0)
    }
    assert len(entries) == 10
    for name, entry in entries.items():
        boxless = name in ("sample-000", "sample-001")
        assert (entry.crop is None, entry.positive is None, entry.negatives == []) == (boxless,) * 3
        assert (entry.negative_box is None, entry.negative_words == "") == (boxless, boxless)
        assert len(entry.further) == FURTHER_IMAGES < 5 and entry.members


def test_the_page_says_how_many_have_no_box(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path, params={"report": {"gallery": 10}})
    take_boxes(paths, "sample-000", "sample-001")
    report.run(params, paths)
    html = paths.report_page.read_text()
    assert "2 of 10 samples have no box, and so no crops." in html
    assert html.count("no crops: the sample has no box") == 2
    assert html.count("Positive view: the right crop") == 8


def test_the_page_of_a_run_without_any_crops(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    take_boxes(paths, *(f"sample-{number:03d}" for number in range(10)))
    report.run(params, paths)
    html = paths.report_page.read_text()
    assert "10 of 10 samples have no box, and so no crops." in html
    assert "no crops</th>" in html, "in the table of how negative views were found"


def test_every_strategy_is_put_in_words() -> None:
    assert set(gallery.STRATEGY_WORDS) == set(get_args(Negative))


def test_without_rollouts_samples_are_drawn(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    inputs = read_inputs(params, paths)
    entries = gallery.build_gallery(_annotated(inputs.rollouts.clear()), inputs.samples, paths, 3, 0)
    assert len(entries) == 3
    assert all(entry.step is None and not entry.members for entry in entries)


def _annotated(rollouts: pl.DataFrame) -> pl.DataFrame:
    return rollouts.with_columns(letter=pl.lit(None, pl.String))


def take_boxes(paths: Paths, *names: str) -> None:
    """Leave some samples without a box, and so without crops."""
    chosen = pl.col("sample_id").is_in(names)
    for file in files(paths.samples):
        lost = pl.when(~chosen).then("evidence_box").alias("evidence_box")
        kept = (
            pl.when(~chosen).then("boxes").otherwise(pl.lit([], pl.List(pl.List(pl.Float32)))).alias("boxes")
        )
        write_table(file, pl.read_parquet(file).with_columns(lost, kept), tables.Samples)
    for file in files(paths.crops):
        write_table(file, pl.read_parquet(file).filter(~chosen), tables.Crops)
