"""Samples and benchmarks of the chain world, and that each world is asked its own benchmarks."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from vzero.config import EMBEDDED, Crops, NeedleSource, parse_params
from vzero.errors import ConfigError
from vzero.imaging import decode
from vzero.needle.benchmarks import benchmark_items
from vzero.needle.chain.scenes import LOOKS
from vzero.needle.dataset import draw_samples
from vzero.needle.scenes import GROUNDS, UNSEEN_GROUNDS
from vzero.tables import BenchmarkItems

SOURCE = NeedleSource(world="chain", samples=300, benchmark_questions=40)


@pytest.fixture(scope="module")
def items() -> pl.DataFrame:
    return benchmark_items(SOURCE, Crops())


def test_samples_name_their_world_and_rest_on_one_to_three_places():
    samples = list(draw_samples(SOURCE, "train", 0, 300))
    assert samples[7].sample_id == "chain-train-0000007"
    places = {
        family: {len(s.boxes) for s in samples if s.category == family} for family in ("letter", "pair")
    }
    assert places == {"letter": {1}, "pair": {2}}
    assert {len(sample.boxes) for sample in samples} == {1, 2, 3}
    shares = {name: np.mean([s.category == name for s in samples]) for name in ("letter", "triple")}
    assert shares["letter"] == pytest.approx(0.3, abs=0.08)
    assert shares["triple"] == pytest.approx(0.2, abs=0.07)


def test_its_benchmarks_are_as_large_as_asked_and_have_crops_where_a_region_is_asked_for(items):
    BenchmarkItems.validate(items)
    sizes = items.group_by("benchmark").agg(pl.len(), pl.col("crop_image").null_count())
    rows = {name: (size, without) for name, size, without in sizes.iter_rows()}
    assert rows == {"chain": (40, 0), "chain_unseen": (40, 0), "chain_coarse": (40, 40)}
    assert set(rows) == set(EMBEDDED["chain"])


def test_only_the_unseen_benchmark_has_other_grounds(items):
    def grounds(benchmark: str) -> set[tuple[int, ...]]:
        """Colours of the upper left pixel, where no object ever is."""
        return {
            tuple(int(value) for value in decode(image)[0, 0])
            for image in items.filter(benchmark=benchmark)["image"]
        }

    assert grounds("chain") == grounds("chain_coarse") == {GROUNDS[name] for name in LOOKS["learnt"].grounds}
    assert grounds("chain_unseen") == set(UNSEEN_GROUNDS.values())


def test_a_world_is_asked_its_own_benchmarks():
    chain = {"ingest": {"needle": {"world": "chain"}}}
    with pytest.raises(ConfigError) as raised:
        parse_params(chain | {"evaluate": {"benchmarks": ["chain", "search"]}})
    assert "evaluate.benchmarks: search: ingest.needle.world chain has none of it" in str(raised.value)
    assert "allowed: chain, chain_unseen, chain_coarse" in str(raised.value)
    parse_params(chain | {"evaluate": {"benchmarks": ["chain_coarse"]}})
    with pytest.raises(ConfigError, match=r"chain: ingest\.needle\.world needle has none of it"):
        parse_params({"evaluate": {"benchmarks": ["chain"]}})
