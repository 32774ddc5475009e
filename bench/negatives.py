"""Which rule finds the negative crops of sets with large evidence, and how far each enlarges them.

`python -m bench.negatives` draws pictures' sides and boxes as four kinds of annotated sets have them (no set
is read, and no pixel is looked at), cuts every sample's negative by three settings of `crops`, and prints
shares and enlargements; with `--store` into `bench/results/negatives.parquet` too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from vzero.config import Crops
from vzero.crops.pair import STRATEGIES, sample_seed
from vzero.crops.positive import positive_box
from vzero.crops.strategy import Neighbours, Picture, Request
from vzero.crops.windows import Extent
from vzero.geometry import Box
from vzero.quality.measures import enlargement

RESULTS = Path(__file__).parent / "results/negatives.parquet"
SAMPLES, SHARD = 640, 32
# Share of the image that the evidence covers: median, and the spread of its logarithm; sides of pictures.
SETS: dict[str, tuple[float, float, list[Extent]]] = {
    "one animal a picture": (0.30, 0.5, [(275, 183), (450, 600), (640, 417), (1000, 667)]),
    "cells under a microscope": (0.04, 0.6, [(640, 480)]),
    "everyday scenes, all sizes": (0.02, 1.8, [(640, 480), (480, 640), (640, 427)]),
    "phrases about regions": (0.08, 1.2, [(800, 600), (1024, 768), (500, 375)]),
}
RULES = {
    "default": Crops(),
    "at most 1.5": Crops(max_enlargement=1.5),
    "finer, at most 1.5": Crops(fallbacks=("finer", "other_image"), max_enlargement=1.5),
}


def drawn(name: str) -> list[tuple[Extent, Box]]:
    """Sides of pictures, each with the box of its evidence."""
    median, spread, pictures = SETS[name]
    random = np.random.default_rng(7)
    found = []
    for number in range(SAMPLES):
        width, height = pictures[number % len(pictures)]
        share = min(median * np.exp(spread * random.standard_normal()), 0.9)
        aspect = np.exp(0.4 * random.standard_normal())
        wide = min(np.sqrt(share * width * height * aspect), width)
        high = min(share * width * height / wide, height)
        left, top = random.uniform(0, width - wide), random.uniform(0, height - high)
        found.append(((width, height), (left, top, left + wide, top + high)))
    return found


def cut(samples: list[tuple[Extent, Box]], config: Crops) -> pl.DataFrame:
    """A row a sample, as of tables.Crops: by which rule its negative was found, and its scales."""
    rows = []
    for start in range(0, len(samples), SHARD):
        shard = dict(enumerate(samples[start : start + SHARD]))
        extents = {str(number): extent for number, (extent, _) in shard.items()}
        neighbours = Neighbours(extents, lambda name, extents=extents: _blank(name, extents[name]))
        for number, (extent, box) in shard.items():
            window = positive_box(box, *extent, margin=config.margin)
            seeds = [sample_seed(config.seed, f"{start + number}")]
            picture = _blank(str(number), extent)
            request = Request(picture, box, picture.pixels, window, neighbours, config, seeds)
            view = next(iter(STRATEGIES[config.negative](request)), None)
            rows.append(
                {
                    "strategy": config.negative,
                    "fallback": view.fallback if view else "none",
                    "positive_scale": float(config.upscale),
                    "negative_scale": view.scale if view else None,
                }
            )
    return pl.DataFrame(rows, schema_overrides={"negative_scale": pl.Float64})


def _blank(name: str, extent: Extent) -> Picture:
    return Picture(name, np.zeros((extent[1], extent[0], 3), np.uint8))


def measured() -> pl.DataFrame:
    """A row a set and setting: shares by rule, and how far negatives are enlarged."""
    tables = [
        cut(samples, config).select(pl.lit(name).alias("set"), pl.lit(rule).alias("rules"), pl.all())
        for name in SETS
        for samples in [drawn(name)]
        for rule, config in RULES.items()
    ]
    found = pl.concat(tables).with_columns(enlarged=enlargement())
    share = [
        (pl.col("fallback") == rule).mean().alias(rule)
        for rule in ("exact", "shrunk", "finer", "overlap", "other_image", "none")
    ]
    return found.group_by("set", "rules", maintain_order=True).agg(
        *share,
        pl.col("enlarged").median().alias("median"),
        pl.col("enlarged").max().alias("most"),
        (pl.col("enlarged") > 1.5).mean().alias("above_1.5"),
        pl.len().alias("samples"),
    )


def main() -> None:
    table = measured()
    shown = {"tbl_rows": -1, "tbl_cols": -1, "tbl_hide_column_data_types": True, "float_precision": 2}
    with pl.Config(**shown, tbl_width_chars=160):
        print(table)
    if "--store" in sys.argv[1:]:
        table.write_parquet(RESULTS)


if __name__ == "__main__":
    main()
