"""Replies of a real tiny model: complete, batched by length, only what is missing is asked."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vzero.config import Models
from vzero.evaluate.predict import Replies, ask_all
from vzero.imaging import encode_png
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompts import student_prompt, teacher_prompt
from vzero.shards import shard_path

SETTINGS = {"batch": 2, "max_new_tokens": 4, "title": "test"}


def picture(side: int) -> bytes:
    return encode_png(np.full((side, side, 3), side, dtype=np.uint8))


@pytest.fixture
def questions() -> pl.DataFrame:
    rows = [
        ("wide", "full", [picture(96)], "What letter is it?", ["K", "L"]),
        ("both", "full+crop", [picture(32), picture(48)], "What letter is it?", ["K", "L"]),
        ("small", "full", [picture(32)], "What letter is it?", ["K", "L"]),
        ("talk", "full", [picture(32)], "What letter is it, and why do you think so?", ["K", "L"]),
        ("open", "full", [picture(32)], "What?", []),
    ]
    return pl.DataFrame(rows, schema=["item", "view", "images", "question", "options"], orient="row")


@pytest.fixture(scope="module")
def model(letter_model: Callable[[str], Path]) -> LoadedModel:
    return load_model(letter_model("B"), Models(), device="cpu")


def never() -> LoadedModel:
    raise AssertionError("the model was loaded although nothing was left to ask")


def test_every_question_gets_its_reply(model: LoadedModel, questions: pl.DataFrame, tmp_path: Path):
    replies = ask_all(questions, lambda: model, tmp_path, **SETTINGS)
    Replies.validate(replies)
    assert set(replies["item"]) == {"wide", "both", "small", "talk", "open"}
    assert set(replies["text"]) == {"B"}
    assert set(replies["finish_reason"].cast(pl.String)) == {"stop"}
    assert (replies["seconds"] > 0).all()


def test_the_prompt_hash_is_that_of_the_final_text(
    model: LoadedModel, questions: pl.DataFrame, tmp_path: Path
):
    replies = ask_all(questions, lambda: model, tmp_path, **SETTINGS)
    found = dict(zip(replies["item"], replies["prompt_hash"], strict=True))
    asked = ("What letter is it?", ["K", "L"])
    assert found["small"] == sha256(student_prompt(model, b"", *asked).text.encode()).hexdigest()
    assert found["both"] == sha256(teacher_prompt(model, b"", b"", *asked).text.encode()).hexdigest()


def test_prompts_of_similar_length_share_a_batch(model: LoadedModel, questions: pl.DataFrame, tmp_path: Path):
    ask_all(questions, lambda: model, tmp_path, **SETTINGS)
    batches = [set(pl.read_parquet(shard_path(tmp_path, index))["item"]) for index in range(3)]
    assert batches == [{"open", "small"}, {"talk", "wide"}, {"both"}]


def test_answered_batches_are_not_asked_again(model: LoadedModel, questions: pl.DataFrame, tmp_path: Path):
    first = ask_all(questions, lambda: model, tmp_path, **SETTINGS)
    shuffled = questions.sample(fraction=1.0, shuffle=True, seed=0)
    assert ask_all(shuffled, never, tmp_path, **SETTINGS).equals(first)


def test_a_missing_batch_is_the_only_one_asked(model: LoadedModel, questions: pl.DataFrame, tmp_path: Path):
    first = ask_all(questions, lambda: model, tmp_path, **SETTINGS)
    shard_path(tmp_path, 1).unlink()
    kept = [shard_path(tmp_path, index).stat().st_mtime_ns for index in (0, 2)]
    again = ask_all(questions, lambda: model, tmp_path, **SETTINGS)
    assert again.drop("seconds").equals(first.drop("seconds"))
    assert [shard_path(tmp_path, index).stat().st_mtime_ns for index in (0, 2)] == kept
