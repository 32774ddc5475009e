"""Stage `quality` on real tables of `ingest` and `crops`: the table, the page, and what is not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from vzero import tables
from vzero.config import Params
from vzero.errors import ProjectError
from vzero.likeness.nearest import near_duplicates
from vzero.models.loading import load_processors
from vzero.models.pixels import visual_tokens
from vzero.paths import Paths
from vzero.prompts.messages import messages_of, render
from vzero.prompts.parts import Question
from vzero.prompts.views import own_words, with_crop_announced
from vzero.quality import page
from vzero.quality.inputs import read_inputs
from vzero.quality.measures import measure
from vzero.quality.pictures import reject_groups
from vzero.quality.tokens import prompt_lengths
from vzero.shards import read
from vzero.stages import crops, ingest, quality

WEIGHTS = Path(__file__).parents[2] / "vzero/needle/weights"


@pytest.fixture(scope="module")
def params(table_params: Params) -> Params:
    models = table_params.models.model_copy(
        update={"student": WEIGHTS / "student", "teacher": Path("no/such/model")}
    )
    return table_params.model_copy(update={"models": models})


@pytest.fixture(scope="module")
def paths(
    annotate: Callable[[Path, int], Paths], params: Params, tmp_path_factory: pytest.TempPathFactory
) -> Paths:
    """120 rows about 40 images, of which 3 are rejected; figures and page are written."""
    paths = annotate(tmp_path_factory.mktemp("project"), 120)
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    quality.run(params, paths)
    return paths


def figure(paths: Paths, name: str) -> dict[str, int]:
    table = read(paths.quality, tables.Quality).filter(figure=name, source="table").sort("position")
    return {level: count for level, count in table.select("level", "count").rows() if count}


def test_every_row_is_counted_as_a_sample_or_a_reject(paths: Paths):
    counted = figure(paths, "counts")
    assert counted["train samples"] + counted["dev samples"] == 117
    assert (counted["images"], counted["rejected rows"]) == (40, 3)
    assert figure(paths, "reject") == {"duplicate_id": 1, "missing_box": 1, "path_escape": 1}


def test_figures_of_the_evidence_add_up_to_the_samples(paths: Paths):
    for name in ("evidence_area", "evidence_aspect", "evidence_centre", "boxes", "question_length"):
        assert sum(figure(paths, name).values()) == 117, name
    assert figure(paths, "boxes") == {"1": 117}
    assert sum(figure(paths, "fallback").values()) == 117


def test_open_questions_have_no_letters(paths: Paths):
    assert figure(paths, "options") == {"0": 117}
    assert figure(paths, "answer_letter") == {}


def test_prompts_are_as_long_as_the_model_would_see_them(paths: Paths, params: Params):
    teachers = params.models.model_copy(update={"teacher": WEIGHTS / "teacher"})
    inputs = read_inputs(paths)
    lengths, notes = prompt_lengths(inputs, teachers, paths.resolve)
    processors = load_processors(WEIGHTS / "student", params.models)
    expected = []
    for row in inputs.samples.join(inputs.crops, on="sample_id", suffix="_crop").iter_rows(named=True):
        image = visual_tokens(processors, row["width"], row["height"])
        crop = visual_tokens(processors, row["width_crop"], row["height_crop"])
        words = own_words(Question("", row["question"]))
        short, long = (
            processors.tokenizer(render(processors, messages_of(said)))["input_ids"]
            for said in (words, with_crop_announced(words, 1))
        )
        expected.append((len(short) - 1 + image, len(long) - 2 + image + crop))
    assert notes == []
    assert sorted(lengths.select("student_tokens", "teacher_tokens").rows()) == sorted(expected)


def test_a_model_that_is_not_there_is_said_and_nothing_else_is_missing(paths: Paths):
    page = paths.quality_page.read_text()
    assert "The teacher&#39;s prompts are not counted" in page
    assert sum(figure(paths, "student_tokens").values()) == 117
    assert figure(paths, "teacher_tokens") == {}


def test_prompts_with_a_picture_that_the_processor_refuses_are_said_not_counted(paths: Paths, params: Params):
    inputs = read_inputs(paths)
    first = pl.int_range(pl.len()) == 0
    thin = inputs.samples.with_columns(width=pl.when(first).then(90_000).otherwise("width"))
    lengths, notes = prompt_lengths(replace(inputs, samples=thin), params.models, paths.resolve)
    assert (lengths["student_tokens"].null_count(), lengths.height) == (1, 117)
    [refused] = [note for note in notes if "refuses" in note]
    assert refused.startswith("The student's processor refuses a picture of 1 of the 117 counted samples")


def test_whether_boxes_are_as_declared_is_on_the_page_for_every_subset_of_them(paths: Paths, params: Params):
    assert "<bdi>all, declared as xyxy pixel</bdi></td><td" in paths.quality_page.read_text()
    turned = {"3": {"boxes": 60, "inside": 1.0, "verdict": "cannot tell"}}
    whole = {"boxes": 118, "inside": 0.5, "verdict": "contradicted", "subsets": {"orientation": turned}}
    inputs = replace(read_inputs(paths), conventions={"table": {"xywh pixel": whole}})
    html = page.render(
        inputs,
        read(paths.quality, tables.Quality),
        near_duplicates(inputs.images, 4),
        [],
        params.ingest,
        paths,
    )
    cells = '<tr><td><bdi>{}</bdi></td><td class="number">{}</td><td class="number">{}</td><td>{}</td></tr>'
    assert cells.format("all, declared as xywh pixel", 118, 50, "contradicted") in html
    assert cells.format("EXIF orientation 3", 60, 100, "cannot tell") in html


def test_rejects_are_on_the_page_by_reason_with_the_pictures_that_are_inside_the_folder(paths: Paths):
    page = paths.quality_page.read_text()
    rejects = dict(_folded(page))
    assert list(rejects) == ["duplicate_id", "missing_box", "path_escape"]
    assert (
        "the same content as row 3" in rejects["duplicate_id"] or "other content" in rejects["duplicate_id"]
    )
    assert 'alt="The image of row 17"' in rejects["missing_box"]
    assert "../secret.png" in rejects["path_escape"] and "<img" not in rejects["path_escape"]


def _folded(page: str) -> list[tuple[str, str]]:
    parts = [part.split("</details>")[0] for part in page.split("<details>")[1:]]
    return [(part.split("<code>")[1].split("</code>")[0], part) for part in parts]


def test_an_image_of_several_rejects_is_pictured_once(paths: Paths, params: Params):
    inputs = read_inputs(paths)
    boxless = inputs.rejects.filter(code="missing_box")
    twice = replace(inputs, rejects=pl.concat([boxless, boxless]))
    [group] = reject_groups(twice, "table", params.ingest, paths)
    assert [row["picture"] is not None for row in group.examples] == [True, False]


def test_suspect_images_are_counted_and_drawn_with_all_boxes_that_passed(paths: Paths, params: Params):
    inputs = read_inputs(paths)
    near = near_duplicates(inputs.images, 4)
    lengths, _ = prompt_lengths(inputs, params.models, paths.resolve)
    counted = measure(inputs, near, lengths, 4)
    assert counted.filter(figure="suspect").is_empty()
    assert "Suspect" not in page.render(inputs, counted, near, [], params.ingest, paths)
    image_id = inputs.images["image_id"].max()
    flags = {"suspect": pl.col("image_id") == image_id}
    inputs = replace(
        inputs, images=inputs.images.with_columns(**flags), samples=inputs.samples.with_columns(**flags)
    )
    samples = inputs.samples.filter("suspect")
    counted = measure(inputs, near, lengths, 4)
    rows = counted.filter(figure="suspect").select("level", "count").rows()
    assert rows == [("images", 1), ("samples about them", samples.height)] and samples.height > 1
    html = page.render(inputs, counted, near, [], params.ingest, paths)
    [card] = re.findall(r'<figure class="card">(?:(?!</figure>).)*Suspect image with.*?</figure>', html, re.S)
    assert card.count('<rect class="evidence"') == samples.height
    assert all(question in card for question in samples["question"])


def test_rejected_items_of_benchmarks_are_not_counted_as_rows(paths: Paths, params: Params):
    inputs, counted = read_inputs(paths), read(paths.quality, tables.Quality)
    item = inputs.rejects.head(1).with_columns(source=pl.lit("vstar"))
    inputs = replace(inputs, rejects=pl.concat([inputs.rejects, item]))
    near = near_duplicates(inputs.images, 4)
    html = page.render(inputs, counted, near, [], params.ingest, paths)
    assert "117 samples about 40 images; 3 rows were rejected, and 1 item of benchmarks." in html


def test_the_same_tables_make_the_same_page(paths: Paths, params: Params):
    before = (paths.quality_page.read_bytes(), paths.quality.read_bytes())
    quality.run(params, paths)
    assert (paths.quality_page.read_bytes(), paths.quality.read_bytes()) == before


def test_without_tables_the_stage_to_run_is_named(tmp_path: Path, params: Params):
    with pytest.raises(ProjectError, match="images: no table there"):
        quality.run(params, Paths(tmp_path))


def test_the_table_can_be_scanned(paths: Paths):
    assert pl.read_parquet(paths.quality).columns == tables.Quality.column_names()
