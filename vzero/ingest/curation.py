"""Which checked samples `ingest.filters` leaves out, and why. Pure, but for the reading of `measure`.

The filters are applied in the order of `FILTERS`; each sees only what those before it kept. What is left out
depends on the set of samples alone, never on their order. Filters know no split: train and dev keep the same
kind of samples, and of two near-duplicates in different splits only one stays. A sample of several images is
left out with any one of them.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import xxhash

from vzero.config import Filters, Ingest
from vzero.config.filters import licence_words
from vzero.likeness.overlaps import find_overlaps, informative
from vzero.likeness.pairs import close_pairs
from vzero.tables import SHOWN_IMAGES
from vzero.untrusted.rejects import RejectCode

FILTERS = {
    RejectCode.QUESTION_LENGTH: ("min_question_length", "max_question_length"),
    RejectCode.BOX_COUNT: ("min_boxes", "max_boxes"),
    RejectCode.EVIDENCE_AREA: ("min_evidence_area", "max_evidence_area"),
    RejectCode.LICENCE: ("allowed_licences", "refused_licences"),
    RejectCode.PROMPT_TOKENS: ("prompt_tokens",),
    RejectCode.SUSPECT_IMAGE: ("refuse_suspect_images",),
    RejectCode.BENCHMARK_IMAGE: ("refuse_benchmark_images",),
    RejectCode.NEAR_DUPLICATE: ("near_duplicate_distance",),
    RejectCode.SAMPLE_LIMIT: ("most_samples",),
}
"""The fields of `ingest.filters` that each code stands for."""


def switched_on(filters: Filters) -> list[RejectCode]:
    """The filters that can leave something out, in the order in which they are applied."""
    off = Filters()
    return [
        code
        for code, names in FILTERS.items()
        if any(getattr(filters, name) != getattr(off, name) for name in names)
    ]


def measure(samples: pl.LazyFrame, images: pl.LazyFrame, suspects: pl.DataFrame) -> pl.DataFrame:
    """What the filters look at, a row an image of a sample, ordered by position, then as the sample has them.

    `samples` has the columns of `tables.Samples`, position and prompt_tokens, `images` those of
    `tables.Images`; an image may be there several times, the first counts. `suspects` has
    image_id and suspicion. Columns: position, image_id, draw (a number that
    depends on the sample's id alone), question_length (characters), boxes, evidence_area
    (share of the first image, null without a box), prompt_tokens (null when they do not matter), licence,
    perceptual_hash and suspicion (null of images that are no suspects). Pixels and texts are not held.
    """
    box = pl.col("evidence_box").cast(pl.List(pl.Float64))
    area = (box.list.get(2) - box.list.get(0)) * (box.list.get(3) - box.list.get(1))
    measured = samples.select(
        "position",
        "image_id",
        "prompt_tokens",
        draw=pl.col("sample_id").map_elements(_draw, return_dtype=pl.UInt64),
        question_length=pl.col("question").str.len_chars(),
        boxes=pl.col("boxes").list.len(),
        evidence_area=area,
        shown=SHOWN_IMAGES,
        place=pl.int_ranges(0, 1 + pl.col("more_image_ids").list.len(), dtype=pl.Int32),
    )
    facts = images.select("image_id", "width", "height", "licence", "perceptual_hash").unique(
        "image_id", keep="first", maintain_order=True
    )
    sides = facts.select("image_id", "width", "height")
    shares = pl.col("evidence_area") / (pl.col("width").cast(pl.Int64) * pl.col("height"))
    of_samples = measured.join(sides, on="image_id").with_columns(evidence_area=shares)
    each = of_samples.drop("image_id", "width", "height").rename({"shown": "image_id"})
    joined = each.explode("image_id", "place").join(facts.drop("width", "height"), on="image_id")
    joined = joined.join(suspects.lazy(), on="image_id", how="left")
    return joined.sort("position", "place").drop("place").collect()


def _draw(sample_id: str) -> int:
    """Polars' own hashes differ from version to version."""
    return xxhash.xxh64_intdigest(sample_id.encode())


def left_out(rows: pl.DataFrame, config: Ingest, items: pl.DataFrame) -> pl.DataFrame:
    """What the filters leave out: position, code and detail, filter by filter.

    `rows` is what `measure` gives, `items` has the columns benchmark, item and pictures of
    `tables.BenchmarkItems`.
    """
    columns = {"position": pl.Int64, "code": pl.String, "detail": pl.String}
    found = [pl.DataFrame(schema=columns)]
    for code in switched_on(config.filters):
        rows = rows.with_columns(detail=_reasons(code, rows, config, items))
        refused = rows.filter(pl.col("detail").is_not_null())
        refused = refused.unique("position", keep="first", maintain_order=True)
        found.append(refused.select("position", pl.lit(str(code)).alias("code"), "detail"))
        rows = rows.join(refused, on="position", how="anti", maintain_order="left").drop("detail")
    return pl.concat(found)


def _reasons(
    code: RejectCode, rows: pl.DataFrame, config: Ingest, items: pl.DataFrame
) -> pl.Expr | pl.Series:
    """Why each row is left out by one filter; null where it is kept."""
    filters = config.filters
    match code:
        case RejectCode.QUESTION_LENGTH:
            length = pl.col("question_length")
            outside = _outside(length, filters.min_question_length, filters.max_question_length)
            return pl.when(outside).then(pl.format("{} characters", length))
        case RejectCode.BOX_COUNT:
            outside = _outside(pl.col("boxes"), filters.min_boxes, filters.max_boxes)
            return pl.when(outside).then(pl.format("{} boxes", "boxes"))
        case RejectCode.EVIDENCE_AREA:
            area = pl.col("evidence_area")
            outside = _outside(area, filters.min_evidence_area, filters.max_evidence_area)
            return pl.when(outside).then(pl.format("{}% of the image", (area * 100).round_sig_figs(3)))
        case RejectCode.LICENCE:
            texts = rows["licence"].unique().to_list()
            refused = [text for text in texts if not licence_kept(text, filters)]
            return pl.when(pl.col("licence").is_in(refused)).then("licence")
        case RejectCode.PROMPT_TOKENS:
            assert filters.prompt_tokens is not None
            tokens = pl.col("prompt_tokens")
            return pl.when(tokens > filters.prompt_tokens.max_tokens).then(pl.format("{} tokens", tokens))
        case RejectCode.SUSPECT_IMAGE:
            return pl.col("suspicion")
        case RejectCode.BENCHMARK_IMAGE:
            return _of_image(rows, _shown_by_benchmarks(_images(rows), items, config.overlap_distance))
        case RejectCode.NEAR_DUPLICATE:
            assert filters.near_duplicate_distance is not None
            return _near_others(rows, filters.near_duplicate_distance)
        case _:
            assert filters.most_samples is not None
            return _beyond(rows, filters.most_samples)


def _outside(value: pl.Expr, low: float | None, high: float | None) -> pl.Expr:
    below = pl.lit(False) if low is None else value < low
    above = pl.lit(False) if high is None else value > high
    return below | above


def licence_kept(text: str, filters: Filters) -> bool:
    """Whether images of this licence may be used."""
    words = licence_words(text)
    if any(f" {licence_words(refused)} " in f" {words} " for refused in filters.refused_licences):
        return False
    allowed = filters.allowed_licences
    return allowed is None or words in {licence_words(licence) for licence in allowed}


def _images(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("image_id", "perceptual_hash").unique("image_id").sort("image_id")


def _of_image(rows: pl.DataFrame, details: pl.DataFrame) -> pl.Series:
    """The detail of each row's image."""
    return rows.join(details, on="image_id", how="left", maintain_order="left")["detail"]


def _near_others(rows: pl.DataFrame, distance: int) -> pl.Series:
    """The detail of each row's image that nearly repeats a kept one which its own sample does not show.

    Pictures that are alike on purpose, to be compared, are no reason to leave out their sample.
    """
    repeats = near_duplicates(_images(rows), distance)
    own = rows.select("position", kept="image_id", own=pl.lit(True)).unique()
    found = rows.join(repeats, on="image_id", how="left", maintain_order="left")
    found = found.join(own, on=["position", "kept"], how="left", maintain_order="left")
    return found.select(pl.when(pl.col("own").is_null()).then("detail"))["detail"]


def _beyond(rows: pl.DataFrame, most: int) -> pl.Expr:
    """The detail of each row of a sample that is not among the `most` with the smallest draws."""
    kept = rows.unique("position").sort("draw", "position").head(most)["position"]
    return pl.when(~pl.col("position").is_in(kept.implode())).then(pl.lit(f"not among the {most:,} drawn"))


def _shown_by_benchmarks(images: pl.DataFrame, items: pl.DataFrame, distance: int) -> pl.DataFrame:
    """Images that overlap with a benchmark, with the nearest item: image_id and detail."""
    overlaps = find_overlaps(images, items, distance).sort("distance", "benchmark", "item", "picture")
    nearest = overlaps.unique("image_id", keep="first", maintain_order=True)
    apart = pl.format("{} bits apart", "distance")
    how = pl.when("same_bytes").then(pl.lit("the same bytes")).otherwise(apart)
    return nearest.select("image_id", detail=pl.format("{}, item {}: {}", "benchmark", "item", how))


def near_duplicates(images: pl.DataFrame, distance: int) -> pl.DataFrame:
    """Images that nearly repeat one that is kept: image_id, the id of that one as `kept`, and detail.

    `images` has the columns image_id and perceptual_hash, a row an image. They are taken by ascending id;
    each is kept unless one that is kept already is within `distance` bits. So every image that is left out
    has one in its place, and no chain of small steps leads from what is left out to something unlike it.
    (That one's samples may still be left out, where they show several images, because of another.)
    """
    comparable = images.filter(pl.Series(informative(images["perceptual_hash"].to_numpy()))).sort("image_id")
    kept, bits = keepers(comparable["perceptual_hash"].to_numpy(), distance)
    pairs = comparable.select("image_id", kept=comparable["image_id"].gather(kept), bits=pl.Series(bits))
    repeats = pairs.filter(pl.col("kept") != pl.col("image_id"))
    return repeats.select(
        "image_id", "kept", detail=pl.format("{} bits from image {}, which is kept", "bits", "kept")
    )


def keepers(hashes: np.ndarray, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """The first kept hash within `distance` bits of each, its own position where it is kept; and the bits.

    `hashes` (N,) is uint64; both results are (N,) int64.
    """
    values, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    order = np.argsort(first)  # a hash that repeats shares the fate of its first
    distinct, rank = values[order], np.argsort(order)[inverse]
    place, bits = np.arange(len(distinct)), np.zeros(len(distinct), np.int64)
    for lefts, rights, found in close_pairs(distinct, distinct, distance):
        # Pairs come in the order of the left one, so the fate of those before it is known.
        decided = rights < lefts[0]
        earlier = np.where(decided, place[rights] == rights, rights < lefts)
        for left, right, differing in zip(lefts[earlier], rights[earlier], found[earlier], strict=True):
            if place[left] == left and place[right] == right:
                place[left], bits[left] = right, differing
    return first[order][place][rank], bits[rank]
