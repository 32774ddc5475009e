"""What each batch says about its source's box conventions, on disk until all batches are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from vzero.config import SourceName
from vzero.geometry import BoxFormat
from vzero.ingest.conventions import Counts, SourceBox, by_convention, measure, total
from vzero.ingest.subsets import Subset, count_subsets

MOST_SUBSETS = 5_000  # of a source, those found first: where there are more folders, they are hardly parts
FIELDS = tuple(column.name for column in fields(Counts))


@dataclass
class SourceCounts:
    """Counts of all boxes of a source that are declared alike, and of its subsets."""

    whole: Counts
    subsets: dict[Subset, Counts] = field(default_factory=dict)


def write_counts(path: Path, source: str, source_boxes: Sequence[SourceBox]) -> None:
    """Store what a batch says about its source's conventions."""
    arrays: dict[str, Any] = {}
    for declared, boxes in by_convention(source_boxes).items():
        name = f"{source} {declared.order} {declared.unit}"
        measured = measure(declared, boxes)
        whole, subsets = total(measured), count_subsets(measured, boxes)
        arrays[f"{name} subsets"] = np.array([list(subset) for subset in subsets])
        for column in FIELDS:
            arrays[f"{name} {column}"] = getattr(whole, column)
            arrays[f"{name} of_subsets_{column}"] = np.stack(
                [getattr(counts, column) for counts in subsets.values()]
            )
    np.savez_compressed(path, **arrays)


def read_counts(paths: Iterable[Path]) -> dict[tuple[SourceName, BoxFormat], SourceCounts]:
    """Sums over all batches, by source and declared convention."""
    sums: dict[str, SourceCounts] = {}
    for path in paths:
        with np.load(path) as stored:
            arrays = dict(stored)
        for name in sorted({key.rsplit(" ", 1)[0] for key in arrays}):
            whole = Counts(*(arrays[f"{name} {column}"] for column in FIELDS))
            known = sums.setdefault(name, SourceCounts(whole))
            if known.whole is not whole:
                known.whole += whole
            columns = [arrays[f"{name} of_subsets_{column}"] for column in FIELDS]
            for (kind, part), *counts in zip(arrays[f"{name} subsets"].tolist(), *columns, strict=True):
                _add(known.subsets, Subset(kind, part), Counts(*counts))
    return {_convention(name): counts for name, counts in sorted(sums.items())}


def _add(sums: dict[Subset, Counts], subset: Subset, counts: Counts) -> None:
    if subset in sums:
        sums[subset] += counts
    elif subset.kind != "folder" or len(sums) < MOST_SUBSETS:
        sums[subset] = counts


def _convention(name: str) -> tuple[SourceName, BoxFormat]:
    source, order, unit = name.split(" ")
    return source, BoxFormat(order, unit)  # pyright: ignore[reportArgumentType, reportReturnType]
