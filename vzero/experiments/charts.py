"""Curves of several arms in one chart, each with the band of its interval."""

from __future__ import annotations

import altair as alt
import polars as pl

from vzero.pages.charts import HEIGHT, WIDTH, AnyChart, finite

COLOURS = ("--accent", "--wrong", "--right", "--teacher", "--ink", "--muted")
DASHES = ([1, 0], [5, 3], [2, 2])
"""Of the first arms, of as many more, and so on."""


def colour(number: int) -> str:
    """Of the arm of this number, as CSS says it."""
    return f"var({COLOURS[number % len(COLOURS)]})"


def accuracy_curves(frame: pl.DataFrame, arms: list[str], x: str, x_title: str) -> AnyChart:
    """Columns arm, accuracy, low and high in per cent, and `x`; colours in the order of `arms`."""
    numbers = range(len(arms))
    base = alt.Chart(finite(frame)).encode(
        x=alt.X(f"{x}:Q", title=x_title, axis=alt.Axis(format="~s")),
        color=alt.Color(
            "arm:N", legend=None, scale=alt.Scale(domain=arms, range=[colour(number) for number in numbers])
        ),
    )
    dashes = [DASHES[number // len(COLOURS) % len(DASHES)] for number in numbers]
    title = "accuracy, %"
    scale = alt.Scale(zero=False)
    band = base.mark_area(opacity=0.13).encode(y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2, point={"size": 22, "filled": True}).encode(
        y=alt.Y("accuracy:Q", title=title, scale=scale),
        strokeDash=alt.StrokeDash("arm:N", legend=None, scale=alt.Scale(domain=arms, range=dashes)),
    )
    return alt.layer(band, line).properties(width=WIDTH, height=HEIGHT)
