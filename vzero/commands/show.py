"""`vzero show`: what a table holds, printed, or pictured as a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vzero.commands.sheet import draw_sheet
from vzero.commands.sheet_rows import SHEETS
from vzero.errors import ConfigError, ProjectError
from vzero.paths import Paths
from vzero.shards import atomic_path, files, scan
from vzero.tables import TABLES

REASONS = {"rejects": "code", "left_out": "code", "crops": "fallback"}
"""Tables whose rows are there for a reason, and the column that says which."""
STAGES = {
    **dict.fromkeys(("predictions", "scores", "evaluate_timings"), "evaluate"),
    **{name: name for name in ("photographs", "questions", "votes")},
    **dict.fromkeys(("solver_set", "stems"), "solver"),
}
"""Tables that each cell of a stage has one of, and that stage."""
BORDER = 3  # characters around each column of an upright table
SIDEWAYS_WIDTH = 26  # characters for each row of a table that is printed on its side
FOLDED_WIDTH = 16  # characters that a column of an upright table is folded to at most
WHOLE = ("funnel",)  # printed with all rows: its steps follow from each other
BY_IMAGE = ("samples", "crops")  # neighbours are often about the same picture
TEXT_LIMIT = 60  # characters of a cell
LONG_TEXTS = {"funnel": 1_000, "rejects": 300, "left_out": 300}  # of tables that are read for their texts
LIST_LIMIT = 4  # values of a list


def show(
    table: str, paths: Paths, *, rows: int = 8, out: Path | None = None, reason: str | None = None
) -> None:
    """Print the first rows of a table, or write them as a contact sheet to `out`.

    `reason` keeps the rows of one reject code or crop fallback. Raises ConfigError for a name
    that is not allowed.
    """
    if table not in TABLES:
        raise ConfigError(f"unknown table {table!r}: allowed: {', '.join(TABLES)}")
    if out is not None and table not in SHEETS:
        raise ConfigError(f"{table} has no pictures: contact sheets exist for {', '.join(SHEETS)}")
    console = Console()
    frame = _scan(table, paths)
    if table in REASONS and out is None:
        console.print(_counts(frame, REASONS[table]))
    if reason is not None:
        frame = _only(frame, table, reason)
    if out is not None:
        _write_sheet(table, frame, paths, rows, out)
        console.print(f"wrote {out}")
        return
    if table in ("samples", "crops") and (boxless := _count_without_box(paths)):
        console.print(f"{boxless:,} samples have no box, and so no crops")
    total = frame.select(pl.len()).collect().item()
    shown = first_rows(table, frame, paths, total if table in WHOLE else rows).collect()
    console.print(f"{table}: {total:,} rows, {shown.height} shown")
    _print_rows(console, shown, LONG_TEXTS.get(table, TEXT_LIMIT))


def _scan(table: str, paths: Paths) -> pl.LazyFrame:
    every = _every(table, paths)
    if every is None:
        places = {"promotions": paths.promotion_history}
        return scan(places.get(table) or getattr(paths, table), TABLES[table])
    folders = sorted(paths.root.glob(str(every.relative_to(paths.root))))
    if not folders:
        raise ProjectError(f"{every}: no {table} there; run {STAGES[table]} first")
    return pl.concat(scan(folder, TABLES[table]) for folder in folders)


def _every(table: str, paths: Paths) -> Path | None:
    """The places of a table that there is one of a cell of a stage, as a pattern; None for other tables."""
    if table not in STAGES:
        return None
    if STAGES[table] == "evaluate":
        return getattr(paths, table)("*", "*")
    return paths.photographs_of("*") if table == "photographs" else paths.selfplay(STAGES[table], "*") / table


def first_rows(table: str, frame: pl.LazyFrame, paths: Paths, rows: int) -> pl.LazyFrame:
    """The first rows; of samples and their crops one an image, before a second of any."""
    if table not in BY_IMAGE or not files(paths.samples):
        return frame.head(rows)
    images = scan(paths.samples, TABLES["samples"], ["sample_id", "image_id"])
    asked = frame.select("sample_id").join(images, on="sample_id", how="left", maintain_order="left")
    turn = pl.int_range(pl.len()).over("image_id")
    first = asked.with_row_index().sort(turn, "index").head(rows).select("sample_id").collect()
    # A join would read the pictures of all rows.
    chosen = frame.filter(pl.col("sample_id").is_in(first["sample_id"].implode())).collect()
    return first.join(chosen, on="sample_id", maintain_order="left").select(chosen.columns).lazy()


def _count_without_box(paths: Paths) -> int:
    """Samples without a box; 0 where the crops are there without the samples."""
    if not files(paths.samples):
        return 0
    boxes = scan(paths.samples, TABLES["samples"], ["evidence_box"])
    return boxes.select(pl.col("evidence_box").is_null().sum()).collect().item()


def _only(frame: pl.LazyFrame, table: str, reason: str) -> pl.LazyFrame:
    if table not in REASONS:
        raise ConfigError(f"{table} has no reasons to choose from; these have: {', '.join(REASONS)}")
    column = pl.col(REASONS[table]).cast(pl.String)
    known = sorted(frame.select(column.unique()).collect().to_series())
    if reason not in known:
        raise ConfigError(
            f"no {table} with {REASONS[table]} {reason!r}: there are {', '.join(known) or 'none'}"
        )
    return frame.filter(column == reason)


def _counts(frame: pl.LazyFrame, column: str) -> Table:
    counted = (
        frame.group_by(pl.col(column).cast(pl.String))
        .len()
        .collect()
        .sort("len", column, descending=[True, False])
    )
    table = Table(column, "rows")
    for name, count in counted.iter_rows():
        table.add_row(Text(name), f"{count:,}")
    return table


def _write_sheet(table: str, frame: pl.LazyFrame, paths: Paths, rows: int, out: Path) -> None:
    if table == "rollouts":
        keys = ["step", "sample_id"]
        groups = frame.select(keys).unique(maintain_order=True).head(rows)
        frame = frame.join(groups, on=keys, how="semi", maintain_order="left")
    else:
        frame = first_rows(table, frame, paths, rows)
    picked = SHEETS[table](frame.collect(), paths)
    if not picked:
        raise ProjectError(f"{table} has no rows to picture")
    png = draw_sheet(picked)
    with atomic_path(out) as temporary:
        temporary.write_bytes(png)


def _print_rows(console: Console, frame: pl.DataFrame, text_limit: int) -> None:
    """As a table where that fits the terminal, otherwise on its side, a few rows at a time."""
    texts = [[cell(value, text_limit) for value in frame[name].to_list()] for name in frame.columns]
    longest = [max(map(len, column), default=0) for column in texts]
    # Names are whole; long texts may be folded.
    least = [
        max(len(name), min(most, FOLDED_WIDTH)) for name, most in zip(frame.columns, longest, strict=True)
    ]
    if sum(least) + BORDER * len(least) + 1 <= console.width:
        table = Table()
        for name, narrowest in zip(frame.columns, least, strict=True):
            table.add_column(name, min_width=narrowest, overflow="fold")
        for row in zip(*texts, strict=True):
            table.add_row(*map(Text, row))
        console.print(table)
        return
    beside = max(1, console.width // SIDEWAYS_WIDTH - 1)
    for start in range(0, max(1, frame.height), beside):
        console.print(_sideways(frame[start : start + beside], start, text_limit))


def _sideways(frame: pl.DataFrame, start: int, text_limit: int) -> Table:
    table = Table("column", *(f"row {start + index}" for index in range(frame.height)))
    for name in frame.columns:
        table.add_row(name, *(Text(cell(value, text_limit)) for value in frame[name].to_list()))
    return table


def cell(value: Any, text_limit: int = TEXT_LIMIT) -> str:
    """A value in few characters: bytes as their size, long lists and texts cut."""
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return f"{len(value) / 1024:.1f} KiB" if len(value) >= 1024 else f"{len(value)} bytes"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    if isinstance(value, list):
        more = f", … {len(value)} in all" if len(value) > LIST_LIMIT else ""
        return f"[{', '.join(cell(part) for part in value[:LIST_LIMIT])}{more}]"
    text = str(value)
    return text if len(text) <= text_limit else f"{text[: text_limit - 1]}…"
