"""How fast `ingest` and `crops` are, beside the least that could be done: draw the scenes, decode the images.

    python benchmarks/data_stages.py

Prints the ratios and writes `data/bench/results.parquet`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from vzero import imaging, shards
from vzero.config import Ingest, NeedleSource, Params
from vzero.needle.dataset import draw_samples
from vzero.paths import Paths
from vzero.stages import crops, ingest
from vzero.tables import Images

SOURCE = NeedleSource(samples=1_200, dev_samples=0, benchmark_questions=1)
RESULTS = Path("data/bench/results.parquet")


def main() -> None:
    params = Params(ingest=Ingest(needle=SOURCE, shards=4))
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder))
        cases: dict[str, dict[str, Callable[[], object]]] = {
            "ingest": {
                "draw the scenes only": lambda: list(draw_samples(SOURCE, "train", 0, SOURCE.samples)),
                "one process": lambda: ingest.run(params, paths, processes=1),
                "two processes": lambda: ingest.run(params, paths, processes=2),
            },
            "crops": {
                "decode the images only": lambda: decode_all(paths),
                "one process": lambda: crops.run(params, paths, processes=1),
                "two processes": lambda: crops.run(params, paths, processes=2),
            },
        }
        results = pl.concat([measure(case, variants) for case, variants in cases.items()])
    with shards.atomic_path(RESULTS) as temporary:
        results.write_parquet(temporary)
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(results)


def measure(case: str, variants: dict[str, Callable[[], object]]) -> pl.DataFrame:
    """Samples a second of each variant; the first one is the baseline."""
    rows = []
    for variant, work in variants.items():
        started = time.perf_counter()
        work()
        rate = SOURCE.samples / (time.perf_counter() - started)
        rows.append({"case": case, "variant": variant, "metric": "rate", "value": rate, "unit": "samples/s"})
    return pl.DataFrame(rows).with_columns(ratio_to_baseline=pl.col("value") / pl.col("value").first())


def decode_all(paths: Paths) -> None:
    for data in shards.read(paths.images, Images, ["bytes"])["bytes"]:
        imaging.decode(data)


if __name__ == "__main__":
    main()
