"""Samples and benchmarks: pure functions of their number, disjoint, in the real benchmarks' shapes."""

from __future__ import annotations

import polars as pl
import pytest

from vzero.config import Crops, NeedleSource
from vzero.imaging import decode
from vzero.needle.benchmarks import benchmark_items, lures
from vzero.needle.dataset import draw_samples
from vzero.tables import BenchmarkItems

SOURCE = NeedleSource(samples=60, dev_samples=30, benchmark_questions=20)


@pytest.fixture(scope="module")
def items() -> pl.DataFrame:
    return benchmark_items(SOURCE, Crops())


def test_any_range_gives_the_samples_of_the_whole():
    whole = list(draw_samples(SOURCE, "train", 0, 20))
    assert [s.sample_id for s in whole] == [f"needle-train-{n:07d}" for n in range(20)]
    for start, stop in ((0, 1), (4, 11), (5, 6), (19, 20)):
        assert list(draw_samples(SOURCE, "train", start, stop)) == whole[start:stop]


def test_questions_about_a_scene_differ_and_boxes_lie_inside():
    samples = list(draw_samples(SOURCE, "train", 0, 60))
    assert len({(s.image, s.question) for s in samples}) == 60
    assert len({s.image for s in samples}) == 20
    for sample in samples:
        side = decode(sample.image).shape[0]
        assert sample.boxes
        for x1, y1, x2, y2 in sample.boxes:
            assert 0 <= x1 < x2 <= side
            assert 0 <= y1 < y2 <= side


def test_train_dev_and_benchmarks_share_no_image(items):
    train = {s.image for s in draw_samples(SOURCE, "train", 0, 60)}
    dev = {s.image for s in draw_samples(SOURCE, "dev", 0, 30)}
    assert not train & dev
    assert not (train | dev) & set(items["image"])
    other = NeedleSource(seed=2)
    assert not train & {s.image for s in draw_samples(other, "train", 0, 60)}


def test_the_benchmarks_stay_when_other_training_data_are_drawn(items):
    assert benchmark_items(NeedleSource(seed=9, benchmark_questions=20), Crops()).equals(items)


def test_salient_objects_lure_where_a_region_is_asked_for_and_not_everywhere(items):
    found = lures(SOURCE).join(items.select("benchmark", "item"), on=["benchmark", "item"])
    assert found.height == items.height
    shares = dict(found.group_by("benchmark").agg(pl.col("lured").mean()).rows())
    assert shares["coarse"] == 0
    assert all(0.3 < shares[name] < 0.9 for name in ("search", "cyclic", "zoom"))
    # A lure is there, or not, whatever the order of the options.
    cyclic = (
        found.filter(benchmark="cyclic").group_by(pl.col("item").str.head(5)).agg(pl.col("lured").n_unique())
    )
    assert cyclic["lured"].to_list() == [1] * SOURCE.benchmark_questions


def test_items_are_checked_and_sizes_are_as_asked(items):
    BenchmarkItems.validate(items)
    assert dict(items.group_by("benchmark").len().iter_rows()) == {
        "search": 20,
        "cyclic": 80,
        "zoom": 20,
        "coarse": 20,
    }


def test_search_has_four_options_for_attributes_and_two_for_positions(items):
    search = items.filter(benchmark="search").with_columns(pl.col("options").list.len().alias("count"))
    counts = set(search.select("category", "count").unique().iter_rows())
    assert counts == {("direct_attributes", 4), ("relative_position", 2)}


def test_cyclic_asks_every_question_in_four_orders_that_put_the_answer_at_every_letter(items):
    cyclic = items.filter(benchmark="cyclic")
    for _, group in cyclic.group_by("group"):
        assert sorted(group["cycle"]) == [0, 1, 2, 3]
        assert sorted(group["answer"]) == ["A", "B", "C", "D"]
        assert group["question"].n_unique() == group["image"].n_unique() == 1
        texts = [row["options"]["ABCD".index(row["answer"])] for row in group.iter_rows(named=True)]
        assert len(set(texts)) == 1
    assert cyclic.select("category", "resolution").n_unique() == 4


def test_regions_have_a_crop_and_coarse_questions_none(items):
    for benchmark, group in items.group_by("benchmark"):
        crops = group["crop_image"].null_count()
        assert crops == (group.height if benchmark == ("coarse",) else 0)
