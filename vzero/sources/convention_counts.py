"""What each batch says about its source's box conventions, on disk until all batches are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vzero.config import SourceName
from vzero.geometry import BoxFormat
from vzero.sources.conventions import Counts, Seen, count


def write_counts(path: Path, source: str, seen: Sequence[Seen]) -> None:
    """Store what a batch says about its source's conventions."""
    arrays = {
        f"{source} {declared.order} {declared.unit} {name}": value
        for declared, counts in count(seen).items()
        for name, value in asdict(counts).items()
    }
    np.savez_compressed(path, **arrays)


def read_counts(paths: Iterable[Path]) -> dict[tuple[SourceName, BoxFormat], Counts]:
    """Sums over all batches, by source and declared convention."""
    sums: dict[str, dict[str, np.ndarray]] = {}
    for path in paths:
        with np.load(path) as arrays:
            for key, value in arrays.items():
                declared, name = key.rsplit(" ", 1)
                named = sums.setdefault(declared, {})
                named[name] = named.get(name, 0) + value
    return {_convention(name): Counts(**arrays) for name, arrays in sorted(sums.items())}


def _convention(name: str) -> tuple[SourceName, BoxFormat]:
    source, order, unit = name.split(" ")
    return source, BoxFormat(order, unit)  # pyright: ignore[reportArgumentType, reportReturnType]
