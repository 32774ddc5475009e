"""Why a row of a source is left out: one code a reason, and the row that says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RejectCode(StrEnum):
    MALFORMED_ROW = "malformed_row"
    """Not JSON, not UTF-8, not an object, or with more cells than columns."""
    MISSING_ID = "missing_id"
    """The declared id column holds no text or whole number here."""
    DUPLICATE_ID = "duplicate_id"
    """An earlier row has this id; the first one is kept, whether or not they agree."""
    MISSING_QUESTION = "missing_question"
    """No text where the question should be, or no template with one answer to make one from."""
    IMAGE_MARKER = "image_marker"
    """The question or an option refers to more pictures than it comes with, or to one in its midst."""
    BAD_OPTIONS = "bad_options"
    """Fewer than two, more than 26, empty, repeated, or not texts."""
    BAD_ANSWER = "bad_answer"
    """Neither text nor number."""
    ANSWER_NOT_IN_OPTIONS = "answer_not_in_options"
    """The answer is no option's letter or text."""
    MISSING_IMAGE = "missing_image"
    """No image named, or no file there (in a tar: a link, which is not followed)."""
    PATH_ESCAPE = "path_escape"
    """The path leads out of the image folder (`..`, or absolute); symbolic links in it are followed."""
    UNREADABLE_IMAGE = "unreadable_image"
    """Empty, damaged, or no image format that is read."""
    TRUNCATED_IMAGE = "truncated_image"
    """The file ends before the image does."""
    HUGE_IMAGE = "huge_image"
    """More pixels than `ingest.max_megapixels`, or a file of more than a gigabyte."""
    AMBIGUOUS_IMAGE = "ambiguous_image"
    """Tar files hold different bytes under the same name."""
    SIZE_MISMATCH = "size_mismatch"
    """The annotated width and height are not the image's, so the boxes are on another grid; or two statements
    of the same box disagree on this image."""
    MISSING_BOX = "missing_box"
    """No box annotated, and `ingest.missing_box` keeps no such rows."""
    BAD_BOX = "bad_box"
    """Not four finite numbers, or with swapped corners."""
    BOX_OUTSIDE = "box_outside"
    """More than half of a box lies outside the image."""
    BOX_EMPTY = "box_empty"
    """A side inside the image is shorter than `ingest.min_box_side`."""
    CROWD_REGION = "crowd_region"
    """One box around many objects (COCO's `iscrowd`), which is nobody's region."""
    BOX_TOO_LARGE = "box_too_large"
    """The evidence covers more of the image than `ingest.max_box_coverage`."""
    DRAWN_BOX = "drawn_box"
    """A red box is drawn around the evidence, which would tell the student where to look."""
    CROP_NOT_FOUND = "crop_not_found"
    """No box, and no window of the image that looks like the ready crop."""
    CROP_AMBIGUOUS = "crop_ambiguous"
    """No box, and several windows of the image that look like the ready crop."""
    PICTURE_REFUSED = "picture_refused"
    """The processor that `ingest.filters.prompt_tokens` counts by takes no image of this shape."""
    # Of `ingest.filters`, in the order in which they are applied, after all checks.
    QUESTION_LENGTH = "question_length"
    """Fewer or more characters than asked for."""
    BOX_COUNT = "box_count"
    """Fewer or more boxes than asked for."""
    EVIDENCE_AREA = "evidence_area"
    """The evidence covers less or more of the image than asked for."""
    LICENCE = "licence"
    """The image's licence is refused, or not among those allowed."""
    PROMPT_TOKENS = "prompt_tokens"
    """More tokens in the student's prompt than asked for."""
    SUSPECT_IMAGE = "suspect_image"
    """Another row about the image was rejected with a code of `OTHER_GRID`."""
    BENCHMARK_IMAGE = "benchmark_image"
    """A benchmark shows the image too."""
    NEAR_DUPLICATE = "near_duplicate"
    """Another image, which is kept, looks nearly the same."""
    SAMPLE_LIMIT = "sample_limit"
    """More samples than asked for; which are kept depends on their ids."""


OTHER_GRID = frozenset({RejectCode.BOX_OUTSIDE, RejectCode.SIZE_MISMATCH})
"""Codes that tell of a wrong picture, or of boxes drawn at another scale: rarely of one row alone. An image
with such a row is a suspect (`tables.Images`)."""


class Rejected(Exception):
    """Raised by the checks of a row that is to be left out."""

    def __init__(self, code: RejectCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

    def of(self, part: str) -> Rejected:
        """The same, said of a part of the row."""
        return Rejected(self.code, f"{part}: {self.detail}")


@dataclass(frozen=True)
class Reject:
    """A row that was left out."""

    row: int
    code: RejectCode
    detail: str
    sample_id: str | None = None
    image: str | None = None
    objects: tuple[tuple[str, str], ...] = ()
    """As of `sources.annotation.Annotation`."""
