"""The public formats, from files on disk to checked rows."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vzero import imaging
from vzero.config import Ingest, NeedleSource, TableColumns, TableSource, VisualCotSource, ZwzSource
from vzero.errors import SourceError
from vzero.ingest.check import check
from vzero.ingest.image_store import ImageStore
from vzero.paths import Paths
from vzero.sources.annotation import Reject
from vzero.sources.catalogue import open_source
from vzero.untrusted.files import unwatched
from vzero.untrusted.rejects import Rejected

PNG = imaging.encode_png(np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8))


def put(folder: Path, *names: str) -> None:
    """A different picture of 200 x 100 under every name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((100, 200, 3), sum(name.encode()) % 256, np.uint8)
        (folder / name).write_bytes(imaging.encode_png(pixels))


def samples_of(config: Ingest, root: Path) -> list[dict]:
    """Rows of the samples table, with the image's licence; a reject fails the test."""
    source = open_source(config.sources[0], config, Paths(root))
    store = ImageStore(source.name, source.images, config.max_megapixels)
    rows = []
    for batch in source.batches:
        for annotation in batch.load():
            assert not isinstance(annotation, Reject), annotation
            row = check(annotation, store, config)
            rows.append(row | {"licence": store.rows[row["image_id"]]["licence"]})
    return rows


def zwz(root: Path, **row) -> Ingest:
    put(root / "images", "a.png")
    (root / "rows.jsonl").write_text(json.dumps({"images": ["a.png"], "bbox": [20, 10, 60, 40]} | row))
    return Ingest(source="zwz", zwz=ZwzSource(rows=Path("rows.jsonl"), images=Path("images")))


def test_zwz_options_inside_the_problem_become_options(tmp_path):
    problem = "<image>\nWhat is the sign's colour?\nA. red\nB. blue\n"
    [row] = samples_of(zwz(tmp_path, problem=problem, answer="B", ability="colour"), tmp_path)
    assert (row["question"], row["options"], row["answer"]) == (
        "What is the sign's colour?",
        ["red", "blue"],
        "B",
    )
    assert row["boxes"] == [[20, 10, 60, 40]] and row["category"] == "colour"
    assert row["licence"] == "Apache-2.0"


def test_zwz_needs_no_answer_and_no_options(tmp_path):
    [row] = samples_of(zwz(tmp_path, problem="<image>What is it?", bbox="[20.5, 10, 60, 40]"), tmp_path)
    assert (row["question"], row["options"], row["answer"]) == ("What is it?", [], None)
    assert row["evidence_box"] == [20.5, 10, 60, 40]


