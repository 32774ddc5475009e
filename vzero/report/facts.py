"""What was run, in numbers: settings, data counts, and the gate's behaviour."""

from __future__ import annotations

from typing import Any

import polars as pl

from vzero.config import dotted
from vzero.likeness.overlaps import overlap_counts
from vzero.pages.parts import Facts
from vzero.paths import Paths
from vzero.report import gate
from vzero.report.inputs import Inputs
from vzero.report.words import signed
from vzero.tables import PHASES


def run_facts(inputs: Inputs) -> list[Facts]:
    """Settings and counts of every stage, in the order of the pipeline."""
    return [
        _data(inputs),
        _counts("Rejected rows by code", inputs.rejects["code"], "nothing was rejected"),
        _overlaps(inputs),
        _counts("Negative views by how they were found", inputs.crops["fallback"], "no crops"),
        Facts("Method", [(name, text(value)) for name, value in method(inputs).items()]),
        _training(inputs),
        _tokens(inputs.train_log),
    ]


def _data(inputs: Inputs) -> Facts:
    splits = inputs.samples["split"].cast(pl.String)
    answered = inputs.samples["answer"].is_not_null().sum()
    params = inputs.params
    return Facts(
        "Data",
        [
            ("source", ", ".join(params.ingest.sources)),
            ("images", text(inputs.images.height)),
            ("train samples", text(int((splits == "train").sum()))),
            ("dev samples", text(int((splits == "dev").sum()))),
            ("with an answer (reporting only)", text(int(answered))),
            ("rejected rows", text(inputs.rejects.height)),
            ("crop margin", f"{params.crops.margin:g} of the box's sides"),
            ("crop enlargement", f"{params.crops.upscale} x"),
            ("negative view", params.crops.negative),
            ("negative views a sample", text(params.crops.negative_count)),
        ],
    )


def _counts(heading: str, codes: pl.Series, otherwise: str) -> Facts:
    counted = (
        codes.cast(pl.String).value_counts(sort=False).sort("count", codes.name, descending=[True, False])
    )
    rows = [(str(code), text(count)) for code, count in counted.iter_rows()]
    return Facts(heading, rows or [(otherwise, "")])


def _overlaps(inputs: Inputs) -> Facts:
    rows = [
        (
            row["benchmark"],
            f"{text(row['overlapping_items'])} of {text(row['items'])} items; same bytes: "
            f"{text(row['same_bytes_items'])}; training images: {text(row['images'])}",
        )
        for row in overlap_counts(inputs.overlaps, inputs.items).iter_rows(named=True)
    ]
    return Facts("Training images that resemble benchmark images", rows)


def method(inputs: Inputs) -> dict[str, Any]:
    """The settings of the method that ran, by dotted name."""
    return {"recipe": inputs.params.train.recipe} | dotted(inputs.train_summary.get("method", {}))


def _training(inputs: Inputs) -> Facts:
    train = inputs.params.train
    return Facts(
        "Training",
        [
            ("steps", text(inputs.train_log.height)),
            ("samples left out before it", text(sum(inputs.train_summary.get("left_out", {}).values()))),
            ("prompts a step", text(train.prompts)),
            ("rollouts a prompt", text(train.group)),
            ("rollouts in all", text(inputs.rollouts.height)),
            ("updates a step", text(train.mini_batches)),
            ("temperature", f"{train.temperature:g}"),
            ("longest answer, tokens", text(train.max_new_tokens)),
            ("learning rate", f"{train.learning_rate:g}"),
            ("updates skipped", text(int(inputs.train_log["skipped_updates"].sum()))),
            ("student", inputs.params.models.student.as_posix()),
            ("teacher", inputs.params.models.teacher.as_posix()),
        ],
    )


def _tokens(train_log: pl.DataFrame) -> Facts:
    """Tokens of each phase, and where its seconds are: on the page they would tell equal runs apart."""
    rows = [(phase, text(int(train_log[f"{phase}_tokens"].sum()))) for phase in PHASES]
    return Facts("Training tokens by phase", [*rows, ("seconds", Paths().report_timings.as_posix())])


def gate_facts(rollouts: pl.DataFrame, *, low: float, high: float) -> Facts:
    """The gate's behaviour in numbers; rows that need answers are left out without them."""
    if rollouts.is_empty():
        return Facts("The gate in numbers", [("no rollouts", "")])
    weights, spread = rollouts["weight"], gate.group_spread(rollouts)["spread"]
    correlation = gate.length_correlation(rollouts)
    rows = [
        *_verdict_rows(rollouts),
        (f"rollouts at w_min = {low:g}", f"{(weights <= low + gate.TIED).mean():.1%}"),
        (f"rollouts at w_max = {high:g}", f"{(weights >= high - gate.TIED).mean():.1%}"),
        ("groups without any spread of scores", f"{(spread <= gate.TIED).mean():.1%}"),
        (
            "correlation of weight and length",
            "not defined" if correlation is None else signed(correlation, 3),
        ),
    ]
    return Facts("The gate in numbers", rows)


def _verdict_rows(rollouts: pl.DataFrame) -> list[tuple[str, str]]:
    rows = []
    for row in gate.by_verdict(rollouts).iter_rows(named=True):
        kind = "answers without a verdict" if row["verdict"] == "unknown" else f"{row['verdict']} answers"
        rows.append((f"{kind}: rollouts", text(row["n"])))
        rows.append((f"{kind}: mean weight", f"{row['weight']:.3f}"))
        rows.append((f"{kind}: mean evidence score", signed(row["evidence_score"], 3)))
    pairs, won = gate.ranked_pairs(rollouts)
    if won is not None:
        rows.append(("pairs of a right and a wrong sibling", text(pairs)))
        rows.append(("the right one weighs more (chance: 50%)", f"{won:.1%}"))
    return rows


def text(value: Any) -> str:
    """A setting or a count in words: thousands set apart, switches as on and off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
