"""ZoomBench's prompts, also those that its code asks other benchmarks with."""

from __future__ import annotations

from vzero.prompts.parts import Question, Worded, images_first, option_lines

# The published system prompt, word for word.
SYSTEM = (
    "You are a helpful assistant.\n The assistant first thinks about the reasoning process in the mind and "
    "then provides the user with the answer. The answer are enclosed within <answer> </answer> tags, "
    "respectively, i.e., reasoning process here <answer> answer here </answer>"
)
CHOOSE = "Select from the following choices."
VSTAR_INSTRUCTION = "Answer with the option's letter from the given choices directly."
IMAGE_MARK = "<image>"


def zoombench(question: Question) -> Worded:
    text = _text(question).replace(IMAGE_MARK, "")
    return Worded(images_first(question, text), system=SYSTEM)


def _text(question: Question) -> str:
    if question.prompt is None and question.offered:
        return "\n".join([f"{question.text} {CHOOSE}", *option_lines(question.offered, "({}) ")])
    if question.benchmark == "vstar" and VSTAR_INSTRUCTION not in question.published:
        return f"{question.published}\n{VSTAR_INSTRUCTION}"
    return question.published
