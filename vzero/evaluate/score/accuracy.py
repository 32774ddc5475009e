"""Micro accuracies of a multiple-choice benchmark, as VLMEvalKit tabulates them (V*, MMStar, BLINK, ...)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from vzero.evaluate.score.rows import Scored, mean, missing

OVERALL = "Overall"
CATEGORY_COLUMNS = ("l2-category", "category")
NO_SPLIT = "none"
# The toolkit's short names for MMBench's abilities.
ABBREVIATIONS = {
    "coarse_perception": "CP",
    "finegrained_perception (instance-level)": "FP-S",
    "finegrained_perception (cross-instance)": "FP-C",
    "logic_reasoning": "LR",
    "relation_reasoning": "RR",
    "attribute_reasoning": "AR",
}


def accuracy_table(rows: Sequence[Scored]) -> pl.DataFrame:
    """One row a `split` ("none" without that column), one column a number, in fractions of the rows.

    Columns are split, Overall, each `l2-category` and each `category`, sorted as text or as numbers. A split
    without rows of a category has NaN there.
    """
    by_split: dict[str, list[Scored]] = defaultdict(list)
    for row, value in rows:
        by_split[row.get("split", NO_SPLIT)].append((row, value))
    splits = sorted(by_split)
    columns: dict[str, list[object]] = {"split": list(splits)}
    columns[OVERALL] = [mean(value for _, value in by_split[split]) for split in splits]
    for column in CATEGORY_COLUMNS:
        names = {row[column] for row, _ in rows if not missing(row.get(column))}
        for name in sorted(names, key=lambda name: (isinstance(name, str), name)):
            # A category named like a second-level one takes its place, as in the toolkit.
            columns[ABBREVIATIONS.get(name, str(name))] = [
                mean(value for row, value in by_split[split] if row.get(column) == name) for split in splits
            ]
    return pl.DataFrame(columns)
