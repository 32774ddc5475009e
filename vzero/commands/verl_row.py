"""One row of the reference code's Parquet form (a fork of verl), from one row of our tables.

A prompt is text with a marker where each picture goes. The reference splits it at the markers, drops empty
pieces, gives each `<image>` the next entry of `images` and each `<crop>` the next of `teacher_images`, and
stops when a picture is left over or missing. Distillation spec, sections 3.3 and 3.6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa

from vzero.prompts.parts import Image, Question, Worded
from vzero.prompts.views import own_words, with_crop_announced

LeftOut = Literal[
    "no_box",
    "several_images",
    "no_negative",
    "other_full_image",
    "marker_in_text",
    "token_in_text",
    "thin_picture",
]

MARKER = re.compile(r"<image>|<crop>|<video>|<audio>")
# Added tokens of every published Qwen tokenizer, and what is named like them.
TOKEN = re.compile(r"<\|\w+\|>|</?(?:think|tool_call|tool_response)>|<tts_\w+>")
# Longer over shorter side; the image processors of all Qwen models raise at more.
MOST_ASPECT = 200
# The reference picks a row's scorer by this name, and knows training rows by this one only.
DATA_SOURCE = "zwz_vqa"

_MESSAGES = pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))
_IMAGES = pa.list_(pa.struct({"bytes": pa.binary()}))
_BOX = pa.list_(pa.float32())

SCHEMA = pa.schema(
    {
        "data_source": pa.string(),
        "prompt": _MESSAGES,
        "images": _IMAGES,
        "teacher_raw_prompt": _MESSAGES,
        "teacher_images": _IMAGES,
        "teacher_neg_raw_prompt": _MESSAGES,
        "teacher_neg_images": _IMAGES,
        "reward_model": pa.struct({"style": pa.string(), "ground_truth": pa.string()}),
        "extra_info": pa.struct(
            {
                "index": pa.int64(),  # position among the exported rows of its split
                "sample_id": pa.string(),
                "image_id": pa.string(),
                "split": pa.string(),
                "source": pa.string(),
                "licence": pa.string(),
                "category": pa.string(),
                "question": pa.string(),
                "options": pa.list_(pa.string()),
                "boxes": pa.list_(_BOX),
                "evidence_box": _BOX,
                "positive_box": pa.list_(pa.int32()),
                "positive_scale": pa.float32(),
                "negative_box": _BOX,
                "negative_scale": pa.float32(),
                "negative_image_id": pa.string(),
                "strategy": pa.string(),
                "fallback": pa.string(),
            }
        ),
    }
)
"""Columns and types. Boxes are as in `vzero.tables`, under the same names."""

SAMPLE_COLUMNS = [
    "sample_id", "image_id", "more_image_ids", "question", "options", "answer", "boxes", "evidence_box",
    "split", "category", "source",
]  # fmt: skip
CROP_COLUMNS = [
    "sample_id", "positive", "negative", "positive_box", "positive_scale", "negative_box", "negative_scale",
    "negative_image_id", "strategy", "fallback", "width", "height",
]  # fmt: skip


def left_out(
    sample: Mapping[str, Any], crop: Mapping[str, Any] | None, image: tuple[int, int]
) -> LeftOut | None:
    """Why the reference could not read a sample's row; None: it can.

    It stops at a row without a negative crop and at thin pictures, shows both teacher views the same full
    image and announces the crop as the second picture, takes a marker in the question for one more picture,
    and the text of a tokenizer's added token for that token, which the form has no way to write otherwise.
    Needs `question` and `options`, and `more_image_ids` where they may be several; the crops' `fallback`,
    `strategy`, `width` and `height`, `None` of a sample without a box; and width and height of the image.
    """
    if crop is None:
        return "no_box"
    if sample.get("more_image_ids"):
        return "several_images"
    if crop["fallback"] == "none":
        return "no_negative"
    if crop["strategy"] == "downsampled":
        return "other_full_image"
    text = "\n".join([sample["question"], *sample["options"]])
    if MARKER.search(text):
        return "marker_in_text"
    if TOKEN.search(text):
        return "token_in_text"
    # The negative crop has the positive's sides.
    if any(max(sides) > MOST_ASPECT * min(sides) for sides in (image, (crop["width"], crop["height"]))):
        return "thin_picture"
    return None


def verl_row(
    sample: Mapping[str, Any], crop: Mapping[str, Any], image: bytes, licence: str, index: int
) -> dict[str, Any]:
    """A row of `SCHEMA` from one of `SAMPLE_COLUMNS` and one of `CROP_COLUMNS`.

    The pieces between the markers are, word for word, the messages that `vzero train` builds. An answer
    that the source does not tell is "": the reference does not start without the column.
    """
    question = Question("", sample["question"], tuple(sample["options"]))
    words = own_words(question)
    # One text for both views, as the reference uses the positive one's for both.
    teacher = _user(with_crop_announced(words, 1), ("<image>", "<crop>"))
    told = {**sample, **crop}
    extra = {name: told.get(name) for name in SCHEMA.field("extra_info").type.names}
    return {
        "data_source": DATA_SOURCE,
        "prompt": _user(words, ("<image>",)),
        "images": [{"bytes": image}],
        "teacher_raw_prompt": teacher,
        "teacher_images": [{"bytes": crop["positive"]}],
        "teacher_neg_raw_prompt": teacher,
        "teacher_neg_images": [{"bytes": crop["negative"]}],
        "reward_model": {"style": "rule", "ground_truth": sample["answer"] or ""},
        "extra_info": extra | {"index": index, "licence": licence},
    }


def _user(words: Worded, markers: tuple[str, ...]) -> list[dict[str, str]]:
    """One message with a marker in each image's place."""
    content = "".join(markers[part.number] if isinstance(part, Image) else part for part in words.parts)
    return [{"role": "user", "content": content}]
