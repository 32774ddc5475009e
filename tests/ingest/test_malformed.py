"""Every kind of malformed row has its code, and spoils no other row."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.checked_tables import check_and_merge
from vzero import imaging
from vzero.config import Ingest, TableColumns, TableSource
from vzero.ingest.curation import FILTERS
from vzero.paths import Paths
from vzero.sources.table import open_table
from vzero.untrusted.rejects import RejectCode

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
PNG, JPEG = imaging.encode_png(PIXELS), imaging.encode_jpeg(PIXELS)
COLUMNS = TableColumns(sample_id="id", options="options", answer="answer")
GOOD = {
    "id": "good",
    "image": "good.png",
    "question": "Which letter?",
    "box": [10, 10, 30, 30],
    "options": ["K", "M"],
    "answer": "A",
}


def row(**changes) -> bytes:
    return json.dumps(GOOD | {"id": "bad"} | changes).encode()


KINDS = {
    "not JSON": (b'{"id": 1,', "malformed_row"),
    "broken UTF-8": (b'{"id": "\xff\xfe"}', "malformed_row"),
    "a list instead of an object": (b"[1, 2]", "malformed_row"),
    "half a character": (row(question="\ud800?"), "malformed_row"),
    "a number too long to read": (b'{"id": ' + b"9" * 5000 + b"}", "malformed_row"),
    "endless nesting": (b"[" * 100_000, "malformed_row"),
    "no id": (row(id=None), "missing_id"),
    "an id that is a fraction": (row(id=1.5), "missing_id"),
    "the id of another row, same content": (row(id="good"), "duplicate_id"),
    "the id of another row, other content": (row(id="good", question="What?"), "duplicate_id"),
    "no question": (row(question=None), "missing_question"),
    "a blank question": (row(question=" \n"), "missing_question"),
    "a question that is a number": (row(question=7), "missing_question"),
    "only the image marker": (row(question="<image>\n"), "missing_question"),
    "a second image marker": (row(question="<image> or <image>?"), "image_marker"),
    "one option": (row(options=["K"]), "bad_options"),
    "the same option twice": (row(options=["K", "K "]), "bad_options"),
    "an empty option": (row(options=["K", ""]), "bad_options"),
    "options of mixed types": (row(options=["K", ["M"]]), "bad_options"),
    "options that are prose": (row(options="either K or M"), "bad_options"),
    "27 options": (row(options=[str(n) for n in range(27)]), "bad_options"),
    "an answer that is no option": (row(answer="C"), "answer_not_in_options"),
    "an answer that is a list": (row(answer=["A"]), "bad_answer"),
    "no image named": (row(image=""), "missing_image"),
    "two images": (row(image=["good.png", "good.png"]), "missing_image"),
    "no such file": (row(image="absent.png"), "missing_image"),
    "a folder": (row(image="folder"), "missing_image"),
    "a name no file can have": (row(image="a\0b.png"), "missing_image"),
    "a name too long for a file": (row(image="x" * 5000), "missing_image"),
    "a loop of links": (row(image="loop.png"), "missing_image"),
    "an image that is a number": (row(image=3), "missing_image"),
    "out by dots": (row(image="../outside.png"), "path_escape"),
    "out by an absolute path": (row(image="/etc/hostname"), "path_escape"),
    "out by dots behind a linked folder": (row(image="linked/../../outside.png"), "path_escape"),
    "an empty file": (row(image="empty.png"), "unreadable_image"),
    "a file that is no image": (row(image="text.png"), "unreadable_image"),
    "a truncated PNG": (row(image="cut.png"), "truncated_image"),
    "a truncated JPEG": (row(image="cut.jpg"), "truncated_image"),
    "a JPEG cut off, with an end behind": (row(image="ended.jpg"), "unreadable_image"),
    "a JPEG with zeros inside": (row(image="zeros.jpg"), "unreadable_image"),
    "a huge image": (row(image="huge.png"), "huge_image"),
    "no box": (row(box=None), "missing_box"),
    "an empty list of boxes": (row(box=[]), "missing_box"),
    "three numbers": (row(box=[1, 2, 3]), "bad_box"),
    "numbers as text": (row(box=["1", "2", "3", "4"]), "bad_box"),
    "true as a number": (row(box=[True, 2, 30, 40]), "bad_box"),
    "not a number": (row(box=[float("nan"), 2, 30, 40]), "bad_box"),
    "infinity": (row(box=[1, 2, float("inf"), 40]), "bad_box"),
    "an integer beyond any float": (row(box=[1, 2, 10**400, 40]), "bad_box"),
    "prose": (row(box="the upper left"), "bad_box"),
    "code instead of a literal": (row(box="__import__('os').getcwd()"), "bad_box"),
    "nested brackets as text": (row(box="[" * 9000), "bad_box"),
    "a dictionary without a box": (row(box=[{"name": "cup"}]), "bad_box"),
    "one good box and one bad": (row(box=[[1, 2, 30, 40], [1, 2]]), "bad_box"),
    "swapped corners": (row(box=[30, 30, 10, 10]), "bad_box"),
    "outside": (row(box=[100, 10, 120, 30]), "box_outside"),
    "mostly outside": (row(box=[70, 10, 100, 30]), "box_outside"),
    "no area": (row(box=[10, 10, 10, 30]), "box_empty"),
    "thinner than a pixel": (row(box=[10, 10, 10.5, 30]), "box_empty"),
    "nearly the whole image": (row(box=[0, 0, 80, 58]), "box_too_large"),
    "boxes that together are the whole image": (row(box=[[0, 0, 9, 9], [71, 51, 80, 60]]), "box_too_large"),
}


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("malformed")
    folder = root / "images"
    (folder / "folder").mkdir(parents=True)
    (root / "outside.png").write_bytes(PNG)
    contents = {
        "good.png": PNG,
        "empty.png": b"",
        "text.png": b"no image",
        "cut.png": PNG[:-100],
        "cut.jpg": JPEG[: len(JPEG) // 2],
        "ended.jpg": JPEG[: len(JPEG) // 2] + b"\xff\xd9",
        "zeros.jpg": JPEG[: len(JPEG) // 2] + bytes(1000) + JPEG[len(JPEG) // 2 + 1000 :],
        "huge.png": imaging.encode_png(np.zeros((101, 100, 3), np.uint8)),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / "link.png").symlink_to(root / "outside.png")
    (folder / "linked").symlink_to(root)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    return folder


def ingest(lines: list[bytes], images: Path, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Samples and rejects of JSONL lines."""
    source = TableSource(rows=folder / "rows.jsonl", images=images, columns=COLUMNS)
    config = Ingest(source="table", table=source, max_megapixels=0.01)
    source.rows.write_bytes(b"\n".join(lines))
    opened = open_table(source, Paths(folder))
    samples, _, rejects = check_and_merge(opened, config, folder)
    return samples, rejects


