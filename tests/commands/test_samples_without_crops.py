"""Commands on samples that have no box, or several images: what is shown, exported, compared and promoted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.table_project import row, table_project
from vzero import imaging, shards, tables
from vzero.commands import export, promote, sheet
from vzero.commands.changes import changes
from vzero.commands.sheet_rows import MOST_IMAGES, SHEETS
from vzero.commands.show import show
from vzero.errors import ProjectError
from vzero.paths import Paths
from vzero.stages import crops, ingest


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """r0 has a box, r1 none; r2 has a box and two more images, r3 no box and five more."""
    rows = [
        row(0, 0),
        row(1, 1, box=None),
        row(2, 2, 3, 4),
        row(3, 5, 6, 7, 0, 1, 2, box=None),
    ]
    params, paths = table_project(tmp_path_factory.mktemp("rows"), rows, missing_box="keep", shard_images=3)
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    return paths


@pytest.fixture(scope="module")
def boxless(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    params, paths = table_project(
        tmp_path_factory.mktemp("boxless"), [row(0, 0, box=None)], missing_box="keep"
    )
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    return paths


@pytest.mark.parametrize("table", ["samples", "crops"])
def test_show_says_how_many_samples_have_no_box(table: str, paths: Paths, capsys: pytest.CaptureFixture[str]):
    show(table, paths)
    assert "2 samples have no box, and so no crops" in capsys.readouterr().out


def test_show_prints_a_table_of_crops_without_rows(boxless: Paths, capsys: pytest.CaptureFixture[str]):
    show("crops", boxless)
    assert "crops: 0 rows, 0 shown" in capsys.readouterr().out
    with pytest.raises(ProjectError, match="crops has no rows to picture"):
        show("crops", boxless, out=boxless.root / "sheet.png")


def test_crops_without_their_samples_are_shown_all_the_same(
    paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree(paths.crops, Paths(tmp_path).crops)
    show("crops", Paths(tmp_path))
    assert "crops: 2 rows" in capsys.readouterr().out


def panels(table: str, frame: pl.DataFrame, paths: Paths) -> list[tuple[list[str], list[int]]]:
    """The captions of each row's pictures, and the boxes drawn on each."""
    rows = SHEETS[table](frame, paths)
    return [([one.caption for one in row.panels], [len(one.boxes) for one in row.panels]) for row in rows]


def test_a_sheet_of_samples_shows_all_images_up_to_a_few_and_the_boxes_on_the_first(paths: Paths):
    samples = shards.read(paths.samples, tables.Samples).sort("sample_id")
    several = [f"image {number}, 60 x 50" for number in range(1, MOST_IMAGES + 1)]
    assert panels("samples", samples, paths) == [
        (["image, 60 x 50"], [1]),
        (["image, 60 x 50"], [0]),
        (several[:3], [1, 0, 0]),
        (several, [0] * MOST_IMAGES),
    ]
    lines = [row.lines for row in SHEETS["samples"](samples, paths)]
    assert ["no box, and so no crops" in each for each in lines] == [False, True, False, True]
    assert f"6 images, the first {MOST_IMAGES} are shown" in lines[3]
    assert sheet.draw_sheet(SHEETS["samples"](samples, paths))


def test_a_sheet_of_crops_shows_further_images_between_the_first_and_its_crops(paths: Paths):
    frame = shards.read(paths.crops, tables.Crops).filter(sample_id="r2")
    [(captions, boxes)] = panels("crops", frame, paths)
    named = [caption.split(",")[0] for caption in captions[:4]]
    assert named == ["image 1", "image 2", "image 3", "positive"]
    assert boxes[0] >= 1 and not any(boxes[1:])


def test_sheets_of_rollouts_and_of_what_training_left_out_need_no_crops(paths: Paths):
    left_out = pl.DataFrame({"sample_id": ["r1"], "code": ["no_answer"], "detail": ["why"]})
    rollouts = pl.DataFrame({"step": [0], "sample_id": ["r1"], "member": [0]})
    rollouts = rollouts.with_columns(weight=1.0, evidence_score=0.0, text=pl.lit("It is red."))
    for table, frame in (("left_out", left_out), ("rollouts", rollouts)):
        assert panels(table, frame, paths) == [(["image, 60 x 50"], [0])]


def test_the_export_leaves_them_out_and_counts_them(paths: Paths, tmp_path: Path):
    counts = export.verl(paths, tmp_path / "out", processes=1)
    rows = [row for file in (tmp_path / "out").iterdir() for row in pq.read_table(file).to_pylist()]
    assert [row["extra_info"]["sample_id"] for row in rows] == ["r0"]
    assert counts["left_out"] == {"no_box": 2, "several_images": 1}


def test_an_export_of_nothing_is_an_error(boxless: Paths, tmp_path: Path):
    with pytest.raises(ProjectError, match="no row of train or dev that can be exported"):
        export.verl(boxless, tmp_path / "out", processes=1)


def test_crops_of_other_samples_are_noticed_beside_samples_without_a_box(paths: Paths, tmp_path: Path):
    shutil.copytree(paths.root / "data", tmp_path / "data")
    for file in shards.files(Paths(tmp_path).samples):  # r2 loses its box, and its crops are still there
        lost = pl.when(sample_id=pl.lit("r2")).then(None).otherwise("evidence_box").alias("evidence_box")
        pl.read_parquet(file).with_columns(lost).write_parquet(file)
    with pytest.raises(ProjectError, match="run crops again"):
        export.verl(Paths(tmp_path), tmp_path / "out", processes=1)


def without(paths: Paths, root: Path) -> Paths:
    """The samples as an earlier version stored them, without the column of further images."""
    found = Paths(root)
    found.samples.mkdir(parents=True)
    for file in shards.files(paths.samples):
        pl.read_parquet(file).drop("more_image_ids").write_parquet(found.samples / file.name)
    return found


def test_samples_that_an_earlier_version_stored_have_one_image(paths: Paths, tmp_path: Path):
    old = without(paths, tmp_path)
    for columns in (None, ["sample_id", "more_image_ids"]):
        read = shards.read(old.samples, tables.Samples, columns)
        assert read["more_image_ids"].to_list() == [[]] * 4
    assert shards.read(old.samples, tables.Samples, ["sample_id"]).columns == ["sample_id"]
    tables.Samples.validate(shards.read(old.samples, tables.Samples))


def test_a_comparison_with_them_tells_only_what_differs(paths: Paths, tmp_path: Path):
    before, after = shards.files(without(paths, tmp_path).samples), shards.files(paths.samples)
    found = changes(before, after, ["sample_id"], shards.ABSENT[tables.Samples])
    assert found.rows() == [(name, "changed", ["more_image_ids"]) for name in ("r2", "r3")]


def test_promotion_shows_every_image_in_order(paths: Paths):
    graded = shards.read(paths.samples, tables.Samples).sort("sample_id").filter(sample_id="r2")
    questions = graded.with_columns(options=pl.lit(["red", "blue"], pl.List(pl.String)))
    part = promote._asked(paths, questions)
    [asked] = part.asked
    expected: list[Any] = [graded["image_id"][0], *graded["more_image_ids"][0]]
    assert [picture.name for picture in asked.view.pictures] == expected
    assert asked.view.words.text.startswith("<image 1><image 2><image 3>")
    opened = part.open_images()
    assert set(opened) == set(expected) and all(imaging.probe(data) for data in opened.values())
