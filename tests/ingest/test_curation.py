"""Filters of checked samples: what each leaves out, in which order; only the set of samples counts."""

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from vzero import tables
from vzero.config import Filters, Ingest, PromptTokens, parse_params
from vzero.errors import ConfigError
from vzero.ingest.curation import FILTERS, keepers, left_out, licence_kept, measure
from vzero.ingest.funnel import funnel
from vzero.likeness.overlaps import informative
from vzero.likeness.pairs import pairs_by_blocks

COLUMNS = ("benchmark", "item", "pictures")
NO_ITEMS = pl.DataFrame(schema={name: tables.BenchmarkItems.create_empty().schema[name] for name in COLUMNS})
FEW_TOKENS = PromptTokens(processor=Path("student"), max_tokens=25)
HASH = 0x00FF00FF00FF00FF  # half ones: it tells one picture from another
HASHES = st.lists(st.integers(0, 15).map(lambda low: HASH ^ low) | st.integers(0, 2**64 - 1), max_size=40)


def sample(row: int, **changes) -> dict:
    """A row of what `measure` gives; another image each."""
    plain = {
        "position": row,
        "image_id": f"i{row:03d}",
        "draw": 1000 - row,
        "question_length": 20,
        "boxes": 1,
        "evidence_area": 0.1,
        "prompt_tokens": None,
        "licence": "CC BY 4.0",
        "perceptual_hash": int(np.random.default_rng(row).integers(2**64, dtype=np.uint64)),
        "suspicion": None,
    }
    return plain | changes


def frame(rows: list[dict]) -> pl.DataFrame:
    kinds = {"perceptual_hash": pl.UInt64, "prompt_tokens": pl.Int64, "suspicion": pl.String}
    return pl.DataFrame(rows, schema_overrides=kinds)


def refused(rows: list[dict], items: pl.DataFrame = NO_ITEMS, **filters) -> list[tuple[int, str, str]]:
    found = left_out(frame(rows), Ingest(filters=Filters(**filters)), items)
    return found.select("position", "code", "detail").rows()


def test_nothing_is_left_out_unless_asked_for():
    assert refused([sample(0, question_length=1), sample(1, question_length=10**6, boxes=99)]) == []


@pytest.mark.parametrize(
    ("bound", "field", "kept", "other", "reason"),
    [
        ({"min_question_length": 10}, "question_length", 10, 9, ("question_length", "9 characters")),
        ({"max_question_length": 512}, "question_length", 512, 513, ("question_length", "513 characters")),
        ({"min_boxes": 2}, "boxes", 2, 1, ("box_count", "1 boxes")),
        ({"max_boxes": 2}, "boxes", 2, 3, ("box_count", "3 boxes")),
        (
            {"min_evidence_area": 0.01},
            "evidence_area",
            0.01,
            0.00991,
            ("evidence_area", "0.991% of the image"),
        ),
        ({"max_evidence_area": 0.1}, "evidence_area", 0.1, 0.25, ("evidence_area", "25.0% of the image")),
        ({"prompt_tokens": FEW_TOKENS}, "prompt_tokens", 25, 26, ("prompt_tokens", "26 tokens")),
        ({"refused_licences": ["CC BY-NC"]}, "licence", "CC BY 4.0", "cc-by-nc", ("licence", "cc-by-nc")),
        ({"allowed_licences": ["CC BY 4.0"]}, "licence", "cc-by-4.0", "unknown", ("licence", "unknown")),
    ],
)
def test_a_bound_itself_is_kept_and_what_is_beyond_is_left_out(bound, field, kept, other, reason):
    assert refused([sample(0, **{field: kept}), sample(1, **{field: other})], **bound) == [(1, *reason)]


@pytest.mark.parametrize(
    ("licence", "is_kept"),
    [
        ("CC BY-NC 4.0", False),
        ("Flickr, cc_by_nc_sa 2.0", False),
        ("http://creativecommons.org/licenses/by-nc/2.0/", True),  # the words are `by nc`, without `cc`
        ("CC BY-NCX", True),
        ("CC BY 4.0", True),
    ],
)
def test_a_refused_licence_is_found_by_its_words_in_a_row(licence, is_kept):
    assert licence_kept(licence, Filters(refused_licences=["CC BY-NC"])) is is_kept


def test_an_allowed_licence_is_meant_in_full():
    assert not licence_kept("CC BY-NC 4.0", Filters(allowed_licences=["CC BY"]))


def test_a_sample_is_counted_by_the_first_filter_that_refuses_it():
    rows = [sample(0, question_length=9, boxes=5, licence="none"), sample(1, boxes=5, licence="none")]
    found = refused(rows, min_question_length=10, max_boxes=4, allowed_licences=["CC BY 4.0"])
    assert [code for _, code, _ in found] == ["question_length", "box_count"]


