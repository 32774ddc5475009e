"""Data order is a function of seed and step, and no label can be read."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vzero.errors import ConfigError, ProjectError
from vzero.needle.scenes import SIDES
from vzero.shards import read
from vzero.tables import Crops, Images, Samples
from vzero.train.batches import SAMPLE_COLUMNS, load_samples, step_rows, training_index

ROLES = ("full", "positive", "negative")


@given(count=st.integers(1, 40), prompts=st.integers(1, 12), seed=st.integers(0, 99))
def test_no_row_comes_twice_in_an_epoch_and_only_the_remainder_is_left_out(count, prompts, seed):
    assume(count >= prompts)
    steps = count // prompts
    for epoch in range(3):
        seen = [
            row
            for step in range(epoch * steps, (epoch + 1) * steps)
            for row in step_rows(count, prompts, seed=seed, step=step)
        ]
        assert len(set(seen)) == len(seen) == steps * prompts
        assert set(seen) <= set(range(count))


def test_more_prompts_than_samples_are_refused():
    with pytest.raises(
        ConfigError, match=r"train.prompts \(16\) is more than there are training samples \(9\)"
    ):
        step_rows(9, 16, seed=0, step=0)


def test_a_step_needs_no_earlier_one_and_epochs_are_shuffled_anew():
    assert step_rows(10, 4, seed=1, step=7) == step_rows(10, 4, seed=1, step=7)
    first, second = (step_rows(50, 50, seed=1, step=step) for step in (0, 1))
    assert first != second != list(range(50))
    assert step_rows(50, 50, seed=2, step=0) != first


def test_the_answer_is_not_among_the_columns_that_training_loads(project):
    assert "answer" not in SAMPLE_COLUMNS
    assert "answer" not in training_index(project, ROLES).columns


def test_training_works_the_same_on_a_table_that_holds_no_answers(project):
    """The strongest form of "cannot read it": the column is gone from the files."""
    before = training_index(project, ROLES)
    for shard in project.samples.glob("part-*.parquet"):
        pl.read_parquet(shard).drop("answer").write_parquet(shard)
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        read(project.samples, Samples)
    assert training_index(project, ROLES).equals(before)


def test_the_index_is_the_train_split_joined_with_its_sizes(project):
    index = training_index(project, ROLES)
    samples = read(project.samples, Samples)
    assert index.height == 30
    assert index["sample_id"].is_sorted()
    assert set(samples.filter(pl.col("split") == "dev")["sample_id"]).isdisjoint(index["sample_id"])
    assert index["width"].to_list() == [SIDES["standard"]] * 30


def test_samples_come_with_their_own_pixels_in_the_order_asked(project):
    index = training_index(project, ROLES)
    picked = index[[7, 0, 19, 7]]
    images = dict(read(project.images, Images, ["image_id", "bytes"]).iter_rows())
    crops = {
        row[0]: row[1:]
        for row in read(project.crops, Crops, ["sample_id", "positive", "negative"]).iter_rows()
    }
    loaded = load_samples(project, picked)
    assert [sample.sample_id for sample in loaded] == picked["sample_id"].to_list()
    for sample, image_id in zip(loaded, picked["image_id"], strict=True):
        full, right, wrong = (sample.view(role).pictures for role in ROLES)
        assert [picture.data for picture in full] == [images[image_id]]
        assert [shown[1].data for shown in (right, wrong)] == [*crops[sample.sample_id]]
        assert full[0] == right[0] == wrong[0]
        assert sample.answer is None


def test_crops_of_other_samples_are_refused_not_passed_over(project):
    first = min(project.crops.glob("part-*.parquet"))
    read(first, Crops).slice(1).write_parquet(first)
    with pytest.raises(
        ProjectError, match=r"no crops, or no image, of 1 of 30 training samples .* run crops"
    ):
        training_index(project, ROLES)


def test_a_table_without_training_samples_is_refused(project):
    for shard in project.samples.glob("part-*.parquet"):
        read(shard, Samples).head(0).write_parquet(shard)
    with pytest.raises(ProjectError, match="no training samples"):
        training_index(project, ROLES)