@pytest.fixture(scope="module")
def outcome(images, tmp_path_factory) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Samples and rejects of a file with a good row, then each malformed row followed by another good one."""
    lines = [json.dumps(GOOD).encode()]
    for number, (line, _) in enumerate(KINDS.values()):
        lines += [line, json.dumps(GOOD | {"id": number}).encode()]
    return ingest(lines, images, tmp_path_factory.mktemp("outcome"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_malformed_row_gets_its_code_and_a_reason(kind, outcome):
    rejects = outcome[1].filter(pl.col("row") == 1 + 2 * list(KINDS).index(kind))
    assert rejects["code"].to_list() == [KINDS[kind][1]]
    assert rejects["detail"].item()


def test_malformed_rows_spoil_no_other_row_and_none_is_lost(outcome):
    samples, rejects = outcome
    assert set(samples["sample_id"]) == {"good", *(str(number) for number in range(len(KINDS)))}
    assert len(samples) + len(rejects) == 1 + 2 * len(KINDS)
    assert rejects["row"].is_sorted()


def test_every_code_can_be_reached_but_those_of_other_sources_and_of_filters():
    elsewhere = {
        "picture_refused",
        "drawn_box",
        "size_mismatch",
        "ambiguous_image",
        "crowd_region",
        "crop_not_found",
        "crop_ambiguous",
        *FILTERS,
    }
    assert {code for _, code in KINDS.values()} == set(RejectCode) - elsewhere


def test_a_file_without_permission_is_unreadable(images, tmp_path):
    locked = images / "locked.png"
    locked.write_bytes(PNG)
    locked.chmod(0)
    if not os.access(locked, os.R_OK):  # root reads everything
        _, rejects = ingest([row(image="locked.png")], images, tmp_path)
        assert rejects["code"].to_list() == ["unreadable_image"]
    locked.chmod(0o600)


@pytest.mark.parametrize("name", ["good.png", "link.png", "linked/outside.png", "linked/../good.png"])
def test_links_in_the_image_folder_are_followed(name, images, tmp_path):
    # Dots are meant as the row writes them, not from where a link leads.
    samples, rejects = ingest([row(image=name)], images, tmp_path)
    assert len(samples) == 1 and rejects.is_empty()


def test_an_absolute_path_into_a_linked_image_folder_does_not_lead_out(images, tmp_path):
    (tmp_path / "linked").symlink_to(images)
    samples, rejects = ingest([row(image=str(images / "good.png"))], tmp_path / "linked", tmp_path)
    assert len(samples) == 1 and rejects.is_empty()


def test_an_unfinished_last_line_is_counted(images, tmp_path):
    samples, rejects = ingest([json.dumps(GOOD).encode(), b"", b'{"id": "x'], images, tmp_path)
    assert len(samples) == 1
    assert rejects.select("row", "code").rows() == [(1, "malformed_row")], "a blank line is no row"