def test_zwz_parquet_with_lists_and_image_structs(tmp_path):
    put(tmp_path / "images", "a.png")
    rows = {
        "images": [[{"path": "a.png", "bytes": None}]],
        "problem": ["<image>What?"],
        "bbox": [[1, 2, 30, 40]],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    config = Ingest(source="zwz", zwz=ZwzSource(rows=Path("rows.parquet"), images=Path("images")))
    assert samples_of(config, tmp_path)[0]["boxes"] == [[1, 2, 30, 40]]


def visual_cot(root: Path, *rows: dict) -> Ingest:
    common = {"question": "What?", "answer": "x", "bboxs": [[20, 10, 60, 40]], "width": 200, "height": 100}
    (root / "metadata").mkdir()
    for number, row in enumerate(rows):
        (root / f"metadata/{number}_cot_train.jsonl").write_text(json.dumps(common | row) + "\n")
    return Ingest(
        source="visual_cot", visual_cot=VisualCotSource(rows=Path("metadata"), images=Path("images"))
    )


def test_visual_cot_finds_each_datasets_folder_and_licence(tmp_path):
    put(tmp_path / "images", "textvqa/1.png", "v7w/1.png", "cub/1.png")
    names = ["textcap", "visual7w", "cub"]
    rows = samples_of(visual_cot(tmp_path, *({"dataset": n, "image": "1.png"} for n in names)), tmp_path)
    assert len({row["image_id"] for row in rows}) == 3, "the same bare name in three folders"
    assert [row["category"] for row in rows] == names
    assert [row["licence"] for row in rows] == ["CC BY 4.0", "per source dataset", "per source dataset"]


def test_visual_cot_keeps_every_box_and_clips_their_union_to_the_image(tmp_path):
    put(tmp_path / "images", "gqa/1.png")
    boxes = [[150, 60, 205, 90], [10, 20, 40, 50]]
    [row] = samples_of(visual_cot(tmp_path, {"dataset": "gqa", "image": "1.png", "bboxs": boxes}), tmp_path)
    assert row["boxes"] == [[150, 60, 200, 90], [10, 20, 40, 50]]
    assert row["evidence_box"] == [10, 20, 200, 90]


def test_visual_cot_refuses_boxes_drawn_on_another_size(tmp_path):
    put(tmp_path / "images", "gqa/1.png")
    config = visual_cot(tmp_path, {"dataset": "gqa", "image": "1.png", "width": 400, "height": 200})
    with pytest.raises(Rejected, match="size_mismatch"):
        samples_of(config, tmp_path)


def test_visual_cot_dataset_names_cannot_leave_the_image_folder(tmp_path):
    put(tmp_path, "secret/1.png", "images/gqa/1.png")
    with pytest.raises(Rejected, match="path_escape"):
        samples_of(visual_cot(tmp_path, {"dataset": "../secret", "image": "1.png"}), tmp_path)


@pytest.mark.parametrize(
    ("order", "unit", "box"),
    [
        ("xyxy", "pixel", [20, 10, 60, 40]),
        ("xywh", "pixel", [20, 10, 40, 30]),
        ("xyxy", "fraction", [0.1, 0.1, 0.3, 0.4]),
        ("xywh", "thousandth", "[100, 100, 200, 300]"),
    ],
)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_table_in_any_file_and_declared_convention(order, unit, box, kind, tmp_path):
    put(tmp_path / "images", "a.png")
    path = tmp_path / f"rows.{kind}"
    row = {"pic": "a.png", "ask": "What?", "region": str(box) if kind == "csv" else box, "key": 7}
    frame = pl.DataFrame([row])
    {"jsonl": frame.write_ndjson, "csv": frame.write_csv, "parquet": frame.write_parquet}[kind](path)
    columns = TableColumns(image="pic", question="ask", box="region", sample_id="key")
    table = TableSource(
        rows=path, images=Path("images"), columns=columns, box_order=order, box_unit=unit, licence="mine"
    )
    [sample] = samples_of(Ingest(source="table", table=table), tmp_path)
    assert sample["evidence_box"] == pytest.approx([20, 10, 60, 40])
    assert (sample["sample_id"], sample["licence"]) == ("7", "mine")


def test_a_table_with_the_image_bytes_in_it(tmp_path):
    rows = {
        "image": [{"bytes": PNG, "path": "gone.png"}],
        "question": ["What?"],
        "box": [[1.0, 2.0, 30.0, 40.0]],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    table = TableSource(rows=Path("rows.parquet"), images=None)
    [sample] = samples_of(Ingest(source="table", table=table), tmp_path)
    assert sample["evidence_box"] == [1, 2, 30, 40]
    assert sample["sample_id"].startswith("table-"), "made from the content"


def test_a_column_named_in_params_must_be_there(tmp_path):
    put(tmp_path / "images", "a.png")
    (tmp_path / "rows.jsonl").write_text('{"image": "a.png", "question": "What?", "box": [1, 2, 3, 4]}\n')
    table = TableSource(
        rows=Path("rows.jsonl"), images=Path("images"), columns=TableColumns(licence="rights")
    )
    with pytest.raises(SourceError, match=r"no column 'rights'; it has: image, question, box"):
        open_source("table", Ingest(table=table), Paths(tmp_path))


def test_a_missing_image_folder_is_an_error_not_a_reject_for_every_row(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"images": ["a.png"], "problem": "What?", "bbox": [1, 2, 3, 4]}\n')
    config = Ingest(source="zwz", zwz=ZwzSource(rows=Path("rows.jsonl"), images=Path("absent")))
    with pytest.raises(SourceError, match=r"^ingest\.zwz\.images: .*/absent: no such image folder"):
        open_source(config.sources[0], config, Paths(tmp_path))


def test_a_path_that_is_wrong_is_named_with_its_key(tmp_path):
    # The rows lie in the folder of the images: the longer path is meant.
    (tmp_path / "set").mkdir()
    config = Ingest(source="zwz", zwz=ZwzSource(rows=Path("set/train.parquet"), images=Path("set")))
    with pytest.raises(SourceError, match=r"^ingest\.zwz\.rows: .*/set/train\.parquet: no such file$"):
        open_source("zwz", config, Paths(tmp_path))
    (tmp_path / "set/train.parquet").mkdir()
    with pytest.raises(SourceError, match=r"train\.parquet: not a file$"):
        open_source("zwz", config, Paths(tmp_path))


def test_needle_samples_keep_their_ids_splits_and_boxes(tmp_path):
    config = Ingest(needle=NeedleSource(samples=7, dev_samples=3))
    rows = samples_of(config, tmp_path)
    assert [row["split"] for row in rows] == ["train"] * 7 + ["dev"] * 3
    assert len({row["sample_id"] for row in rows}) == 10
    assert all(row["answer"] in "ABCD"[: len(row["options"])] for row in rows)


def test_folders_that_dvc_does_not_look_into_are_named(tmp_path):
    raw, far = tmp_path / "data/raw", tmp_path / "far"
    put(raw / "images", "a.png")
    put(far, "a.png")
    (raw / "rows.jsonl").touch()
    (raw / "linked").symlink_to(far)
    (raw / "images/more").symlink_to(far)
    (raw / "images/b.png").symlink_to(far / "a.png")
    assert unwatched([raw / "rows.jsonl", raw / "linked"], raw) == [raw / "linked"]
    assert unwatched([raw / "images"], raw) == [raw / "images/more"]
    assert unwatched([far / "a.tar", far / "rows.jsonl"], raw) == [far]
    assert unwatched([raw / "rows.jsonl"], raw) == []
