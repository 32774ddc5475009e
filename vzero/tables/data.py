"""What `ingest`, `crops` and `quality` write: images, samples, benchmarks, and what was left out."""

from __future__ import annotations

import dataframely as dy
import polars as pl

SPLITS = ["train", "dev"]
FALLBACKS = ["exact", "shrunk", "overlap", "other_image", "none", "finer"]
QUESTION_KINDS = ["choice", "open"]
FATES = ["asked", "left_over", "small", "not_single", "no_picture"]


class Images(dy.Schema):
    """One row a distinct image. Written by `ingest`."""

    image_id = dy.String(primary_key=True)  # sha256 of `bytes`
    # Encoded, exactly as found; with `ingest.upright` an image that EXIF turns is turned and a PNG.
    bytes = dy.Binary(nullable=False)
    width = dy.Int32(nullable=False, min=1)
    height = dy.Int32(nullable=False, min=1)
    format = dy.String(nullable=False)  # png, jpeg, webp, ...
    # 64-bit difference hash of the image as it is shown: near-duplicates differ in few bits.
    perceptual_hash = dy.UInt64(nullable=False)
    source = dy.String(nullable=False)
    licence = dy.String(nullable=False)
    # Whether a row about it, of any source, was rejected because its boxes are on another grid than the image
    # (vzero.untrusted.rejects.OTHER_GRID): then the boxes of the rows that pass may be wrong too.
    suspect = dy.Bool(nullable=False)


class Samples(dy.Schema):
    """One row a question about one image or several. Written by `ingest`, in the shard of the first image."""

    sample_id = dy.String(primary_key=True)
    image_id = dy.String(nullable=False)
    # The images after that one, in order; [] for a single one. They may lie in other shards than the sample.
    more_image_ids = dy.List(dy.String(nullable=False), nullable=False)
    question = dy.String(nullable=False, min_length=1)
    options = dy.List(dy.String(nullable=False), nullable=False)  # texts in order; [] for open questions
    answer = dy.String(nullable=True)  # letter (with options) or text; carried for reporting only
    # Of the first image. Without one (`params.ingest.missing_box`) no crops are cut.
    boxes = dy.List(dy.List(dy.Float32(nullable=False), min_length=4, max_length=4), nullable=False)
    evidence_box = dy.List(dy.Float32(nullable=False), nullable=True, min_length=4, max_length=4)  # union
    split = dy.Enum(SPLITS, nullable=False)
    category = dy.String(nullable=False)  # question family, "" when the source has none
    source = dy.String(nullable=False)


SHOWN_IMAGES = pl.concat_list("image_id", "more_image_ids")
"""Of rows of Samples: the ids of all images of a sample, in order."""


class Rejects(dy.Schema):
    """One row for everything `ingest` left out. Nothing is dropped silently."""

    source = dy.String(nullable=False)
    row = dy.Int64(nullable=False)  # position in the source
    sample_id = dy.String(nullable=True)
    image = dy.String(nullable=True)  # the path as annotated, when there is one
    code = dy.String(nullable=False)  # one of vzero.untrusted.rejects.RejectCode
    detail = dy.String(nullable=False)


class Funnel(dy.Schema):
    """From the rows of the source to the samples, a step a check or filter that left some out. Of `ingest`.

    What a step passes on is what the next one gets, and the rejects of the source with the step's code are
    what it left out.
    """

    step = dy.Int32(primary_key=True, min=0)
    name = dy.String(nullable=False)  # rows, at the start; a code of Rejects; samples, at the end
    rows_in = dy.Int64(nullable=False, min=0)
    left_out = dy.Int64(nullable=False, min=0)
    rows_out = dy.Int64(nullable=False, min=0)
    parameters = dy.String(nullable=False)  # of params.ingest, as text; "" where the step has none


class Objects(dy.Schema):
    """What became of the objects of sources that have no questions of their own. Written by `ingest`."""

    source = dy.String(primary_key=True)
    category = dy.String(primary_key=True)
    # asked: a question is about it, which may be a reject for other reasons. left_over: no template has one
    # answer for it, or the picture has enough questions. small: nobody can tell what it is. not_single: a
    # crowd, marked as difficult, or with a box that cannot be read, which is a reject. no_picture: its
    # picture had to be opened, and could not.
    fate = dy.Enum(FATES, primary_key=True)
    objects = dy.Int64(nullable=False, min=1)


class Cleanings(dy.Schema):
    """Which phrases were taken off questions and options, and of how many samples. Written by `ingest`."""

    source = dy.String(primary_key=True)
    cleaning = dy.String(primary_key=True)  # one of vzero.untrusted.cleaning.Cleaning
    samples = dy.Int64(nullable=False, min=1)


