"""What each view is asked, to the letter."""

from __future__ import annotations

from tiny_models import save_tiny

from vzero.config import Models
from vzero.models.loading import load_model
from vzero.prompts.messages import CROP_NOTICE, question_text, student_prompt, teacher_prompt

QUESTION, OPTIONS = "What letter is on the red circle?", ["K", "T"]


def test_question_text():
    assert question_text(QUESTION, OPTIONS) == (
        "What letter is on the red circle?\nA. K\nB. T\nReason briefly, then answer with the option letter."
    )
    assert question_text(QUESTION, []) == "What letter is on the red circle?\nReason briefly, then answer."


def test_rendered_views(tmp_path):
    model = load_model(save_tiny(tmp_path / "model"), Models())
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    end = "<|im_end|><|im_start|>assistant"
    asked = question_text(QUESTION, OPTIONS)
    student = student_prompt(model, b"full", QUESTION, OPTIONS)
    assert student.images == (b"full",)
    assert student.text == f"<|im_start|>user{image}{asked}{end}"
    teacher = teacher_prompt(model, b"full", b"crop", QUESTION, OPTIONS)
    assert teacher.images == (b"full", b"crop")
    assert teacher.text == f"<|im_start|>user{image}{image}{CROP_NOTICE}\n{asked}{end}"


def test_both_crops_are_announced_in_the_same_words(tmp_path):
    model = load_model(save_tiny(tmp_path / "model"), Models())
    right = teacher_prompt(model, b"full", b"right", QUESTION, OPTIONS)
    wrong = teacher_prompt(model, b"full", b"wrong", QUESTION, OPTIONS)
    assert right.text == wrong.text
    assert not any(word in right.text.lower() for word in ("relevant", "correct", "evidence", "focus"))
