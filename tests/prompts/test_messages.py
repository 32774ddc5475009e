"""What each view is asked, to the letter."""

from __future__ import annotations

import numpy as np
from made_prompts import student_prompt, teacher_prompt
from tiny_models import save_tiny

from vzero.config import Models
from vzero.imaging import encode_png
from vzero.models.loading import load_model
from vzero.prompts.parts import Question
from vzero.prompts.views import CROP_NOTICE, own_words

FULL, CROP = (encode_png(np.full((side, side, 3), side, np.uint8)) for side in (32, 64))
QUESTION, OPTIONS = "What letter is on the red circle?", ["K", "T"]


def words(options: list[str]) -> str:
    return own_words(Question("", QUESTION, tuple(options), images=0)).text


def test_the_words_of_a_question():
    assert words(OPTIONS) == (
        "What letter is on the red circle?\nA. K\nB. T\nReason briefly, then answer with the option letter."
    )
    assert words([]) == "What letter is on the red circle?\nReason briefly, then answer."


def test_rendered_views(tmp_path):
    model = load_model(save_tiny(tmp_path / "model"), Models())
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    end = "<|im_end|><|im_start|>assistant"
    asked = words(OPTIONS)
    student = student_prompt(model, FULL, QUESTION, OPTIONS)
    assert student.images == (FULL,)
    assert student.text == f"<|im_start|>user{image}{asked}{end}"
    teacher = teacher_prompt(model, FULL, CROP, QUESTION, OPTIONS)
    assert teacher.images == (FULL, CROP)
    assert teacher.text == f"<|im_start|>user{image}{image}{CROP_NOTICE}\n{asked}{end}"


def test_both_crops_are_announced_in_the_same_words(tmp_path):
    model = load_model(save_tiny(tmp_path / "model"), Models())
    right = teacher_prompt(model, FULL, FULL, QUESTION, OPTIONS)
    wrong = teacher_prompt(model, FULL, CROP, QUESTION, OPTIONS)
    assert right.text == wrong.text
    assert not any(word in right.text.lower() for word in ("relevant", "correct", "evidence", "focus"))
