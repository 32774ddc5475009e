"""The reference code's Parquet form, read back with pyarrow and with the reference's own rules."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tiny_models import OTHER_TOKENS, SPECIAL_TOKENS

from vzero import imaging, shards, tables
from vzero.commands import export, verl_shard
from vzero.commands.verl_row import left_out
from vzero.config import Params, parse_params
from vzero.errors import ConfigError, ProjectError
from vzero.paths import Paths
from vzero.prompts.messages import messages_of
from vzero.prompts.parts import Question
from vzero.prompts.views import own_words, with_crop_announced
from vzero.stages import crops, ingest

SMALL_WORLD = {"needle": {"samples": 24, "dev_samples": 6, "benchmark_questions": 2}, "shard_images": 4}


def parts(messages: list[dict], images: list[dict], ready_crops: list[dict]) -> list[tuple[str, Any]]:
    """What the reference makes of a prompt (spec 3.6): texts, and at each marker the next picture.

    All pictures must be used up. Student prompts come without crops, so there `<crop>` finds none.
    """
    waiting = {"<image>": list(images), "<crop>": list(ready_crops), "<video>": [], "<audio>": []}
    found = []
    for message in messages:
        for piece in re.split("(<image>|<crop>|<video>|<audio>)", message["content"]):
            if piece in waiting:
                found.append(("image", waiting[piece].pop(0)["bytes"]))
            elif piece:
                found.append(("text", piece))
    assert not any(waiting.values()), "a picture is left over"
    return found


def filled(messages: list[dict], pictures: list[bytes]) -> list[tuple[str, Any]]:
    """Our own messages with their pictures, as `parts` has them."""
    left = iter(pictures)
    [message] = messages
    return [("image", next(left)) if part["type"] == "image" else ("text", part["text"])
            for part in message["content"]]  # fmt: skip


def make(root: Path, settings: dict) -> tuple[Params, Paths]:
    params, paths = parse_params(settings), Paths(root)
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    return params, paths


def rows_of(folder: Path, split: str = "*") -> list[dict]:
    return [
        row for path in sorted(folder.glob(f"{split}-*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Paths:
    """The embedded world with its crops and its export."""
    _, paths = make(tmp_path_factory.mktemp("world"), {"ingest": SMALL_WORLD})
    export.verl(paths, paths.root / "out", processes=1)
    return paths


@pytest.fixture(scope="module")
def annotated(tmp_path_factory) -> Paths:
    """Six pictures with two questions each. Of row 3 the question holds a marker, of row 4 the box is so
    large that no picture has room for a negative crop; row 5 has an answer, the others have none."""
    root = tmp_path_factory.mktemp("annotated")
    (root / "images").mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for number in range(12):
        pixels = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
        (root / f"images/{number // 2}.png").write_bytes(imaging.encode_png(pixels))
        box = [number, 2.25, number + 11, 14]
        rows.append({"id": f"r{number}", "image": f"{number // 2}.png", "question": f"Which? ({number})",
                     "box": [box, [20, 20, 30.5, 30]] if number % 2 else box, "options": ["red", "blue"],
                     "answer": None})  # fmt: skip
    rows[3]["question"] = "What does <crop> show?"
    rows[4]["box"] = [2, 2, 58, 48]
    rows[5]["answer"] = "B"
    (root / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    columns = {"sample_id": "id", "options": "options", "answer": "answer"}
    table = {"rows": "rows.jsonl", "images": "images", "columns": columns, "licence": "CC BY 4.0"}
    settings = SMALL_WORLD | {"source": "table", "table": table, "dev_fraction": 0.3}
    return make(root, {"ingest": settings})[1]


def test_columns_and_types_are_the_references(world):
    messages = "list<element: struct<role: string, content: string>>"
    images = "list<element: struct<bytes: binary>>"
    for path in (world.root / "out").iterdir():
        schema = pq.ParquetFile(path).schema_arrow
        assert {name: str(schema.field(name).type) for name in schema.names if name != "extra_info"} == {
            "data_source": "string",
            "prompt": messages,
            "images": images,
            "teacher_raw_prompt": messages,
            "teacher_images": images,
            "teacher_neg_raw_prompt": messages,
            "teacher_neg_images": images,
            "reward_model": "struct<style: string, ground_truth: string>",
        }
        extra = {field.name: str(field.type) for field in schema.field("extra_info").type}
        assert extra["index"] == "int64"
        assert extra["boxes"] == "list<element: list<element: float>>"
        assert extra["positive_box"] == "list<element: int32>"


def test_each_view_is_what_our_own_training_shows(world):
    images = dict(shards.read(world.images, tables.Images, ["image_id", "bytes"]).iter_rows())
    samples = {row["sample_id"]: row for row in shards.read(world.samples, tables.Samples).to_dicts()}
    views = {row["sample_id"]: row for row in shards.read(world.crops, tables.Crops).to_dicts()}
    rows = rows_of(world.root / "out")
    assert len(rows) == sum(row["negative"] is not None for row in views.values()) > 20
    for row in rows:
        sample_id = row["extra_info"]["sample_id"]
        sample, view = samples[sample_id], views[sample_id]
        full = images[sample["image_id"]]
        words = own_words(Question("", sample["question"], tuple(sample["options"])))
        assert parts(row["prompt"], row["images"], []) == filled(messages_of(words), [full])
        for text, crop, ours in (
            ("teacher_raw_prompt", "teacher_images", "positive"),
            ("teacher_neg_raw_prompt", "teacher_neg_images", "negative"),
        ):
            shown = parts(row[text], row["images"], row[crop])
            assert shown == filled(messages_of(with_crop_announced(words, 1)), [full, view[ours]])


def test_the_reference_replaces_the_negative_text_by_the_positive_one_and_sees_no_difference(world):
    assert all(
        row["teacher_neg_raw_prompt"] == row["teacher_raw_prompt"] for row in rows_of(world.root / "out")
    )


def test_rows_are_numbered_through_each_split(world):
    for split in ("train", "dev"):
        infos = [row["extra_info"] for row in rows_of(world.root / "out", split)]
        assert [info["index"] for info in infos] == list(range(len(infos))) != []
        assert {info["split"] for info in infos} == {split}


def test_a_missing_answer_is_empty_text(annotated):
    export.verl(annotated, annotated.root / "answers", processes=1)
    rows = rows_of(annotated.root / "answers")
    answers = {row["extra_info"]["sample_id"]: row["reward_model"] for row in rows}
    assert answers.pop("r5") == {"style": "rule", "ground_truth": "B"}
    assert set(map(str, answers.values())) == {"{'style': 'rule', 'ground_truth': ''}"}


def test_rows_that_the_reference_would_stop_at_are_left_out_and_counted(annotated):
    counts = export.verl(annotated, annotated.root / "counted", processes=1)
    kept = {row["extra_info"]["sample_id"] for row in rows_of(annotated.root / "counted")}
    assert {f"r{number}" for number in range(12)} - kept == {"r3", "r4"}
    assert counts["left_out"] == {"marker_in_text": 1, "no_negative": 1}
    assert counts["train"] + counts["dev"] == len(kept) == 10


@pytest.mark.parametrize("token", [*SPECIAL_TOKENS, *OTHER_TOKENS])
def test_a_text_that_the_reference_would_take_for_a_token_is_left_out(token):
    crop = {"fallback": "exact", "strategy": "same_resolution", "width": 60, "height": 50}
    for text in (token, f"What is {token}?", f"a{token}b"):
        assert left_out({"question": text, "options": []}, crop, (60, 50)) == "token_in_text"
        assert left_out({"question": "Which?", "options": ["red", text]}, crop, (60, 50)) == "token_in_text"
    for text in ("a <|b", "1 < 2 | 3 > 2", "<b>bold</b>", "<think", "a <| b |> c", "<answer>"):
        assert left_out({"question": text, "options": [text]}, crop, (60, 50)) is None


@pytest.mark.parametrize(
    ("image", "crop", "reason"),
    [
        ((600, 3), (60, 20), None),
        ((601, 3), (60, 20), "thin_picture"),
        ((3, 601), (60, 20), "thin_picture"),
        ((60, 50), (1380, 2), "thin_picture"),
    ],
)
def test_pictures_that_the_references_processor_refuses_are_left_out(image, crop, reason):
    sample = {"question": "Which?", "options": []}
    views = {"fallback": "exact", "strategy": "masked", "width": crop[0], "height": crop[1]}
    assert left_out(sample, views, image) == reason


def test_thin_pictures_are_counted_and_their_rows_have_no_place_in_the_files(annotated, tmp_path):
    shutil.copytree(annotated.root / "data", tmp_path / "data")
    [shard, *_] = shards.files(tmp_path / "data/ingest/images")
    frame = pl.read_parquet(shard)
    thin = frame["image_id"][0]
    frame.with_columns(
        pl.when(image_id=thin).then(9 * 10**5).otherwise("width").alias("width")
    ).write_parquet(shard)
    counts = export.verl(Paths(tmp_path), tmp_path / "out", processes=1)
    rows = rows_of(tmp_path / "out")
    assert thin not in {row["extra_info"]["image_id"] for row in rows}
    assert counts["left_out"].pop("thin_picture") == 10 - len(rows) > 0


def test_a_halved_full_image_has_no_place_in_the_form(tmp_path):
    _, paths = make(tmp_path, {"ingest": SMALL_WORLD, "crops": {"negative": "downsampled"}})
    with pytest.raises(ProjectError, match="no row of train or dev that can be exported"):
        export.verl(paths, tmp_path / "out", processes=1)


def test_the_same_bytes_every_time_and_an_earlier_export_is_replaced(world, tmp_path):
    export.verl(world, tmp_path / "one", split="train", shard_rows=5, processes=1)
    export.verl(world, tmp_path / "other", processes=1)
    export.verl(world, tmp_path / "other", split="train", shard_rows=5, processes=1)
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir()}
    sizes = [pq.ParquetFile(tmp_path / "one" / name).metadata.num_rows for name in sorted(files)]
    assert max(sizes) == 5 and all(name.startswith("train-") for name in files)


def test_an_interrupted_export_goes_on(world, tmp_path, monkeypatch):
    write, calls = export.write_shard, []

    def interrupted(*job):
        calls.append(job)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(*job)

    monkeypatch.setattr(export, "write_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export.verl(world, tmp_path / "out", processes=1)
    assert not (tmp_path / "out").exists()
    export.verl(world, tmp_path / "out", processes=1)
    assert calls[2] == calls[1] and calls[0] not in calls[1:], "the first job is not repeated"
    expected = {path.name: path.read_bytes() for path in (world.root / "out").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == expected


def test_a_folder_with_anything_else_in_it_is_left_alone(world, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        export.verl(world, tmp_path, processes=1)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_crops_of_other_samples_are_refused(world, tmp_path):
    for table in ("ingest/images", "ingest/samples", "crops/crops"):
        (tmp_path / "data" / table).mkdir(parents=True)
        for path in (world.root / "data" / table).iterdir():
            frame = pl.read_parquet(path)
            kept = frame.head(len(frame) - 1) if table == "crops/crops" else frame
            kept.write_parquet(tmp_path / "data" / table / path.name)
    with pytest.raises(ProjectError, match="run crops again"):
        export.verl(Paths(tmp_path), tmp_path / "out", processes=1)


@pytest.mark.parametrize("start", ["world", "annotated"])
def test_reading_the_export_gives_the_same_samples_and_crops(start, request, tmp_path):
    paths = request.getfixturevalue(start)
    export.verl(paths, tmp_path / "verl", processes=1)
    kept = {row["extra_info"]["sample_id"] for row in rows_of(tmp_path / "verl")}
    settings = SMALL_WORLD | {"source": "verl", "verl": {"rows": str(tmp_path / "verl")}, "dev_fraction": 0}
    _, again = make(tmp_path / "again", {"ingest": settings})

    def table(of: Paths, place: str, schema: Any) -> pl.DataFrame:
        rows = shards.read(getattr(of, place), schema)
        ours = rows if place == "images" else rows.filter(pl.col("sample_id").is_in(kept))
        return ours.drop("source", strict=False).sort(schema.primary_key())

    for place, schema in (("samples", tables.Samples), ("images", tables.Images), ("crops", tables.Crops)):
        one, other = table(paths, place, schema), table(again, place, schema)
        assert one.columns == other.columns
        assert one.equals(other), place
    assert set(table(again, "samples", tables.Samples)["sample_id"]) == kept


def test_a_transparent_picture_is_exported_as_the_student_sees_it(tmp_path):
    clear = np.dstack([np.full((4, 6, 3), 90, np.uint8), np.full((4, 6), 0, np.uint8)])
    opaque = imaging.encode_png(np.full((4, 6, 3), 90, np.uint8))
    file = io.BytesIO()
    Image.fromarray(clear).convert("LA").save(file, "PNG")
    rows = {"image_id": ["clear", "opaque"], "bytes": [file.getvalue(), opaque], "licence": "?"}
    pl.DataFrame(rows).write_parquet(tmp_path / "images.parquet")
    with verl_shard._image_bytes(tmp_path / "images.parquet", tmp_path) as image_of:
        shown, untouched = image_of("clear")[0], image_of("opaque")[0]
    assert Image.open(io.BytesIO(shown)).mode == "RGB" and (imaging.decode(shown) == 255).all()
    assert untouched == opaque
