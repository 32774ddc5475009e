"""Every benchmark has a name on the page, and the sentences say of each what can be said."""

from __future__ import annotations

from typing import Any

import pytest

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.config import Evaluate, parse_params
from vzero.report import names, words


def evaluate(*benchmarks: str) -> Evaluate:
    files = dict.fromkeys(names.published(benchmarks), "file.tsv")
    settings = {"benchmarks": list(benchmarks)}
    return parse_params({"evaluate": settings, "ingest": {"benchmarks": files}}).evaluate


def compared(**deltas: tuple[float, float]) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of the summary with these intervals; the difference is their middle."""
    return {
        ("trained", name): {"delta": (low + high) / 2, "delta_low": low, "delta_high": high}
        for name, (low, high) in deltas.items()
    }


def test_every_benchmark_has_a_label() -> None:
    assert set(names.LABELS) == {*CATALOGUE, names.REGIONS}
    assert len(set(names.LABELS.values())) == len(names.LABELS)


def test_the_order_is_that_of_the_params_and_the_mean_follows_its_parts() -> None:
    assert names.listed(["coarse", "search", "vstar", "zoom", "mmstar"]) == [
        "coarse",
        "search",
        "vstar",
        "zoom",
        "regions",
        "mmstar",
    ]
    assert names.listed(["vstar"]) == ["vstar"]


def test_a_description_says_what_the_number_is() -> None:
    assert names.description("cv_bench_2d") == "published benchmark of 1,438 items; mean over sources"
    assert names.description("hrbench_8k").endswith("mean over option orders")


def test_the_verdict_sorts_published_benchmarks_by_what_can_be_said() -> None:
    rows = compared(vstar=(1.0, 3.0), mmstar=(-4.0, -2.0), hrbench_4k=(-1.0, 2.0))
    assert words.verdict(rows, evaluate("vstar", "mmstar", "hrbench_4k")) == (
        "The trained student is better than the base student on V*. "
        "It is worse than the base student on MMStar. "
        "It is not distinguishable from the base student on HR-Bench 4K."
    )


def test_the_verdict_gives_the_number_of_the_drawn_regions_first() -> None:
    rows = compared(search=(1.0, 3.0), regions=(1.0, 3.0), vstar=(-1.0, 1.0))
    assert words.verdict(rows, evaluate("vstar", "search")) == (
        "The trained student is better than the base student: +2.0 points over needle-search "
        "(95% interval +1.0 to +3.0). It is not distinguishable from the base student on V*."
    )


def test_without_base_there_is_no_verdict() -> None:
    rows = {("trained", "vstar"): {"delta": None, "delta_low": None, "delta_high": None}}
    assert words.verdict(rows, evaluate("vstar")) == ""


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.1, 2.0, "up"), (-2.0, -0.1, "down"), (-0.1, 2.0, "flat"), (0.0, 2.0, "flat"), (-2.0, 0.0, "flat")],
)
def test_better_and_worse_are_said_only_where_the_interval_leaves_out_zero(low, high, told: str) -> None:
    assert words.direction({"delta": 1.0, "delta_low": low, "delta_high": high}) == told
    crumbs = {"delta": 1.0, "delta_low": low + 1e-15, "delta_high": high - 1e-15}
    assert words.direction(crumbs) == told
