"""The numbers each benchmark reports, from stored rows and by hand."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.evaluate.score.accuracy import accuracy_table
from vzero.evaluate.score.cycles import cyclic_means, strict_mean
from vzero.evaluate.score.rotations import circular_hits
from vzero.evaluate.score.rows import Scored
from vzero.evaluate.score.suites import mmstar_means, nested_rating, source_means

OPTIONS = {"A": "rubber", "B": "cotton", "C": "kevlar", "D": "leather"}


def row(right: bool, **columns: Any) -> Scored:
    return {"index": 0, "question": "Of what?", "answer": "B", **OPTIONS, **columns}, int(right)


def cyclic(rows: list[tuple[str, Any, bool]]) -> list[Scored]:
    return [row(right, category=category, cycle_category=cycle) for category, cycle, right in rows]


def test_hrbench_is_the_mean_over_cycles_of_each_cycles_mean():
    scored = cyclic_means(
        cyclic(
            [
                ("single", 0, True),
                ("single", 0, True),
                ("cross", 0, False),
                ("single", 1, True),
                ("cross", 1, False),
            ]
        )
    )
    assert scored["cycles"] == {
        0: {"all": 2 / 3, "cross": 0.0, "single": 1.0},
        1: {"all": 0.5, "cross": 0.0, "single": 1.0},
    }
    assert scored["average"] == {"all": (2 / 3 + 0.5) / 2, "cross": 0.0, "single": 1.0}


def test_hrbench_divides_by_all_cycles_also_for_a_category_that_one_lacks():
    scored = cyclic_means(cyclic([("single", 0, True), ("single", 1, True), ("cross", 0, True)]))
    assert scored["average"] == {"all": 1.0, "single": 1.0, "cross": 0.5}
    assert "cross" not in scored["cycles"][1]


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_hrbench_leaves_out_rows_without_a_cycle(nothing: float | None):
    scored = cyclic_means(cyclic([("single", "0", True), ("single", nothing, False)]))
    assert scored == {"average": {"all": 1.0, "single": 1.0}, "cycles": {"0": {"all": 1.0, "single": 1.0}}}
    assert cyclic_means(cyclic([("single", nothing, True)])) == {"average": {}, "cycles": {}}


hits = st.lists(st.tuples(st.sampled_from(["single", "cross"]), st.integers(0, 3), st.booleans()), min_size=1)


@given(rows=hits, seed=st.integers(0, 9))
def test_hrbench_does_not_depend_on_the_order_of_rows(rows: list[tuple[str, Any, bool]], seed: int):
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert cyclic_means(cyclic(rows)) == cyclic_means(cyclic(shuffled))


@given(right=st.lists(st.booleans(), min_size=4, max_size=40))
def test_hrbench_on_complete_data_is_the_plain_mean(right: list[bool]):
    complete = right[: len(right) // 4 * 4]
    scored = cyclic_means(cyclic([("single", place % 4, value) for place, value in enumerate(complete)]))
    assert scored["average"]["all"] == pytest.approx(sum(complete) / len(complete))


def test_the_strict_score_wants_every_order_of_a_question():
    rotated = [
        row(right, index=index, question=question, cycle_category=cycle)
        for index, (question, cycle, right) in enumerate(
            [("x", 0, True), ("x", 1, True), ("y", 0, True), ("y", 1, False)]
        )
    ]
    assert strict_mean(rotated) == 0.5
    # The same question about another picture is told apart by its place.
    again = [(asked | {"index": asked["index"] + 10}, hit) for asked, hit in rotated]
    assert strict_mean(rotated + again) == 0.5


def test_circular_wants_every_rotation():
    rows = [
        row(True, index=1, category="x"),
        row(True, index=1_000_001, category="x"),
        row(True, index=2, category="y"),
        row(False, index=3_000_002, category="y"),
        row(False, index=4, category="y"),
        row(True, index=1_000_005, category="y"),  # its own question is missing
    ]
    scored = circular_hits(rows)
    assert scored["groups"] == {1: 1, 2: 0, 4: 0}
    assert scored["table"].to_dicts() == [{"split": "none", "Overall": 1 / 3, "x": 1.0, "y": 0.0}]


def test_circular_takes_an_index_that_is_text_and_a_question_stored_twice_counts_twice_in_the_table():
    rows = [row(True, index="1"), row(True, index="1000001"), row(False, index="2"), row(False, index="2")]
    scored = circular_hits(rows)
    assert scored["groups"] == {1: 1, 2: 0}
    assert scored["table"]["Overall"].to_list() == [1 / 3]


def test_the_accuracy_table_has_overall_then_second_level_then_categories():
    rows = [
        row(True, category="relative_position", **{"l2-category": "b"}),
        row(False, category="direct_attributes", **{"l2-category": "b"}),
        row(True, category="direct_attributes", **{"l2-category": "a"}),
    ]
    table = accuracy_table(rows)
    assert table.columns == ["split", "Overall", "a", "b", "direct_attributes", "relative_position"]
    assert table.row(0) == ("none", 2 / 3, 1.0, 0.5, 0.5, 1.0)


def test_categories_that_are_numbers_stand_in_their_order():
    table = accuracy_table([row(True, category=10), row(False, category=2)])
    assert table.columns == ["split", "Overall", "2", "10"]
    assert table.row(0) == ("none", 0.5, 0.0, 1.0)


def test_the_accuracy_table_has_a_row_a_split():
    rows = [
        row(True, split="dev", category="x"),
        row(False, split="validation", category="logic_reasoning"),
        row(True, split="validation", category="logic_reasoning"),
    ]
    table = accuracy_table(rows)
    assert table["split"].to_list() == ["dev", "validation"]
    assert table["Overall"].to_list() == [1.0, 0.5]
    assert math.isnan(table["LR"][0]) and table["LR"][1] == 0.5


def test_mmstars_macro_mean_weighs_second_levels_alike():
    rows = [
        row(True, category="math", **{"l2-category": "geometry"}),
        row(True, category="math", **{"l2-category": "geometry"}),
        row(False, category="math", l2_category="statistics"),
        row(False, category="coarse", l2_category="emotion"),
    ]
    scored = mmstar_means(rows)
    assert (scored["micro"], scored["macro"]) == (0.5, 1 / 3)
    assert scored["categories"] == {
        "coarse": {"micro": 0.0, "macro": 0.0},
        "math": {"micro": 2 / 3, "macro": 0.5},
    }


def test_cv_bench_means_over_sources_and_cambrians_combination():
    rows = [
        *[row(right, source="ADE20K") for right in (True, False)],
        *[row(right, source="COCO") for right in (True, True, True)],
        *[row(right, source="Omni3D") for right in (True, False, False, False)],
    ]
    scored = source_means(rows)
    assert scored["sources"] == {"ADE20K": 0.5, "COCO": 1.0, "Omni3D": 0.25}
    assert (scored["2D"], scored["3D"], scored["combined"], scored["micro"]) == (0.75, 0.25, 0.5, 5 / 9)
    assert math.isnan(source_means(rows[:5])["combined"])


def test_mme_realworld_nests_means_by_task_subtask_and_second_level():
    rows = [
        row(True, category="Perception/Monitoring", **{"l2-category": "Vehicle/Attribute/Colour"}),
        row(False, category="Perception/Monitoring", **{"l2-category": "vehicle/attribute/size"}),
        row(True, category="Perception/Monitoring", **{"l2-category": "Counting"}),
        row(True, category="Reasoning/Remote Sensing", **{"l2-category": "Area"}),
    ]
    rating = nested_rating(rows)
    assert rating["Overall"] == 0.75
    assert rating["Perception"]["Monitoring"] == {"vehicle/attribute": 0.5, "counting": 1.0, "Avg": 2 / 3}
    assert rating["Perception"]["Avg"] == 2 / 3
    assert rating["Perception"]["Diagram and Table"] == {"Avg": 0}
    assert rating["Reasoning"]["Avg"] == 1.0
