"""`vzero show` prints every table, and pictures those that hold or name pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from example_run import picture, replace_negatives, write_example
from PIL import ImageFont

from vzero import imaging, tables
from vzero.commands import sheet
from vzero.commands.show import cell, first_rows, show
from vzero.errors import ConfigError, ProjectError
from vzero.paths import Paths
from vzero.shards import frame_of, scan, shard_path, write_table
from vzero.stages import quality, report

pytestmark = pytest.mark.usefixtures("charts_drawn_once")


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    params, paths = write_example(tmp_path_factory.mktemp("run"))
    report.run(params, paths)
    quality.run(params, paths)
    write_table(paths.promotion_history, tables.Promotions.create_empty(), tables.Promotions)
    for place, schema in (
        (paths.photographs_of("drawn"), tables.Photographs),
        (paths.selfplay("questions", "1") / "questions", tables.Questions),
        (paths.selfplay("votes", "1") / "votes", tables.Votes),
        (paths.selfplay("solver", "1") / "solver_set", tables.SolverSet),
        (paths.selfplay("solver", "1") / "stems", tables.Stems),
        (paths.audit, tables.Audit),
    ):
        write_table(shard_path(place, 0), schema.create_empty(), schema)
    return paths


@pytest.mark.parametrize("table", tables.TABLES)
def test_every_table_is_printed_with_all_its_columns(
    table: str, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    show(table, paths, rows=2)
    printed = capsys.readouterr().out
    assert f"{table}: " in printed
    for column in tables.TABLES[table].column_names():
        assert column in printed


@pytest.mark.parametrize("table", ["samples", "crops"])
def test_neighbours_about_one_picture_are_not_all_that_is_shown(table: str, paths: Paths) -> None:
    frame = scan(getattr(paths, table), tables.TABLES[table])
    images = scan(paths.samples, tables.Samples, ["sample_id", "image_id"])
    shown = first_rows(table, frame, paths, 3).collect()
    about = frame.select("sample_id").join(images, on="sample_id", maintain_order="left").collect()
    several = about["image_id"].n_unique()
    assert shown["sample_id"].to_list()[0] == about["sample_id"][0]
    assert shown.columns == frame.collect_schema().names()
    assert shown.join(images.collect(), on="sample_id")["image_id"].n_unique() == min(3, several)
    assert first_rows(table, frame, paths, 99).collect().height == about.height


def test_rejects_are_counted_by_code(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    show("rejects", paths)
    lines = capsys.readouterr().out.splitlines()
    assert any("box_outside" in line and "2" in line for line in lines)
    assert any("unreadable_image" in line and "1" in line for line in lines)


def test_a_reason_keeps_its_rows(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    show("rejects", paths, reason="unreadable_image")
    assert "rejects: 1 rows" in capsys.readouterr().out
    show("crops", paths, reason="shrunk")
    assert "crops: 5 rows" in capsys.readouterr().out
    show("left_out", paths, reason="student_picture_refused")
    assert "left_out: 1 rows" in capsys.readouterr().out


def test_what_was_wrong_with_a_reject_is_printed_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detail = f"0 bits from image {'5' * 64}, which is kept"
    row = {
        "source": "a",
        "row": 1,
        "sample_id": "b",
        "image": "c",
        "code": "near_duplicate",
        "detail": detail,
    }
    paths = Paths(tmp_path)
    write_table(shard_path(paths.rejects, 0), frame_of([row], tables.Rejects), tables.Rejects)
    show("rejects", paths)
    printed = capsys.readouterr().out.replace("│", "").split()
    assert detail.replace(" ", "") in "".join(printed)


def test_texts_with_brackets_are_printed_as_they_are(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    show("samples", paths, rows=1)
    printed = capsys.readouterr().out
    assert "[K, T, 7, R]" in printed
    assert "<cyan>" in printed


@pytest.mark.parametrize("letter", "iaW")
def test_long_texts_of_broad_letters_stay_on_the_sheet(letter: str) -> None:
    length = ImageFont.load_default(sheet.TEXT_SIZE).getlength
    lines = sheet.wrap(f"{letter * 500} " * 30, length)
    assert len(lines) == sheet.TEXT_LINES and lines[-1].endswith("…")
    assert max(map(length, lines)) <= sheet.TEXT_WIDTH - sheet.GAP


@pytest.mark.parametrize("table", ["images", "samples", "crops", "rollouts"])
def test_a_contact_sheet_is_a_picture(table: str, paths: Paths, tmp_path: Path) -> None:
    show(table, paths, rows=3, out=tmp_path / "sheet.png")
    show(table, paths, rows=3, out=tmp_path / "again.png")
    pixels = cv2.imdecode(
        np.frombuffer((tmp_path / "sheet.png").read_bytes(), np.uint8), cv2.IMREAD_COLOR_BGR
    )
    assert pixels.shape[0] > 3 * 240 * 64 / 96  # three pictures, one under the other
    assert (tmp_path / "sheet.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_contact_sheet_has_a_panel_for_every_picture_of_the_negative_view(tmp_path: Path) -> None:
    _, paths = write_example(tmp_path)
    show("crops", paths, rows=1, out=tmp_path / "usual.png")
    more = pl.lit([picture(1)], pl.List(pl.Binary))
    replace_negatives(paths, more_negatives=more, negative_image=pl.lit(picture(2), pl.Binary))
    show("crops", paths, rows=1, out=tmp_path / "more.png")
    widths = [imaging.probe((tmp_path / name).read_bytes())[0] for name in ("usual.png", "more.png")]
    assert widths[1] - widths[0] == 2 * (sheet.CELL + sheet.GAP)


def test_what_training_left_out_is_pictured_with_its_reason(paths: Paths, tmp_path: Path) -> None:
    show("left_out", paths, out=tmp_path / "left_out.png")
    show("crops", paths, rows=1, out=tmp_path / "crops.png")
    extents = [imaging.probe((tmp_path / f"{name}.png").read_bytes())[:2] for name in ("left_out", "crops")]
    assert extents[0][0] == extents[1][0], "the same views"


def test_a_contact_sheet_without_negative_views(tmp_path: Path) -> None:
    _, paths = write_example(tmp_path, negatives=False, open_questions=True, answers=False)
    show("rollouts", paths, rows=1, out=tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 0


@pytest.mark.parametrize(
    "table, options, message",
    [
        ("sample", {}, "unknown table 'sample': allowed: images, samples, rejects"),
        (
            "scores",
            {"out": Path("x.png")},
            "contact sheets exist for images, samples, crops, left_out, rollouts",
        ),
        ("samples", {"reason": "x"}, "these have: rejects, left_out, crops"),
        ("crops", {"reason": "odd"}, "no crops with fallback 'odd': there are exact, shrunk"),
    ],
)
def test_names_that_do_not_exist_are_errors(table: str, options: dict, message: str, paths: Paths) -> None:
    with pytest.raises(ConfigError, match=message):
        show(table, paths, **options)


def test_a_table_that_was_not_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    for table in ("samples", "scores"):
        with pytest.raises(ProjectError, match="run"):
            show(table, Paths(tmp_path))


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "null"),
        (b"x" * 2048, "2.0 KiB"),
        (b"x" * 10, "10 bytes"),
        (0.123456, "0.1235"),
        ([12345.6, 20.0], "[12346, 20]"),
        ([1, 2, 3, 4, 5], "[1, 2, 3, 4, … 5 in all]"),
        ("a" * 100, "a" * 59 + "…"),
    ],
)
def test_cells_are_short(value: object, text: str) -> None:
    assert cell(value) == text
