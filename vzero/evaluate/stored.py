"""Stored predictions in one shape: ours, VLMEvalKit's result files and lmms-eval's sample logs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dataframely as dy
import polars as pl
import pyarrow as pa

from vzero import shards
from vzero.benchmarks.catalogue import CATALOGUE, UNNAMED
from vzero.config import BENCHMARKS, NaCells
from vzero.errors import ProjectError, SourceError
from vzero.evaluate.stored_rows import lmms_eval_row, vlmevalkit_row
from vzero.tables import FINISH_REASONS, REFUSED, BenchmarkItems, Predictions

if TYPE_CHECKING:
    import pandas as pd

# Read by their names as well, though we cannot fetch them.
FAMILIES = ("cv_bench", "mmbench", "ccbench", "mmcr")
CELLS: dict[NaCells, dict[str, Any]] = {  # how pandas reads the cells of a table
    # As the toolkit, but for columns whose digits are no numbers.
    "pandas": {"dtype": {"prediction": str, "answer": str}},
    "keep": {"dtype": str, "keep_default_na": False, "na_values": [""]},
}
ROTATED = "circular"  # in the name of a benchmark that is also asked without rotations
CELL_LIMIT = 32_767  # characters a spreadsheet keeps of a cell; what follows is lost without a word
EXPECTED = (
    "a folder of our predictions (data/evaluate/MODEL-BENCHMARK), a VLMEvalKit result (.xlsx, .tsv or "
    ".json with index, answer and prediction) or an lmms-eval log (*_samples_*.jsonl with doc_id and target)"
)


class Stored(dy.Schema):
    """One row a reply. `cycle` is the order of options; `options` are by letter, null where missing."""

    benchmark = dy.String(primary_key=True)
    view = dy.String(primary_key=True)  # "" in files of toolkits
    item = dy.String(primary_key=True)
    seed = dy.Int32(primary_key=True)  # 0 in files of toolkits
    group = dy.String(nullable=False)  # items that intervals keep together
    category = dy.String(nullable=False)
    l2_category = dy.String(nullable=False)
    source = dy.String(nullable=False)  # collection that the image is from
    cycle = dy.String(nullable=True)
    question = dy.String(nullable=False)
    options = dy.List(dy.String(nullable=True), nullable=False)
    answer = dy.String(nullable=False)
    answer_type = dy.String(nullable=False)  # integer, float, ... where the benchmark says
    text = dy.String(nullable=False)
    finish_reason = dy.Enum([*FINISH_REASONS, REFUSED], nullable=True)  # null in files of toolkits


@dataclass(frozen=True)
class StoredReplies:
    """Rows of `Stored`, and what a reader of their scores should know about the file."""

    rows: pl.DataFrame
    warnings: tuple[str, ...]


def read_stored(path: Path, benchmark: str | None = None, na_cells: NaCells = "pandas") -> StoredReplies:
    """Every reply under `path`; `benchmark` names that of a toolkit's file whose name does not tell.

    `na_cells` is that of `params.ingest`: which cells of a TSV file or a spreadsheet are missing.
    Raises SourceError when there is no such path, and for what is none of the known kinds.
    """
    if not path.exists():
        raise SourceError(f"{path}: nothing there; expected {EXPECTED}")
    if path.is_dir():
        rows = _own(path)
        named = sorted(rows["benchmark"].unique())
        if benchmark not in (None, *named):
            raise SourceError(f"{path}: holds {', '.join(named)}, not {benchmark}")
        return StoredReplies(_checked(path, rows), ())
    name = benchmark or benchmark_in(path.stem)
    if path.suffix == ".jsonl":
        found = [lmms_eval_row(row) for row in _lines(path)]
    else:
        found = [vlmevalkit_row(row) for row in _records(path, na_cells)]
    columns: dict[str, Any] = {column: [row[column] for row in found] for column in found[0]}
    # By way of Arrow, because polars makes a series of each row's list.
    options = pa.array(columns.pop("options"), pa.list_(pa.string()))
    named = pl.DataFrame(columns).with_columns(
        pl.Series("options", options), benchmark=pl.lit(name), view=pl.lit(""), seed=0, finish_reason=None
    )
    rows = _checked(path, named)
    return StoredReplies(rows, _warnings(rows, na_cells))


def benchmark_in(stem: str) -> str:
    """The benchmark that a file's name tells of, such as hrbench_4k in "model_HRBench4K"; else `UNNAMED`."""
    plain = _plain(stem)
    # The benchmark ends the name; of two that end alike, mme_realworld_lite is more than mme_realworld.
    places = [(plain.rfind(_plain(name)), len(name), name) for name in (*CATALOGUE, *FAMILIES)]
    # Names of our own small benchmarks are everyday words; toolkits do not have them.
    known = [place for place in places if place[0] >= 0 and place[2] not in BENCHMARKS]
    name = max(known)[2] if known else UNNAMED
    return f"{name}_{ROTATED}" if ROTATED in plain and known else name


def _plain(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isalnum())


