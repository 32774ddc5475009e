"""The Questioner's credit: who is asked what, what it earns, and what cannot be known enters nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import pytest
import torch

from vzero.config.selfplay import SelfPlay
from vzero.methods.base import Answers, Credit, Sample
from vzero.methods.questioner import Questioner
from vzero.prompts.roles import BLIND, FAST, questioner_view
from vzero.prompts.views import FULL, Picture
from vzero.rollout.sampling import Rollout
from vzero.voting.voters import Ask

REFERENCE = SelfPlay.model_validate({"mode": "reference"}).questioner_method()
REPAIRED = SelfPlay().questioner_method()


def text(stem: str = "Which plate?", letter: str = "A", options: Sequence[str] = ("L", "T", "X", "Z")) -> str:
    lines = "\n".join(f"{mark}) {option}" for mark, option in zip("ABCD", options, strict=True))
    question = f"<question>{stem}\n{lines}</question>"
    return f"<description>d</description>{question}<answer>{letter}</answer>"


def written(method: Questioner, texts: Sequence[str], group: int) -> Answers:
    """Texts about as many images as groups."""
    images = range(len(texts) // group)
    samples = [Sample(f"i{n}", {FULL: (questioner_view(Picture(f"i{n}", 64, 64)),)}) for n in images]
    rollouts = [Rollout([0], each, "stop", [0.0]) for each in texts]
    return Answers(method.tasks(samples), rollouts, torch.ones(len(texts), 1), everyone=texts)


def heard(method: Questioner, answers: Answers, reply: Callable[[Ask, int], str | None]) -> Credit:
    """Credit with a Solver that gives `reply(ask, time)`; None: the ask failed."""
    replies = []
    for ask in method.asks(answers):
        said = [reply(ask, time) for time in range(ask.times)]
        replies.append([each for each in said if each is not None])
    asked = Answers(answers.tasks, answers.rollouts, answers.mask, {}, replies, answers.everyone)
    return method.credit(asked)


def boxed(*letters: str | None) -> Callable[[Ask, int], str]:
    """Votes in turn; None is a reply without a box."""
    return lambda ask, time: "hm" if letters[time] is None else f"so \\boxed{{{letters[time]}}}"


def by_text(counts: dict[str, int]) -> Callable[[Ask, int], str]:
    """Votes for option texts, whatever the order; by the number of the vote, which is its seed."""
    texts = [option for option, count in counts.items() for _ in range(count)]

    def reply(ask: Ask, time: int) -> str:
        how = str(ask.view.words.parts[-1]).split("\n")
        wanted = texts[0] if how[-1] == FAST else texts[ask.seed]
        if ask.view.role == BLIND:
            wanted = list(counts)[ask.seed % 4]
        return next(f"Answer: {line[0]}" for line in how if line[3:] == wanted)

    return reply


def rewards(credit: Credit) -> list[float]:
    return torch.as_tensor(credit.columns["reward"]).tolist()


def test_the_published_reward_by_the_majority_of_ten_boxes():
    method = Questioner(REFERENCE)
    answers = written(method, [text(letter="A"), text("Another?", letter="C")], 2)
    votes = boxed(*"AAAAAABBCD")
    assert rewards(heard(method, answers, votes)) == pytest.approx([0.4, 0.3])


def test_a_majority_without_a_box_earns_nothing_and_no_question_costs_one():
    method = Questioner(REFERENCE)
    answers = written(method, [text(), "no question"], 2)
    unread = boxed(*[None] * 6, *"AAAA")
    assert rewards(heard(method, answers, unread)) == [0.0, -1.0]
    assert rewards(heard(method, answers, boxed(*[None] * 4, *"AAAAAA"))) == pytest.approx([0.4, -1.0])


def test_rewards_are_compared_by_the_deviation_of_the_sample():
    """Two that are no questions, two that split the votes evenly: the z-scores of 0, 0, 1, 1."""
    method = Questioner(REFERENCE)
    answers = written(method, ["none", "nothing", text("One?"), text("Two?")], 4)
    credit = heard(method, answers, boxed(*"ABABABABAB"))
    assert credit.advantages is not None
    assert credit.advantages.tolist() == pytest.approx([-0.866, -0.866, 0.866, 0.866], abs=1e-3)


def test_the_same_question_is_asked_once_and_no_question_never():
    method = Questioner(REFERENCE)
    texts = [text("One?", "A"), text("One?", "B"), text("Two?"), "none"] + [text("One?")] * 4
    answers = written(method, texts, 4)
    asks = method.asks(answers)
    assert [ask.view.pictures[0].name for ask in asks] == ["i0", "i0", "i1"]
    assert [ask.times for ask in asks] == [10] * 3
    credit = heard(method, answers, boxed(*"AAAAAAAAAB"))
    assert rewards(credit) == pytest.approx([0.1, 0.45, 0.1, -1.0, 0.1, 0.1, 0.1, 0.1])


def test_whoever_is_asked_sees_what_the_voter_may_see():
    method = Questioner(REPAIRED)
    asks = method.asks(written(method, [text(), "none"], 2))
    kinds = [(ask.view.role, ask.sampling.temperature, len(ask.view.pictures), ask.times) for ask in asks]
    assert kinds == [("full", 1.0, 1, 1)] * 16 + [("full", 0.0, 1, 1)] + [("blind", 1.0, 0, 1)] * 16
    assert len({ask.view.words.text for ask in asks[:16]}) > 8


def test_votes_of_every_order_count_by_what_the_options_say():
    method = Questioner(REPAIRED)
    answers = written(method, [text(), "none"], 2)
    credit = heard(method, answers, by_text({"T": 11, "L": 3, "X": 1, "Z": 1}))
    assert credit.columns["status"] == ["kept", "tag_missing"]
    assert credit.columns["confidence"] == [pytest.approx(11 / 16), None]
    assert credit.columns["agree"] == [True, None]
    assert rewards(credit) == pytest.approx([5 / 16, -1.0])


def test_what_is_not_kept_earns_nothing():
    method = Questioner(REPAIRED)
    answers = written(method, [text(), "none"], 2)
    credit = heard(method, answers, by_text({"T": 16, "L": 0, "X": 0, "Z": 0}))
    assert credit.columns["status"] == ["too_sure", "tag_missing"]
    assert rewards(credit) == [0.0, -1.0]


def test_repeats_among_all_processes_and_earlier_iterations_take_off_their_share():
    other = text("How tall is the tower over there?")
    method = Questioner(REPAIRED, earlier=["Which plate?", "What else is there to see?"])
    answers = written(method, [text(), other], 2)
    answers = Answers(answers.tasks, answers.rollouts, answers.mask, everyone=[text(), other, text(), "none"])
    credit = heard(method, answers, by_text({"T": 11, "L": 3, "X": 1, "Z": 1}))
    assert credit.columns["penalty"] == [pytest.approx(2 / 4), 0.0]
    assert rewards(credit) == pytest.approx([5 / 16 - 0.5, 5 / 16])


def test_a_question_that_could_not_be_put_enters_nothing():
    """The others are compared without it: 0 and -1, not 0, -1 and another."""
    method = Questioner(REFERENCE)
    answers = written(method, [text("One?"), text("Two?"), "none"], 3)

    def failing(ask: Ask, time: int) -> str | None:
        return None if "One?" in ask.view.words.text else "\\boxed{A}"

    credit = heard(method, answers, failing)
    assert credit.counted.tolist() == [False, True, True]
    assert credit.columns["status"][0] == "not_asked"
    assert credit.advantages is not None
    assert credit.advantages.tolist() == pytest.approx([0.0, 0.5**0.5, -(0.5**0.5)], abs=1e-5)


def test_where_nothing_could_be_put_nothing_is_learnt():
    method = Questioner(REFERENCE)
    credit = heard(method, written(method, [text("One?"), text("Two?")], 2), lambda ask, time: None)
    assert not credit.counted.any()


def test_figures_of_a_step():
    method = Questioner(REFERENCE)
    texts = [text("One?", "A"), text("One?", "B"), text("Two?", "A"), "none"]
    answers = written(method, texts, 4)
    credit = heard(method, answers, boxed(*"AAAAAABBCD"))
    names = ("status", "agree", "confidence", "penalty")
    rows = pl.DataFrame({name: credit.columns[name] for name in names})
    figures = method.figures(rows.with_columns(sample_id=pl.lit("i0"), text=pl.Series(texts)))
    assert figures == {
        "malformed": 0.25,
        "kept": 0.75,
        "agree": pytest.approx(2 / 3),
        "confidence": pytest.approx(0.6),
        "penalty": 0.0,
        "commonest_letter": pytest.approx(2 / 3),
        "distinct": pytest.approx(2 / 3),
        "votes": 20,
        "votes_saved": 20,
    }


def test_the_ablation_pays_for_doubt_alone():
    tracks = SelfPlay.model_validate({"mode": "reference", "reward": {"tracks": "uncertainty"}})
    method = Questioner(tracks.questioner_method())
    answers = written(method, [text(letter="D"), "none"], 2)
    assert rewards(heard(method, answers, boxed(*"AAAAAAAAAB")))[0] == pytest.approx(0.1)
