"""Stage `ingest` on real files: nothing lost, images once, the same bytes however it ran."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vzero import imaging, shards, tables
from vzero.config import Filters, Ingest, Models, Params, PromptTokens, SealSource, Several
from vzero.errors import ChangedError, ConfigError, SourceError
from vzero.paths import Paths
from vzero.stages import ingest


@pytest.fixture
def project(annotate, tmp_path) -> Paths:
    return annotate(tmp_path, 120)


def contents(paths: Paths) -> dict[str, bytes]:
    """Everything the stage wrote, by file name."""
    data = paths.root / "data"
    return {
        str(path.relative_to(data)): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()
    }


def test_every_row_is_a_sample_or_a_reject(table_params, project):
    summary = ingest.run(table_params, project, processes=1)
    assert summary == {
        "rows": 120,
        "samples": 117,
        "images": 40,
        "rejects": {"duplicate_id": 1, "missing_box": 1, "path_escape": 1},
        "sources": {"table": {"rows": 120, "samples": 117}},
        "box_conventions": {
            "table": {
                "xyxy pixel": {
                    "boxes": 118,
                    "inside": 1.0,
                    "verdict": "verified",
                    "exif_oriented": 0.0,
                    "subsets": {},
                }
            }
        },
        "suspect": {"images": 0, "share": 0.0, "samples": 0},
        "repairs": {},
        "cleanings": {},
        "objects": {},
        "overlapping_items": {"coarse": 0, "cyclic": 0, "search": 0, "zoom": 0},
        "funnel": {"rows": 120, "duplicate_id": 119, "path_escape": 118, "missing_box": 117, "samples": 117},
    }
    assert json.loads(project.ingest_summary.read_text()) == summary
    samples = shards.read(project.samples, tables.Samples)
    rejects = shards.read(project.rejects, tables.Rejects)
    assert len(samples) + len(rejects) == 120
    assert rejects.select("row", "code").rows() == [
        (17, "missing_box"),
        (50, "path_escape"),
        (60, "duplicate_id"),
    ]
    assert samples.filter(pl.col("sample_id") == "r3")["question"].to_list() == ["Question 3?"]


def test_tables_keep_their_schemas_and_belong_together_shard_by_shard(table_params, project):
    ingest.run(table_params, project, processes=1)
    for folder, schema in [
        (project.images, tables.Images),
        (project.samples, tables.Samples),
        (project.rejects, tables.Rejects),
        (project.funnel, tables.Funnel),
        (project.cleanings, tables.Cleanings),
        (project.objects, tables.Objects),
        (project.benchmark_items, tables.BenchmarkItems),
        (project.overlaps, tables.Overlaps),
    ]:
        schema.validate(pl.scan_parquet(shards.files(folder)).collect())
    names = [path.name for path in sorted(project.images.iterdir())]
    assert len(names) > 1 and names == [path.name for path in sorted(project.samples.iterdir())]
    for name in names:
        images, samples = (pl.read_parquet(folder / name) for folder in (project.images, project.samples))
        assert set(samples["image_id"]) == set(images["image_id"])


def test_an_image_is_stored_once_exactly_as_found_and_is_in_one_split(table_params, project):
    ingest.run(table_params, project, processes=1)
    images = shards.read(project.images, tables.Images)
    found = {(project.root / f"images/{number}.png").read_bytes() for number in range(40)}
    assert len(images) == 40 and set(images["bytes"]) == found
    splits = shards.read(project.samples, tables.Samples).group_by("image_id").agg(pl.col("split").unique())
    assert splits["split"].list.len().to_list() == [1] * 40
    assert set(splits["split"].explode()) == {"train", "dev"}


@pytest.mark.long
def test_one_and_two_processes_write_the_same_bytes(table_params, project):
    filters = Filters(max_question_length=12, near_duplicate_distance=16)
    params = Params(ingest=table_params.ingest.model_copy(update={"filters": filters}))
    summary = ingest.run(params, project, processes=1)
    assert summary["rejects"]["question_length"] == 20
    alone = contents(project)
    ingest.run(params, project, processes=2)
    assert contents(project) == alone


def test_filters_leave_out_the_same_samples_whatever_the_order_of_rows_and_the_shards(
    annotate, table_params, tmp_path
):
    filters = Filters(max_question_length=12, min_evidence_area=0.1, near_duplicate_distance=16)
    settings = table_params.ingest.model_copy(update={"filters": filters})
    first, second = annotate(tmp_path / "first", 120), annotate(tmp_path / "second", 120)
    for number in (0, 5):  # the same picture in other bytes
        copy = imaging.encode_jpeg(imaging.decode((first.root / f"images/{number}.png").read_bytes()))
        for paths in (first, second):
            (paths.root / f"images/{number + 1}.png").write_bytes(copy)
    lines = (second.root / "rows.jsonl").read_text().splitlines()
    lines[60] = lines[60].replace('"r3"', '"r60"')  # which row has an id first is a matter of their order
    (first.root / "rows.jsonl").write_text("\n".join(lines))
    (second.root / "rows.jsonl").write_text("\n".join(reversed(lines)))
    summary = ingest.run(table_params.model_copy(update={"ingest": settings}), first, processes=1)
    others = settings.model_copy(update={"shard_images": 3})
    again = ingest.run(table_params.model_copy(update={"ingest": others}), second, processes=1)
    assert again == summary
    names = shards.read(first.funnel, tables.Funnel)["name"].to_list()
    assert names == list(summary["funnel"])
    assert names[3:] == ["question_length", "evidence_area", "near_duplicate", "samples"]
    assert summary["rejects"]["question_length"] == 20  # "Question 100?" to "Question 119?"
    assert min(summary["rejects"][name] for name in names[3:6]) > 0
    assert summary["samples"] == summary["funnel"]["samples"]

    def left(paths: Paths) -> pl.DataFrame:
        return shards.read(paths.rejects, tables.Rejects, ["sample_id", "code", "detail"]).sort("sample_id")

    def kept(paths: Paths) -> pl.DataFrame:
        return shards.read(paths.samples, tables.Samples).sort("sample_id")

    assert left(first).equals(left(second)) and kept(first).equals(kept(second))
    images = shards.read(first.images, tables.Images, ["image_id"])
    assert set(images["image_id"]) == set(kept(first)["image_id"])


@pytest.mark.long
def test_images_of_which_a_row_was_rejected_for_its_box_are_suspects_wherever_the_row_stands(
    annotate, table_params, tmp_path
):
    """Rows 0, 40 and 80 are about the first image, and the last row, whose box is on another grid."""
    first, second = annotate(tmp_path / "first", 120), annotate(tmp_path / "second", 120)
    outside = {"id": "r120", "image": "0.png", "question": "?", "box": [100, 5, 120, 30], "answer": "red"}
    lines = [*(first.root / "rows.jsonl").read_text().splitlines(), json.dumps(outside)]
    lines[60] = lines[60].replace('"r3"', '"r60"')  # which row has an id first is a matter of their order
    (first.root / "rows.jsonl").write_text("\n".join(lines))
    (second.root / "rows.jsonl").write_text("\n".join(reversed(lines)))
    summary = ingest.run(table_params, first, processes=1)
    assert summary["suspect"] == {"images": 1, "share": 1 / 40, "samples": 3}
    others = table_params.model_copy(
        update={"ingest": table_params.ingest.model_copy(update={"shard_images": 3})}
    )
    assert ingest.run(others, second, processes=1) == summary
    found = [shards.read(paths.images, tables.Images).sort("image_id") for paths in (first, second)]
    assert found[0].equals(found[1])
    [suspect] = found[0].filter("suspect")["bytes"]
    assert suspect == (first.root / "images/0.png").read_bytes()

    filters = Filters(refuse_suspect_images=True)
    refusing = Params(ingest=table_params.ingest.model_copy(update={"filters": filters}))
    summary = ingest.run(refusing, first, processes=1)
    assert list(summary["funnel"])[-2:] == ["suspect_image", "samples"]
    assert summary["rejects"]["suspect_image"] == 3
    assert (summary["images"], summary["suspect"]["images"]) == (39, 0)
    rejects = shards.read(first.rejects, tables.Rejects).filter(code="suspect_image")
    assert rejects["row"].to_list() == [0, 40, 80]
    assert set(rejects["detail"]) == {"rejected rows about the image: 1, box_outside"}


def test_needle_draws_its_own_splits_and_benchmarks(table_params, tmp_path):
    paths = Paths(tmp_path)
    params = Params(ingest=Ingest(needle=table_params.ingest.needle, shard_images=4))
    summary = ingest.run(params, paths, processes=1)
    assert summary["samples"] + sum(summary["rejects"].values()) == summary["rows"] == 90
    splits = dict(shards.read(paths.samples, tables.Samples)["split"].cast(str).value_counts().iter_rows())
    assert 0 < splits["dev"] <= 30 < splits["train"] <= 60
    items = shards.read(paths.benchmark_items, tables.BenchmarkItems)
    assert set(items["benchmark"]) == {"search", "cyclic", "zoom", "coarse"}


def test_a_killed_run_goes_on_where_it_was_and_ends_the_same(annotate, table_params, tmp_path, capsys):
    straight, killed = annotate(tmp_path / "straight", 800), annotate(tmp_path / "killed", 800)
    ingest.run(table_params, straight, processes=1)
    script = (
        "import os, sys; from vzero.config import Ingest, Params; from vzero.paths import Paths\n"
        "from vzero.stages import ingest\n"
        "os.nice(19)  # so that the test sees the first batch long before the last\n"
        "params = Params(ingest=Ingest.model_validate_json(sys.argv[1]))\n"
        f"ingest.run(params, Paths({str(killed.root)!r}), processes=1)\n"
    )
    settings = table_params.ingest.model_dump_json()
    process = subprocess.Popen([sys.executable, "-c", script, settings], env=os.environ | {"PYTHONPATH": "."})
    while not list(killed.scratch.glob("ingest/*/batches/[0-9]*")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not killed.samples.exists()
    ingest.run(table_params, killed, processes=1)
    assert "going on" in capsys.readouterr().out
    assert contents(killed) == contents(straight)
    assert not list(killed.scratch.glob("ingest/*")), "the scratch folder is cleared"


def test_a_changed_image_is_not_taken_from_an_earlier_run(table_params, project):
    ingest.run(table_params, project, processes=1)
    before = contents(project)
    other = imaging.encode_png(np.full((50, 60, 3), 7, np.uint8))
    (project.root / "images/1.png").write_bytes(other)
    ingest.run(table_params, project, processes=1)
    assert other in shards.read(project.images, tables.Images)["bytes"].to_list()
    assert contents(project) != before


def test_an_image_that_only_a_repeated_id_shows_is_in_no_shard(table_params, project):
    """Its shard is written before the repetition is known, and then again without it."""
    (project.root / "images/only.png").write_bytes(imaging.encode_png(np.full((50, 60, 3), 200, np.uint8)))
    lines = (project.root / "rows.jsonl").read_text().splitlines()
    again = json.loads(lines[3]) | {"image": "only.png", "question": "Another?"}
    (project.root / "rows.jsonl").write_text("\n".join([*lines[:10], json.dumps(again), *lines[10:]]))
    summary = ingest.run(table_params, project, processes=1)
    assert (summary["images"], summary["samples"], summary["rejects"]["duplicate_id"]) == (40, 117, 2)
    images = shards.read(project.images, tables.Images, ["image_id"])
    samples = shards.read(project.samples, tables.Samples)
    assert set(images["image_id"]) == set(samples["image_id"])
    names = [sorted(path.name for path in folder.iterdir()) for folder in (project.images, project.samples)]
    assert names[0] == names[1]


def test_an_image_that_changes_while_ingest_runs_is_an_error(table_params, project, monkeypatch):
    check_all = ingest.verify

    def meanwhile(*arguments):
        (project.root / "images/39.png").write_bytes(imaging.encode_png(np.full((50, 60, 3), 7, np.uint8)))
        return check_all(*arguments)

    monkeypatch.setattr(ingest, "verify", meanwhile)
    with pytest.raises(ChangedError, match=r"table: image 39\.png changed while ingest ran; run it again"):
        ingest.run(table_params, project, processes=1)
    assert not project.samples.exists()


def test_a_source_without_a_usable_row_is_an_error_that_counts_why(table_params, project):
    (project.root / "rows.jsonl").write_text(
        '{"id": 1, "image": "0.png", "question": "?", "box": [0], "answer": 1}'
    )
    expected = r"none of 1 rows can be used \(bad_box: 1\); row 0, image 0\.png: .*\. See ingest\.table in"
    with pytest.raises(SourceError, match=expected):
        ingest.run(table_params, project, processes=1)
    assert not project.samples.exists()


def seal_rows(project: Paths, boxes: list[list[float]]) -> SealSource:
    """A second source beside the table: SEAL's form, xywh boxes, about the table's images and one more."""
    (project.root / "images/seal.png").write_bytes(imaging.encode_png(np.full((50, 60, 3), 90, np.uint8)))
    names = ["0.png", "seal.png", "3.png", "lost.png"]
    rows = [
        {
            "image": name,
            "conversations": [{"from": "human", "value": "Where is it?"}, {"from": "gpt", "value": "There."}],
            "target_instances": [{"name": "it", "bbox": box}],
        }
        for name, box in zip(names, boxes, strict=True)
    ]
    (project.root / "seal.json").write_text(json.dumps(rows))
    return SealSource(rows=Path("seal.json"), images=Path("images"))


def both_sources(table_params: Params, seal: SealSource) -> Ingest:
    both = Several(order=["table", "seal"], table=table_params.ingest.table, seal=seal)
    return table_params.ingest.model_copy(update={"source": "several", "several": both})


def test_several_sources_make_one_set_of_tables(table_params, project):
    seal = seal_rows(project, [[5, 5, 20, 20], [1, 2, 30, 40], [9, 9, 9, 9], [1, 1, 2, 2]])
    several = both_sources(table_params, seal)
    summary = ingest.run(Params(ingest=several), project, processes=1)
    assert summary["sources"] == {"table": {"rows": 120, "samples": 117}, "seal": {"rows": 4, "samples": 3}}
    assert (summary["rows"], summary["samples"], summary["images"]) == (124, 120, 41)
    assert set(summary["box_conventions"]) == {"table", "seal"}
    samples = shards.read(project.samples, tables.Samples)
    assert dict(samples["source"].value_counts().iter_rows()) == {"table": 117, "seal": 3}
    # An image that both show is stored once, with what the first source says of it.
    images = shards.read(project.images, tables.Images)
    assert dict(images["source"].value_counts().iter_rows()) == {"table": 40, "seal": 1}
    # Rows are numbered in their own source.
    rejects = shards.read(project.rejects, tables.Rejects, ["source", "row", "code"])
    assert rejects.rows()[-1] == ("seal", 3, "missing_image")
    alone = contents(project)
    ingest.run(Params(ingest=several), project, processes=2)
    assert contents(project) == alone


def test_one_of_several_sources_that_gives_nothing_is_an_error(table_params, project):
    seal = seal_rows(project, [[70, 70, 5, 5]] * 4)
    several = both_sources(table_params, seal)
    with pytest.raises(
        SourceError, match=r"seal: none of 4 rows can be used \(box_outside: 3, missing_image: 1"
    ):
        ingest.run(Params(ingest=several), project, processes=1)


def test_prompts_with_too_many_tokens_are_left_out_and_counted(table_params, project):
    # 33 tokens around a number of one digit: 3 for the image, 21 for the template, 9 for the words.
    tokens = PromptTokens(processor=Models().student.resolve(), max_tokens=34)
    filters = Filters(prompt_tokens=tokens)
    params = Params(ingest=table_params.ingest.model_copy(update={"filters": filters}))
    summary = ingest.run(params, project, processes=1)
    assert summary["funnel"]["prompt_tokens"] == summary["samples"] == 97
    rejects = shards.read(project.rejects, tables.Rejects).filter(code="prompt_tokens")
    assert rejects["row"].to_list() == list(range(100, 120))
    assert set(rejects["detail"]) == {"35 tokens"}
    assert rejects["image"][0] == "20.png" and rejects["sample_id"][0] == "r100"


def test_a_picture_that_the_counting_processor_refuses_is_a_reject_with_its_row(table_params, project):
    (project.root / "images/thin.png").write_bytes(imaging.encode_png(np.zeros((4, 900, 3), np.uint8)))
    rows = (project.root / "rows.jsonl").read_text().splitlines()
    rows[5] = rows[5].replace("5.png", "thin.png").replace("[5, 5, 19, 24]", "[5, 0, 25, 4]")
    assert "thin.png" in rows[5] and "[5, 0, 25, 4]" in rows[5]
    (project.root / "rows.jsonl").write_text("\n".join(rows))
    filters = Filters(prompt_tokens=PromptTokens(processor=Models().student.resolve()))
    params = Params(ingest=table_params.ingest.model_copy(update={"filters": filters}))
    summary = ingest.run(params, project, processes=1)
    assert (summary["samples"], summary["rejects"]["picture_refused"]) == (116, 1)
    [row] = shards.read(project.rejects, tables.Rejects).filter(code="picture_refused").to_dicts()
    assert (row["row"], row["sample_id"], row["image"]) == (5, "r5", "thin.png")
    assert row["detail"].startswith("900 x 4 pixels: absolute aspect ratio")


def test_bounds_of_the_counting_processor_are_named_where_they_stand(table_params, project):
    tokens = PromptTokens(processor=Models().student.resolve(), max_pixels=200)
    params = Params(ingest=table_params.ingest.model_copy(update={"filters": Filters(prompt_tokens=tokens)}))
    with pytest.raises(ConfigError, match=r"ingest\.filters\.prompt_tokens\.max_pixels \(200\)"):
        ingest.run(params, project, processes=1)


@pytest.mark.parametrize(
    ("box", "filters", "code"),
    [
        ("[0]", Filters(min_boxes=1, near_duplicate_distance=4), "bad_box"),
        ("[1, 2, 9, 9]", Filters(max_question_length=1, allowed_licences=["x"]), "licence"),
        ("[1, 2, 9, 9]", Filters(min_question_length=9, refuse_benchmark_images=True), "question_length"),
    ],
)
def test_filters_that_get_or_leave_nothing_are_the_same_error(table_params, project, box, filters, code):
    (project.root / "rows.jsonl").write_text(f'{{"id": 1, "image": "0.png", "question": "?", "box": {box}}}')
    columns = table_params.ingest.table.columns.model_copy(update={"answer": None})
    table = table_params.ingest.table.model_copy(update={"columns": columns})
    params = Params(ingest=table_params.ingest.model_copy(update={"filters": filters, "table": table}))
    with pytest.raises(SourceError, match=rf"none of 1 rows can be used \({code}: 1\)"):
        ingest.run(params, project, processes=1)


def test_an_empty_source_is_an_error(table_params, project):
    (project.root / "rows.jsonl").write_text("")
    with pytest.raises(SourceError, match="the source is empty"):
        ingest.run(table_params, project, processes=1)
