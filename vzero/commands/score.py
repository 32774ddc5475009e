"""`vzero score`: stored replies scored again, without a model."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vzero.benchmarks.catalogue import CATALOGUE, UNNAMED
from vzero.config import Params, load_params
from vzero.errors import ConfigError
from vzero.evaluate import rescore
from vzero.evaluate.benchmark_tables import benchmark_tables
from vzero.evaluate.judge import Judge
from vzero.evaluate.reading import graded_by
from vzero.evaluate.stored import read_stored
from vzero.paths import Paths
from vzero.shards import atomic_path

FORMAT_SPREAD = 2.0  # points between readers from which replies' format, not ability, is what differs


def run(
    path: Path, readers: tuple[str, ...], benchmark: str | None, out: Path | None, judge: Judge | None = None
) -> None:
    """Print the scores of `path` under `readers` (none: those that fit), and write them to `out`.

    With a judge, it reads what the readers leave unresolved.
    """
    rescore.check_readers(readers)
    if out is not None and out.suffix != ".parquet":
        raise ConfigError(f"{out}: scores are written as .parquet")
    stored = read_stored(path, benchmark, project_settings().ingest.na_cells)
    console = Console()
    for warning in stored.warnings:
        console.print(Text(f"warning: {path}: {warning}"), soft_wrap=True)
    scores = [
        _print_scores(console, rows, readers, judge)
        for _, rows in stored.rows.group_by(["benchmark", "view"], maintain_order=True)
    ]
    if out is not None:
        table = pl.concat(scores).with_columns(judge=pl.lit(judge and judge.model, dtype=pl.String))
        with atomic_path(out) as temporary:
            table.write_parquet(temporary)
        console.print(f"wrote {out}")


def judge_of(endpoint: str | None, model: str | None, replies: Path | None) -> Judge | None:
    """The judge that the command line names, or None; its key is the environment's OPENAI_API_KEY.

    Without an endpoint it knows only the replies that are stored.
    """
    if model is None:
        if endpoint is not None or replies is not None:
            raise ConfigError("a judge needs the name of its model: --judge-model")
        return None
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(f"--judge {endpoint}: expected an address such as http://localhost:8000/v1")
    if replies is not None and replies.suffix != ".parquet":
        raise ConfigError(f"{replies}: a judge's replies are kept as .parquet")
    file = replies or Paths().scratch / "judge" / f"{model.replace('/', '_')}.parquet"
    if endpoint is None and not file.exists():
        raise ConfigError(f"{file}: no stored replies of {model}; --judge says where to ask it")
    return Judge(file, model, endpoint and endpoint.rstrip("/"), os.environ.get("OPENAI_API_KEY"))


def project_settings() -> Params:
    """Those of the project in this folder; outside of one, the defaults."""
    params = Paths().params
    return load_params(params) if params.is_file() else Params()


def print_table(console: Console, frame: pl.DataFrame, title: str) -> None:
    """A title and whole rows on one line each, however narrow the terminal or the pipe."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, kind in frame.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left", no_wrap=True)
    for row in frame.iter_rows():
        table.add_row(*(Text(_cell(value)) for value in row))
    width = console.measure(table, options=console.options.update(max_width=10_000)).maximum
    console.print(Text(f"\n{title}"), soft_wrap=True)
    Console(file=console.file, width=width).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _print_scores(
    console: Console, rows: pl.DataFrame, readers: tuple[str, ...], judge: Judge | None
) -> pl.DataFrame:
    """The scores of one benchmark and view."""
    name, view = str(rows["benchmark"][0]), str(rows["view"][0])
    read = graded_by(rows, readers or rescore.fitting_readers(name))
    if judge is not None:
        read = {reader: rescore.judged(marked, judge) for reader, marked in read.items()}
    settings = project_settings().evaluate
    scores = rescore.scores_by_reader(
        read, resamples=settings.resamples, confidence=settings.confidence, seed=settings.seed
    )
    print_table(console, scores.drop("benchmark", "view"), name if not view else f"{name}, view {view}")
    if len(scores) > 1:
        between = rescore.spread(scores)
        hint = "; more than two are about format, not ability" if between > FORMAT_SPREAD else ""
        console.print(Text(f"{between:.1f} points between readers{hint}"))
    if name == UNNAMED:
        console.print(Text("the file's name tells of no benchmark; --benchmark names one"))
    if judge is not None:
        console.print(Text(f"judged by {judge.model}; its replies are in {judge.replies}"), soft_wrap=True)
    own = CATALOGUE[name].reader if name in CATALOGUE else ""
    reader = own if own in read else next(iter(read))
    for title, table in benchmark_tables(read[reader]):
        print_table(console, table, f"{title} ({reader})")
    return scores
