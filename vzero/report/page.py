"""The page: everything a reader sees, as one HTML file without a network."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import polars as pl

from vzero.pages import parts
from vzero.report import facts, figures, words
from vzero.report.gallery import Entry
from vzero.report.inputs import Inputs
from vzero.report.results import results

HERE = Path(__file__).parent
MARKS = {"right": "✓", "wrong": "✗", "unknown": "–"}
DEFAULT_BOUNDS = (0.0, 2.0)  # w_min and w_max of the paper, where a run does not tell its own


def render(inputs: Inputs, headlines: pl.DataFrame, rollouts: pl.DataFrame, gallery: list[Entry]) -> str:
    """The page as HTML. `headlines` is the summary, `rollouts` are annotated (`vzero.report.gate`)."""
    environment = parts.environment(HERE)
    for function in (words.percent, words.points, words.signed, words.direction):
        environment.filters[function.__name__] = function
    bounds = weight_bounds(inputs, rollouts)
    gate_numbers = facts.gate_facts(rollouts, low=bounds[0], high=bounds[1])
    return environment.get_template("page.html.jinja").render(
        style=parts.style(),
        title=words.title(inputs.params),
        notice=words.notice(inputs.params),
        absent=words.absent(inputs, rollouts),
        run=facts.run_facts(inputs),
        learning=figures.learning_figures(inputs.train_log, rollouts),
        gate_numbers=gate_numbers,
        gate=figures.gate_figures(rollouts, low=bounds[0], high=bounds[1]),
        **results(inputs, headlines),
        **_gallery(inputs, gallery, top=bounds[1]),
    )


def weight_bounds(inputs: Inputs, rollouts: pl.DataFrame) -> tuple[float, float]:
    """w_min and w_max as the run says, widened to the weights that occur."""
    method = facts.method(inputs)
    low, high = (
        float(method.get(f"gate.{name}", value))
        for name, value in zip(("w_min", "w_max"), DEFAULT_BOUNDS, strict=True)
    )
    if rollouts.is_empty():
        return low, high
    seen = rollouts.select(low=pl.col("weight").min(), high=pl.col("weight").max()).row(0)
    return min(low, seen[0]), max(high, seen[1])


def _gallery(inputs: Inputs, gallery: list[Entry], *, top: float) -> dict[str, Any]:
    entries = []
    for entry in gallery:
        evidence = entry.sample["evidence_box"]
        boxes = [] if evidence is None else [("evidence", evidence)]
        if entry.negative_box is not None:
            boxes.append(("elsewhere", entry.negative_box))
        members = [member | {"share": 100 * member["weight"] / (top or 1.0)} for member in entry.members]
        options = list(zip(string.ascii_uppercase, entry.sample["options"], strict=False))
        entries.append(
            {
                "sample": entry.sample,
                "image": entry.image,
                "further": entry.further,
                "crop": entry.crop,
                "positive": entry.positive,
                "negatives": entry.negatives,
                "negative_words": entry.negative_words,
                "step": entry.step,
                "boxes": boxes,
                "members": members,
                "options": options,
            }
        )
    return {
        "gallery": entries,
        "gallery_note": words.gallery_note(gallery, inputs.params.report.seed),
        "marks": MARKS,
    }