def test_the_near_duplicate_with_the_smallest_id_stays_and_no_chain_forms():
    a, b, c = HASH, HASH ^ 0b111, HASH ^ 0b111111  # a-b and b-c are 3 bits apart, a-c 6
    rows = [sample(0, image_id="c", perceptual_hash=c), sample(1, image_id="a", perceptual_hash=a)]
    rows += [sample(2, image_id="b", perceptual_hash=b), sample(3, image_id="b", perceptual_hash=b)]
    reason = "3 bits from image a, which is kept"
    found = [(2, "near_duplicate", reason), (3, "near_duplicate", reason)]
    assert refused(rows, near_duplicate_distance=3) == found
    assert refused(rows, near_duplicate_distance=2) == []


def test_an_image_that_another_filter_left_out_is_no_reason_to_leave_out_its_duplicate():
    rows = [sample(0, perceptual_hash=HASH, boxes=9), sample(1, perceptual_hash=HASH)]
    assert refused(rows, max_boxes=4, near_duplicate_distance=0) == [(0, "box_count", "9 boxes")]


def test_flat_pictures_have_no_near_duplicates():
    assert refused([sample(row, perceptual_hash=0) for row in range(3)], near_duplicate_distance=0) == []


def test_images_of_a_benchmark_are_left_out_by_bytes_and_by_likeness():
    facts = {"role": "image", "width": 9, "height": 9}
    items = pl.DataFrame(
        {
            "benchmark": ["vstar", "search"],
            "item": ["7", "8"],
            "pictures": [
                [facts | {"sha256": "same", "perceptual_hash": HASH}],
                [facts | {"sha256": "drawn", "perceptual_hash": ~HASH & (2**64 - 1)}],
            ],
        },
        schema=NO_ITEMS.schema,
    )
    rows = [
        sample(0, image_id="same", perceptual_hash=HASH),
        sample(1, image_id="near", perceptual_hash=HASH ^ 0b11),
        sample(2, image_id="far", perceptual_hash=HASH ^ 0b111111),
        sample(3, image_id="scene", perceptual_hash=~HASH & (2**64 - 1)),  # embedded ones count by bytes
    ]
    assert refused(rows, items, refuse_benchmark_images=True) == [
        (0, "benchmark_image", "vstar, item 7: the same bytes"),
        (1, "benchmark_image", "vstar, item 7: 2 bits apart"),
    ]


@given(hashes=HASHES, distance=st.integers(0, 8), block=st.sampled_from([1, 3, 512]))
def test_kept_images_are_far_from_each_other_and_each_other_image_has_one_near(hashes, distance, block):
    expected: list[int] = []  # one at a time, in the order of the ids
    for number, code in enumerate(hashes):
        near = [other for other in expected if (code ^ hashes[other]).bit_count() <= distance]
        if not near:
            expected.append(number)
    with pytest.MonkeyPatch.context() as patch:
        in_parts = partial(pairs_by_blocks, block=(block, block))
        patch.setattr("vzero.ingest.curation.close_pairs", in_parts)
        place, bits = keepers(np.array(hashes, np.uint64), distance)
    assert sorted(set(place.tolist())) == expected
    assert [number for number in range(len(hashes)) if place[number] == number] == expected
    for number, (other, apart) in enumerate(zip(place.tolist(), bits.tolist(), strict=True)):
        assert (hashes[number] ^ hashes[other]).bit_count() == apart <= distance


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "question_length": st.integers(1, 40),
            "boxes": st.integers(1, 6),
            "evidence_area": st.floats(0, 1, width=16),
            "prompt_tokens": st.integers(20, 30),
            "licence": st.sampled_from(["CC BY 4.0", "CC BY-NC 4.0", "unknown"]),
            "suspicion": st.sampled_from([None, "rejected rows about the image: 1, box_outside"]),
            "perceptual_hash": st.integers(0, 7).map(lambda low: HASH ^ low),
        }
    ),
    min_size=1,
    max_size=20,
)
ALL = Filters(
    min_question_length=5,
    max_boxes=4,
    min_evidence_area=0.1,
    max_evidence_area=0.8,
    refused_licences=["CC BY-NC"],
    prompt_tokens=FEW_TOKENS,
    refuse_suspect_images=True,
    refuse_benchmark_images=True,
    near_duplicate_distance=1,
    most_samples=9,
)


