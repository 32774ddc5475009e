"""The numbers that toolkits report beside the plain accuracy, from replies that are read already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from vzero.answers.extraction import lettered
from vzero.evaluate.score.cycles import cyclic_means, strict_mean
from vzero.evaluate.score.rotations import CIRCULAR, circular_hits
from vzero.evaluate.score.rows import Row, Scored, missing
from vzero.evaluate.score.suites import mmstar_means, nested_rating, source_means

Table = tuple[str, pl.DataFrame]


def benchmark_tables(read: pl.DataFrame) -> list[Table]:
    """Titles and tables for rows of `reading.graded` of one benchmark and view; none where none is usual."""
    name = str(read["benchmark"][0])
    fitting = [make for make, fits in MAKERS.items() if fits(name, read)]
    if not fitting:
        return []
    rows = list(zip(toolkit_rows(read), read["hit"].to_list(), strict=True))
    tables = [make(rows) for make in fitting]
    return [*tables, letter_table(read)] if cyclic_table in fitting else tables


def toolkit_rows(stored: pl.DataFrame) -> list[Row]:
    """Rows of `stored.Stored` as the functions of `vzero.evaluate.score` take them."""
    kept = stored.select(
        "item", "question", "options", "answer", "category", "l2_category", "source", "cycle", "group"
    )
    return [
        {
            **lettered(row["options"]),
            "index": int(row["item"]) if row["item"].isdecimal() else row["item"],
            "question": row["question"],
            "answer": row["answer"],
            "category": row["category"] or None,
            "l2-category": row["l2_category"] or None,
            "source": row["source"],
            "cycle_category": row["cycle"],
            "image": row["group"],
        }
        for row in kept.iter_rows(named=True)
    ]


def cyclic_table(rows: Sequence[Scored]) -> Table:
    """HR-Bench's numbers: one row a cycle, one of their mean, and one of all orders right."""
    found = cyclic_means(rows)
    means = {**found["cycles"], "mean": found["average"], "every order": {"all": strict_mean(rows)}}
    table = [{"cycle": cycle, **accuracies} for cycle, accuracies in means.items()]
    return "by order of the options", pl.DataFrame(table)


def letter_table(read: pl.DataFrame) -> Table:
    """How often each letter is read, and how often it is the answer."""
    offered = max(read["options"].list.len())
    letters = list(lettered([""] * offered))
    shares = {
        name: [float((read[column] == letter).sum()) / len(read) for letter in letters]
        for name, column in (("read", "extracted"), ("right", "answer"))
    }
    return "letters", pl.DataFrame({"letter": letters, **shares})


def mmstar_table(rows: Sequence[Scored]) -> Table:
    """MMStar's two means, overall and by category."""
    found = mmstar_means(rows)
    means = {"all": {"micro": found["micro"], "macro": found["macro"]}, **found["categories"]}
    table = pl.DataFrame([{"category": category, **both} for category, both in means.items()])
    return "micro (VLMEvalKit) and macro (lmms-eval) means", table


def source_table(rows: Sequence[Scored]) -> Table:
    """CV-Bench's means; those that need a part which is not there are left out."""
    found = source_means(rows)
    means = {**found.pop("sources"), **found}
    kept = {name: value for name, value in means.items() if not missing(value)}
    return "by source", pl.DataFrame({"source": list(kept), "accuracy": list(kept.values())})


def rating_table(rows: Sequence[Scored]) -> Table:
    """MME-RealWorld's rating, one row a mean; what has no rows is left out."""
    rating = nested_rating(rows)
    table: list[tuple[str, str, str, float]] = [("Overall", "", "", rating.pop("Overall"))]
    for task, subtasks in rating.items():
        named = {subtask: parts for subtask, parts in subtasks.items() if isinstance(parts, dict)}
        filled = {subtask: parts for subtask, parts in named.items() if len(parts) > 1}
        if filled:
            table.append((task, "", "", subtasks["Avg"]))
        for subtask, parts in filled.items():
            table.append((task, subtask, "", parts["Avg"]))
            table += [(task, subtask, second, mean) for second, mean in parts.items() if second != "Avg"]
    columns = ["task", "subtask", "category", "accuracy"]
    return "rating", pl.DataFrame(table, schema=columns, orient="row")


def circular_table(rows: Sequence[Scored]) -> Table:
    """Accuracies of questions that are right in every rotation of their options."""
    found = circular_hits(rows)
    means = found["table"].row(0, named=True) if found["groups"] else {}
    names = [name for name in means if name != "split"]
    table = pl.DataFrame({"category": names, "accuracy": [means[name] for name in names]})
    return f"right in every rotation, of {len(found['groups']):,} questions", table


# Each table, and the rows it is for.
MAKERS: dict[Callable[[Sequence[Scored]], Table], Callable[[str, pl.DataFrame], bool]] = {
    cyclic_table: lambda name, read: read["cycle"].null_count() < len(read),
    mmstar_table: lambda name, read: name == "mmstar" and bool((read["l2_category"] != "").all()),
    source_table: lambda name, read: name.startswith("cv_bench") and bool((read["source"] != "").all()),
    rating_table: lambda name, read: (
        name.startswith("mme_realworld")
        and bool((read["l2_category"] != "").all())
        and bool(read["category"].str.contains("/", literal=True).all())
    ),
    circular_table: lambda name, read: (
        any(mark in name.lower() for mark in CIRCULAR) and bool(read["item"].str.contains(r"^\d+$").all())
    ),
}
