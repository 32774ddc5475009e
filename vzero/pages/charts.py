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
    # A test checks our charts against the schema; here that would take as long as to draw them.
    spec = chart.configure(**THEME).to_dict(validate=False)
    svg = vl_convert.vegalite_to_svg(spec)
    # Vega numbers its clip paths per process; the same chart must give the same bytes, and the ids of all
    # charts share the page.
    for index, identifier in enumerate(dict.fromkeys(re.findall(r'id="([^"]+)"', svg))):
        for reference in ('id="{}"', "url(#{})"):
            svg = svg.replace(reference.format(identifier), reference.format(f"{name}-{index}"))
    label = Markup.escape(description)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))


def finite(frame: pl.DataFrame) -> pl.DataFrame:
    """Infinite and undefined values become gaps: JSON has no word for them."""
    floats = selectors.float()
    return frame.with_columns(pl.when(floats.is_finite()).then(floats).otherwise(None))


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
