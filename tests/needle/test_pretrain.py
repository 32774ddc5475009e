"""Pretraining: a few steps of every phase, by real processes, and going on where a run stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from vzero.config import Models
from vzero.models.loading import check_pair, load_model
from vzero.needle import pretrain as pretraining
from vzero.needle.lessons import draw_lesson
from vzero.needle.pretrain import CHAIN_PHASES, PHASES, Phase
from vzero.needle.teaching import Pupil, lesson_batch, teaching_loss


def shortened(phases: Sequence[Phase], steps: int) -> list[Phase]:
    return [replace(phase, steps=steps, batch=8, turns=3, fall=0.0) for phase in phases]


@pytest.mark.long
@pytest.mark.parametrize("phases", [PHASES, CHAIN_PHASES], ids=["needle", "chain"])
def test_phases_follow_each_other_and_go_on_where_they_stopped(tmp_path, phases):
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    seconds = pretraining.pretrain(shortened(phases, 2), whole, whole / "weights")
    assert list(seconds) == [phase.name for phase in phases]
    check_pair(*(load_model(whole / "weights" / name, Models()) for name in ("student", "teacher")))

    for steps in (1, 2):
        pretraining.pretrain(shortened(phases, steps)[:1], halved, halved / "weights")
    first, second = (
        torch.load(folder / f"{phases[0].name}.pt", weights_only=True)["pupil"] for folder in (whole, halved)
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.long
def test_the_aids_know_where_things_stand(tmp_path):
    """Labels of the aids, read back from the batch: every mention and every option of a lesson."""
    tokenizer = pretraining._tokenizer(tmp_path, PHASES[0])
    rng = np.random.default_rng(3)
    lessons = [
        draw_lesson(rng, "base", zoom_out=1.0, open_share=0.0, turns=2, lure=pretraining.LURE)
        for _ in range(8)
    ]
    batch = lesson_batch(tokenizer, lessons)
    mentions = batch.mentions
    for row, column, letter, cell in zip(
        mentions.rows, mentions.columns, mentions.letters, mentions.cells, strict=True
    ):
        name = str(tokenizer.decode(batch.token_ids[row, column - 1 : column + 1])).strip()
        item = next(item for item in lessons[int(row)].views[0].objects if item.name == name)
        assert tokenizer.decode([int(letter)]) == f" {item.letter}"
        assert cell.tolist() == [int(item.x // 16), int(item.y // 16)]
    options = sum(len(turn.question.options) + 1 for lesson in lessons for turn in lesson.turns)
    assert int((batch.option_letters >= 0).sum()) == options

    torch.manual_seed(0)
    pupil = Pupil(pretraining.build_model(pretraining.STUDENT, tokenizer))
    loss, parts = teaching_loss(pupil, batch, choosing=True, salience=True)
    assert torch.isfinite(loss)
    assert {"option", "naming", "mention", "salience"} < parts.keys()
