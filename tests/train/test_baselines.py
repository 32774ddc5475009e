"""Every recipe runs through the same stage; labels reach only the one that declares them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, get_args

import polars as pl
import pytest
import torch
from small_project import settings

from vzero import config
from vzero.answers.extract import extract
from vzero.answers.extraction import lettered
from vzero.config import Models
from vzero.config.recipes import RECIPES
from vzero.errors import ConfigError
from vzero.methods.rewards import option_reward
from vzero.models.loading import load_model
from vzero.models.prompt import prompt_of
from vzero.paths import Paths
from vzero.rollout.table import token_logprobs
from vzero.shards import read
from vzero.stages import train
from vzero.tables import LeftOut, Rollouts, TrainLog
from vzero.train.batches import load_samples, training_index


def test_params_offer_the_recipes_there_are():
    offered, none = get_args(config.Train.model_fields["recipe"].annotation)
    assert set(get_args(offered)) == set(RECIPES)
    assert none is type(None)


def each_of(recipes: Iterable[str], short: Collection[str]) -> list[Any]:
    """All of them; those that are not short are long tests."""
    return [pytest.param(name, marks=[] if name in short else pytest.mark.long) for name in recipes]


# A recipe of each method; the others of gated differ in settings alone.
@pytest.mark.parametrize("recipe", each_of(RECIPES, ("paper", "grpo", "sft")))
def test_every_recipe_trains_and_leaves_checked_tables(project: Paths, recipe):
    summary = train.run(settings(recipe=recipe, steps=2), project)
    assert summary["method"]["kind"] == RECIPES[recipe]["kind"]
    rollouts = Rollouts.validate(read(project.rollouts, Rollouts), cast=True)
    log = TrainLog.validate(read(project.train_log, TrainLog), cast=True)
    assert rollouts.height == 2 * 4 * 3
    by_student, by_teacher, compared = (
        len(token_logprobs(rollouts, model, view)) > 0
        for model, view in (("student", "full"), ("teacher", "positive"), ("teacher", "negative"))
    )
    assert by_student == (recipe != "sft")
    assert by_teacher == (recipe != "grpo")
    assert compared == (recipe in ("needle", "paper", "released"))
    assert (log["teacher_gap"].null_count() == 0) == (recipe not in ("grpo", "sft"))
    assert (rollouts["reward"].null_count() == 0) == (recipe == "grpo")
    trained = load_model(project.trained_model, Models())
    base = load_model(project.resolve(settings().models.student), Models())
    moved = [
        (a - b).abs().max().item()
        for a, b in zip(trained.network.parameters(), base.network.parameters(), strict=True)
    ]
    # Random models are never right: without a difference among siblings GRPO has nothing to learn but decay.
    assert max(moved) > (1e-5 if recipe == "grpo" else 1e-4)


@pytest.mark.parametrize("recipe", each_of([name for name in RECIPES if name != "grpo"], ("needle", "sft")))
def test_label_free_recipes_run_on_tables_that_hold_no_answers(project: Paths, recipe):
    for shard in project.samples.glob("part-*.parquet"):
        pl.read_parquet(shard).drop("answer").write_parquet(shard)
    train.run(settings(recipe=recipe, steps=1), project)


def test_grpo_learns_from_samples_with_an_answer_only(project: Paths):
    for shard in project.samples.glob("part-*.parquet"):
        rows = pl.read_parquet(shard).with_row_index("n")
        answer = pl.when(pl.col("n") % 2 == 0).then("answer")
        rows.with_columns(answer).drop("n").write_parquet(shard)
    answered = training_index(project, {"full"}, labels=True).filter(pl.col("answer").is_not_null())[
        "sample_id"
    ]
    summary = train.run(settings(recipe="grpo", steps=1), project)
    assert 0 < len(answered) == summary["samples"] == 30 - summary["left_out"]["no_answer"] < 30
    assert set(read(project.rollouts, Rollouts)["sample_id"]) <= set(answered)
    assert set(read(project.left_out, LeftOut)["sample_id"]).isdisjoint(answered)


def test_grpo_leaves_out_open_questions_whose_answer_no_letter_can_be(project: Paths):
    for shard in project.samples.glob("part-*.parquet"):
        rows = pl.read_parquet(shard).with_row_index("n")
        open_question = pl.col("n") % 2 == 0
        rows.with_columns(
            options=pl.when(open_question).then(pl.lit([], pl.List(pl.String))).otherwise("options"),
            answer=pl.when(open_question).then(pl.lit("a red cup")).otherwise("answer"),
        ).drop("n").write_parquet(shard)
    choices = training_index(project, {"full"}, labels=True).filter(pl.col("options").list.len() > 0)
    summary = train.run(settings(recipe="grpo", steps=1), project)
    assert summary["samples"] == choices.height
    assert summary["left_out"]["open_question"] == 30 - choices.height > 0


def test_rewards_are_compared_among_siblings(project: Paths, monkeypatch):
    """Answers worth 1, 0, 0 in every group: the mean is 1/3, the variance (2/3) / (n - 1) = 1/3."""
    worth = iter([1.0, 0.0, 0.0] * 8)
    monkeypatch.setattr("vzero.methods.rewards.option_reward", lambda text, options, answer: next(worth))
    train.run(settings(recipe="grpo", steps=2), project)
    rollouts = read(project.rollouts, Rollouts).sort("step", "sample_id", "member")
    expected = [2 / 3**0.5, -1 / 3**0.5, -1 / 3**0.5]
    assert rollouts["advantage"].to_list() == pytest.approx(expected * 8, abs=1e-4)
    assert rollouts["weight"].unique().to_list() == [1.0]
    assert read(project.train_log, TrainLog)["reward"].to_list() == pytest.approx([1 / 3, 1 / 3])


def test_imitated_answers_are_the_teachers(project: Paths):
    """Greedy or not, what is written has the log-probs that the teacher gives it with the right crop."""
    train.run(settings(recipe="sft", steps=1), project)
    rollouts = read(project.rollouts, Rollouts)
    index = training_index(project, {"positive"})
    teacher = load_model(project.resolve(settings().models.teacher), Models())
    from vzero.models.encoding import pad_rows
    from vzero.rollout.replay import replay
    from vzero.rollout.responses import sampled_logprobs, vocabulary_logits

    [sample] = load_samples(project, index.filter(pl.col("sample_id") == rollouts["sample_id"][0]))
    row = rollouts.row(0, named=True)
    ids, mask = pad_rows([row["token_ids"]], pad=0, device=torch.device("cpu"))
    with torch.no_grad():
        hidden = replay(teacher, [prompt_of(teacher, sample.view("positive"))], ids, mask)
        expected = sampled_logprobs(vocabulary_logits(teacher, hidden), ids)[0]
    [seen] = row["logprobs"]
    assert (seen["model"], seen["view"]) == ("teacher", "positive")
    assert seen["values"] == pytest.approx(expected.tolist(), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        ("It is K. Answer: B", 1.0),
        ("B", 1.0),
        ("(B).", 1.0),
        ("The answer is B. I am sure.", 1.0),
        ("B) A red cup", 1.0),
        ("a red cup", 1.0),
        ("<think>C? A?</think>b", 1.0),
        ("I think it is B", 1.0),
        ("B or C", 0.0),
        ("B) A blue cup", 0.0),
        ("The answer is not B.", 0.0),
        ("I", 0.0),
        ("Bob", 0.0),
        ("", 0.0),
    ],
)
def test_what_a_careful_reader_takes_from_an_answer_earns_the_reward(text, reward):
    options = ["A blue cup", "A red cup", "No cup"]
    assert option_reward(text, options, "B") == reward
    assert option_reward(text, options, "B") == (extract(text, lettered(options), "vzero").letter == "B")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"recipe": "grpo", "method": {"gate": {"enabled": True}}},
            r"unknown key 'train\.method\.gate': allowed: advantage",
        ),
        ({"recipe": "sft", "teacher": {"kind": "ema"}}, "train.teacher.kind must be frozen, not ema"),
        ({"recipe": "grpo", "method": {"kind": "gated"}}, "gated is not that of train.recipe grpo"),
        ({"group": 1}, "train.group must be at least 2, or gate.enabled false"),
        ({"recipe": "opd", "method": {"target": {"tilt": 1.0}}}, "target.tilt needs the negative view"),
    ],
)
def test_what_a_recipe_cannot_do_is_refused(project: Paths, changes, expected):
    with pytest.raises(ConfigError, match=expected):
        train.run(settings(**changes), project)
