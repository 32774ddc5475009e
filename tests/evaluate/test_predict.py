"""Replies of a real tiny model: complete, batched by picture, only what is missing is asked."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_prompts import student_prompt, teacher_prompt
from tiny_models import save_tiny

from vzero.config import Evaluate, Models, Params
from vzero.errors import ChangedError
from vzero.evaluate import predict
from vzero.evaluate.asked import Asked, Part, asked_of
from vzero.evaluate.predict import StoredModel, ask_all, stored_model
from vzero.evaluate.replies import Replies, add_replies
from vzero.imaging import encode_png
from vzero.locks import held
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import prompt_of
from vzero.needle.architecture import SPECIAL_TOKENS
from vzero.paths import Paths
from vzero.prompts.parts import Image, Worded
from vzero.prompts.views import Picture, View
from vzero.shards import content_hash

MODELS = Models()
SETTINGS = Evaluate(max_new_tokens=4, batch_tokens=200)


def picture(side: int) -> bytes:
    return encode_png(np.full((side, side, 3), side, dtype=np.uint8))


IMAGES = {hashlib.sha256(data).hexdigest(): data for data in (picture(32), picture(48), picture(96))}
SMALL, MIDDLE, WIDE = IMAGES


def ask_about(
    item: str,
    view: str,
    *pictures: str,
    question: str = "What letter is it?",
    options: list[str] | None = None,
    seeds=(0,),
) -> list[Asked]:
    sides = dict(zip(IMAGES, (32, 48, 96), strict=True))
    row: dict[str, Any] = {
        "benchmark": "search",
        "item": item,
        "view": view,
        "question": question,
        "options": ["K", "L"] if options is None else options,
        "prompt": None,
        "hint": None,
        "shown": [
            {"role": role, "sha256": name, "width": sides[name], "height": sides[name]}
            for name, role in zip(
                pictures, ["image", "crop" if "crop" in view else "image", "image"], strict=False
            )
        ],
    }
    return asked_of(row, "vzero", seeds)


ASKED = (
    *ask_about("wide", "full", WIDE),
    *ask_about("both", "full+crop", SMALL, MIDDLE),
    *ask_about("small", "full", SMALL),
    *ask_about("more", "full", SMALL, MIDDLE, WIDE),
    *ask_about("open", "full", SMALL, options=[]),
)


@pytest.fixture(scope="module")
def model(letter_model: Callable[[str], Path]) -> LoadedModel:
    return load_model(letter_model("B"), MODELS, device="cpu")


def ask(folder: Path, load: Callable[[], LoadedModel], asked=ASKED, **changed: Any) -> pl.DataFrame:
    stored = StoredModel("m", MODELS, load)
    return ask_all([Part(asked, lambda: IMAGES)], stored, folder, SETTINGS.model_copy(update=changed), "test")


def never() -> LoadedModel:
    raise AssertionError("the model was loaded although nothing was left to ask")


def test_every_question_gets_its_reply_in_its_place(model: LoadedModel, tmp_path: Path):
    replies = ask(tmp_path, lambda: model)
    Replies.validate(replies)
    assert replies["item"].to_list() == ["wide", "both", "small", "more", "open"]
    assert set(replies["text"]) == {"B"}
    assert set(replies["finish_reason"].cast(pl.String)) == {"stop"}
    assert replies["prompt_hash"].to_list() == [asked.prompt_hash for asked in ASKED]
    assert replies["shown_width"].to_list() == [96, 32, 32, 32, 32]
    assert (replies["seconds"] > 0).all()


def test_the_words_of_training_make_the_prompts_of_training(model: LoadedModel):
    asked = {once.item: once for once in ASKED}
    question = ("What letter is it?", ["K", "L"])
    small, middle = IMAGES[SMALL], IMAGES[MIDDLE]
    for item, trained in (
        ("small", student_prompt(model, small, *question)),
        ("both", teacher_prompt(model, small, middle, *question)),
    ):
        made = prompt_of(model, asked[item].opened(IMAGES))
        assert (made.text, made.token_ids, made.images) == (trained.text, trained.token_ids, trained.images)


def test_a_system_prompt_and_images_between_words_are_kept_in_order(model: LoadedModel):
    words = Worded((Image(1), "before ", Image(0), "after"), system="Think first.")
    zero, one = Picture.of(IMAGES[SMALL]), Picture.of(IMAGES[MIDDLE])
    made = prompt_of(model, View("full", words, (zero, one)))
    assert made.pictures == (one, zero)
    image = model.tokenizer.convert_ids_to_tokens(model.image_token)
    places = [made.text.index(piece) for piece in ("Think first.", image, "before ", "after")]
    assert places == sorted(places)
    assert made.text.index("before ") < made.text.rindex(image) < made.text.index("after")


def test_questions_that_name_tokens_are_answered_like_any_other(model: LoadedModel, tmp_path: Path):
    asked = [
        once
        for token in SPECIAL_TOKENS
        for once in ask_about(token, "full+crop", SMALL, MIDDLE, question=f"{token}?", options=[token, "L"])
    ]
    replies = ask(tmp_path, lambda: model, asked)
    assert replies["item"].to_list() == list(SPECIAL_TOKENS)
    assert set(replies["text"]) == {"B"}


THIN = encode_png(np.zeros((4, 900, 3), dtype=np.uint8))


def thin_asked(item: str, *pictures: str) -> Asked:
    """A question about the given pictures, and a last one of a shape that processors refuse."""
    [once] = ask_about(item, "full", *pictures, pictures[-1])
    thin = Picture(hashlib.sha256(THIN).hexdigest(), 900, 4)
    return replace(once, view=replace(once.view, pictures=(*once.view.pictures[:-1], thin)))


def test_a_picture_that_the_processor_refuses_ends_nothing_and_is_said(model: LoadedModel, tmp_path: Path):
    asked = (ASKED[0], thin_asked("thin", WIDE), ASKED[2], thin_asked("second thin", SMALL, MIDDLE))
    found = ask(tmp_path, lambda: model, asked)
    Replies.validate(found)
    kept = ["item", "text", "finish_reason", "shown_width"]
    assert found.select(kept).rows() == [
        ("wide", "B", "stop", 96),
        ("thin", "", "refused", 0),
        ("small", "B", "stop", 32),
        ("second thin", "", "refused", 0),
    ]
    assert ask(tmp_path, never, asked).equals(found), "kept like any reply"


def test_replies_of_a_version_that_knew_no_refusals_are_still_read(model: LoadedModel, tmp_path: Path):
    first = ask(tmp_path, lambda: model, ASKED[:2])
    for part in tmp_path.glob("part-*"):
        reasons = pl.col("finish_reason").cast(pl.String).cast(pl.Enum(["stop", "length"]))
        pl.read_parquet(part).with_columns(reasons).write_parquet(part)
    both = ask(tmp_path, lambda: model, (*ASKED[:2], thin_asked("thin", WIDE)))
    assert both[:2].equals(first)


def test_answered_questions_are_not_asked_again_whatever_their_order(model: LoadedModel, tmp_path: Path):
    first = ask(tmp_path, lambda: model)
    again = ask(tmp_path, never, ASKED[::-1])
    assert again.equals(first.reverse())


def test_a_lost_batch_is_the_only_one_asked(model: LoadedModel, tmp_path: Path):
    first = ask(tmp_path, lambda: model)
    parts = sorted(tmp_path.glob("part-*"))
    assert len(parts) > 1
    times = {part: part.stat().st_mtime_ns for part in parts[1:]}
    parts[0].unlink()
    again = ask(tmp_path, lambda: model)
    assert again.drop("seconds").equals(first.drop("seconds"))
    assert {part: part.stat().st_mtime_ns for part in parts[1:]} == times


def test_a_half_written_shard_is_no_shard(model: LoadedModel, tmp_path: Path):
    first = ask(tmp_path, lambda: model)
    (tmp_path / ".part-00.parquet.tmp").write_bytes(b"half")
    assert ask(tmp_path, never).equals(first)
    assert not list(tmp_path.glob(".*"))


def test_runs_with_the_same_replies_ask_one_after_the_other(model: LoadedModel, tmp_path: Path):
    """What another is writing is left alone, and what it asked is not asked again."""
    answered = ask(tmp_path / "elsewhere", lambda: model)
    store, ended = tmp_path / "store", []
    waiting = threading.Thread(target=lambda: ended.append(ask(store, never)))
    with held(store):
        unfinished = store / ".part-00.parquet.tmp"
        store.mkdir()
        unfinished.write_bytes(b"half")
        waiting.start()
        waiting.join(timeout=0.2)
        assert unfinished.exists() and not ended
        add_replies(store, answered)
    waiting.join()
    assert ended[0].equals(answered)


def test_a_model_that_was_replaced_after_it_was_hashed_is_refused(
    letter_model: Callable[[str], Path], tmp_path: Path
):
    folder = tmp_path / "model"
    shutil.copytree(letter_model("B"), folder)
    stored = stored_model(folder, Params(models=MODELS), Paths(tmp_path))
    assert stored.hash == content_hash(folder)
    assert stored.load().network
    shutil.copytree(letter_model("C"), folder, dirs_exist_ok=True)
    with pytest.raises(ChangedError, match="replaced while it was read"):
        stored.load()


@pytest.fixture(scope="module")
def babbler(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A random model: what it says depends on everything it sees."""
    return load_model(save_tiny(tmp_path_factory.mktemp("babbler")), MODELS, device="cpu")


