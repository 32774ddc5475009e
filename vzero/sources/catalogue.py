"""Which source `params.ingest` asks for."""

from __future__ import annotations

from vzero.config import Ingest
from vzero.paths import Paths
from vzero.sources.annotation import Source, SourceError
from vzero.sources.needle import open_needle
from vzero.sources.table import open_table
from vzero.sources.visual_cot import open_visual_cot
from vzero.sources.zwz import open_zwz


def open_source(config: Ingest, paths: Paths) -> Source:
    """Open the source; `SourceError` when its files are missing or lack a column."""
    match config.source:
        case "needle":
            source = open_needle(config.needle)
        case "zwz":
            source = open_zwz(config.zwz, paths)
        case "visual_cot":
            source = open_visual_cot(config.visual_cot, paths)
        case "table":
            source = open_table(config.table, paths)
    if source.images is not None and not source.images.is_dir():
        raise SourceError(f"{source.images}: no such image folder")
    return source
