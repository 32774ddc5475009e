"""Which rows of a table came, went or changed between two sets of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl


def changes(
    before: Sequence[Path], after: Sequence[Path], key: Sequence[str], absent: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """One row a difference, in the order of the key: the key, `change` and `columns`.

    `change` is came, went or changed, `columns` are the names of those that differ ([] unless changed). A
    column that only one side has differs in every row, unless `absent` says what it means to lack it. Files
    are read one at a time and only hashes of their values are kept.
    """
    old, new = _hashed(before, key, absent), _hashed(after, key, absent)
    if old is None or new is None:
        there = old if new is None else new
        return _result(
            None if there is None else _one_sided(there, key, "came" if old is None else "went"), key
        )
    values = sorted({*old.columns, *new.columns} - {*key})
    both = old.join(new, on=list(key), how="inner", suffix=" after", nulls_equal=True)
    differs = [_differs(name, old, new).alias(name) for name in values]
    names = [pl.when(name).then(pl.lit(name)) for name in values]
    compared = both.select(*key, *differs).select(*key, columns=pl.concat_list(names).list.drop_nulls())
    changed = compared.filter(pl.col("columns").list.len() > 0).with_columns(change=pl.lit("changed"))
    came = _one_sided(new.join(old, on=list(key), how="anti", nulls_equal=True), key, "came")
    went = _one_sided(old.join(new, on=list(key), how="anti", nulls_equal=True), key, "went")
    return _result(pl.concat([came, went, changed.select(came.columns)]), key)


def _hashed(files: Sequence[Path], key: Sequence[str], absent: Mapping[str, pl.Expr]) -> pl.DataFrame | None:
    """The key's values and 64-bit hashes of all others."""
    parts = []
    for file in files:
        frame = pl.read_parquet(file).with_columns(pl.selectors.enum().cast(pl.String))
        lacking = absent.keys() - set(frame.columns)
        frame = frame.with_columns(**{name: absent[name] for name in lacking})
        parts.append(frame.select(*key, pl.all().exclude(*key).hash()))
    return pl.concat(parts, how="diagonal") if parts else None


def _differs(name: str, old: pl.DataFrame, new: pl.DataFrame) -> pl.Expr:
    if name not in old.columns or name not in new.columns:
        return pl.lit(True)
    return pl.col(name).ne_missing(pl.col(f"{name} after"))


def _one_sided(frame: pl.DataFrame, key: Sequence[str], change: str) -> pl.DataFrame:
    return frame.select(*key, columns=pl.lit([], pl.List(pl.String)), change=pl.lit(change))


def _result(frame: pl.DataFrame | None, key: Sequence[str]) -> pl.DataFrame:
    if frame is None:
        return pl.DataFrame(
            schema=dict.fromkeys((*key, "change"), pl.String) | {"columns": pl.List(pl.String)}
        )
    return frame.select(*key, "change", "columns").sort(*key)
