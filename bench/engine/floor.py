"""The arithmetic floor of a step: the fewest tokens that must pass through the models, at a measured rate.

Nothing is computed twice: the student's prompt and answers go forward once, for sampling and training at the
same time, and backward once, which costs two forwards; the teacher's full image goes forward once, and behind
it crop, question and answers once for each view. Every image is encoded once. Sampling one token after the
other is taken to be as fast as a whole batch, so no real step can reach the floor.

The rates are measured on the largest batches at hand, those of the naive replay: seconds a token of the
language model. The vision tower's seconds are measured on the images themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bench.engine.settings import Setting
from bench.timing import best_seconds, timed
from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel
from vzero.models.pixels import image_features
from vzero.models.prompt import Piece, Prompt
from vzero.rollout.plain import replay


@torch.no_grad()
def floor_seconds(setting: Setting, *, rounds: int) -> float:
    """Seconds that no step of a setting with one sample can beat."""
    answers = int(setting.mask.sum())
    (asked,) = setting.student_prompts
    forward = _vision_seconds(setting.student, asked.images, rounds)
    forward += (_tokens(setting.student, asked) + answers) * _token_seconds(
        setting, setting.student, asked, rounds
    )
    (positive,), (negative,) = setting.positive_prompts, setting.negative_prompts
    head, tail = positive.halves
    scored = _tokens(setting.teacher, head) + 2 * (_tokens(setting.teacher, tail) + answers)
    replay = _vision_seconds(setting.teacher, (*positive.images, negative.images[1]), rounds)
    replay += scored * _token_seconds(setting, setting.teacher, positive, rounds)
    return 3 * forward + replay


def _token_seconds(setting: Setting, model: LoadedModel, prompt: Prompt, rounds: int) -> float:
    """Seconds a token of the language model, in a batch of the setting's answers with their prompts."""
    rows, length = setting.token_ids.shape
    whole = _best(lambda: replay(model, [prompt], setting.token_ids, setting.mask), rounds)
    vision = _vision_seconds(model, prompt.images * rows, rounds)
    return (whole - vision) / (rows * (_tokens(model, prompt) + length))


def _vision_seconds(model: LoadedModel, images: Sequence[bytes], rounds: int) -> float:
    pixels, grids = image_features(model, images)
    return _best(lambda: model.network.model.visual(pixels, grid_thw=grids), rounds)


def _tokens(model: LoadedModel, prompt: Piece) -> int:
    return int(encode(model, [prompt]).mask.sum())


def _best(work, rounds: int) -> float:
    return best_seconds({"work": timed(work)}, rounds=rounds)["work"]
