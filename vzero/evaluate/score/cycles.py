"""HR-Bench: questions asked once in each cyclic order of their options."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from vzero.evaluate.score.rows import Scored, choices, mean, missing

Accuracies = dict[Any, float]
ALL = "all"


def cyclic_means(rows: Iterable[Scored]) -> dict[str, Any]:
    """{"average": {...}, "cycles": {cycle: {...}}} as VLMEvalKit averages HR-Bench.

    Each inner mapping holds "all" and the categories present ("single", "cross"). Every row is scored alone.
    The average is the sum over cycles divided by the number of cycles present, so a category that one cycle
    lacks counts as zero there. Rows whose `cycle_category` is empty are left out; without any cycle both
    mappings are empty. It is no all-four-correct score: see `strict_mean`.
    """
    by_cycle: dict[Any, list[tuple[Any, int]]] = defaultdict(list)
    for row, value in rows:
        if not missing(row.get("cycle_category")):
            by_cycle[row["cycle_category"]].append((row.get("category"), value))
    # The order in which the cycles' means are added is the toolkit's, so that the last digit agrees.
    order = sorted(by_cycle, key=lambda cycle: (isinstance(cycle, str), cycle))
    cycles = {cycle: _accuracies(by_cycle[cycle]) for cycle in order}
    average: Accuracies = {}
    for accuracies in cycles.values():
        for category, accuracy in accuracies.items():
            average[category] = average.get(category, 0) + accuracy
    return {
        "average": {category: total / len(cycles) for category, total in average.items()},
        "cycles": cycles,
    }


def _accuracies(hits: list[tuple[Any, int]]) -> Accuracies:
    by_category: dict[Any, list[int]] = defaultdict(list)
    for category, value in hits:
        if not missing(category):
            by_category[category].append(value)
    return {ALL: mean(value for _, value in hits)} | {
        category: mean(values) for category, values in sorted(by_category.items())
    }


def strict_mean(rows: Iterable[Scored]) -> float:
    """Share of questions that are right in every order they were asked in; no toolkit reports it.

    Rows belong to one question if image (where stored), question, category and set of options agree. Where
    that leaves a question several rows in one cycle, the first ones by index belong together, and so on.
    """
    questions: dict[Any, list[int]] = defaultdict(list)
    seen: Counter[Any] = Counter()
    asked_in_cycles = [pair for pair in rows if not missing(pair[0].get("cycle_category"))]
    for row, value in sorted(asked_in_cycles, key=lambda pair: pair[0]["index"]):
        options = tuple(sorted(map(str, choices(row).values())))
        question = (row.get("image"), row["question"], row.get("category"), options)
        asked = seen[question, row["cycle_category"]]
        seen[question, row["cycle_category"]] += 1
        questions[question, asked].append(value)
    return mean(min(hits) for hits in questions.values())
