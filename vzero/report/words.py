"""The sentences and number formats of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from vzero.config import EMBEDDED, Evaluate, Params, WorldName
from vzero.evaluate.statistics import side_of_zero
from vzero.report import names
from vzero.report.gallery import Entry
from vzero.report.inputs import Inputs

WHERE = {
    "up": "better than the base student",
    "down": "worse than the base student",
    "flat": "not distinguishable from the base student",
}

NAMED = 3  # benchmarks in the title; more are counted
NO_SCORES: dict[WorldName, str] = {
    "needle": (
        "Its benchmarks borrow the formats of public ones and share nothing else with them: "
        "no number of theirs is a score on V*, HR-Bench, ZoomBench or MMStar."
    ),
    "chain": "Its benchmarks share nothing with public ones: no number of theirs is a score on any.",
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
    return {1: "up", 0: "flat", -1: "down"}[side_of_zero(row["delta_low"], row["delta_high"])]


def title(params: Params) -> str:
    world = f"the embedded synthetic world “{params.ingest.needle.world}”"
    public = names.published(params.evaluate.benchmarks)
    drawn = "needle" in params.ingest.sources
    others = [name for name in params.ingest.sources if name != "needle"]
    trained = " and ".join([f"in {world}"] * drawn + [f"on {', '.join(others)}"] * bool(others))
    if not public:
        tested = "" if drawn else f", tested in {world}"
    else:
        several = f"{len(public)} published benchmarks"
        tested = f", tested on {several if len(public) > NAMED else _listed(public)}"
    return f"Evidence-gated distillation {trained}{tested}"


def _listed(benchmarks: Sequence[str]) -> str:
    return ", ".join(names.LABELS[name] for name in benchmarks)


def notice(params: Params) -> str:
    """What the figures must not be taken for."""
    drawn, public = (kind(params.evaluate.benchmarks) for kind in (names.embedded, names.published))
    said = []
    world, trained = params.ingest.needle.world, "needle" in params.ingest.sources
    if trained or drawn:
        alone = params.ingest.sources == ("needle",)
        samples = "Training samples" if alone else f"Training samples of {world}"
        what = {
            (True, True): f"{samples} and the benchmarks named {world} are",
            (True, False): f"{samples} are",
            (False, True): f"The benchmarks named {world} are",
        }[trained, bool(drawn)]
        said.append(f"{what} drawn by the program: the synthetic world “{world}” that ships with vzero.")
    if drawn:
        said.append(NO_SCORES[world])
    if public:
        said.append(
            f"{_listed(public)}: read from published files, asked and read "
            "as the table “How answers were read” says; other wordings, image sizes and readers give other "
            "numbers."
        )
    return " ".join(said)


def absent(inputs: Inputs, rollouts: pl.DataFrame) -> list[str]:
    """One sentence for everything that a reader would look for and that this run does not have."""
    params = inputs.params
    lines = []
    if not inputs.gated:
        lines.append(
            "The gate was off: every weight is 1, which is plain distillation from the right-crop teacher."
        )
    if boxless := inputs.samples["evidence_box"].null_count():
        lines.append(f"{boxless:,} of {inputs.samples.height:,} samples have no box, and so no crops.")
    without = (inputs.crops["fallback"] == "none").mean()
    if without == 1:
        lines.append(
            "No sample has a negative view: there are no evidence scores, and every weight is neutral."
        )
    if rollouts.is_empty():
        lines.append("There are no rollouts: the gate cannot be shown.")
    elif rollouts["right"].null_count() == rollouts.height:
        lines.append("Right and wrong cannot be told: the samples are open questions or carry no answers.")
    evaluated = params.evaluate.benchmarks
    left_out = [names.LABELS[name] for name in EMBEDDED[params.ingest.needle.world] if name not in evaluated]
    if left_out and not names.published(evaluated):
        lines.append(f"Not evaluated: {', '.join(left_out)}.")
    missing = [text for name, text in names.MODEL_NAMES.items() if name not in params.evaluate.models]
    if missing:
        lines.append(f"Not evaluated: the {' and the '.join(missing)}.")
    return lines


def verdict(rows: dict[tuple[str, str], dict[str, Any]], evaluate: Evaluate) -> str:
    """The headline in a sentence or two, empty when there is nothing to compare.

    The embedded regions come with their number; published benchmarks are sorted by what can be said.
    """
    compared = {name: row for (model, name), row in rows.items() if model == "trained"}
    if not compared or any(row["delta"] is None for row in compared.values()):
        return ""
    own = names.REGIONS if names.REGIONS in compared else next(iter(names.embedded(evaluate.benchmarks)), "")
    said = [_own_verdict(own, compared[own], evaluate)] if own else []
    public = names.published(evaluate.benchmarks)
    for way, where in WHERE.items():
        if named := [names.LABELS[name] for name in public if direction(compared[name]) == way]:
            said.append(f"{'It' if said else 'The trained student'} is {where} on {', '.join(named)}.")
    return " ".join(said)


def _own_verdict(benchmark: str, row: dict[str, Any], evaluate: Evaluate) -> str:
    regions = [name for name in evaluate.benchmarks if name in names.REGION_BENCHMARKS]
    over = f"over {_listed(regions)}"
    where = over if benchmark == names.REGIONS else f"on {names.LABELS[benchmark]}"
    return (
        f"The trained student is {WHERE[direction(row)]}: {points(row['delta'])} points {where} "
        f"({evaluate.confidence:.0%} interval {points(row['delta_low'])} to {points(row['delta_high'])})."
    )


def gallery_note(gallery: list[Entry], seed: int) -> str:
    if not any(entry.members for entry in gallery):
        return f"{len(gallery)} samples drawn at random (seed {seed}); none was rolled out."
    return (
        f"{len(gallery)} groups drawn at random (seed {seed}), first among those whose answers differ: "
        "where all agree the gate has nothing to say. In the order of training."
    )
