"""How fast `evaluate` answers questions in four option orders, beside a model that shares no prefixes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import count
from pathlib import Path

import polars as pl

from bench.measurements import Measurement, compare_seconds
from bench.timing import best_seconds, timed
from vzero import shards
from vzero.config import Crops, Evaluate, Models, NeedleSource
from vzero.evaluate.item_parts import read_questions
from vzero.evaluate.predict import StoredModel, ask_all
from vzero.models.loading import LoadedModel, load_model
from vzero.needle.benchmarks import benchmark_items
from vzero.tables import BenchmarkItems

QUESTIONS = 32
ROUNDS = 4


class PlainModel(LoadedModel):
    """The same model, taken to be of a family whose prompts are encoded anew for every answer."""

    @property
    def shares_prefixes(self) -> bool:
        return False


def measure() -> Iterator[Measurement]:
    """The embedded benchmark in HR-Bench's shape. Raises ValueError when sharing changes a reply."""
    models = Models()
    model = load_model(models.student, models)
    variants = {
        "every prompt by itself": PlainModel(*(getattr(model, each.name) for each in fields(model))),
        "shared prefixes": model,
    }
    with tempfile.TemporaryDirectory() as folder:
        items = Path(folder) / "items"
        drawn = benchmark_items(NeedleSource(benchmark_questions=QUESTIONS), Crops())
        asked = drawn.filter(pl.col("benchmark") == "cyclic")
        shards.write_table(shards.shard_path(items, 0), asked, BenchmarkItems)
        works = {name: _asker(variant, items, Path(folder) / name) for name, variant in variants.items()}
        replies = [work()["text"].to_list() for work in works.values()]
        if replies[0] != replies[1]:
            raise ValueError("shared prefixes change replies")
        seconds = best_seconds({name: timed(work) for name, work in works.items()}, rounds=ROUNDS)
    yield from compare_seconds("evaluate", seconds, baseline="every prompt by itself")


def _asker(model: LoadedModel, items: Path, folder: Path) -> Callable[[], pl.DataFrame]:
    """All replies, asked anew every time."""
    _, parts = read_questions(items, "base", "vzero", [0])
    numbers, stored = count(), StoredModel("", Models(), lambda: model)

    def work() -> pl.DataFrame:
        return ask_all(parts, stored, folder / str(next(numbers)), Evaluate(), "cyclic")

    return work
