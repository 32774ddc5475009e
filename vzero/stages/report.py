"""Write the report: a page, the headline table, the model card, metrics and plots; the seconds apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors

from vzero import shards, tables
from vzero.answers.extract import extract
from vzero.answers.extraction import lettered
from vzero.config import Params
from vzero.evaluate.score.rows import DEFAULT_READER
from vzero.paths import Paths
from vzero.report import card, curves, gate, page, summary
from vzero.report.gallery import build_gallery
from vzero.report.inputs import Inputs, read_inputs
from vzero.report.names import REGION_BENCHMARKS
from vzero.report.timings import read_timings

PLOT_DIGITS = 6
HEADLINE_MODELS = ("base", "trained")


def run(params: Params, paths: Paths) -> dict[str, Any]:
    """Read every table of a finished run and write `data/report`; the result says where, and the headline.

    What the clock said goes to `data/timings/report.json` alone, so that equal runs have equal reports.

    Answers are read here and nowhere before: they tell right from wrong for the reader.
    """
    inputs = read_inputs(params, paths)
    reader = params.evaluate.reader or DEFAULT_READER
    rollouts = gate.annotate(inputs.rollouts, inputs.samples, _letter_reader(reader))
    headlines = summary.summarise(inputs.predictions, inputs.scores, params.evaluate, params.evaluate.models)
    gallery = build_gallery(rollouts, inputs.samples, paths, params.report.gallery, params.report.seed)
    html = page.render(inputs, headlines, rollouts, gallery)
    metrics = summary.metrics(headlines)
    model_card = card.with_figures(paths.trained_card.read_text(encoding="utf-8"), headlines, inputs)
    shards.write_json(paths.report_timings, read_timings(params, paths))
    with shards.atomic_folder(paths.report) as folder:
        shards.write_table(folder / paths.summary.name, headlines, tables.Summary)
        shards.write_json(folder / paths.metrics.name, metrics)
        _write_plots(folder / paths.plots.name, inputs, rollouts)
        (folder / paths.model_card.name).write_text(model_card, encoding="utf-8")
        (folder / paths.report_page.name).write_text(html, encoding="utf-8")
    parts = tuple(f"{model}_{name}_" for model in HEADLINE_MODELS for name in REGION_BENCHMARKS)
    shown = {
        name: value
        for name, value in metrics.items()
        if name.startswith(HEADLINE_MODELS) and not name.startswith(parts)
    }
    return {"page": paths.report_page.as_posix(), **shown}


def _letter_reader(reader: str) -> Any:
    def read_letter(text: str, options: Sequence[str]) -> str | None:
        return extract(text, lettered(options), reader).letter

    return read_letter


def _write_plots(folder: Path, inputs: Inputs, rollouts: pl.DataFrame) -> None:
    low, high = page.weight_bounds(inputs, rollouts)
    plots = {
        "learning_curves": curves.plot_rows(inputs.train_log),
        "weight_histogram": _rounded(gate.histogram(rollouts, "weight", low=low, high=high)),
        "weight_by_verdict": _rounded(gate.weight_over_training(rollouts)),
    }
    for name, rows in plots.items():
        shards.write_json(folder / f"{name}.json", rows)


def _rounded(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(selectors.float().round(PLOT_DIGITS)).to_dicts()
