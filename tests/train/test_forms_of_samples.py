"""Training on images without boxes, and on several images a sample."""

from __future__ import annotations

import polars as pl
from small_project import settings

from vzero.paths import Paths
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE
from vzero.shards import files, read
from vzero.stages import train
from vzero.tables import Crops, Images, LeftOut, Rollouts, Samples
from vzero.train.batches import load_samples, training_index

ROLES = (FULL, POSITIVE, NEGATIVE)


def without_boxes(project: Paths, *, every: int) -> list[str]:
    """Take the boxes and crops of every so-many-th training sample away; their ids."""
    train_split = read(project.samples, Samples).filter(pl.col("split") == "train").sort("sample_id")
    ids = train_split.gather_every(every)["sample_id"].to_list()
    chosen = pl.col("sample_id").is_in(ids)
    for shard in files(project.samples):
        rows = read(shard, Samples)
        none = pl.lit(None, dtype=rows.schema["evidence_box"])
        empty = pl.lit([], dtype=rows.schema["boxes"])
        rows = rows.with_columns(
            evidence_box=pl.when(chosen).then(none).otherwise("evidence_box"),
            boxes=pl.when(chosen).then(empty).otherwise("boxes"),
        )
        rows.write_parquet(shard)
    for shard in files(project.crops):
        read(shard, Crops).filter(~chosen).write_parquet(shard)
    return ids


def test_a_method_that_shows_no_crop_trains_on_images_without_boxes(project: Paths):
    ids = without_boxes(project, every=1)
    summary = train.run(settings(recipe="grpo", steps=2), project)
    assert summary["samples"] == len(ids) == 30
    assert set(read(project.rollouts, Rollouts)["sample_id"]) <= set(ids)


def test_one_that_shows_crops_leaves_them_out_and_says_so(project: Paths):
    ids = without_boxes(project, every=3)
    summary = train.run(settings(steps=2), project)
    assert summary["left_out"]["no_region"] == len(ids) == 10
    assert summary["samples"] == 20
    left = read(project.left_out, LeftOut)
    assert left.filter(pl.col("code") == "no_region")["sample_id"].to_list() == ids
    assert set(read(project.rollouts, Rollouts)["sample_id"]).isdisjoint(ids)


def test_further_images_come_from_their_own_shards_in_order(project: Paths):
    images = read(project.images, Images, ["image_id", "bytes"])
    further = images["image_id"].to_list()[-1:] + images["image_id"].to_list()[:1]
    for shard in files(project.samples):
        rows = read(shard, Samples)
        several = pl.lit(further, dtype=rows.schema["more_image_ids"])
        rows.with_columns(more_image_ids=several).write_parquet(shard)
    index = training_index(project, ROLES)
    [sample] = load_samples(project, index[4:5])
    own, *more = sample.view(FULL).pictures
    bytes_of = dict(images.iter_rows())
    assert own.data == bytes_of[index["image_id"][4]]
    assert [picture.data for picture in more] == [bytes_of[image_id] for image_id in further]
    assert [picture.name for picture in more] == ["image 2", "image 3"]
    shown = sample.view(POSITIVE).shown
    assert [picture.name for picture in shown] == ["image", "crop", "image 2", "image 3"]
    summary = train.run(settings(steps=2), project)
    assert summary["samples"] == 30
