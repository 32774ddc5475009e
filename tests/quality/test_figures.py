"""What the data page shows of the figures: counts side by side, and shares of each source's own total."""

from __future__ import annotations

import polars as pl
import pytest

from vzero.pages.charts import LOWEST
from vzero.quality.counting import levels, ranges
from vzero.quality.figures import MOST_LEVELS, chart, level_table, per_cent, shares


def counted(*parts: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(parts).sort("source", "figure", "position")


def rows(source: str, **columns: list) -> pl.DataFrame:
    return pl.DataFrame(columns).with_columns(source=pl.lit(source))


def test_a_table_has_the_sources_side_by_side_and_the_commonest_level_first():
    frame = pl.concat([rows("a", code=["x", "y", "y"]), rows("b", code=["x", "x", "x", "z"])])
    table = level_table(levels(frame, "reject", pl.col("code")), "reject")
    assert table is not None and table.sources == ["a", "b"]
    assert table.rows == [("x", [1, 3]), ("y", [2, 0]), ("z", [0, 1])]


def test_licences_beyond_the_commonest_are_added_up_but_every_reject_code_is_shown():
    names = [f"{number:02d}" for number in range(MOST_LEVELS + 3)]
    frame = rows("a", name=[*names, *names[:MOST_LEVELS]])
    licences = level_table(levels(frame, "licence", pl.col("name")), "licence")
    rejects = level_table(levels(frame, "reject", pl.col("name")), "reject")
    assert licences is not None and licences.rows[-1] == ("3 others", [3])
    assert rejects is not None and len(rejects.rows) == MOST_LEVELS + 3


def test_bars_are_shares_of_their_own_source_between_the_first_and_the_last_that_is_filled():
    frame = pl.concat([rows("a", value=[3, 3, 3, 5]), rows("b", value=[5] * 1000)])
    shown = shares(ranges(frame, "options", pl.col("value"), [0, 1, 2, 3, 4, 5, 6]), "options")
    assert shown.rows() == [
        ("a: 4 samples", "3", 75),
        ("a: 4 samples", "4", 0),
        ("a: 4 samples", "5", 25),
        ("b: 1,000 samples", "3", 0),
        ("b: 1,000 samples", "4", 0),
        ("b: 1,000 samples", "5", 100),
    ]


def test_near_duplicates_are_a_share_of_all_images():
    near = ranges(rows("a", bits=[0, 0, 2]), "nearest_image", pl.col("bits"), range(4))
    images = levels(rows("a", level=["images"] * 30), "counts", pl.col("level"))
    shown = shares(counted(near, images), "nearest_image")
    assert shown["facet"].unique().to_list() == ["a: 3 of 30 images"]
    assert shown["share"].to_list() == pytest.approx([2 / 0.3, 0, 1 / 0.3])


def test_areas_are_counted_in_fractions_and_shown_in_per_cent():
    areas = ranges(
        rows("a", area=[2e-5, 0.02, 0.5]), "evidence_area", pl.col("area"), [1e-5, 3e-5, 0.01, 0.3]
    )
    assert shares(areas, "evidence_area")["level"].to_list() == [
        "0.001 to 0.003",
        "0.003 to 1",
        "1 to 30",
        "from 30",
    ]


def test_shares_have_two_digits_and_no_exponent():
    assert [per_cent(share) for share in (1, 0.996, 0.0678, 0.06, 0.00000051)] == [
        *("100", "100", "6.8", "6", "0.000051")
    ]


def test_what_counts_nothing_is_not_drawn():
    nothing = ranges(rows("a", value=[None]).cast({"value": pl.Int64}), "boxes", pl.col("value"), [1, 2])
    assert level_table(nothing, "licence") is None
    assert chart(nothing, "boxes") is None


def test_maps_stand_side_by_side_unless_their_headings_are_too_long_for_that():
    def width(name: str) -> float:
        centres = pl.concat(rows(source, position=[0], level=[""], count=[10**5]) for source in ("a", name))
        figure = chart(centres.with_columns(figure=pl.lit("evidence_centre")), "evidence_centre")
        assert figure is not None
        return float(figure.svg.split('viewBox="0 0 ')[1].split()[0])

    assert width("visual_cot_llava") == pytest.approx(width("coco"), rel=0.1)


def test_a_chart_grows_with_the_number_of_sources():
    def height(sources: int) -> float:
        frame = pl.concat(rows(f"s{number:02d}", value=[1, 2]) for number in range(sources))
        figure = chart(ranges(frame, "boxes", pl.col("value"), [1, 2, 3]), "boxes")
        assert figure is not None and all(
            f"s{number:02d}: 2 samples" in figure.svg for number in range(sources)
        )
        return float(figure.svg.split('viewBox="0 0 ')[1].split('"')[0].split()[1])

    assert height(14) - height(13) > LOWEST
