"""The sentences and number formats of the page."""

from __future__ import annotations

from typing import Any

import polars as pl

from vzero.config import BENCHMARKS, Evaluate, Params
from vzero.report.gallery import Entry
from vzero.report.inputs import Inputs
from vzero.report.summary import REGION_BENCHMARKS, REGIONS

BENCHMARK_LABELS = {
    "search": "needle-search",
    "cyclic": "needle-cyclic",
    "zoom": "needle-zoom",
    "coarse": "needle-coarse",
    REGIONS: "needle regions, mean",
}
BENCHMARK_DESCRIPTIONS = {
    "search": "attribute and relative position of small objects; the format of V*, drawn scenes",
    "cyclic": "single and cross instance, four option orders; the format of HR-Bench, drawn scenes",
    "zoom": "full view against crop view; the format of ZoomBench, drawn scenes",
    "coarse": "no region to look at; the place of MMStar: what training damages",
    REGIONS: "mean of the benchmarks above",
}
MODEL_NAMES = {
    "base": "base student",
    "trained": "trained student",
    "teacher": "teacher with the right crop",
}


def percent(fraction: float) -> str:
    return f"{fraction:.1%}"


def signed(value: float, digits: int) -> str:
    """A number with its sign (U+2212 for minus)."""
    return f"{value:+.{digits}f}".replace("-", "−")


def points(value: float) -> str:
    """A difference in points."""
    return signed(value, 1)


def direction(row: dict[str, Any]) -> str:
    """`up` or `down` where the interval leaves out zero, `flat` otherwise."""
    if row["delta_low"] > 0:
        return "up"
    return "down" if row["delta_high"] < 0 else "flat"


def title(params: Params) -> str:
    if params.ingest.source == "needle":
        return "Evidence-gated distillation in the embedded synthetic world “needle”"
    return f"Evidence-gated distillation on {params.ingest.source}, tested in the synthetic world “needle”"


def notice(params: Params) -> str:
    """What the figures must not be taken for."""
    drawn = "Samples and benchmarks are" if params.ingest.source == "needle" else "The benchmarks are"
    return (
        f"{drawn} drawn by the program: the synthetic world “needle” that ships with "
        "vzero. Its benchmarks borrow the formats of public ones and share nothing else with them: "
        "no number here is a score on V*, HR-Bench, ZoomBench or MMStar."
    )


def absent(inputs: Inputs, rollouts: pl.DataFrame) -> list[str]:
    """One sentence for everything that a reader would look for and that this run does not have."""
    params = inputs.params
    lines = []
    if not params.train.gate.enabled:
        lines.append(
            "The gate was off: every weight is 1, which is plain distillation from the right-crop teacher."
        )
    without = (inputs.crops["fallback"] == "none").mean()
    if without == 1:
        lines.append(
            "No sample has a negative view: there are no evidence scores, and every weight is neutral."
        )
    if rollouts.is_empty():
        lines.append("There are no rollouts: the gate cannot be shown.")
    elif rollouts["right"].null_count() == rollouts.height:
        lines.append("Right and wrong cannot be told: the samples are open questions or carry no answers.")
    left_out = [BENCHMARK_LABELS[name] for name in BENCHMARKS if name not in params.evaluate.benchmarks]
    if left_out:
        lines.append(f"Not evaluated: {', '.join(left_out)}.")
    missing = [MODEL_NAMES[name] for name in MODEL_NAMES if name not in params.evaluate.models]
    if missing:
        lines.append(f"Not evaluated: the {' and the '.join(missing)}.")
    return lines


def verdict(rows: dict[tuple[str, str], dict[str, Any]], evaluate: Evaluate) -> str:
    """The headline in a sentence, empty when there is nothing to compare."""
    name = REGIONS if ("trained", REGIONS) in rows else "coarse"
    row = rows.get(("trained", name))
    if row is None or row["delta"] is None:
        return ""
    where = {
        "up": "better than the base student",
        "down": "worse than the base student",
        "flat": "not distinguishable from the base student",
    }[direction(row)]
    regions = [benchmark for benchmark in REGION_BENCHMARKS if benchmark in evaluate.benchmarks]
    over = (
        f"over {', '.join(BENCHMARK_LABELS[benchmark] for benchmark in regions)}" if name == REGIONS else ""
    )
    over = over or f"on {BENCHMARK_LABELS[name]}"
    return (
        f"The trained student is {where}: {points(row['delta'])} points {over} "
        f"({evaluate.confidence:.0%} interval {points(row['delta_low'])} to {points(row['delta_high'])})."
    )


def gallery_note(gallery: list[Entry], seed: int) -> str:
    if not any(entry.members for entry in gallery):
        return f"{len(gallery)} samples drawn at random (seed {seed}); none was rolled out."
    return (
        f"{len(gallery)} groups drawn at random (seed {seed}), first among those whose answers differ: "
        "where all agree the gate has nothing to say. In the order of training."
    )
