"""Any JSONL, CSV or Parquet table: params name its columns, what its boxes mean and its licence."""

from __future__ import annotations

from functools import partial
from typing import Any

from vzero.config import TableSource
from vzero.geometry import BoxFormat
from vzero.paths import Paths
from vzero.sources.annotation import Annotation, Source, annotate_rows, in_batches
from vzero.untrusted.boxes import numbers_of_cells
from vzero.untrusted.rows import read_rows


def open_table(config: TableSource, paths: Paths) -> Source:
    path = paths.resolve(config.rows)
    named = []
    for column in config.columns.model_dump().values():
        named += column if isinstance(column, list) else [column] if column is not None else []
    annotations = annotate_rows(read_rows(path, named), partial(_annotation, config=config))
    images = paths.resolve(config.images) if config.images is not None else None
    return Source("table", in_batches(annotations), images=images, inputs=(path,))


def _annotation(number: int, row: dict[str, Any], config: TableSource) -> Annotation:
    columns = config.columns
    box_format = BoxFormat(config.box_order, config.box_unit)
    return Annotation(
        row=number,
        image=row.get(columns.image),
        question=row.get(columns.question),
        more_images=_cell(row, columns.more_images),
        boxes=_boxes(row, columns.box),
        box_format=box_format,
        options=_cell(row, columns.options),
        answer=_cell(row, columns.answer),
        sample_id=_cell(row, columns.sample_id),
        needs_id=columns.sample_id is not None,
        licence=str(_cell(row, columns.licence) or config.licence),
    )


def _boxes(row: dict[str, Any], column: str | list[str] | None) -> Any:
    if isinstance(column, list):
        return numbers_of_cells([row.get(name) for name in column])
    return _cell(row, column)


def _cell(row: dict[str, Any], column: str | None) -> Any:
    return row.get(column) if column is not None else None
