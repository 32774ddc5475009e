"""The shipped player: it loads, gives its three replies, and is as able as its card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import vzero.needle
from vzero.config import Models
from vzero.imaging import encode_png
from vzero.models.loading import LoadedModel, load_model
from vzero.needle.card import figure
from vzero.needle.player_exam import examine, replies
from vzero.needle.player_questions import listed
from vzero.needle.scenes import SIDES, draw_scene, render
from vzero.needle.written import read_answer, seen
from vzero.prompts.roles import TAGS, fast_view, questioner_view
from vzero.prompts.views import Picture, View, full_view
from vzero.rollout.sampling import Sampling

WEIGHTS = Path(vzero.needle.__file__).parent / "weights"
STATED = WEIGHTS / "player_calibration.parquet"
KNOWN = 0  # seed of a scene that the player lists rightly


@pytest.fixture(scope="module")
def player() -> LoadedModel:
    torch.set_num_threads(1)
    return load_model(WEIGHTS / "player", Models())


def test_tags_are_one_token_each_and_shown_in_what_is_decoded(player):
    ids = [player.tokenizer(tag, add_special_tokens=False)["input_ids"] for tag in TAGS]
    assert [len(one) for one in ids] == [1] * 6
    assert not {one for (one,) in ids} & set(player.tokenizer.all_special_ids)


def test_a_known_scene_is_described_asked_about_and_answered(player):
    scene = draw_scene(np.random.default_rng(KNOWN), side=SIDES["standard"])
    picture = Picture.of(encode_png(render(scene)))
    asked = ("How many objects are there?", ["3", "4", "5", "6"], [picture])

    def said(view: View) -> str:
        ((text,),) = replies(player, [view], Sampling(0.0, 96))
        return text

    assert said(questioner_view(picture)).startswith(f"<description>{listed(scene)}</description><question>")
    assert said(full_view(*asked)).startswith(seen(scene))
    assert read_answer(said(fast_view(*asked))) in set("ABCD")


def test_the_card_states_what_the_table_says():
    card = (WEIGHTS / "README.md").read_text()
    rows = pl.read_parquet(STATED).to_dicts()
    assert len(rows) > 60
    for row in rows:
        assert f"| {row['measure']} | {row['group']} | {row['n']} | {figure(row)} |" in card


def test_the_exam_counts_what_it_asked(player):
    """So few that nothing is told of the player."""
    rows = {
        (row["measure"], row["group"]): row
        for row in examine(player, written=3, answered=2, windows=2).to_dicts()
    }
    assert rows["written: well-formed", "all"]["n"] == 3
    assert rows["answered: vote", "all"]["n"] == rows["windows: vote", "all"]["n"] == 2
    measured = [row for row in rows.values() if row["n"]]
    assert all(row["low"] <= row["value"] <= row["high"] for row in measured)
    assert {"letter", "corner"} <= {group for measure, group in rows if measure == "windows: vote"}


@pytest.mark.long
def test_a_fresh_measurement_lies_within_the_cards_intervals(player):
    """The same first questions, fewer of them: what is stated lies in the wider intervals."""
    stated = pl.read_parquet(STATED).filter(group="all")
    measured = examine(player, written=100, answered=100, windows=50).filter(group="all")
    joined = measured.join(stated, on=["measure", "group"], suffix="_stated")
    assert joined.height == stated.height
    for row in joined.iter_rows(named=True):
        assert row["low"] - 0.03 <= row["value_stated"] <= row["high"] + 0.03, row
