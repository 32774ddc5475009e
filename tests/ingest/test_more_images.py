"""Samples of several images: what a row may list, how each is checked, what its marks and its id become."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.checked_tables import check_and_merge
from tests.table_project import BOX, picture, row, table_project
from vzero.paths import Paths
from vzero.sources.catalogue import open_source
from vzero.untrusted.cells import MOST_IMAGES, parse_more_images, parse_question
from vzero.untrusted.rejects import Rejected

IDS = [hashlib.sha256(picture(number)).hexdigest() for number in range(4)]


def ingested(root: Path, rows: list[dict[str, Any]]) -> tuple[list[dict], pl.DataFrame, list[tuple]]:
    """Samples, the table of images, and code and detail of the rejects."""
    params, paths = table_project(root, rows)
    opened = open_source("table", params.ingest, paths)
    samples, images, rejects = check_and_merge(opened, params.ingest, root / "checked")
    return samples.to_dicts(), images, rejects.select("code", "detail").rows()


def test_further_images_are_images_as_the_first_is(tmp_path: Path):
    [sample], images, rejects = ingested(tmp_path, [row(0, 2, 0, 3)])
    assert rejects == []
    assert (sample["image_id"], sample["more_image_ids"]) == (IDS[2], [IDS[0], IDS[3]])
    assert sample["boxes"] == [BOX]
    assert dict(images.select("image_id", "bytes").rows()) == {IDS[n]: picture(n) for n in (0, 2, 3)}
    assert set(images.select("width", "height", "source", "licence").rows()) == {(60, 50, "table", "unknown")}


def test_an_image_may_be_shown_twice_and_is_stored_once(tmp_path: Path):
    [sample], images, _ = ingested(tmp_path, [row(0, 1, 1, 1)])
    assert (sample["image_id"], sample["more_image_ids"]) == (IDS[1], [IDS[1], IDS[1]])
    assert images["image_id"].to_list() == [IDS[1]]


@pytest.mark.parametrize("cell", [None, [], "", " ", "[]", "null", float("nan")])
def test_an_empty_cell_lists_none(cell: Any):
    assert parse_more_images(cell) == []


@pytest.mark.parametrize(
    "cell",
    [
        ["a.png", "b.png"],
        ("a.png", "b.png"),
        '["a.png", "b.png"]',
        "['a.png', 'b.png']",
        [{"path": "a.png", "bytes": None}, {"image": "b.png"}],
        [["a.png"], "b.png"],
    ],
)
def test_a_list_may_be_written_in_any_way_that_an_image_may(cell: Any):
    assert parse_more_images(cell) == ["a.png", "b.png"]


def test_bytes_are_images_too():
    assert parse_more_images([{"bytes": b"one", "path": "a.png"}, b"other"]) == [b"one", b"other"]


@pytest.mark.parametrize(
    ("cell", "detail"),
    [
        ("a.png", "no list of further images"),
        (7, "int is no list of further images"),
        ({"a": "a.png"}, "dict is no list of further images"),
        (["a.png", None], "image 3: no image named"),
        (["a.png", ["b.png", "c.png"]], "image 3: 2 images in a row instead of one"),
        (["a.png"] * (MOST_IMAGES + 1), "1,001 further images; at most 1,000 are read"),
    ],
)
def test_what_is_no_list_of_images_rejects_the_row(cell: Any, detail: str):
    with pytest.raises(Rejected, match=f"missing_image: .*{detail}"):
        parse_more_images(cell)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("absent.png", None, "missing_image"),
        ("../rows.jsonl", None, "path_escape"),
        ("text.png", b"no image", "unreadable_image"),
        ("cut.png", picture(0)[:-100], "truncated_image"),
    ],
)
def test_a_bad_image_rejects_its_row_wherever_it_stands_and_no_other(
    name: str, content: bytes | None, code: str, tmp_path: Path
):
    rows = [row(0, 0, 1), row(1, 0) | {"more": ["2.png", name]}, row(2, 1)]
    params, paths = table_project(tmp_path, rows)
    if content is not None:
        (paths.root / "images" / name).write_bytes(content)
    opened = open_source("table", params.ingest, paths)
    samples, images, rejects = check_and_merge(opened, params.ingest, tmp_path / "checked")
    assert samples["sample_id"].sort().to_list() == ["r0", "r2"]
    assert rejects.select("row", "sample_id", "image", "code").rows() == [(1, "r1", "0.png", code)]
    assert rejects["detail"].item().startswith("image 3: ")
    assert set(images["image_id"]) == set(IDS[:2]), "the good image of the rejected row is not stored"


@pytest.mark.parametrize(
    ("question", "images", "text"),
    [
        ("<image>Which?", 1, "Which?"),
        ("<image>\n<image>\nWhich differs?", 2, "Which differs?"),
        ("<image><image>Which differs?", 3, "Which differs?"),
        ("Which differs?\n<image> <image>", 2, "Which differs?"),
        ("Which differs?", 2, "Which differs?"),
    ],
)
def test_marks_for_images_before_or_after_the_question_are_taken_out(question: str, images: int, text: str):
    assert parse_question(question, images) == text


@pytest.mark.parametrize(
    ("question", "images"),
    [
        ("<image><image>Which differs?", 1),  # more than there are
        ("<image>Which differs?<image>", 2),
        ("Is <image> like <image>?", 2),
    ],
)
def test_marks_elsewhere_or_for_more_images_than_there_are_reject_the_row(question: str, images: int):
    with pytest.raises(Rejected, match="image_marker"):
        parse_question(question, images)


def test_ids_made_from_the_content_are_as_before_for_one_image_and_know_the_others_and_their_order(
    tmp_path: Path,
):
    rows = [{name: cell for name, cell in row(0, 0, *more).items() if name != "id"} | {"question": "Which?"}
            for more in ((), (1, 2), (2, 1))]  # fmt: skip
    params, paths = table_project(tmp_path, rows)
    columns = params.ingest.table.columns.model_copy(update={"sample_id": None})
    table = params.ingest.table.model_copy(update={"columns": columns})
    config = params.ingest.model_copy(update={"table": table})
    samples, _, _ = check_and_merge(open_source("table", config, paths), config, tmp_path / "checked")
    content = [IDS[0], "Which?", [], [[float(number) for number in BOX]]]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
    assert samples["sample_id"].n_unique() == 3
    assert f"table-{digest}" in samples["sample_id"].to_list()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_in_other_files_lists_its_images_too(kind: str, tmp_path: Path):
    params, paths = table_project(tmp_path, [])
    cells = {"csv": '["1.png"]', "parquet": [{"bytes": picture(1), "path": None}]}
    plain = {"id": "r0", "image": "0.png", "question": "Which?", "box": "[10, 10, 30, 25]", "answer": "red"}
    frame = pl.DataFrame([plain | {"more": cells[kind]}])
    file = paths.root / f"rows.{kind}"
    {"csv": frame.write_csv, "parquet": frame.write_parquet}[kind](file)
    table = params.ingest.table.model_copy(update={"rows": file})
    config = params.ingest.model_copy(update={"table": table})
    samples, _, _ = check_and_merge(open_source("table", config, Paths(tmp_path)), config, tmp_path / "out")
    assert samples["more_image_ids"].to_list() == [[IDS[1]]]
