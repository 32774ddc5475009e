"""What the page says of the evaluation: the headline table and everything that qualifies it."""

from __future__ import annotations

from typing import Any

import polars as pl

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.config import EVALUATED_MODELS
from vzero.evaluate.score import WHOLE
from vzero.evaluate.views import headline
from vzero.report import figures, names, paper_table, reading, summary, words
from vzero.report.answers import choices, headline_scores, replies, whole_scores
from vzero.report.inputs import Inputs
from vzero.report.sensitivity import sensitivity_rows


def results(inputs: Inputs, headlines: pl.DataFrame) -> dict[str, Any]:
    """Values of the template's section on results; `headlines` is the summary."""
    evaluate = inputs.params.evaluate
    order = names.listed(evaluate.benchmarks)
    models = list(evaluate.models)
    labels = {name: names.LABELS[name] for name in order}
    cells = _headline_cells(inputs.scores, headlines)
    return {
        "models": models,
        "model_names": names.MODEL_NAMES,
        "benchmarks": order,
        "labels": labels,
        "descriptions": {name: names.description(name) for name in order},
        "sizes": {benchmark: row["n"] for (_, benchmark), row in cells.items()},
        "headline": cells,
        "verdict": words.verdict(cells, evaluate),
        "confidence": f"{evaluate.confidence:.0%}",
        "resamples": f"{evaluate.resamples:,}",
        "accuracy": figures.accuracy_figure(headlines, labels),
        "views": list(summary.view_comparison(inputs.scores).iter_rows(named=True)),
        "categories": _categories(inputs),
        **_paper(inputs),
        **_reading(inputs, labels),
        "sensitivity": sensitivity_rows(inputs.predictions, models, evaluate),
    }


def _headline_cells(scores: pl.DataFrame, headlines: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows of the summary by model and benchmark, with what only the scores tell."""
    told = headline(whole_scores(scores)).select(
        "model", "benchmark", "seeds", "unresolved", "seed_deviation"
    )
    joined = headlines.join(told, on=["model", "benchmark"], how="left")
    return {(row["model"], row["benchmark"]): row for row in joined.iter_rows(named=True)}


def _categories(inputs: Inputs) -> list[dict[str, Any]]:
    """Accuracies by category, in the order of the benchmarks; those without categories are left out."""
    parts = headline(headline_scores(inputs.scores)).filter(~pl.col("category").is_in([WHOLE, ""]))
    order = {name: index for index, name in enumerate(inputs.params.evaluate.benchmarks)}
    keys = sorted(
        set(parts.select("benchmark", "category").iter_rows()), key=lambda key: (order[key[0]], key[1])
    )
    rows = {(row["benchmark"], row["category"], row["model"]): row for row in parts.iter_rows(named=True)}
    return [
        {
            "benchmark": benchmark,
            "category": category,
            "models": {model: rows.get((benchmark, category, model)) for model in EVALUATED_MODELS},
        }
        for benchmark, category in keys
    ]


def _paper(inputs: Inputs) -> dict[str, Any]:
    evaluated = [name for name in inputs.params.evaluate.benchmarks if name in paper_table.COLUMNS]
    return {
        "paper_columns": paper_table.COLUMNS,
        "paper_evaluated": evaluated,
        "paper_asked": paper_table.asked(inputs.predictions),
        "own_rows": paper_table.own_rows(inputs.scores, inputs.params.evaluate.models),
        "published_rows": paper_table.published_rows(),
    }


def _reading(inputs: Inputs, labels: dict[str, str]) -> dict[str, Any]:
    benchmarks, models = inputs.params.evaluate.benchmarks, inputs.params.evaluate.models
    answers = replies(inputs.predictions, inputs.items)
    chosen = choices(answers)
    readers = reading.reader_rows(chosen, benchmarks, models)
    return {
        "reading": reading.reading_rows(answers, benchmarks, models),
        "reader_rows": readers,
        "readers": list(dict.fromkeys(name for row in readers for name in row["accuracies"])),
        "format_spread": reading.FORMAT_SPREAD,
        "letters": figures.letter_figures(reading.letter_shares(chosen, benchmarks, models), labels),
        "further": _further(inputs, reading.strict_shares(chosen, benchmarks, models)),
    }


def _further(inputs: Inputs, strict: dict[tuple[str, str], float]) -> list[dict[str, Any]]:
    """Numbers beside the headline: a benchmark's other aggregates, and the share right in every order."""
    scores = {
        (row["benchmark"], row["aggregate"], row["model"]): row["accuracy"]
        for row in headline(inputs.scores).filter(pl.col("category") == WHOLE).iter_rows(named=True)
    }
    rows = []
    for benchmark in inputs.params.evaluate.benchmarks:
        aggregates = CATALOGUE[benchmark].aggregates
        numbers: list[tuple[str, dict[str, float | None]]] = [
            (names.AGGREGATE_NAMES[aggregate], _by_model(scores, benchmark, aggregate))
            for aggregate in (aggregates if len(aggregates) > 1 else ())
        ]
        found = {model: share for (name, model), share in strict.items() if name == benchmark}
        if found:
            shares: dict[str, float | None] = {model: found.get(model) for model in EVALUATED_MODELS}
            numbers.append(("right in every option order", shares))
        rows += [{"benchmark": benchmark, "number": number, "models": values} for number, values in numbers]
    return rows


def _by_model(
    scores: dict[tuple[str, str, str], float], benchmark: str, aggregate: str
) -> dict[str, float | None]:
    return {model: scores.get((benchmark, aggregate, model)) for model in EVALUATED_MODELS}
