"""Teaching the player: tags are tokens, and an interrupted run goes on to the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

import vzero.needle
from vzero.config import Models
from vzero.models.loading import load_model
from vzero.needle.player import PlayerRecipe, learning_rate, teach_player, with_tags
from vzero.prompts.roles import TAGS

STUDENT = Path(vzero.needle.__file__).parent / "weights/student"


def test_tags_are_one_ordinary_token_each():
    student = load_model(STUDENT, Models())
    known = len(student.tokenizer)
    tokenizer = with_tags(student, seed=0).tokenizer
    ids = [tokenizer(tag, add_special_tokens=False)["input_ids"] for tag in TAGS]
    assert ids == [[known + number] for number in range(6)]
    assert tokenizer.decode([one for (one,) in ids], skip_special_tokens=True) == "".join(TAGS)
    assert student.network.config.get_text_config().vocab_size == known + 6


def test_two_steps_in_one_go_and_one_after_the_other_leave_the_same_bytes(tmp_path):
    def taught(name: str, *steps: int) -> bytes:
        work = tmp_path / name
        work.mkdir()
        for count in steps:
            recipe = PlayerRecipe(
                steps=count, fall=0.0, asking=(1, ("ask",)), answering=(1, ("slow", "fast"))
            )
            teach_player(STUDENT, work, work / "player", recipe)
        return (work / "player/model.safetensors").read_bytes()

    once = taught("once", 2)
    assert once == taught("twice", 1, 2)
    assert once != (STUDENT / "model.safetensors").read_bytes()


def test_the_learning_rate_warms_up_and_falls_in_every_cycle():
    recipe = PlayerRecipe(steps=200, cycle=100, learning_rate=1.0, fall=0.25)
    first, second = ([learning_rate(recipe, start + step) for step in range(100)] for start in (0, 100))
    assert first == second
    assert first[0] == pytest.approx(1 / 30) and first[29:75] == [1.0] * 46
    assert first[87] == pytest.approx(13 / 25) and first[-1] == pytest.approx(0.05)
