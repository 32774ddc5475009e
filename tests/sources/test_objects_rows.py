"""Object detection rows of the Hugging Face hub, as `datasets` itself writes them."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from checked_source import checked, picture
from datasets import ClassLabel, Dataset, Features, Image, List, Value

from vzero.config import ObjectsSource
from vzero.errors import SourceError

OBJECTS = {"id": [1, 2], "bbox": [[20.0, 30.0, 40.0, 40.0], [100.0, 10.0, 80.0, 80.0]], "category": [0, 1]}
CUP, DOG = (20, 30, 60, 70), (100, 10, 180, 90)


def rows_of(root: Path, category: Any = None, *, by_path: bool = False) -> Dataset:
    picture(root / "a.png")
    path = str(root / "a.png")
    picture_cell = path if by_path else {"bytes": Path(path).read_bytes(), "path": None}
    category = category or ClassLabel(names=["cup", "dog", "never"])
    one = {"id": Value("int64"), "bbox": List(Value("float32"), length=4), "category": category}
    features = Features(
        {"image": Image(), "width": Value("int64"), "height": Value("int64"), "objects": List(one)}
    )
    row = {"image": picture_cell, "width": 200, "height": 100}
    listed = [dict(zip(OBJECTS, values, strict=True)) for values in zip(*OBJECTS.values(), strict=True)]
    return Dataset.from_list([row | {"objects": listed}], features=features)


def boxes(rows: list[dict]) -> set[tuple]:
    return {tuple(box) for row in rows for box in row["boxes"]}


@pytest.mark.parametrize("form", ["parquet", "saved"])
def test_rows_that_datasets_wrote(form: str, tmp_path: Path):
    """datasets 5.2.0: Dataset.to_parquet, and Dataset.save_to_disk."""
    made = rows_of(tmp_path, by_path=form == "saved")
    if form == "parquet":
        (tmp_path / "set").mkdir()
        made.to_parquet(str(tmp_path / "set/train.parquet"))
    else:
        made.save_to_disk(str(tmp_path / "set"))
    source = ObjectsSource(rows=Path("set"), questions_per_image=9)
    if form == "saved":  # which stores the picture's path
        source = source.model_copy(update={"images": Path()})
    rows, rejects = checked(tmp_path, objects=source)
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])
    asked = " ".join(row["question"] for row in rows)
    assert "cup" in asked and "dog" in asked and "never" not in asked
    assert datasets.__version__.startswith("5.")


def test_pictures_named_by_path_may_lie_in_tar_files(tmp_path: Path):
    picture(tmp_path / "a.png")
    row = {"image": "a.png", "objects": OBJECTS | {"category": ["cup", "dog"]}}
    pa.parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "train.parquet")
    with tarfile.open(tmp_path / "images.tar", "w") as tar:
        tar.add(tmp_path / "a.png", "a.png")
    source = ObjectsSource(rows=Path("train.parquet"), images=Path("images.tar"), questions_per_image=9)
    rows, rejects = checked(tmp_path, objects=source)
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])


def test_names_that_files_do_not_tell_are_given(tmp_path: Path):
    rows_of(tmp_path, Value("int64")).to_parquet(str(tmp_path / "train.parquet"))
    source = ObjectsSource(rows=Path("train.parquet"), categories=["cup", "dog"], questions_per_image=9)
    rows, rejects = checked(tmp_path, objects=source)
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])
    nameless = source.model_copy(update={"categories": []})
    assert checked(
        tmp_path / "again", objects=nameless.model_copy(update={"rows": tmp_path / "train.parquet"})
    ) == (
        [],
        [
            ("malformed_row", "class 0 has no name"),
            ("malformed_row", "class 1 has no name"),
            ("missing_question", "no template has one answer for 0 objects; the annotated categories are 0"),
        ],
    )


def test_the_older_form_is_a_struct_of_lists(tmp_path: Path):
    picture(tmp_path / "a.png")
    image = {"bytes": (tmp_path / "a.png").read_bytes(), "path": None}
    table = pa.Table.from_pylist([{"image": image, "objects": OBJECTS | {"category": ["cup", "dog"]}}])
    pa.parquet.write_table(table, tmp_path / "train.parquet")
    rows, rejects = checked(
        tmp_path, objects=ObjectsSource(rows=Path("train.parquet"), questions_per_image=9)
    )
    assert (boxes(rows), rejects) == ({CUP, DOG}, [])


def test_a_folder_without_such_files_is_an_error(tmp_path: Path):
    (tmp_path / "set").mkdir()
    with pytest.raises(SourceError, match=r"no \*\.parquet or \*\.arrow file"):
        checked(tmp_path, objects=ObjectsSource(rows=Path("set")))
    (tmp_path / "set/a.arrow").write_bytes(b"no stream")
    with pytest.raises(SourceError, match="neither a Parquet file nor an Arrow stream"):
        checked(tmp_path, objects=ObjectsSource(rows=Path("set")))
