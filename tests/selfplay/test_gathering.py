"""Images of every kind of place, and what is said of those that cannot be used."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vzero.config import parse_params
from vzero.errors import ConfigError, SourceError
from vzero.imaging import encode_png
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import photographs
from vzero.tables import Photographs, Rejects

PICTURES = [encode_png(np.full((8, 6 + n, 3), 40 * n, np.uint8)) for n in range(3)]
BROKEN = PICTURES[0][:30]


def gathered(root: Path, **place) -> tuple[dict, pl.DataFrame]:
    """The stage's summary and the table of the only place."""
    tree = {"selfplay": {"photographs": {"mine": {"path": str(root / "raw"), **place}}, "dev_fraction": 0.5}}
    summary = photographs.run(parse_params(tree), Paths(root), "mine")
    return summary, read(Paths(root).photographs_of("mine"), Photographs)


def fill(folder: Path) -> None:
    (folder / "deep").mkdir(parents=True)
    for number, data in enumerate([*PICTURES, BROKEN, PICTURES[1]]):
        (folder / "deep" / f"{number}.png").write_bytes(data)
    (folder / "notes.txt").write_text("the answer is B")


def as_tar(folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(folder / "images.tar", "w") as tar:
        for number, data in enumerate([*PICTURES, BROKEN, PICTURES[1]]):
            member = tarfile.TarInfo(f"deep/{number}.png")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def as_table(folder: Path) -> None:
    folder.mkdir()
    cells = [{"bytes": data, "path": "x"} for data in [*PICTURES, BROKEN, PICTURES[1]]]
    pl.DataFrame({"image": cells, "answer": ["B"] * len(cells)}).write_parquet(folder / "rows.parquet")


@pytest.mark.parametrize(("kind", "write"), [("folder", fill), ("tar", as_tar), ("table", as_table)])
def test_every_form_gives_the_same_images_and_counts_what_it_leaves_out(tmp_path: Path, kind, write):
    write(tmp_path / "raw")
    summary, table = gathered(tmp_path, kind=kind)
    assert sorted(table["bytes"]) == sorted(PICTURES)
    assert summary["rejects"] == {"truncated_image": 1} or summary["rejects"] == {"unreadable_image": 1}
    rejects = read(Paths(tmp_path).photograph_rejects("mine"), Rejects)
    assert rejects["source"].to_list() == ["mine"] and rejects["row"].to_list() == [3]


def test_scenes_are_drawn_the_same_again(tmp_path: Path):
    tables = [gathered(tmp_path / name, kind="needle", scenes=5)[1] for name in "ab"]
    assert tables[0].equals(tables[1]) and tables[0].height == 5


def test_the_split_is_of_the_image_wherever_it_is_found(tmp_path: Path):
    for name, write in (("a", fill), ("b", as_tar)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "raw")
    splits = [
        dict(gathered(tmp_path / name, kind=kind)[1].select("image_id", "split").iter_rows())
        for name, kind in (("a", "folder"), ("b", "tar"))
    ]
    assert splits[0] == splits[1]


@pytest.mark.parametrize(
    ("write", "kind", "expected"),
    [
        (fill, "tar", "not a tar of images"),
        (as_tar, "folder", "not a folder of images"),
        (lambda folder: folder.mkdir(), "folder", "no usable image"),
        (lambda folder: folder.mkdir(), "table", "no Parquet files"),
    ],
)
def test_a_place_without_such_images_is_an_error(tmp_path: Path, write, kind, expected):
    write(tmp_path / "raw")
    with pytest.raises(SourceError, match=expected):
        gathered(tmp_path, kind=kind)
    assert not Paths(tmp_path).photographs_of("mine").exists()


def test_a_table_without_the_column_says_which_there_are(tmp_path: Path):
    as_table(tmp_path / "raw")
    with pytest.raises(SourceError, match="no column 'picture': image, answer"):
        gathered(tmp_path, kind="table", column="picture")


def test_an_unknown_place_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="allowed: none, got 'mine'"):
        photographs.run(parse_params({}), Paths(tmp_path), "mine")
