"""What `bench.negatives` stores is what the rules give, and none of them enlarges further than it may."""

from __future__ import annotations

import polars as pl
import pytest

from bench.negatives import RESULTS, RULES, SETS, cut, drawn
from vzero.quality.measures import enlargement

STORED = pl.read_parquet(RESULTS)


@pytest.mark.long
@pytest.mark.parametrize("rules", RULES)
def test_the_stored_shares_are_found_again(rules: str):
    (name, *_) = SETS
    found = cut(drawn(name), RULES[rules])
    row = STORED.filter(pl.col("set") == name, pl.col("rules") == rules).row(0, named=True)
    for rule in ("exact", "shrunk", "finer", "overlap", "other_image", "none"):
        assert (found["fallback"] == rule).mean() == pytest.approx(row[rule])
    assert found.select(enlargement().max()).item() == pytest.approx(row["most"])


def test_a_bound_holds_in_every_set_and_finer_leaves_no_sample_without():
    bounded = STORED.filter(pl.col("rules") != "default")
    assert bounded["most"].max() <= 1.5 + 1e-6
    assert STORED.filter(pl.col("rules").str.starts_with("finer"))["none"].sum() == 0
