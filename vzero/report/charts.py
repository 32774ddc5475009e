"""Small charts as SVG text that follows the colours of the page (CSS variables), light and dark."""

from __future__ import annotations

import re

import altair as alt
import polars as pl
import vl_convert
from markupsafe import Markup
from polars import selectors

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart

WIDTH = 300
HEIGHT = 150
LOWEST = 52  # of a row of bars
NARROW = 24  # characters of a heading over a map of half the width
SHORT = 3  # characters of a level that stands upright under its bar
BROAD, SLIM = 860, 210  # of the accuracies' plot, on a laptop and on a phone
VERDICTS = ["right", "wrong", "unknown"]
VERDICT_COLOURS = alt.Scale(domain=VERDICTS, range=["var(--right)", "var(--wrong)", "var(--muted)"])
MODELS = ["base", "trained", "teacher"]
MODEL_COLOURS = alt.Scale(domain=MODELS, range=["var(--muted)", "var(--accent)", "var(--teacher)"])

THEME: dict = {
    "background": "transparent",
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--ink)",
        "labelFontSize": 11,
        "titleColor": "var(--ink)",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "tickCount": 5,
    },
    "legend": {"labelColor": "var(--ink)", "labelFontSize": 12, "orient": "top", "title": None},
}


def render(chart: AnyChart, description: str, *, name: str) -> Markup:
    """The chart as one accessible `<svg>`; `name` must be unique on the page."""
    spec = chart.configure(**THEME).to_dict()
    svg = vl_convert.vegalite_to_svg(spec)
    # Vega numbers its clip paths per process; the same chart must give the same bytes, and the ids of all
    # charts share the page.
    for index, identifier in enumerate(dict.fromkeys(re.findall(r'id="([^"]+)"', svg))):
        for reference in ('id="{}"', "url(#{})"):
            svg = svg.replace(reference.format(identifier), reference.format(f"{name}-{index}"))
    label = Markup.escape(description)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Infinite and undefined values become gaps: JSON has no word for them."""
    floats = selectors.float()
    return frame.with_columns(pl.when(floats.is_finite()).then(floats).otherwise(None))


def learning_curve(frame: pl.DataFrame, title: str) -> AnyChart:
    """One metric over the steps: columns step, raw, smoothed."""
    base = alt.Chart(_numbers(frame)).encode(x=alt.X("step:Q", title="step", axis=alt.Axis(format="d")))
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
        alt.Chart(_numbers(frame))
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


def level_bars(frame: pl.DataFrame, x_title: str) -> AnyChart:
    """A row of bars for each facet, one bar a level, both in the order of the rows, on one scale.

    Columns facet (the row's heading), level, share in per cent.
    """
    facets, levels = (frame[name].unique(maintain_order=True).to_list() for name in ("facet", "level"))
    angle = 0 if max(map(len, levels)) <= SHORT else -40
    bars = (
        alt.Chart(frame)
        .mark_bar(color="var(--accent)")
        .encode(
            x=alt.X("level:N", sort=levels, title=x_title, axis=alt.Axis(labelAngle=angle)),
            y=alt.Y("share:Q", title=None, axis=alt.Axis(labelExpr="datum.label + ' %'", tickCount=2)),
        )
        .properties(width=WIDTH, height=max(HEIGHT // len(facets), LOWEST))
    )
    return bars.facet(row=alt.Row("facet:N", sort=facets, title=None, header=_heading()), spacing=8)


def heat_map(frame: pl.DataFrame, cells: int) -> AnyChart:
    """A map for each facet, in the order of the rows: shares on cells x cells of an image, on one scale.

    Columns facet (the map's heading), column and row (from the upper left), share.
    """
    facets = frame["facet"].unique(maintain_order=True).to_list()
    domain = list(range(cells))
    scale = alt.Scale(domain=domain, padding=0)
    beside = 2 if len(facets) > 1 and max(map(len, facets)) <= NARROW else 1
    maps = (
        alt.Chart(frame)
        .mark_rect(color="var(--accent)")
        .encode(
            x=alt.X("column:O", axis=None, scale=scale),
            y=alt.Y("row:O", axis=None, scale=scale),
            opacity=alt.Opacity("share:Q", legend=None, scale=alt.Scale(domainMin=0, range=[0, 1])),
        )
        .properties(width=WIDTH // beside, height=2 * WIDTH // (3 * beside))
    )
    framed = alt.ViewConfig(stroke="var(--line)")
    facet = alt.Facet("facet:N", sort=facets, title=None, header=_heading())
    return maps.properties(view=framed).facet(facet, columns=beside, spacing=12)


def _heading() -> alt.Header:
    return alt.Header(labelOrient="top", labelAnchor="start", labelColor="var(--ink)", labelFontSize=12)
