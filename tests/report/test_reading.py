"""How answers were read: unresolved ones apart, the spread between readers, letters and orders."""

from __future__ import annotations

import polars as pl
import pytest
from example_run import LETTERS, item_row, prediction_rows

from vzero import tables
from vzero.report.answers import choices, replies
from vzero.report.reading import letter_shares, reader_rows, reading_rows, strict_shares

MODELS = ["base"]


def asked(
    benchmark: str, texts: list[str], answers: str, opens: tuple[int, ...] = (), **more: object
) -> pl.DataFrame:
    """Replies to items whose right letters are `answers`; `opens` number those without options."""
    rows = prediction_rows("base", benchmark, "full", [True] * len(texts), letters=answers)
    items = [item_row(benchmark, number) for number in range(len(texts))]
    for number, text in enumerate(texts):
        rows[number] |= {"text": text, **more}
        if number in opens:
            items[number] |= {"kind": "open", "options": []}
    predictions = tables.Predictions.cast(pl.DataFrame(rows, infer_schema_length=None))
    return replies(predictions, tables.BenchmarkItems.cast(pl.DataFrame(items, infer_schema_length=None)))


def test_unresolved_open_questions_stand_apart_from_unresolved_choices() -> None:
    table = asked("zoombench", ["A", "?", "?", "red"], "A", opens=(2, 3))
    table = table.with_columns(resolved=pl.Series([True, False, False, True]))
    (row,) = reading_rows(table, ["zoombench"], MODELS)
    assert (row["choices"], row["opens"]) == (2, 2)
    assert (row["unresolved_choices"], row["unresolved_opens"]) == (0.5, 0.5)
    assert (row["wordings"], row["seeds"], row["cut"]) == (["zoombench"], 1, 0)


def test_without_open_questions_there_is_no_share_of_them() -> None:
    (row,) = reading_rows(asked("vstar", ["A"], "A"), ["vstar"], MODELS)
    assert row["unresolved_opens"] is None and row["unresolved_choices"] == 0


def test_answers_that_hit_the_limit_are_counted() -> None:
    (row,) = reading_rows(asked("vstar", ["A", "B"], "A", finish_reason="length"), ["vstar"], MODELS)
    assert row["cut"] == 1


def test_items_that_were_not_asked_are_counted() -> None:
    (row,) = reading_rows(asked("vstar", ["", ""], "A", finish_reason="refused"), ["vstar"], MODELS)
    assert (row["refused"], row["cut"]) == (2, 0)


def test_terse_letters_are_read_alike_by_every_reader() -> None:
    (row,) = reader_rows(asked("vstar", ["A.", "B.", "C.", "A."], "ABCD"), ["vstar"], MODELS)
    assert set(row["accuracies"].values()) == {0.75}
    assert row["spread"] == 0


def test_a_spread_tells_of_the_format() -> None:
    # MME-RealWorld's own rule takes the first capital from A to E: "Answer: B" is an A to it.
    table = asked("mme_realworld", ["Answer: B", "Answer: A"], "BA")
    (row,) = reader_rows(table, ["mme_realworld"], MODELS)
    assert row["used"] == "mme-realworld"
    assert row["accuracies"]["mme-realworld"] == 0.5
    assert row["accuracies"]["vlmevalkit-exact"] == 1
    assert row["spread"] == pytest.approx(50)


def test_only_fitting_policies_are_tried_and_the_one_of_the_run() -> None:
    (row,) = reader_rows(asked("vstar", ["A."], "A", reader="lmms-eval-mmmu"), ["vstar"], MODELS)
    assert list(row["accuracies"]) == [
        "vlmevalkit-exact",
        "lmms-eval",
        "zoombench",
        "vzero",
        "lmms-eval-mmmu",
    ]


def test_open_questions_are_no_choices() -> None:
    assert choices(asked("zoombench", ["A", "red"], "A", opens=(1,)))["item"].to_list() == ["0000"]


def test_letters_read_stand_beside_letters_right() -> None:
    table = asked("vstar", ["x"] * 4, "ABCD").with_columns(extracted=pl.Series(["A", "A", "A", None]))
    found = letter_shares(table, ["vstar"], MODELS)
    assert found["letter"].to_list() == list(LETTERS)
    assert found["read"].to_list() == [0.75, 0, 0, 0]
    assert found["right"].to_list() == [0.25] * 4


def test_a_question_is_right_in_every_order_or_not() -> None:
    # Two questions in four orders each: the first is always right, the second three times in four.
    table = asked("hrbench_4k", ["x"] * 8, "A").with_columns(hit=pl.Series([True] * 7 + [False]))
    assert strict_shares(table, ["hrbench_4k"], MODELS) == {("hrbench_4k", "base"): 0.5}


def test_benchmarks_without_orders_have_no_such_share() -> None:
    assert strict_shares(asked("vstar", ["A"], "A"), ["vstar"], MODELS) == {}
