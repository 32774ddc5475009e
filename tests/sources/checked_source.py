"""For sources' tests: a plain picture, and the rows and rejects that `ingest` would make of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from vzero import imaging
from vzero.config import Ingest
from vzero.paths import Paths
from vzero.sources import spill
from vzero.sources.catalogue import open_source


def picture(path: Path, width: int = 200, height: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((height, width, 3), sum(path.name.encode()) % 256, np.uint8)
    encode = imaging.encode_png if path.suffix == ".png" else imaging.encode_jpeg
    path.write_bytes(encode(pixels))


def checked(root: Path, **config: Any) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Samples by id with the licence of their image, and code and detail of the rejects in order."""
    [source] = config
    settings = Ingest(source=source, **config, shards=1)
    opened = open_source(settings, Paths(root))
    folder = root / "checked"
    for number, batch in enumerate(opened.batches):
        spill.check_batch(number, batch, opened.images, settings, folder)
    rejects, repeated = spill.collect_rejects(folder, source)
    spill.merge_shard(folder, 0, repeated, folder / "out/images", folder / "out/samples")
    licences = pl.read_parquet(folder / "out/images").select("image_id", "licence")
    samples = pl.read_parquet(folder / "out/samples").join(licences, on="image_id").sort("sample_id")
    return samples.to_dicts(), list(rejects.select("code", "detail").iter_rows())
