"""Charts are SVG text: valid, accessible, the same on every run, and free of clashing ids."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair as alt
import polars as pl
import pytest
from example_run import write_example

from vzero.pages.charts import THEME, render
from vzero.report import charts
from vzero.stages import quality, report

CURVE = pl.DataFrame({"step": [0, 1, 2], "raw": [1.0, math.nan, 3.0], "smoothed": [1.0, 2.0, math.inf]})
BARS = pl.DataFrame({"start": [0.0, 1.0], "end": [1.0, 2.0], "verdict": ["right", "wrong"], "count": [3, 1]})
LINES = pl.DataFrame({"step": [0, 0, 1], "verdict": ["right", "wrong", "right"], "weight": [1.2, 0.8, 1.0]})
LENGTHS = pl.DataFrame({"middle": [1.5, 3.5], "weight": [1.0, 1.2], "deviation": [0.1, 0.2], "n": [5, 9]})
ACCURACIES = pl.DataFrame(
    {"benchmark": "a", "model": ["base", "trained"], "accuracy": [40.0, 50.0], "low": 30.0, "high": 60.0}
)
ALL = {
    "curve": charts.learning_curve(CURVE, "loss"),
    "accuracies": charts.accuracies(ACCURACIES, ["a"], charts.BROAD),
    "stacked": charts.stacked_histogram(BARS, "weight", "rollouts"),
    "histogram": charts.histogram(BARS.drop("verdict"), "spread", "groups"),
    "lines": charts.verdict_lines(LINES, "weight", "weight"),
    "lengths": charts.weight_by_length(LENGTHS),
}


@pytest.mark.parametrize("name", ALL)
def test_the_same_chart_is_the_same_text(name: str) -> None:
    assert render(ALL[name], "a", name="x") == render(ALL[name], "a", name="x")


@pytest.mark.parametrize("name", ALL)
def test_a_chart_is_a_labelled_image_in_the_colours_of_the_page(name: str) -> None:
    root = ElementTree.fromstring(render(ALL[name], 'say "1 < 2"', name=name))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'say "1 < 2"'
    assert "var(--ink)" in ElementTree.tostring(root, encoding="unicode")


def test_charts_of_one_page_share_no_ids() -> None:
    rendered = [render(chart, "", name=name) for name, chart in ALL.items()]
    ids = [identifier for svg in rendered for identifier in set(re.findall(r' id="([^"]+)"', svg))]
    assert len(ids) == len(set(ids))


def test_bars_stand_on_the_axis() -> None:
    svg = render(ALL["histogram"], "", name="bars")
    bars = re.findall(r'aria-roledescription="bar" d="M([\d.]+),([\d.]+)h([\d.]+)v([\d.]+)', svg)
    heights = [float(height) for *_, height in bars]
    assert heights[0] == pytest.approx(3 * heights[1])


@pytest.mark.parametrize("name", ALL)
def test_a_chart_is_one_by_the_schema(name: str) -> None:
    ALL[name].configure(**THEME).to_dict(validate=True)


def test_every_chart_of_a_page_is_one_by_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read back from what is drawn, which raises for anything that the schema does not know."""
    drawn: list[dict[str, Any]] = []

    def noted(spec: dict[str, Any]) -> str:
        drawn.append(spec)
        return "<svg ></svg>"

    monkeypatch.setattr("vl_convert.vegalite_to_svg", noted)
    params, paths = write_example(tmp_path)
    report.run(params, paths)
    quality.run(params, paths)
    assert len(drawn) > 20
    for spec in drawn:
        alt.Chart.from_dict(spec, validate=True)
