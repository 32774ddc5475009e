"""From the rows of a source to the samples that are used: how many each check and each filter left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from vzero import shards, tables
from vzero.config import Ingest
from vzero.ingest.curation import FILTERS, switched_on
from vzero.untrusted.rejects import RejectCode

CHECKS: dict[str, tuple[str, ...]] = {
    RejectCode.HUGE_IMAGE: ("max_megapixels",),
    RejectCode.MISSING_BOX: ("missing_box",),
    RejectCode.BOX_EMPTY: ("min_box_side",),
    RejectCode.BOX_TOO_LARGE: ("max_box_coverage",),
}
"""The fields of `ingest` that a check's code depends on; the others depend on none."""


def funnel(rows: int, left_out: Mapping[str, int], config: Ingest) -> pl.DataFrame:
    """`tables.Funnel`: the raw rows, every check that left some out, every filter that is on, the samples.

    `left_out` counts the rejects by code. Checks stand in the order of `RejectCode`, filters in that in which
    they are applied.
    """
    checks = [code for code in RejectCode if code not in FILTERS and left_out.get(code)]
    names = ["rows", *checks, *switched_on(config.filters), "samples"]
    steps, remaining = [], rows
    for step, name in enumerate(names):
        count = left_out.get(name, 0)
        steps.append(
            {
                "step": step,
                "name": str(name),
                "rows_in": remaining,
                "left_out": count,
                "rows_out": remaining - count,
                "parameters": _parameters(name, config),
            }
        )
        remaining -= count
    return shards.frame_of(steps, tables.Funnel)


def _parameters(name: str, config: Ingest) -> str:
    if name in FILTERS:
        filters: dict[str, Any] = config.filters.model_dump(mode="json")
        set_here = [field for field in FILTERS[RejectCode(name)] if filters[field] not in (None, [])]
        shown = {f"filters.{field}": filters[field] for field in set_here}
        if name == RejectCode.BENCHMARK_IMAGE:
            shown["overlap_distance"] = config.overlap_distance
    else:
        shown = {field: getattr(config, field) for field in CHECKS.get(name, ())}
    return ", ".join(f"{field}: {json.dumps(value, ensure_ascii=False)}" for field, value in shown.items())
