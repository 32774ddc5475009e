"""The charts of the report: training, accuracies, and the gate."""

from __future__ import annotations

import altair as alt
import polars as pl

from vzero.pages.charts import HEIGHT, WIDTH, AnyChart, finite

BROAD, SLIM = 860, 210  # of the accuracies' plot, on a laptop and on a phone
VERDICTS = ["right", "wrong", "unknown"]
VERDICT_COLOURS = alt.Scale(domain=VERDICTS, range=["var(--right)", "var(--wrong)", "var(--muted)"])
MODELS = ["base", "trained", "teacher"]
MODEL_COLOURS = alt.Scale(domain=MODELS, range=["var(--muted)", "var(--accent)", "var(--teacher)"])


def learning_curve(frame: pl.DataFrame, title: str) -> AnyChart:
    """One metric over the steps: columns step, raw, smoothed."""
    base = alt.Chart(finite(frame)).encode(x=alt.X("step:Q", title="step", axis=alt.Axis(format="d")))
    y = alt.Y("raw:Q", title=title, scale=alt.Scale(zero=False))
    raw = base.mark_line(color="var(--accent)", opacity=0.28, strokeWidth=1).encode(y=y)
    smooth = base.mark_line(color="var(--accent)", strokeWidth=2).encode(y=alt.Y("smoothed:Q", title=title))
    return alt.layer(raw, smooth).properties(width=WIDTH, height=HEIGHT)


def accuracies(frame: pl.DataFrame, order: list[str], width: int) -> AnyChart:
    """Accuracy with its interval: columns benchmark, model, accuracy, low, high in per cent.

    `width` is that of the plot in pixels, without the labels.
    """
    base = alt.Chart(frame).encode(
        y=alt.Y("benchmark:N", sort=order, title=None, scale=alt.Scale(paddingInner=0.35)),
        yOffset=alt.YOffset("model:N", sort=MODELS),
        color=alt.Color("model:N", scale=MODEL_COLOURS, sort=MODELS),
    )
    axis = alt.X("low:Q", title="accuracy, %", scale=alt.Scale(domain=[0, 100]))
    bars = base.mark_rule(strokeWidth=2).encode(x=axis, x2="high:Q")
    points = base.mark_point(filled=True, size=55, opacity=1).encode(x="accuracy:Q")
    return alt.layer(bars, points).properties(width=width, height=alt.Step(13))


def letter_shares(frame: pl.DataFrame) -> AnyChart:
    """Bars of the shares read, marks at the shares right: columns letter, model, read, right in per cent."""
    base = alt.Chart(frame).encode(x=alt.X("letter:N", title=None, axis=alt.Axis(labelAngle=0)))
    bars = base.mark_bar().encode(
        xOffset=alt.XOffset("model:N", sort=MODELS),
        y=alt.Y("read:Q", title="answers, %"),
        color=alt.Color("model:N", scale=MODEL_COLOURS, sort=MODELS, legend=None),
    )
    right = base.mark_tick(color="var(--ink)", thickness=2, bandSize=24).encode(y="right:Q")
    return alt.layer(bars, right).properties(width=WIDTH, height=HEIGHT)


def stacked_histogram(frame: pl.DataFrame, x_title: str, y_title: str) -> AnyChart:
    """Bars from start to end, stacked by verdict: columns start, end, verdict, count."""
    return (
        alt.Chart(frame)
        .mark_bar(stroke="var(--card)", strokeWidth=0.5)
        .encode(
            x=alt.X("start:Q", bin="binned", title=x_title),
            x2="end:Q",
            y=alt.Y("count:Q", title=y_title, stack="zero"),
            color=alt.Color("verdict:N", scale=VERDICT_COLOURS, legend=None),
            order=alt.Order("verdict:N"),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )


def histogram(frame: pl.DataFrame, x_title: str, y_title: str) -> AnyChart:
    """Bars from start to end: columns start, end, count."""
    return (
        alt.Chart(frame)
        .mark_bar(color="var(--accent)", stroke="var(--card)", strokeWidth=0.5)
        .encode(
            x=alt.X("start:Q", bin="binned", title=x_title), x2="end:Q", y=alt.Y("count:Q", title=y_title)
        )
        .properties(width=WIDTH, height=HEIGHT)
    )


def verdict_lines(frame: pl.DataFrame, column: str, title: str) -> AnyChart:
    """One line a verdict over the steps: columns step, verdict and the named one."""
    return (
        alt.Chart(finite(frame))
        .mark_line(point={"size": 16, "filled": True})
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(format="d")),
            y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=False)),
            color=alt.Color("verdict:N", scale=VERDICT_COLOURS, legend=None),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )


def weight_by_length(frame: pl.DataFrame) -> AnyChart:
    """Mean weight by answer length, one deviation either side: columns middle, weight, deviation, n."""
    shown = frame.with_columns(
        low=pl.col("weight") - pl.col("deviation"), high=pl.col("weight") + pl.col("deviation")
    )
    base = alt.Chart(shown).encode(
        x=alt.X("middle:Q", title="answer length, tokens", scale=alt.Scale(zero=False))
    )
    y = alt.Y("low:Q", title="weight", scale=alt.Scale(zero=False))
    bars = base.mark_rule(color="var(--muted)").encode(y=y, y2="high:Q")
    points = base.mark_point(filled=True, color="var(--accent)", opacity=1).encode(
        y="weight:Q", size=alt.Size("n:Q", legend=None, scale=alt.Scale(range=[20, 160]))
    )
    return alt.layer(bars, points).properties(width=WIDTH, height=HEIGHT)
