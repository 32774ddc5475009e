"""Paired differences with their intervals as a picture that stands alone."""

from __future__ import annotations

import altair as alt
import polars as pl
import vl_convert

from vzero.evaluate.statistics import side_of_zero
from vzero.pages.charts import THEME, AnyChart

INK, MUTED, LINE = "#1f2328", "#8b949e", "#d8dee4"
SIGNS = alt.Scale(domain=["clear", "open"], range=["#0b6bcb", MUTED])


def differences(frame: pl.DataFrame, one: str, other: str) -> AnyChart:
    """Columns benchmark, category, delta, low, high in points. Intervals without zero have colour."""
    limits = frame.select("low", "high").iter_rows()
    shown = frame.with_columns(
        row=pl.col("benchmark") + pl.lit(" · ") + pl.col("category"),
        verdict=pl.Series(["clear" if side_of_zero(*each) else "open" for each in limits], dtype=pl.String),
    )
    base = alt.Chart(shown).encode(
        y=alt.Y("row:N", sort=shown["row"].to_list(), title=None, axis=alt.Axis(labelLimit=300)),
        color=alt.Color("verdict:N", scale=SIGNS, legend=None),
    )
    title = f"{other} minus {one}, points"
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x="delta:Q")
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="zero:Q")
    return alt.layer(zero, bars, points).properties(width=520, height=alt.Step(22))


def as_svg(chart: AnyChart) -> str:
    return vl_convert.vegalite_to_svg(_spec(chart))


def as_png(chart: AnyChart) -> bytes:
    return vl_convert.vegalite_to_png(_spec(chart), scale=2)


def _spec(chart: AnyChart) -> dict:
    """The page's theme with its variables as colours: the picture has no page to take them from."""
    axis = {name: _plain(value) for name, value in THEME["axis"].items()}
    return chart.configure(**{**THEME, "background": "white", "axis": axis}, padding=12).to_dict()


def _plain(value: object) -> object:
    return {"var(--ink)": INK, "var(--line)": LINE}.get(str(value), value)