class Crops(dy.Schema):
    """The evidence views of a sample that has a box. Written by `crops`, in the same shard as the sample."""

    sample_id = dy.String(primary_key=True)
    positive = dy.Binary(nullable=False)  # encoded image
    # Encoded, of the positive's sides (`downsampled`: those // 2, at least 1); null when `fallback` is none.
    negative = dy.Binary(nullable=True)
    # Further negatives by the same strategy and rule, each another window; [] when one was asked for. Fewer
    # than `params.crops.negative_count` - 1 where no more different windows exist.
    more_negatives = dy.List(dy.Binary(nullable=False), nullable=False)
    # Of `downsampled`: the encoded full image that the negative view shows, at its sides // 2, at least 1.
    negative_image = dy.Binary(nullable=True)
    width = dy.Int32(nullable=False, min=1)  # of the encoded positive
    height = dy.Int32(nullable=False, min=1)
    positive_box = dy.List(dy.Int32(nullable=False), nullable=False, min_length=4, max_length=4)
    # What `negative` shows, in full-resolution pixels of the image `negative_image_id`, at whichever
    # resolution it was cut. `masked`, `blurred`, `downsampled`: the positive's box. `blank`: null.
    negative_box = dy.List(dy.Float32(nullable=False), nullable=True, min_length=4, max_length=4)
    negative_image_id = dy.String(nullable=True)  # where `negative` is from; null when there is none
    positive_scale = dy.Float32(nullable=False)  # crop pixels per image pixel
    negative_scale = dy.Float32(nullable=True)  # null with `negative_box`
    strategy = dy.String(nullable=False)  # params.crops.negative
    # exact: as the strategy says. none: no negative. Only of `half_resolution` and `same_resolution`: shrunk,
    # a smaller window off the target, enlarged to size; finer, one of the full resolution; overlap, a window
    # that touches the target a little; other_image, a window of another image, because this one has no place.
    fallback = dy.Enum(FALLBACKS, nullable=False)
    seed = dy.UInt64(nullable=False)  # of this row's windows, from params.crops.seed and sample_id


class Quality(dy.Schema):
    """How many rows of a source are at each level of a figure. Written by `quality`."""

    source = dy.String(primary_key=True)
    # counts, suspect (images, and samples about them), reject, evidence_area (share of the image),
    # evidence_aspect (width over height), evidence_centre (12 x 12 cells of the image; position = 12 * row +
    # column), boxes, question_length (characters), options, answer_letter, answer, category, image_side (the
    # longer one, pixels), image_aspect, format, licence, questions_an_image, nearest_image (bits between
    # perceptual hashes; only near images), fallback, enlargement (of negatives, times the positive's),
    # objects (by fate), cleaning (samples, by phrase), overlap (images, by benchmark), student_tokens,
    # teacher_tokens (prompts, of up to 2,000 samples a source)
    figure = dy.String(primary_key=True)
    level = dy.String(primary_key=True)
    position = dy.Int32(nullable=False, min=0)  # of the level, in the order it is meant to be shown
    low = dy.Float64(nullable=True)  # low <= value < high, where levels are ranges
    high = dy.Float64(nullable=True)  # null: no upper end, or no range
    count = dy.Int64(nullable=False, min=0)


class BenchmarkItems(dy.Schema):
    """Benchmark questions in one shape. Written by `ingest`."""

    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    version = dy.String(nullable=False)  # sha256 over all items of the benchmark
    group = dy.String(nullable=False)  # items about the same image: intervals resample groups
    question = dy.String(nullable=False, min_length=1)  # without the options of a choice
    # By letter; [] for open questions. Null: the letter is not offered, those after it are
    # (VLMEvalKit reads an option "None" as missing, see params.ingest.na_cells).
    options = dy.List(dy.String(nullable=True), nullable=False)
    answer = dy.String(nullable=False)  # letter of a choice, else text
    kind = dy.Enum(QUESTION_KINDS, nullable=False)
    answer_type = dy.String(nullable=False)  # integer, float, ... as published; "" where nothing is
    prompt = dy.String(nullable=True)  # the whole question as published; null where only its parts are
    hint = dy.String(nullable=True)
    category = dy.String(nullable=False)
    l2_category = dy.String(nullable=False)  # "" without sub-categories
    source = dy.String(nullable=False)  # collection that the image is from; "" where one is all
    cycle = dy.Int32(nullable=True)  # option order, for benchmarks that ask every order
    resolution = dy.String(nullable=False)  # "" when the benchmark has one
    image = dy.Binary(nullable=False)  # encoded, exactly as published
    more_images = dy.List(dy.Binary(nullable=False), nullable=False)  # after `image`, in order
    crop_image = dy.Binary(nullable=True)  # what the teacher's ceiling sees; null without a region
    pictures = dy.List(  # facts of `image`, `more_images` and `crop_image`, in this order
        dy.Struct(
            {
                "role": dy.Enum(["image", "crop"], nullable=False),
                "sha256": dy.String(nullable=False),  # of the encoded bytes
                "width": dy.Int32(nullable=False),
                "height": dy.Int32(nullable=False),
                "perceptual_hash": dy.UInt64(nullable=False),  # as of tables.Images
            },
            nullable=False,
        ),
        nullable=False,
        min_length=1,
    )
    boxes = dy.List(dy.List(dy.Float32(nullable=False), min_length=4, max_length=4), nullable=False)
    evidence_box = dy.List(dy.Float32(nullable=False), nullable=True, min_length=4, max_length=4)  # union


class Overlaps(dy.Schema):
    """One row a training image (of either split) that is, or resembles, a benchmark's picture.

    Written by `ingest`, of the images that its filters kept: vzero.likeness.overlaps says what counts.
    """

    benchmark = dy.String(primary_key=True)
    item = dy.String(primary_key=True)
    picture = dy.Int32(primary_key=True, min=0)  # position in the item's `pictures`; 0: its image
    image_id = dy.String(primary_key=True)  # of the training image
    same_bytes = dy.Bool(nullable=False)  # certain; otherwise the two look alike
    distance = dy.Int32(nullable=False, min=0, max=64)  # bits in which the two hashes differ
    image_hash = dy.UInt64(nullable=False)  # perceptual_hash of the training image
    benchmark_hash = dy.UInt64(nullable=False)  # perceptual_hash of the benchmark's picture
