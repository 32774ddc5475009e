"""Cells made to break their readers: each is a value or a reject, soon."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from vzero.ingest.locate import MOST_CROPS, locate_crops
from vzero.sources.annotation import ReadyCrops
from vzero.untrusted.boxes import MOST_BOXES, parse_boxes
from vzero.untrusted.cells import (
    LONGEST_TEXT,
    parse_answer,
    parse_id,
    parse_more_images,
    parse_options,
    parse_question,
    split_options,
)
from vzero.untrusted.cleaning import PHRASES, clean, without
from vzero.untrusted.rejects import Rejected

SPACES = " " * 100_000
HEXADECIMAL = "0x" + "f" * 5000  # Python reads it, and refuses to write it in digits


@pytest.mark.parametrize(
    ("parse", "cell", "code"),
    [
        (parse_boxes, f"[{HEXADECIMAL}, 1, 2, 3]", "bad_box"),
        (parse_boxes, f"[[{HEXADECIMAL}, 1, 2]]", "bad_box"),
        (parse_boxes, f"[{{{HEXADECIMAL}: 1}}]", "bad_box"),
        (parse_options, f"['a', {HEXADECIMAL}]", "bad_options"),
        (parse_boxes, [[1, 2, 3, 4]] * (MOST_BOXES + 1), "bad_box"),
        (parse_boxes, f"[{'[1, 2, 3, 4],' * 10**5}[1, 2, 3, 4]]", "bad_box"),
        (parse_boxes, "[" * 900 + "]" * 900, "bad_box"),
        (parse_options, [str(number) for number in range(10**6)], "bad_options"),
        (parse_question, "?" * (LONGEST_TEXT + 1), "missing_question"),
        (parse_options, ["a", "b" * (LONGEST_TEXT + 1)], "bad_options"),
        (lambda cell: parse_answer(cell, []), "a" * (LONGEST_TEXT + 1), "bad_answer"),
        (parse_id, "a" * (LONGEST_TEXT + 1), "missing_id"),
        (parse_more_images, ["a.png"] * 10**6, "missing_image"),
        (parse_more_images, "[" * 900 + "]" * 900, "missing_image"),
        (parse_more_images, f"['a.png', {HEXADECIMAL}]", "missing_image"),
        (lambda cell: parse_question(cell, 1001), "<image>" * 10**4, "image_marker"),
    ],
)
def test_absurd_sizes_are_rejected_with_a_short_reason(parse: Callable, cell: Any, code: str):
    began = time.process_time()
    with pytest.raises(Rejected) as caught:
        parse(cell)
    assert caught.value.code == code
    assert len(caught.value.detail) < 300
    assert time.process_time() - began < 2


def test_the_largest_sizes_that_are_read():
    assert len(parse_boxes([[1, 2, 3, 4]] * MOST_BOXES)) == MOST_BOXES
    assert parse_question("?" * LONGEST_TEXT) == "?" * LONGEST_TEXT


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (split_options, f"Which?\nA. x{SPACES}y\nB. z", ("Which?", [f"x{SPACES}y", "z"])),
        (split_options, f"Which?\n{SPACES}A. x{SPACES}\nB.{SPACES}z", ("Which?", ["x", "z"])),
        *((partial(without, phrase), f"a{SPACES}b", (f"a{SPACES}b", ())) for phrase in PHRASES),
        (lambda text: clean(text, ["x", "y"])[0], f"a{SPACES}b", f"a{SPACES}b"),
    ],
)
def test_long_runs_of_spaces_take_no_longer_than_other_text(read: Callable, text: str, expected: Any):
    began = time.process_time()
    assert read(text) == expected
    assert time.process_time() - began < 1


def test_only_a_few_ready_crops_of_a_row_are_looked_for():
    image = np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(Rejected, match=rf"{MOST_CROPS + 1} crops"):
        locate_crops(ReadyCrops([b""] * (MOST_CROPS + 1), 1), image, bytes)
