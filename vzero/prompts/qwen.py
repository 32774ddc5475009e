"""The prompts that VLMEvalKit's Qwen3-VL wrapper puts in place of the toolkit's own, when it is told to.

Only choices are reworded. Two runs named after the same toolkit and benchmark may differ by this alone.
"""

from __future__ import annotations

from vzero.prompts.parts import Question, Worded, images_at_marks, images_first
from vzero.prompts.vlmevalkit import CHOOSE, choice_text, vlmevalkit

CHOOSE_LETTER = "Answer with the option letter only."
KEPT = ("mme_realworld", "mme_realworld_lite", "mme_realworld_cn", "mathvista", "mathvision")


def qwen(question: Question) -> Worded:
    if question.benchmark in KEPT or not question.offered:
        return vlmevalkit(question)
    if question.benchmark == "mmmu":
        return Worded(images_at_marks(question, choice_text(question, CHOOSE).rstrip()))
    return Worded(images_first(question, choice_text(question, CHOOSE_LETTER).rstrip()))
