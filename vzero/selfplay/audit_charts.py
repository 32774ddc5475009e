"""The charts of the audit's page: letters, how the roles learnt, and which labels were right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import altair as alt
import polars as pl

from vzero.pages.charts import HEIGHT, WIDTH, AnyChart, level_bars, render
from vzero.pages.parts import Figure
from vzero.report.charts import learning_curve
from vzero.report.curves import curve
from vzero.selfplay.played import Played
from vzero.tables import LABEL

CURVES: dict[str, dict[str, tuple[str, str]]] = {
    "questioner": {
        "reward": ("reward", "What a question earns"),
        "confidence": ("share of votes", "Agreement of the Solver's votes"),
        "kept": ("share", "Questions that the Solver would learn from"),
        "malformed": ("share", "Texts that are no question"),
        "commonest_letter": ("share", "The commonest quick letter"),
        "distinct": ("share", "Different questions"),
        "reference_kl": ("nats a token", "Divergence from the reference"),
    },
    "solver": {
        "reward": ("share", "Answers that are the label"),
        "alike": ("share", "Groups that are all right or all wrong"),
        "reference_kl": ("nats a token", "Divergence from the reference"),
    },
}
"""Columns of the train_log by role: axis title and heading."""


def learning_figures(played: Sequence[Played]) -> Iterator[Figure]:
    """The curves of each role in each iteration that trained."""
    for one in played:
        for role, columns in CURVES.items():
            log = one.logs[role]
            for column, (unit, heading) in columns.items():
                if not log.is_empty() and log[column].null_count() < log.height:
                    title = f"{role.capitalize()} {one.iteration}: {heading[0].lower()}{heading[1:]}"
                    svg = render(
                        learning_curve(curve(log, column), unit),
                        f"{title}, by step",
                        name=f"{role}-{one.iteration}-{column.replace('_', '-')}",
                    )
                    yield Figure(title, svg, f"train_log.{column}")


def letter_figure(played: Sequence[Played]) -> Figure:
    """The letters of quick answers, of labels and of what is learnt, for each iteration."""
    rows = [
        {"facet": f"iteration {one.iteration}: {what}", "level": letter, "share": 100 * share}
        for one in played
        for what, letters in _letters(one).items()
        for letter, share in _shares(letters).items()
    ]
    svg = render(level_bars(pl.DataFrame(rows), "letter"), "Shares of letters", name="letters")
    return Figure("Letters", svg, "Per cent of the questions that could be read, and of those that are kept.")


def _letters(one: Played) -> Mapping[str, pl.Series]:
    return {
        "what the Questioner says": one.questions["fast"].drop_nulls(),
        "labels that are kept": one.solver_set.filter("kept")["label"],
    }


def _shares(letters: pl.Series) -> dict[str, float]:
    counts = dict(letters.value_counts().iter_rows())
    return {letter: counts.get(letter, 0) / max(len(letters), 1) for letter in "ABCD"}


def audit_figures(audits: pl.DataFrame) -> Iterator[Figure]:
    """How often each voter is right by the share of its votes, with intervals."""
    for (iteration, voter), frame in audits.group_by("iteration", "voter", maintain_order=True):
        if frame.height > 1:
            what = "Kept labels" if voter == LABEL else f"Votes, {voter}"
            title = f"{what}, iteration {iteration}"
            svg = render(_right_by_share(frame), f"{title}: share right by share of votes", name=title)
            yield Figure(title, svg, f"{frame['n'].sum():,} questions; larger dots stand for more.")


def _right_by_share(frame: pl.DataFrame) -> AnyChart:
    shown = frame.with_columns(pl.col("confidence", "share", "low", "high") * 100)
    base = alt.Chart(shown).encode(
        x=alt.X("confidence:Q", title="share of the votes, %", scale=alt.Scale(domain=[0, 100]))
    )
    y = alt.Y("low:Q", title="right, %", scale=alt.Scale(domain=[0, 100]))
    bars = base.mark_rule(color="var(--muted)").encode(y=y, y2="high:Q")
    points = base.mark_point(filled=True, color="var(--accent)", opacity=1).encode(
        y="share:Q", size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[20, 160]))
    )
    return alt.layer(bars, points).properties(width=WIDTH, height=HEIGHT)
