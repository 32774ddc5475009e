"""Measure the player on held-out scenes: what it writes, and how it answers slowly, fast and by votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from scipy.stats import binomtest

from vzero.answers.questions import WrittenQuestion, read_question
from vzero.imaging import encode_png
from vzero.models.loading import LoadedModel
from vzero.models.prompt import prompts_of
from vzero.needle.player_questions import FAMILIES, PLAIN_NEEDED, family_of, listed, named_in, truth_of
from vzero.needle.playing import Sight, draw_question, draw_sight
from vzero.needle.questions import OPTION_LETTERS, Question
from vzero.needle.scenes import SIDES, Scene, draw_scene, render
from vzero.needle.written import read_answer, seen
from vzero.prompts.roles import fast_view, questioner_view
from vzero.prompts.views import Picture, View, full_view
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Sampling

STREAMS = {"written": 4, "answered": 5, "windows": 6}  # beside those of the models' pair
GROUP = 8  # slow answers that vote
BATCH = 50  # prompts that are answered together
LONGEST = {"ask": 120, "slow": 64, "fast": 4}  # tokens
RESAMPLES = 2000
BAND = (0.3, 0.8)  # of agreement, in which a question teaches
Row = dict[str, object]


def examine(player: LoadedModel, *, written: int, answered: int, windows: int) -> pl.DataFrame:
    """What was measured, a row a measure and group, with 95 % intervals.

    `value` is a share with Wilson's interval, or a difference of shares with the bootstrap's over questions.
    """
    rows = _of_written(player, written)
    rows += _of_answered(answer_table(player, posed("answered", answered)))
    rows += _of_windows(answer_table(player, posed("windows", windows)))
    return pl.DataFrame(rows)


def posed(stream: str, count: int) -> list[tuple[Sight, Question]]:
    """Held-out pictures with a question each."""
    rngs = [_stream(stream, number) for number in range(count)]
    sights = [draw_sight(rng, window=stream == "windows") for rng in rngs]
    return [(sight, draw_question(rng, sight)) for rng, sight in zip(rngs, sights, strict=True)]


def _stream(name: str, number: int) -> np.random.Generator:
    return np.random.default_rng([0, STREAMS[name], number])


def replies(
    player: LoadedModel, views: Sequence[View], sampling: Sampling, group: int = 1
) -> Iterator[list[str]]:
    """The texts of every view's replies; what they are drawn with depends on a view's number."""
    for start in range(0, len(views), BATCH):
        batch = prompts_of(player, views[start : start + BATCH])
        seeds = range(start, start + len(batch))
        for group_of in Decoder(player).answers(batch, group, sampling, seeds):
            yield [rollout.text for rollout in group_of]


def _of_written(player: LoadedModel, count: int) -> list[Row]:
    scenes = [draw_scene(_stream("written", number), side=SIDES["standard"]) for number in range(count)]
    views = [questioner_view(Picture.of(encode_png(render(scene)))) for scene in scenes]
    texts = [text for (text,) in replies(player, views, Sampling(1.0, LONGEST["ask"]))]
    found = [read_question(text, truncated=False) for text in texts]
    pairs = zip(scenes, found, strict=True)
    read = [(scene, question) for scene, question in pairs if isinstance(question, WrittenQuestion)]
    named = [(scene, names) for scene, question in read if (names := named_in(question.stem))]
    asked = [_truth(scene, question) for scene, question in read]
    guessed = [
        truth == question.fast for truth, (_, question) in zip(asked, read, strict=True) if truth is not None
    ]
    families = Counter(family_of(question.stem) or "none" for _, question in read)
    return [
        share("written: well-formed", "all", [isinstance(each, WrittenQuestion) for each in found]),
        share("written: options differ", "all", [each != "options_equal" for each in found]),
        share(
            "written: what is named exists",
            "all",
            [{item.name for item in scene.objects}.issuperset(names) for scene, names in named],
        ),
        share("written: right answer offered", "all", [truth is not None for truth in asked]),
        share("written: guess right", "all", guessed),
        share("written: description right", "all", [q.description == listed(scene) for scene, q in read]),
        *_of_descriptions(read),
        *(
            share(
                "written: family",
                family,
                [True] * families[family] + [False] * (len(read) - families[family]),
            )
            for family in (*FAMILIES, "none")
        ),
    ]


def _of_descriptions(read: Sequence[tuple[Scene, WrittenQuestion]]) -> list[Row]:
    """What is said of an object whose colour is right: no two objects of a scene have one colour."""
    found: dict[str, list[bool]] = {"colour": [], "shape": [], "letter": []}
    for scene, question in read:
        objects = {item.colour: item for item in scene.objects}
        for said in question.description.split(", "):
            colour, shape, letter = [*said.split(), "", "", ""][:3]
            there = objects.get(colour)
            found["colour"].append(there is not None)
            if there is not None:
                found["shape"].append(shape == there.shape)
                found["letter"].append(letter == there.letter)
    return [share("written: right of an object described", part, hits) for part, hits in found.items()]


def _truth(scene: Scene, question: WrittenQuestion) -> str | None:
    """The right letter of a written question, where it is offered."""
    truth = truth_of(scene, question.stem)
    return OPTION_LETTERS[question.options.index(truth)] if truth in question.options else None


def answer_table(player: LoadedModel, asked: Sequence[tuple[Sight, Question]]) -> pl.DataFrame:
    """How each question is answered: columns family, greedy, fast (hits), single (mean hit of the group),
    listed (mean of the group), votes (for the label), vote (whether the label is right)."""
    slow = [full_view(question.text, question.options, [sight.picture]) for sight, question in asked]
    fast = [fast_view(question.text, question.options, [sight.picture]) for sight, question in asked]
    drawn = list(replies(player, slow, Sampling(1.0, LONGEST["slow"]), GROUP))
    greedy = list(replies(player, slow, Sampling(0.0, LONGEST["slow"])))
    letters = list(replies(player, fast, Sampling(0.0, LONGEST["fast"])))
    rows = []
    for (sight, question), group, (best,), (letter,) in zip(asked, drawn, greedy, letters, strict=True):
        said = [read_answer(text) for text in group]
        votes = Counter(answer for answer in said if answer is not None)  # of equals the first said leads
        label, count = votes.most_common(1)[0] if votes else (None, 0)
        rows.append(
            {
                "family": question.family,
                "greedy": read_answer(best) == question.answer,
                "fast": read_answer(letter) == question.answer,
                "single": float(np.mean([answer == question.answer for answer in said])),
                "listed": float(np.mean([text.startswith(seen(sight.scene)) for text in group])),
                "votes": count,
                "vote": label == question.answer,
            }
        )
    return pl.DataFrame(rows)


def _of_answered(table: pl.DataFrame) -> list[Row]:
    rows = []
    for family in ("all", *FAMILIES):
        part = table if family == "all" else table.filter(family=family)
        columns = part.select(pl.all().exclude("family").cast(pl.Float64)).to_dict(as_series=False)
        values = {name: np.array(column) for name, column in columns.items()}
        rows += [
            mean("answered: slow, single", family, values["single"]),
            share("answered: slow, greedy", family, part["greedy"].to_list()),
            share("answered: vote", family, part["vote"].to_list()),
            share("answered: fast, greedy", family, part["fast"].to_list()),
            mean("answered: vote minus single", family, values["vote"] - values["single"]),
            mean("answered: slow minus fast, greedy", family, values["greedy"] - values["fast"]),
            mean("answered: list right", family, values["listed"]),
        ]
    agreement = pl.col("votes") / GROUP
    inside = table.filter(agreement.is_between(*BAND))
    rows += [
        share(
            "answered: agreement in band",
            "all",
            table.select(agreement.is_between(*BAND)).to_series().to_list(),
        ),
        share("answered: label right, in band", "all", inside["vote"].to_list()),
        *(
            share(
                "answered: label right, by votes",
                f"{votes} of {GROUP}",
                table.filter(votes=votes)["vote"].to_list(),
            )
            for votes in range(3, GROUP + 1)
        ),
    ]
    return rows


def _of_windows(table: pl.DataFrame) -> list[Row]:
    rows = []
    for family in ("all", *PLAIN_NEEDED):
        part = table if family == "all" else table.filter(family=family)
        rows += [
            mean("windows: slow, single", family, part["single"].to_numpy()),
            share("windows: vote", family, part["vote"].to_list()),
            mean("windows: list right", family, part["listed"].to_numpy()),
        ]
    return rows


def share(measure: str, group: str, hits: Sequence[bool]) -> Row:
    """A share with Wilson's interval; without anything to count, null."""
    if not hits:
        return _row(measure, group, 0, (None, None, None))
    interval = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
    return _row(measure, group, len(hits), (sum(hits) / len(hits), interval.low, interval.high))


def mean(measure: str, group: str, values: np.ndarray) -> Row:
    """A mean over questions with the percentiles of its bootstrap."""
    if not len(values):
        return _row(measure, group, 0, (None, None, None))
    chosen = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[chosen].mean(axis=1), [2.5, 97.5])
    return _row(measure, group, len(values), (float(values.mean()), float(low), float(high)))


def _row(measure: str, group: str, n: int, figures: tuple[float | None, float | None, float | None]) -> Row:
    value, low, high = figures
    return {"measure": measure, "group": group, "n": n, "value": value, "low": low, "high": high}
