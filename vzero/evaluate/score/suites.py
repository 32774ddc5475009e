"""Benchmarks whose overall number is not the plain mean of the hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from vzero.evaluate.score.rows import Scored, mean

MME_TASKS = ("Reasoning", "Perception")
MME_SUBTASKS = (
    "Monitoring",
    "Autonomous_Driving",
    "OCR with Complex Context",
    "Diagram and Table",
    "Remote Sensing",
)
AVERAGE = "Avg"
FLAT_SOURCES = ("ADE20K", "COCO")  # CV-Bench 2D
SPATIAL_SOURCE = "Omni3D"  # CV-Bench 3D


def mmstar_means(rows: Iterable[Scored]) -> dict[str, Any]:
    """{"micro", "macro", "categories": {category: {"micro", "macro"}}}, fractions.

    Micro is the mean of the hits, as VLMEvalKit has it. Macro is the mean over second-level categories of
    their means, which lmms-eval reports, both overall and by category. The second level is the row's
    `l2-category` or `l2_category`.
    """
    hits: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, value in rows:
        second = row["l2-category"] if "l2-category" in row else row["l2_category"]
        hits[row["category"]][second].append(value)
    # lmms-eval's overall groups by the second level's name alone.
    whole: dict[str, list[int]] = defaultdict(list)
    for parts in hits.values():
        for name, values in parts.items():
            whole[name] += values
    return _both_means(whole) | {
        "categories": {category: _both_means(parts) for category, parts in sorted(hits.items())}
    }


def _both_means(parts: dict[str, list[int]]) -> dict[str, Any]:
    means = [mean(values) for values in parts.values()]
    micro = mean(value for values in parts.values() for value in values)
    return {"micro": micro, "macro": sum(means) / len(means) if means else float("nan")}


def source_means(rows: Iterable[Scored]) -> dict[str, Any]:
    """{"sources": {source: accuracy}, "2D", "3D", "combined", "micro"}, fractions.

    2D is the mean of its sources' accuracies (VLMEvalKit), 3D the mean of its hits, combined the half of both
    as Cambrian has it, micro the mean of all hits (lmms-eval). A part without rows is NaN, and so is what
    needs it.
    """
    hits: dict[str, list[int]] = defaultdict(list)
    for row, value in rows:
        hits[row["source"]].append(value)
    sources = {source: mean(values) for source, values in sorted(hits.items())}
    flat = [accuracy for source, accuracy in sources.items() if source != SPATIAL_SOURCE]
    two = sum(flat) / len(flat) if flat else float("nan")
    three = sources.get(SPATIAL_SOURCE, float("nan"))
    ade, coco = (sources.get(source, float("nan")) for source in FLAT_SOURCES)
    return {
        "sources": sources,
        "2D": two,
        "3D": three,
        "combined": 0.5 * ((ade + coco) / 2 + three),
        "micro": mean(value for values in hits.values() for value in values),
    }


def nested_rating(rows: Iterable[Scored]) -> dict[str, Any]:
    """VLMEvalKit's rating: {"Overall", task: {"Avg", subtask: {"Avg", second level: accuracy}}}.

    A row's `category` is "Task/Subtask". "Avg" is the mean of the hits below it, 0 where there are none.
    Second-level names are lower-cased, and all attributes of one thing are one.
    """
    hits: dict[str, dict[str, dict[str, list[int]]]] = {
        task: {subtask: {} for subtask in MME_SUBTASKS} for task in MME_TASKS
    }
    for row, value in rows:
        task, subtask = row["category"].split("/")[:2]
        second = row["l2-category"].lower()
        if "attribute" in second:
            second = second.split("/")[0] + "/attribute"
        parts = hits.setdefault(task, {}).setdefault(subtask, {})
        parts.setdefault(second, []).append(value)
    every = [
        value
        for subtasks in hits.values()
        for parts in subtasks.values()
        for values in parts.values()
        for value in values
    ]
    rating: dict[str, Any] = {"Overall": mean(every)}
    for task, subtasks in hits.items():
        rating[task] = {subtask: _with_average(parts) for subtask, parts in subtasks.items()}
        below = [value for parts in subtasks.values() for values in parts.values() for value in values]
        rating[task][AVERAGE] = mean(below) if below else 0
    return rating


def _with_average(parts: dict[str, list[int]]) -> dict[str, float]:
    below = [value for values in parts.values() for value in values]
    return {name: mean(values) for name, values in parts.items()} | {AVERAGE: mean(below) if below else 0}
