"""Rows that would end training, or are too long for it, are left out before it, each with its reason."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_project import settings
from tiny_models import save_tiny

from vzero.config import Models, Train
from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel, load_model
from vzero.models.pixels import refusal, visual_tokens
from vzero.models.prompt import prompt_of
from vzero.prompts.views import FULL, POSITIVE
from vzero.tables import LEFT_OUT, LeftOut
from vzero.train.batches import load_samples, training_index
from vzero.train.left_out import counts_by_code, left_out
from vzero.train.training_run import training_run

GATED, UNGATED = Train(), Train(recipe="opd")


def test_limits_agree_with_the_encoded_prompts(project):
    params = settings()
    model = load_model(project.resolve(params.models.student), params.models)
    index = training_index(project, {POSITIVE}).head(12)
    loaded = load_samples(project, index)
    student, teacher = (
        [int(encode(model, [prompt_of(model, sample.view(role))]).lengths[0]) for sample in loaded]
        for role in (FULL, POSITIVE)
    )
    for limit in (min(student), sorted(student)[6], max(student)):
        train = settings(max_prompt_tokens=limit).train
        found = left_out(index, training_run(model, model, train))
        assert [(row["sample_id"], row["detail"]) for row in found.to_dicts()] == [
            (name, f"{length} tokens, {limit} are allowed")
            for name, length in zip(index["sample_id"], student, strict=True)
            if length > limit
        ]
        assert set(found["code"]) <= {"student_prompt_too_long"}
    limit = sorted(teacher)[6]
    train = settings(max_teacher_tokens=limit + 5).train
    assert train.max_new_tokens == 5
    found = left_out(index, training_run(model, model, train))
    assert counts_by_code(found) == dict.fromkeys(LEFT_OUT, 0) | {
        "teacher_prompt_too_long": sum(length > limit for length in teacher)
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedModel, LoadedModel]:
    """Of two families, whose visual tokens differ in no size here, but each has a processor of its own."""
    root = tmp_path_factory.mktemp("models")
    student = load_model(save_tiny(root / "student", layers=2), Models(), device="cpu")
    return student, load_model(save_tiny(root / "teacher", "qwen2_5_vl"), Models(), device="cpu")


SIDES = st.one_of(st.integers(1, 12), st.sampled_from([199, 200, 201, 399, 400, 401, 2412]))


@given(SIDES, SIDES)
def test_exactly_what_the_processor_raises_at_is_refused(models, width, height):
    for model in models:
        reason = refusal(model, width, height)
        try:
            made = model.image_processor(
                images=[np.zeros((height, width, 3), np.uint8)],
                input_data_format="channels_last",
                return_tensors="np",
            )
        except ValueError as error:
            assert reason == f"{width} x {height} pixels: {error}"
        else:
            assert reason is None
            merged = model.image_processor.merge_size**2
            assert visual_tokens(model, width, height) == made["image_grid_thw"].prod() // merged


def index_of(**columns: list) -> pl.DataFrame:
    """A training index of rows that can be used but for what the columns say."""
    [length] = {len(values) for values in columns.values()}
    usable = {"width": 90, "height": 60, "crop_width": 30, "crop_height": 20}
    return pl.DataFrame(
        {"sample_id": [f"s{number}" for number in range(length)], "question": ["What?"] * length}
        | {name: [value] * length for name, value in usable.items()}
        | {"options": [["a", "b"]] * length, "further": [None] * length}
        | {"region": [True] * length, "strategy": ["half_resolution"] * length}
        | columns
    )


def found(models, index: pl.DataFrame, train: Train = GATED) -> list[tuple]:
    return LeftOut.validate(left_out(index, training_run(*models, train))).rows()


def test_pictures_that_a_processor_refuses_are_named_with_their_size(models):
    shapes = {"width": [900, 90, 90], "height": [4, 60, 60], "crop_width": [30, 30, 1380]}
    rows = index_of(**shapes, crop_height=[20, 20, 2])
    why = "absolute aspect ratio must be smaller than 200, got"
    assert found(models, rows) == [
        ("s0", "student_picture_refused", f"image of 900 x 4 pixels: {why} 225.0"),
        ("s2", "teacher_picture_refused", f"crop of 1380 x 2 pixels: {why} 690.0"),
    ]
    answered = rows.with_columns(answer=pl.lit("A"))
    grpo = Train(recipe="grpo")
    assert found((models[0], None), answered, grpo) == found(models, rows)[:1], "no teacher, no crop"


def test_negative_views_that_are_halved_are_looked_at_where_they_are_shown(models):
    # 600 x 3 is 200 to 1, its half 300 x 1; a crop of 30 x 20 has a half of 15 x 10.
    rows = index_of(
        width=[600, 600, 90], height=[3, 3, 60], strategy=["downsampled", "masked", "downsampled"]
    )
    [(name, code, detail)] = found(models, rows)
    assert (name, code) == ("s0", "teacher_picture_refused")
    assert detail.startswith("negative image of 300 x 1 pixels")
    assert found(models, rows, UNGATED) == []


def test_samples_without_a_right_letter_count_where_the_method_rewards_it(models):
    rows = index_of(answer=["A", None, "B", "a red cup"], options=[["a", "b"]] * 3 + [[]])
    assert found(models, rows, Train(recipe="grpo")) == [
        ("s1", "no_answer", "the method rewards the right letter"),
        ("s3", "open_question", "the method rewards the right letter, the answer is 'a red cup'"),
    ]
    assert found(models, rows.drop("answer")) == []
