"""How answers were asked and read, and how much of an accuracy hangs on the reader that read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from vzero.answers.extraction import lettered
from vzero.evaluate.reading import graded_by
from vzero.evaluate.rescore import fitting_readers, spread
from vzero.evaluate.score.cycles import strict_mean
from vzero.tables import REFUSED

FORMAT_SPREAD = 2.0  # points between readers; more is a finding about format, not about ability


def reading_rows(replies: pl.DataFrame, benchmarks: Sequence[str], models: Sequence[str]) -> list[dict]:
    """One dict a benchmark and model: how its answers were made, and the shares that no rule could read.

    Keys benchmark, model, wordings, readers, choices and opens (numbers of items), seeds, unresolved_choices
    and unresolved_opens (shares of the answers, None without such questions), cut (share without an end),
    refused (items that were not asked, their picture's shape being one that the processor does not take).
    """
    return [
        {
            "benchmark": benchmark,
            "model": model,
            "wordings": sorted(rows["wording"].unique()),
            "readers": sorted(rows["reader"].unique()),
            "choices": _items(rows, "choice"),
            "opens": _items(rows, "open"),
            "seeds": rows["seed"].n_unique(),
            "unresolved_choices": _unresolved(rows, "choice"),
            "unresolved_opens": _unresolved(rows, "open"),
            "refused": rows.filter(pl.col("finish_reason") == REFUSED)["item"].n_unique(),
            "cut": rows.select((pl.col("finish_reason") == "length").mean()).item(),
        }
        for benchmark, model, rows in by_cell(replies, benchmarks, models)
    ]


def by_cell(
    replies: pl.DataFrame, benchmarks: Sequence[str], models: Sequence[str]
) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Answers of each model to each benchmark, in the order given; empty cells are left out."""
    cells = {
        (str(benchmark), str(model)): rows
        for (benchmark, model), rows in replies.group_by("benchmark", "model", maintain_order=True)
    }
    for benchmark in benchmarks:
        for model in models:
            if (benchmark, model) in cells:
                yield benchmark, model, cells[benchmark, model]


def _items(rows: pl.DataFrame, kind: str) -> int:
    return rows.filter(pl.col("kind") == kind)["item"].n_unique()


def _unresolved(rows: pl.DataFrame, kind: str) -> float | None:
    return rows.filter(pl.col("kind") == kind).select((~pl.col("resolved")).mean()).item()


def reader_rows(choices: pl.DataFrame, benchmarks: Sequence[str], models: Sequence[str]) -> list[dict]:
    """One dict a benchmark and model: plain accuracies of the same answers under every fitting reader.

    Keys benchmark, model, used (the reader of the run), accuracies (fractions by reader), spread (points).
    """
    rows = []
    for benchmark, model, part in by_cell(choices, benchmarks, models):
        used = str(part["reader"][0])
        readers = dict.fromkeys((*fitting_readers(benchmark), used))
        read = graded_by(part, list(readers))
        accuracies = {reader: float(marks["hit"].to_numpy().mean()) for reader, marks in read.items()}
        table = pl.DataFrame({"accuracy": list(accuracies.values())})
        rows.append(
            {
                "benchmark": benchmark,
                "model": model,
                "used": used,
                "accuracies": accuracies,
                "spread": spread(table),
            }
        )
    return rows


def letter_shares(choices: pl.DataFrame, benchmarks: Sequence[str], models: Sequence[str]) -> pl.DataFrame:
    """Columns benchmark, model, letter, read, right: shares of the answers, and of the right letters."""
    rows = []
    for benchmark, model, part in by_cell(choices, benchmarks, models):
        offered = int(part.select(pl.col("options").list.len().max()).item())
        cell = {"benchmark": benchmark, "model": model}
        for letter in lettered([""] * offered):
            shares = part.select(
                read=(pl.col("extracted") == letter).fill_null(False).mean(),
                right=(pl.col("answer") == letter).mean(),
            )
            rows.append(cell | {"letter": letter} | shares.row(0, named=True))
    schema = ["benchmark", "model", "letter", "read", "right"]
    return pl.DataFrame(rows, schema=None if rows else schema)


def strict_shares(
    choices: pl.DataFrame, benchmarks: Sequence[str], models: Sequence[str]
) -> dict[tuple[str, str], float]:
    """By benchmark and model, the share of questions right in every option order, the mean over seeds.

    Only of benchmarks whose items have option orders.
    """
    shares = {}
    for benchmark, model, part in by_cell(choices, benchmarks, models):
        if part["cycle"].null_count() < part.height:
            seeds = [strict_mean(_asked_in_orders(rows)) for rows in part.partition_by("seed")]
            shares[benchmark, model] = sum(seeds) / len(seeds)
    return shares


def _asked_in_orders(rows: pl.DataFrame) -> list[tuple[dict, int]]:
    """Questions with their hits as `vzero.evaluate.score.cycles` takes them."""
    columns = {"index": "item", "image": "group", "question": "question", "category": "category"}
    return [
        (
            lettered(row["options"])
            | {name: row[column] for name, column in columns.items()}
            | {"cycle_category": row["cycle"]},
            int(row["hit"]),
        )
        for row in rows.iter_rows(named=True)
    ]
