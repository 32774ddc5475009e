"""Samples of several images through `ingest`, `crops` and `quality`: where images lie, and when they stay."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.table_project import PICTURES, picture, row, table_project
from vzero import imaging, shards, tables
from vzero.config import Params, PromptTokens, parse_params
from vzero.ingest.prompt_tokens import count_prompt_tokens
from vzero.paths import Paths
from vzero.stages import crops, ingest, quality
from vzero.untrusted.rejects import Rejected

NUMBER = {hashlib.sha256(picture(number)).hexdigest(): number for number in range(PICTURES)}
WEIGHTS = Path(__file__).parents[2] / "vzero/needle/weights"


def numbers_in(folder: Path) -> list[list[int]]:
    """The pictures of each shard of the images."""
    ids = [pl.read_parquet(file)["image_id"] for file in shards.files(folder)]
    return [sorted(NUMBER[image_id] for image_id in of_shard) for of_shard in ids]


def contents(paths: Paths) -> dict[str, bytes]:
    files = sorted((paths.root / "data").rglob("*.parquet"))
    return {file.relative_to(paths.root).as_posix(): file.read_bytes() for file in files}


def run_all(params: Params, paths: Paths) -> None:
    models = params.models.model_copy(update={name: WEIGHTS / name for name in ("student", "teacher")})
    params = params.model_copy(update={"models": models})
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    quality.run(params, paths)


def test_images_lie_in_the_order_in_which_samples_show_them_and_samples_with_their_first(tmp_path: Path):
    rows = [row(0, 3, 1), row(1, 0, 3), row(2, 1, 2), row(3, 0)]
    params, paths = table_project(tmp_path, rows, shard_images=1)  # an image a shard
    summary = ingest.run(params, paths, processes=1)
    assert (summary["samples"], summary["images"]) == (4, 4)
    assert numbers_in(paths.images) == [[3], [1], [0], [2]]
    found = [pl.read_parquet(file)["sample_id"].to_list() for file in shards.files(paths.samples)]
    assert found == [["r0"], ["r2"], ["r1", "r3"], []], "a shard of further images alone has no samples"


def test_a_shard_without_samples_has_no_crops_and_the_shards_keep_their_numbers(tmp_path: Path):
    params, paths = table_project(tmp_path, [row(0, 0, 1, 2), row(1, 3)], shard_images=1)
    run_all(params, paths)
    names = [sorted(path.name for path in folder.iterdir())
             for folder in (paths.images, paths.samples, paths.crops)]  # fmt: skip
    assert names[0] == names[1] == names[2] == [f"part-{number:05d}.parquet" for number in range(4)]
    assert [pl.read_parquet(file).height for file in shards.files(paths.crops)] == [1, 0, 0, 1]


def test_images_stay_with_any_sample_that_shows_them_and_go_with_the_last(tmp_path: Path):
    rows = [row(0, 0), row(1, 1, 0), row(2, 2, 3), row(3, 3, 4)]
    refused = "Another question, far too long?"
    for number in (0, 2):
        rows[number]["question"] = refused
    params, paths = table_project(tmp_path, rows, filters={"max_question_length": 20})
    summary = ingest.run(params, paths, processes=1)
    assert summary["rejects"] == {"question_length": 2}
    images = shards.read(paths.images, tables.Images)
    assert {NUMBER[name] for name in images["image_id"]} == {0, 1, 3, 4}, "2 was of a refused sample alone"


@pytest.mark.long
def test_the_bytes_do_not_depend_on_when_shards_are_written_nor_by_how_many(tmp_path: Path):
    """Without filters, shards of images are written while later rows are still checked."""
    rows = [row(number, number % 5, *range(number % 4), (number * 3) % PICTURES) for number in range(100)]
    written = []
    for name, processes, filters in (("early", 1, {}), ("two", 2, {}), ("late", 1, {"max_boxes": 9})):
        params, paths = table_project(tmp_path / name, rows, shard_images=2, filters=filters)
        ingest.run(params, paths, processes=processes)
        tables_only = {file: data for file, data in contents(paths).items() if "funnel" not in file}
        written.append(tables_only)
    assert written[0] == written[1] == written[2]
    assert sum("images" in name for name in written[0]) > 2


def test_near_duplicates_and_overlaps_are_looked_for_among_further_images_too(tmp_path: Path):
    rows = [row(0, 0, 5), row(1, 1), row(2, 2, 6)]
    params, paths = table_project(tmp_path, rows, benchmarks={"vstar": str(tmp_path / "vstar.tsv")})
    again = imaging.encode_jpeg(imaging.decode(picture(1)))
    (paths.root / "images/5.png").write_bytes(again)  # of the first row, nearly the second row's
    asked = {"index": 0, "question": "Q?", "A": "x", "B": "y", "answer": "A", "category": "direct_attributes"}
    shown = base64.b64encode(picture(6)).decode()
    pl.DataFrame([asked | {"image": shown}]).write_csv(tmp_path / "vstar.tsv", separator="\t")
    assert ingest.run(params, paths, processes=1)["overlapping_items"]["vstar"] == 1
    [overlap] = shards.read(paths.overlaps, tables.Overlaps).filter(benchmark="vstar").to_dicts()
    assert (NUMBER[overlap["image_id"]], overlap["same_bytes"]) == (6, True)

    filters = {"refuse_benchmark_images": True, "near_duplicate_distance": 4}
    settings = params.ingest.model_dump(mode="json") | {"filters": filters}
    refusing: Any = parse_params({"ingest": settings})
    ingest.run(refusing, paths, processes=1)
    rejects = shards.read(paths.rejects, tables.Rejects).sort("row")
    kept = shards.read(paths.samples, tables.Samples)["sample_id"].to_list()
    assert dict(rejects.select("sample_id", "code").rows())["r2"] == "benchmark_image"
    # Of the two that are alike the smaller id stays, and with it its sample.
    smaller = min(hashlib.sha256(data).hexdigest() for data in (again, picture(1)))
    assert kept == (["r0"] if smaller == hashlib.sha256(again).hexdigest() else ["r1"])


def test_crops_are_of_the_first_image_and_no_negative_shows_another_one_of_the_sample(tmp_path: Path):
    rows = [row(0, 0, 1, 2), row(1, 3)]
    params, paths = table_project(tmp_path, rows)
    params = params.model_copy(update={"crops": params.crops.model_copy(update={"negative": "other_image"})})
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    made = {made["sample_id"]: made for made in shards.read(paths.crops, tables.Crops).to_dicts()}
    assert NUMBER[made["r0"]["negative_image_id"]] == 3, "the only image that the sample does not show"
    left, top, right, bottom = made["r0"]["positive_box"]
    shown = imaging.decode(picture(0))[top:bottom, left:right]
    assert (imaging.decode(made["r0"]["positive"]) == imaging.enlarge(shown, 2)).all()


def test_the_data_page_shows_and_counts_every_image(tmp_path: Path):
    params, paths = table_project(tmp_path, [row(0, 0, 1, 2, 3, 4), row(1, 1), row(2, 1, 0)])
    run_all(params, paths)
    html = paths.quality_page.read_text()
    [card] = re.findall(r'<figure class="card">(?:(?!</figure>).)*<code>r0</code>', html, re.DOTALL)
    assert card.count("<img") - card.count("from close by") == 4, "the first image and three more"
    assert "5 images" in card
    figures = shards.read(paths.quality, tables.Quality).filter(figure="questions_an_image")
    asked = dict(figures.filter(pl.col("count") > 0).select("level", "count").rows())
    assert asked == {"1": 3, "2": 1, "3": 1}  # 2, 3 and 4 by one, 0 by two, 1 by three


def test_prompts_are_counted_with_all_their_images(tmp_path: Path):
    settings = PromptTokens(processor=WEIGHTS / "student")
    one, two = (count_prompt_tokens("Question 0?", [], [(60, 50)] * images, settings) for images in (1, 2))
    tokens = {"processor": str(WEIGHTS / "student"), "max_tokens": one}
    params, paths = table_project(
        tmp_path, [row(0, 0), row(1, 1, 2), row(2, 3)], filters={"prompt_tokens": tokens}
    )
    ingest.run(params, paths, processes=1)
    rejects = shards.read(paths.rejects, tables.Rejects)
    assert two > one
    assert rejects.select("sample_id", "detail").rows() == [("r1", f"{two} tokens")]


def test_a_thin_further_picture_is_refused_as_a_first_one_is():
    settings = PromptTokens(processor=WEIGHTS / "student")
    with pytest.raises(Rejected, match="picture_refused: 900 x 4 pixels"):
        count_prompt_tokens("Which?", [], [(60, 50), (900, 4)], settings)


@pytest.mark.parametrize("suspect", [0, pytest.param(1, marks=pytest.mark.long)])
def test_a_sample_is_about_a_suspect_that_it_shows_anywhere(suspect: int, tmp_path: Path):
    outside = row(9, suspect) | {"box": [100, 10, 120, 30]}
    params, paths = table_project(tmp_path, [row(0, 0, 1), row(1, 2), outside])
    run_all(params, paths)
    summary = ingest.run(params, paths, processes=1)
    assert summary["suspect"] == {"images": 1, "share": 0.3333, "samples": 1}
    counted = shards.read(paths.quality, tables.Quality).filter(figure="suspect").sort("position")
    assert counted.select("level", "count").rows() == [("images", 1), ("samples about them", 1)]
    html = paths.quality_page.read_text()
    [card] = re.findall(r'alt="Suspect image with the boxes that passed">.*?</figure>', html, re.DOTALL)
    assert ("<rect" in card) == (suspect == 0), "the box is of the first image"
    assert "Question 0?" in card