def _own(path: Path) -> pl.DataFrame:
    folder = path / "predictions" if (path / "predictions").is_dir() else path
    if not shards.files(folder):
        found = ", ".join(sorted(entry.name for entry in path.iterdir())[:5]) or "nothing"
        raise SourceError(f"{path}: found {found}; expected {EXPECTED}")
    # Nothing else of them: how they were asked and read had other names in earlier versions.
    replied = [name for name in Predictions.column_names() if name in Stored.column_names()]
    predictions = shards.read(folder, Predictions, replied)
    columns = ["benchmark", "item", "question", "options", "answer_type"]
    items = shards.read(_items_of(folder), BenchmarkItems, columns)
    rows = predictions.join(items, on=["benchmark", "item"], how="left")
    if lost := rows["question"].null_count():
        raise ProjectError(
            f"{path}: {lost:,} predictions are of items that data/ingest/benchmark_items no longer has; "
            "run evaluate again"
        )
    return rows


def _items_of(folder: Path) -> Path:
    """The benchmark items of the project that `folder` lies in."""
    for parent in folder.resolve().parents:
        if (parent / "data/ingest/benchmark_items").is_dir():
            return parent / "data/ingest/benchmark_items"
    raise ProjectError(f"{folder}: no data/ingest/benchmark_items above it; run ingest first")


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return _require(path, _parsed(path, (line for line in lines if line.strip())), ("doc_id", "target"))


def _parsed(path: Path, lines: Iterable[str]) -> list[Any]:
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise SourceError(f"{path}: not JSON: {error}") from error


def _records(path: Path, na_cells: NaCells) -> list[dict[str, Any]]:
    """Rows as VLMEvalKit reads them back: names in lower case but for the options', predictions as text."""
    if path.suffix == ".tsv":
        rows = _tsv(path, na_cells)
    elif path.suffix == ".xlsx":
        rows = _spreadsheet(path, na_cells)
    elif path.suffix == ".json":
        rows = _table(_parsed(path, [path.read_text(encoding="utf-8")])[0])
    else:
        raise SourceError(f"{path}: a {path.suffix or 'nameless'} file; expected {EXPECTED}")
    named = [
        {name if len(name) == 1 else name.lower(): cell for name, cell in row.items()}
        for row in rows
        if isinstance(row, dict)
    ]
    return _require(path, named, ("index", "answer", "prediction"))


def _tsv(path: Path, na_cells: NaCells) -> list[Any]:
    import pandas as pd

    try:
        frame = pd.read_csv(path, sep="\t", low_memory=False, **CELLS[na_cells])
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not a readable TSV file: {error}") from error
    return _rows(frame)


def _spreadsheet(path: Path, na_cells: NaCells) -> list[Any]:
    import pandas as pd
    from python_calamine import CalamineError

    try:
        frame = pd.read_excel(path, engine="calamine", **CELLS[na_cells])
    except (CalamineError, ValueError, OSError) as error:
        raise SourceError(f"{path}: not a readable spreadsheet: {error}") from error
    return _rows(frame)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    # Column by column: pandas' own records take many times as long.
    columns = {str(name): frame[name].tolist() for name in frame.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _table(content: Any) -> list[Any]:
    """Rows of a JSON table, which may be a list of rows, or columns of lists or of cells by row."""
    if isinstance(content, dict) and all(isinstance(cells, (list, dict)) for cells in content.values()):
        columns = {
            name: list(cells.values() if isinstance(cells, dict) else cells)
            for name, cells in content.items()
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return content if isinstance(content, list) else []


def _require(path: Path, rows: list[Any], needed: tuple[str, ...]) -> list[dict[str, Any]]:
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise SourceError(f"{path}: no rows found; expected {EXPECTED}")
    for number, row in enumerate(rows, 1):
        if lacking := [name for name in needed if name not in row]:
            raise SourceError(
                f"{path}: row {number} has no {' and no '.join(lacking)}: found {', '.join(row)}; "
                f"expected {EXPECTED}"
            )
    return rows


def _checked(path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    cast = Stored.cast(rows).sort(Stored.primary_key())
    twice = cast.filter(cast.select(Stored.primary_key()).is_duplicated())
    if twice.height:
        raise SourceError(f"{path}: item {twice['item'][0]!r} is there more than once")
    return cast


def _warnings(rows: pl.DataFrame, na_cells: NaCells) -> tuple[str, ...]:
    cut = rows.filter(pl.col("text").str.len_chars() == CELL_LIMIT).height
    lost = ["nan", ""] if na_cells == "keep" else ["nan", "", "None"]
    empty = rows.filter(pl.col("text").is_in(lost)).height
    said = []
    if cut:
        said.append(
            f"{cut:,} replies are {CELL_LIMIT:,} characters long, where a spreadsheet cuts: their ends, and "
            "perhaps their answers, are lost"
        )
    if empty:
        untold = ', or were "None" or the like and are no longer to be told from missing ones'
        said.append(
            f"{empty:,} replies are missing{'' if na_cells == 'keep' else untold}; a spreadsheet also "
            "drops long ones that begin with a web address; they count as wrong"
        )
    return tuple(said)
