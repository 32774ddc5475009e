"""Measure the tiny models on held-out scenes: who reads what, from which view, with and without a lure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import binomtest

from vzero.config import Crops, WorldName
from vzero.crops.pair import Neighbours, Picture, evidence_pair
from vzero.geometry import union
from vzero.imaging import encode_png
from vzero.models.loading import LoadedModel
from vzero.models.prompt import prompts_of
from vzero.needle.dataset import ask
from vzero.needle.questions import Question
from vzero.needle.scenes import render
from vzero.needle.worlds import WORLDS
from vzero.prompts import views
from vzero.prompts.views import NEGATIVE, POSITIVE, View, full_view, with_crop
from vzero.rollout.sampler import Decoder
from vzero.rollout.sampling import Sampling

NO_NEIGHBOURS = Neighbours({}, open=lambda image_id: Picture(image_id, np.empty((0, 0, 3), np.uint8)))
CALIBRATION_STREAM = 3  # beside those of vzero.needle.dataset.STREAMS: seen by nothing else
BATCH = 50  # prompts that are answered together
LONGEST = 48  # tokens of an answer


@dataclass(frozen=True)
class Exam:
    question: Question
    image: bytes
    positive: bytes
    negative: bytes | None


def exams(name: WorldName, count: int) -> Iterator[Exam]:
    """Region questions on held-out scenes, families in the shares of the training samples."""
    world = WORLDS[name]
    for number in range(count):
        rng = np.random.default_rng([0, CALIBRATION_STREAM, number])
        family = str(rng.choice(list(world.shares), p=list(world.shares.values())))
        question = None
        while question is None:
            scene = world.draw(rng)
            question = ask(rng, scene, world.families[family])
        pixels = render(scene)
        evidence = union([item.box for item in question.named])
        pair = evidence_pair(f"exam-{number}", Picture("", pixels), evidence, NO_NEIGHBOURS, Crops())
        yield Exam(question, encode_png(pixels), pair["positive"], pair["negative"])


def calibrate(
    world: WorldName, student: LoadedModel, teacher: LoadedModel, *, questions: int
) -> pl.DataFrame:
    """Greedy accuracy by model, view, family and whether a salient object lures, with 95 % intervals."""
    held_out = list(exams(world, questions))
    with_negative = [exam for exam in held_out if exam.negative is not None]
    sights = [
        ("student", "full image", student, held_out, _full),
        ("teacher", "full image", teacher, held_out, _full),
        ("teacher", "full image + right crop", teacher, held_out, _right),
        ("teacher", "full image + wrong crop", teacher, with_negative, _wrong),
    ]
    rows = []
    for name, view, model, asked, view_of in sights:
        texts = _answers(model, [view_of(exam) for exam in asked])
        rows += [
            {
                "model": name,
                "view": view,
                "family": exam.question.family,
                "lure": exam.question.lured not in (None, exam.question.truth),
                "hit": text.endswith(f"Answer: {exam.question.answer}"),
                "lured": exam.question.lured is not None
                and text.endswith(f"Answer: {exam.question.letter_of(exam.question.lured)}"),
            }
            for exam, text in zip(asked, texts, strict=True)
        ]
    return _summary(pl.DataFrame(rows))


def _full(exam: Exam) -> View:
    return full_view(exam.question.text, exam.question.options, [views.Picture.of(exam.image)])


def _right(exam: Exam) -> View:
    return with_crop(_full(exam), views.Picture.of(exam.positive), POSITIVE)


def _wrong(exam: Exam) -> View:
    assert exam.negative is not None
    return with_crop(_full(exam), views.Picture.of(exam.negative), NEGATIVE)


def _answers(model: LoadedModel, asked: Sequence[View]) -> list[str]:
    greedy = Sampling(0.0, max_new_tokens=LONGEST)
    batches = (prompts_of(model, asked[start : start + BATCH]) for start in range(0, len(asked), BATCH))
    return [
        rollout.text
        for batch in batches
        for (rollout,) in Decoder(model).answers(batch, 1, greedy, [0] * len(batch))
    ]


def _summary(answers: pl.DataFrame) -> pl.DataFrame:
    measures = [pl.len().alias("n"), pl.col("hit").sum().alias("hits"), pl.col("lured").mean()]
    by_family = answers.group_by("model", "view", "family", "lure").agg(measures)
    overall = answers.group_by("model", "view").agg(measures)
    overall = overall.with_columns(
        pl.lit("all").alias("family"), pl.lit(None, dtype=pl.Boolean).alias("lure")
    )
    table = pl.concat([by_family, overall.select(by_family.columns)])
    intervals = [
        binomtest(hits, n).proportion_ci(method="wilson") for hits, n in table.select("hits", "n").iter_rows()
    ]
    return table.with_columns(
        (pl.col("hits") / pl.col("n")).alias("accuracy"),
        pl.Series("low", [interval.low for interval in intervals]),
        pl.Series("high", [interval.high for interval in intervals]),
    ).sort("model", "view", "family", "lure", nulls_last=True)
