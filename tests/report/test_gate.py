"""The gate's tables on hand-made rollouts."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero.report import gate


def last_letter(text: str, options: Sequence[str]) -> str | None:
    return text[-1] if text[-1] in "ABCD" else None


def rollouts(*rows: tuple[int, str, str, float, float, int]) -> pl.DataFrame:
    """Rows of (step, sample, text, score, weight, length); members are counted within the group."""
    names = ["step", "sample_id", "text", "evidence_score", "weight", "length"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(member=pl.int_range(pl.len()).over("step", "sample_id"))


def samples(**answers: str | None) -> pl.DataFrame:
    return pl.DataFrame({"sample_id": list(answers), "answer": list(answers.values())}).with_columns(
        options=pl.lit(["K", "T"], pl.List(pl.String)), answer=pl.col("answer").cast(pl.String)
    )


# Two groups of a question whose answer is A. In the first the right answer weighs more than one of the two
# wrong ones; in the second both weigh the same.
EXAMPLE = gate.annotate(
    rollouts(
        (0, "s", "It is K. Answer: A", 0.5, 1.2, 6),
        (0, "s", "It is T. Answer: B", 0.7, 1.6, 6),
        (0, "s", "It is T. Answer: B", -1.2, 0.2, 6),
        (4, "s", "Answer: A", 0.1, 1.0, 3),
        (4, "s", "nothing", 0.1, 1.0, 1),
    ),
    samples(s="A"),
    last_letter,
)


def test_an_answer_is_right_when_its_letter_is_the_key_and_wrong_when_unreadable() -> None:
    assert EXAMPLE["right"].to_list() == [True, False, False, True, False]
    assert EXAMPLE["letter"].to_list() == ["A", "B", "B", "A", None]


@pytest.mark.parametrize("options, answer", [([], "K"), (["K", "T"], None)])
def test_open_questions_and_missing_answers_have_no_verdict(options: list[str], answer: str | None) -> None:
    asked = samples(s=answer).with_columns(options=pl.lit(options, pl.List(pl.String)))
    told = gate.annotate(rollouts((0, "s", "Answer: A", 0.0, 1.0, 3)), asked, last_letter)
    assert told["right"].to_list() == [None]
    assert told["verdict"].to_list() == ["unknown"]


def test_ranked_pairs_compare_right_with_wrong_siblings_only() -> None:
    # Pairs: 1.2 against 1.6 (lost), 1.2 against 0.2 (won), 1.0 against 1.0 (half).
    assert gate.ranked_pairs(EXAMPLE) == (3, pytest.approx(1.5 / 3))


def test_ranked_pairs_say_nothing_where_nothing_can_be_compared() -> None:
    assert gate.ranked_pairs(EXAMPLE.filter("right")) == (0, None)


def test_means_by_verdict() -> None:
    right, wrong = gate.by_verdict(EXAMPLE).to_dicts()
    assert (right["verdict"], right["n"], right["weight"]) == ("right", 2, pytest.approx(1.1))
    assert (wrong["verdict"], wrong["n"], wrong["evidence_score"]) == ("wrong", 3, pytest.approx(-0.4 / 3))


def test_spread_is_the_population_deviation_within_the_group() -> None:
    spread = gate.group_spread(EXAMPLE)
    # Scores 0.5, 0.7, -1.2 have mean 0 and mean square 2.18 / 3.
    assert spread["spread"].to_list() == pytest.approx([(2.18 / 3) ** 0.5, 0.0])


def test_weights_are_averaged_by_stretch_of_steps() -> None:
    table = gate.weight_over_training(EXAMPLE, points=1)
    assert table.select("step", "verdict", "weight", "n", "share").rows() == [
        (2.0, "right", pytest.approx(1.1), 2, pytest.approx(0.4)),
        (2.0, "wrong", pytest.approx(2.8 / 3), 3, pytest.approx(0.6)),
    ]


def test_lengths_are_binned_in_whole_tokens() -> None:
    table = gate.by_length(EXAMPLE, bins=3)  # bins of two tokens: 1-2, 3-4, 5-6
    assert table["middle"].to_list() == [1.5, 3.5, 5.5]
    assert table["n"].to_list() == [1, 1, 3]
    assert table["weight"].to_list() == pytest.approx([1.0, 1.0, 1.0])


def test_length_correlation_needs_something_that_varies() -> None:
    assert gate.length_correlation(EXAMPLE.with_columns(weight=1.0)) is None
    straight = EXAMPLE.with_columns(weight=pl.col("length") * 0.1)
    assert gate.length_correlation(straight) == pytest.approx(1.0)


@settings(max_examples=50)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=40), st.integers(1, 30))
def test_a_histogram_counts_every_rollout_once(values: list[float], bins: int) -> None:
    frame = pl.DataFrame({"weight": values, "verdict": "unknown"})
    table = gate.histogram(frame, "weight", low=0.0, high=2.0, bins=bins)
    assert table["count"].sum() == len(values)
    assert table["start"].min() >= 0 and table["end"].max() <= 2 + 1e-9


def test_a_histogram_splits_its_bins_by_verdict() -> None:
    table = gate.histogram(EXAMPLE, "weight", low=0.0, high=2.0, bins=2)
    assert table.rows() == [(0.0, 1.0, "wrong", 1), (1.0, 2.0, "right", 2), (1.0, 2.0, "wrong", 2)]
