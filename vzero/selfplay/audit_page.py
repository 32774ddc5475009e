"""The page of self-play: what was asked, which labels were right, and what the Solvers can do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from vzero.config import Params
from vzero.pages import parts
from vzero.report import names, words
from vzero.selfplay.audit import share
from vzero.selfplay.audit_charts import audit_figures, learning_figures, letter_figure
from vzero.selfplay.audit_gallery import Entry
from vzero.selfplay.played import Played
from vzero.selfplay.truths import Truth
from vzero.tables import LABEL
from vzero.voting.fate import KEPT

HERE = Path(__file__).parent
PUBLISHED = (
    {"model": "Qwen2.5-VL-7B-Instruct", "base": 49.9, "first": None, "second": 51.9, "labels": 50.8},
    {"model": "Qwen2.5-VL-3B-Instruct", "base": 43.2, "first": 43.9, "second": 43.8, "labels": None},
)
"""arXiv 2601.10094: means of MMMU, MMStar, MathVista, MathVerse, MathVision and LogicVista in per cent, of
the base, after each iteration, and of GRPO with people's labels; None where no figure was found. No seeds and
no intervals were published."""


@dataclass(frozen=True)
class Told:
    """All that the page is made of."""

    params: Params
    played: Sequence[Played]
    audits: pl.DataFrame
    """Rows of `tables.Audit`."""
    truths: Mapping[str, Truth]
    headlines: pl.DataFrame | None
    """Rows of `tables.Summary` of base and Solvers; None where they were not evaluated."""
    gallery: Sequence[Entry]


def render(told: Told) -> str:
    """The page as HTML."""
    environment = parts.environment(HERE)
    for function in (words.percent, words.points, words.direction):
        environment.filters[function.__name__] = function
    benchmarks = [] if told.headlines is None else told.headlines["benchmark"].unique(maintain_order=True)
    return environment.get_template("audit.html.jinja").render(
        style=parts.style(),
        mode=told.params.selfplay.mode,
        label=told.params.selfplay.keep.label,
        iterations=[one.iteration for one in told.played],
        places=sorted({place.kind for place in told.params.selfplay.photographs.values()}),
        stopped=[*_stopped(told.played)],
        cells=_cells(told.headlines),
        models=_models(told.headlines),
        labels=names.LABELS,
        benchmarks=list(benchmarks),
        drawn=bool(names.embedded(list(benchmarks))),
        confidence=f"{told.params.evaluate.confidence:.0%}",
        funnel=_funnel(told.played),
        right=[_right(one, told) for one in told.played],
        letters=letter_figure(told.played),
        audit=[*audit_figures(told.audits)],
        learning=[*learning_figures(told.played)],
        gallery=told.gallery,
        published=PUBLISHED,
    )


def _stopped(played: Sequence[Played]) -> Iterator[str]:
    for one in played:
        for role, reason in one.stopped.items():
            if reason:
                yield f"{role.capitalize()} {one.iteration} stopped: {reason}"


def _models(headlines: pl.DataFrame | None) -> list[str]:
    return [] if headlines is None else headlines["model"].unique(maintain_order=True).to_list()


def _cells(headlines: pl.DataFrame | None) -> dict[tuple[str, str], dict[str, Any]]:
    if headlines is None:
        return {}
    return {(row["model"], row["benchmark"]): row for row in headlines.iter_rows(named=True)}


def _funnel(played: Sequence[Played]) -> list[dict[str, Any]]:
    """What became of every text, a row a reason, a count an iteration; kept first, then the commonest."""
    counts = [Counter(_fates(one)) for one in played]
    total = sum(counts, Counter())
    reasons = sorted(total, key=lambda reason: (reason != KEPT, -total[reason], reason))
    return [{"reason": reason, "counts": [count[reason] for count in counts]} for reason in reasons]


def _fates(one: Played) -> list[str]:
    unread = one.questions.filter(pl.col("status") != "ok")["status"]
    return [*unread, *one.solver_set["reason"]]


def _right(one: Played, told: Told) -> dict[str, Any]:
    """Of an iteration: labels and votes that are right, and named objects that were in the window."""
    audits = told.audits.filter(iteration=one.iteration)
    of_voter = {
        str(voter): share(int(rows["right"].sum()), int(rows["n"].sum())) | {"n": int(rows["n"].sum())}
        for (voter,), rows in audits.group_by("voter", maintain_order=True)
    }
    seen = [told.truths[name].in_window for name in one.questions["question_id"] if name in told.truths]
    inside = [found for found in seen if found is not None]
    return {
        "iteration": one.iteration,
        "texts": one.questions.height,
        "known": len(seen),
        "kept": int(one.solver_set["kept"].sum()),
        "label": of_voter.pop(LABEL, None),
        "voters": of_voter,
        "in_window": share(sum(inside), len(inside)) | {"n": len(inside)} if inside else None,
    }