@settings(max_examples=25)
@given(rows=ROWS, data=st.data())
def test_the_funnel_loses_nobody_and_the_order_of_rows_changes_nothing(rows, data):
    config = Ingest(filters=ALL)
    samples = [sample(row, **changes) for row, changes in enumerate(rows)]
    found = left_out(frame(samples), config, NO_ITEMS)
    again = left_out(frame(data.draw(st.permutations(samples))), config, NO_ITEMS)
    assert again.sort("position").equals(found.sort("position"))
    assert found["position"].is_unique().all()
    counts = dict(found["code"].value_counts().iter_rows()) | {"missing_box": 3, "duplicate_id": 2}
    steps = tables.Funnel.validate(funnel(len(rows) + 5, counts, config))
    assert steps["name"].to_list() == ["rows", "duplicate_id", "missing_box", *map(str, FILTERS), "samples"]
    assert (steps["rows_in"] - steps["left_out"]).equals(steps["rows_out"].rename("rows_in"))
    assert steps["rows_in"][1:].to_list() == steps["rows_out"][:-1].to_list()
    assert steps["rows_out"][0] == len(rows) + 5
    assert steps["rows_out"][-1] == len(rows) - len(found) == steps["rows_out"][0] - steps["left_out"].sum()


def test_the_funnel_says_which_parameters_its_counts_are_of():
    filters = Filters(min_question_length=10, max_question_length=512, refuse_benchmark_images=True)
    steps = funnel(9, {"box_too_large": 2, "question_length": 3}, Ingest(filters=filters))
    assert steps.select("name", "left_out", "parameters").rows() == [
        ("rows", 0, ""),
        ("box_too_large", 2, "max_box_coverage: 0.9"),
        ("question_length", 3, "filters.min_question_length: 10, filters.max_question_length: 512"),
        ("benchmark_image", 0, "filters.refuse_benchmark_images: true, overlap_distance: 4"),
        ("samples", 0, ""),
    ]


def test_samples_about_suspects_are_left_out_where_that_is_asked_for():
    rows = [sample(0), sample(1, suspicion="rejected rows about the image: 2, box_outside")]
    assert refused(rows) == []
    detail = "rejected rows about the image: 2, box_outside"
    assert refused(rows, refuse_suspect_images=True) == [(1, "suspect_image", detail)]


def test_of_more_samples_than_asked_for_those_with_the_smallest_draws_are_kept():
    rows = [sample(row) for row in range(5)]
    reason = ("sample_limit", "not among the 2 drawn")
    assert refused(rows, most_samples=2) == [(row, *reason) for row in (0, 1, 2)]
    assert refused(rows, most_samples=5) == []
    # It counts what the filters before it kept.
    assert refused([*rows, sample(5, boxes=9)], max_boxes=1, most_samples=4) == [
        (5, "box_count", "9 boxes"),
        (0, "sample_limit", "not among the 4 drawn"),
    ]


def test_every_field_is_of_one_filter_and_they_stand_in_the_order_of_their_application():
    assert [name for names in FILTERS.values() for name in names] == list(Filters.model_fields)


def test_measures_are_of_the_question_the_boxes_and_the_image():
    samples = pl.LazyFrame(
        {
            "position": [4, 2],
            "sample_id": ["s", "t"],
            "image_id": ["i", "i"],
            "more_image_ids": pl.Series([[], []], dtype=pl.List(pl.String)),
            "prompt_tokens": [700, None],
            "question": ["Größe?", "x"],
            "boxes": [[[0.0, 0, 4, 5], [0, 0, 2, 2]], [[0.0, 0, 2, 2]]],
            "evidence_box": [[0.0, 0, 4, 5], [0.0, 0, 2, 2]],
        }
    )
    image = {"image_id": "i", "width": 10, "height": 20, "licence": "first", "perceptual_hash": HASH}
    images = pl.LazyFrame(
        [image, image | {"licence": "second"}], schema_overrides={"perceptual_hash": pl.UInt64}
    )
    suspects = pl.DataFrame({"image_id": ["i", "j"], "suspicion": ["rows", "other rows"]})
    assert measure(samples, images, suspects).rows(named=True) == [
        {"position": position, "image_id": "i", "prompt_tokens": tokens, "draw": draw}
        | {"question_length": length}
        | {"boxes": boxes, "evidence_area": area, "licence": "first", "perceptual_hash": HASH}
        | {"suspicion": "rows"}
        for position, draw, tokens, length, boxes, area in [
            (2, xxhash.xxh64_intdigest(b"t"), None, 1, 1, 0.02),
            (4, xxhash.xxh64_intdigest(b"s"), 700, 6, 2, 0.1),
        ]
    ]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            {"min_boxes": 3, "max_boxes": 2},
            r"filters: min_boxes \(3\) must not be above max_boxes \(2\)",
        ),
        ({"refused_licences": ["-"]}, "at least one letter or digit"),
        ({"allowed_licences": []}, "ingest.filters.allowed_licences"),
        ({"near_duplicate_distance": 17}, "ingest.filters.near_duplicate_distance"),
    ],
)
def test_impossible_filters_are_errors_that_name_the_key(filters, message):
    with pytest.raises(ConfigError, match=message):
        parse_params({"ingest": {"filters": filters}})


def test_the_hash_that_stands_for_a_picture_here_is_informative():
    assert informative(np.array([HASH], np.uint64)).all()