def test_the_batches_do_not_change_what_is_said(babbler: LoadedModel, tmp_path: Path):
    together = ask(tmp_path / "together", lambda: babbler, batch_tokens=100_000)
    alone = ask(tmp_path / "alone", lambda: babbler, batch_tokens=1)
    assert together["text"].equals(alone["text"])
    assert len(set(together["text"])) > 1


def test_processes_take_batches_in_turn(
    babbler: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each into a folder of its own; the long tests launch them together."""
    alone = ask(tmp_path / "alone", lambda: babbler, batch_tokens=1)["text"].to_list()
    shares = []
    for process in (0, 1):
        monkeypatch.setattr(predict, "place", lambda process=process: (process, 2))
        shares.append(ask(tmp_path / str(process), lambda: babbler, batch_tokens=1)["text"].to_list())
    assert [sum(text is not None for text in share) for share in shares] == [3, 2]
    assert [one or other for one, other in zip(*shares, strict=True)] == alone


def test_seeds_differ_and_each_is_the_same_every_time(babbler: LoadedModel, tmp_path: Path):
    sampled = {"temperature": 1.0, "max_new_tokens": 8}
    both = ask(
        tmp_path / "both", lambda: babbler, tuple(ask_about("x", "full", SMALL, seeds=(1, 2))), **sampled
    )
    one, two = both["text"]
    assert one != two
    second = tuple(ask_about("x", "full", SMALL, seeds=(2,)))
    assert ask(tmp_path / "second", lambda: babbler, second, **sampled)["text"].to_list() == [two]
