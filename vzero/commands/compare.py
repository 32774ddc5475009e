"""`vzero compare`: two models' stored replies side by side, item by item."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.text import Text

from vzero.commands.score import print_table, project_settings
from vzero.config import EVALUATED_MODELS, NaCells
from vzero.errors import ConfigError, ProjectError
from vzero.evaluate import rescore
from vzero.evaluate.comparison import comparison, matched
from vzero.evaluate.reading import graded_as_declared
from vzero.evaluate.stored import StoredReplies, read_stored
from vzero.evaluate.views import headline
from vzero.paths import Paths
from vzero.shards import atomic_path

PICTURES = (".png", ".svg")
OWN_READERS = "each benchmark's own reader"
SMALLEST_P = 0.001  # smaller ones are printed as smaller


def run(one: str, other: str, reader: str | None, out: Path | None) -> None:
    """Print how `other` differs from `one` under `reader`, and draw it to `out`.

    Without a reader the project's is used, or each benchmark's own.
    """
    if out is not None and out.suffix not in PICTURES:
        raise ConfigError(f"{out}: pictures are written as {' or '.join(PICTURES)}")
    params = project_settings()
    settings = params.evaluate
    reader = reader or settings.reader
    rescore.check_readers([reader] if reader else [])
    console = Console()
    sides = []
    for name in (one, other):
        replies = _replies(name, params.ingest.na_cells)
        for warning in replies.warnings:
            console.print(Text(f"warning: {name}: {warning}"), soft_wrap=True)
        rows = headline(replies.rows)
        read = graded_as_declared(rows, reader)
        sides.append(_pooled(read))
    pairs = matched(*sides)
    for name, unpaired in ((one, pairs.only_one), (other, pairs.only_other)):
        if unpaired:
            console.print(Text(f"left out: {unpaired:,} items that only {name} has"), soft_wrap=True)
    table = comparison(
        pairs.rows, resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed
    )
    print_table(console, _shown(table), f"one: {one}; other: {other}; read by {reader or OWN_READERS}")
    if out is not None:
        _draw(table, one, other, out)
        console.print(f"wrote {out}")


def _replies(name: str, na_cells: NaCells) -> StoredReplies:
    """A path's replies, or those of a model of this project on every benchmark it was evaluated on."""
    path = Path(name)
    if path.exists() or name not in EVALUATED_MODELS:
        return read_stored(path, na_cells=na_cells)
    cells = sorted(Paths().evaluation(name, "*").parent.glob(f"{name}-*/predictions"))
    if not cells:
        raise ProjectError(f"data/evaluate: no predictions of {name} there; run evaluate first")
    return StoredReplies(pl.concat(read_stored(cell).rows for cell in cells), ())


def _pooled(read: pl.DataFrame) -> pl.DataFrame:
    """One row an item: its share of hits over the seeds."""
    items = read.group_by("benchmark", "item", maintain_order=True)
    return items.agg(pl.exclude("hit").first(), pl.col("hit").cast(pl.Float64).mean())


def _shown(table: pl.DataFrame) -> pl.DataFrame:
    interval = pl.format("[{}, {}]", *(_signed(name) for name in ("low", "high"))).alias("interval")
    return table.select(
        "benchmark",
        "category",
        "n",
        "one",
        "other",
        _signed("delta"),
        interval,
        pl.when(pl.col("p").cast(pl.Float64) < SMALLEST_P)
        .then(pl.format("<{}", pl.lit(str(SMALLEST_P))))
        .otherwise(pl.col("p").map_elements(lambda p: f"{p:.4f}", pl.String))
        .alias("p"),
        pl.col("detectable").map_elements(lambda x: f"{x:.1f}", pl.String),
    )


def _signed(name: str) -> pl.Expr:
    return pl.col(name).map_elements(lambda points: f"{points:+.1f}", pl.String)


def _draw(table: pl.DataFrame, one: str, other: str, out: Path) -> None:
    from vzero.report.comparison import as_png, as_svg, differences

    chart = differences(table, Path(one).stem, Path(other).stem)
    with atomic_path(out) as temporary:
        temporary.write_bytes(as_png(chart) if out.suffix == ".png" else as_svg(chart).encode())
