"""A sign that labels cannot be trusted: votes on a window and on the whole image that differ too often."""

from __future__ import annotations

import polars as pl

CONFLICT = 0.6  # share of questions on which they differ


def view_conflict(votes: pl.DataFrame) -> float | None:
    """Of rows of `tables.Votes`, the share of questions whose majority is another one for the window.

    None without votes on windows.
    """
    named = votes.select("question_id", "majority", voter=pl.col("voter").cast(pl.String))
    whole = named.filter(pl.col("voter").is_in(["slow", "permuted"]))
    both = whole.join(named.filter(voter="region"), on="question_id", suffix="_region")
    if both.is_empty():
        return None
    alike = both.filter(pl.col("majority").eq_missing(pl.col("majority_region")))
    return 1 - alike.height / both.height


def conflict_sign(votes: pl.DataFrame) -> str | None:
    """A sentence where there is too much of it."""
    share = view_conflict(votes)
    if share is None or share <= CONFLICT:
        return None
    return f"votes on the window and on the whole image differ on {share:.0%} of questions"
