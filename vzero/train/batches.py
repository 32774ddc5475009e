"""Training samples with their views, in an order that is a pure function of seed and step.

The `answer` column is loaded only for recipes that declare that they learn from labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import numpy as np
import polars as pl

from vzero.errors import ConfigError, ProjectError
from vzero.paths import Paths
from vzero.shards import files, scan
from vzero.tables import Crops, Images, Samples

SAMPLE_COLUMNS = ["sample_id", "image_id", "question", "options", "split"]


@dataclass(frozen=True)
class TrainingSample:
    sample_id: str
    question: str
    options: tuple[str, ...]
    image: bytes
    extent: tuple[int, int]  # width, height of the image
    positive: bytes
    crop_extent: tuple[int, int]
    negatives: tuple[bytes, ...]  # none: no irrelevant crop could be cut; such a sample gets weight 1
    negative_image: bytes | None  # the full image of the negative views, where it is another one
    answer: str | None = None  # a letter; None unless the recipe learns from labels


def training_index(paths: Paths, *, labels: bool = False) -> pl.DataFrame:
    """Every training sample: ids, texts and pixel sizes, no image bytes. Sorted by id.

    `shard` is the number of the files that hold the image and the crops.

    `strategy` is that of the negative views. With `labels` also the column `answer`, null where none is told.
    Raises ProjectError when a sample has no image or no crops, which are then of other samples.
    """
    columns = [*SAMPLE_COLUMNS, "answer"] if labels else SAMPLE_COLUMNS
    samples = scan(paths.samples, Samples, columns).filter(pl.col("split") == "train")
    sizes = pl.concat(
        scan(file, Images, ["image_id", "width", "height"]).with_columns(shard=pl.lit(number, pl.Int32))
        for number, file in enumerate(files(paths.images))
    )
    crops = scan(paths.crops, Crops, ["sample_id", "width", "height", "strategy"]).rename(
        {"width": "crop_width", "height": "crop_height"}
    )
    found = samples.join(sizes, on="image_id", how="left").join(crops, on="sample_id", how="left")
    index = found.sort("sample_id").collect()
    if index.is_empty():
        raise ProjectError(f"{paths.samples}: no training samples")
    lacking = index.filter(pl.any_horizontal(pl.col("shard", "strategy").is_null()))["sample_id"]
    if len(lacking):
        raise ProjectError(
            f"{paths.crops}: no crops, or no image, of {len(lacking):,} of {index.height:,} training samples "
            f"(the first: {lacking[0]}); run crops again"
        )
    return index


def step_rows(count: int, prompts: int, *, seed: int, step: int) -> list[int]:
    """Row numbers of a step's prompts, all different.

    Every epoch has an order of its own, and as many whole steps as it holds; the few rows that are left over
    wait for another epoch. Raises ConfigError when there are fewer rows than prompts.
    """
    if count < prompts:
        raise ConfigError(f"train.prompts ({prompts}) is more than there are training samples ({count})")
    epoch, place = divmod(step, count // prompts)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[place * prompts : (place + 1) * prompts].tolist()


def load_samples(paths: Paths, rows: pl.DataFrame) -> list[TrainingSample]:
    """The pixels of some rows of the index, in their order. Only the shards that hold them are opened."""
    wanted = rows["shard"].unique().sort().to_list()
    images = _lookup(paths.images, Images, rows["image_id"], wanted, ["bytes"])
    views = ["positive", "negative", "more_negatives", "negative_image"]
    crops = _lookup(paths.crops, Crops, rows["sample_id"], wanted, views)
    samples = []
    for row in rows.iter_rows(named=True):
        positive, negative, more, negative_image = crops[row["sample_id"]]
        samples.append(
            TrainingSample(
                sample_id=row["sample_id"],
                question=row["question"],
                options=tuple(row["options"]),
                image=images[row["image_id"]][0],
                extent=(row["width"], row["height"]),
                positive=positive,
                crop_extent=(row["crop_width"], row["crop_height"]),
                negatives=() if negative is None else (negative, *more),
                negative_image=negative_image,
                answer=row.get("answer"),
            )
        )
    return samples


def _lookup(
    folder: Path, schema: type[dy.Schema], keys: pl.Series, wanted: Sequence[int], columns: Sequence[str]
) -> dict[str, tuple]:
    stored = files(folder)
    frames = [
        scan(stored[shard], schema, [keys.name, *columns]).filter(pl.col(keys.name).is_in(keys.implode()))
        for shard in wanted
    ]
    return {row[0]: row[1:] for row in pl.concat(frames).collect().iter_rows()}
