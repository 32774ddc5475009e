"""What the engine is measured on: models, samples and answers.

Two sizes: the embedded world with its shipped models, and random models of the same architecture whose
student prompt is 1,024 tokens long.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer

from vzero.config import Ingest, Models, NeedleSource, Params, Train
from vzero.imaging import encode_png
from vzero.methods.base import Sample
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel, Processors, load_model, load_processors
from vzero.models.prompt import Prompt, prompts_of
from vzero.needle import architecture
from vzero.needle.architecture import TinySize
from vzero.needle.dataset import QUESTIONS_PER_SCENE
from vzero.paths import Paths
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE, Picture, full_view, with_crop
from vzero.rollout.generate import generate
from vzero.rollout.sampling import Sampling
from vzero.stages import crops, ingest
from vzero.train.batches import load_samples, training_index

GROUP = 8  # rollouts a prompt, as published
NEEDLE_PROMPTS = 16  # a step of the embedded world

STUDENT = TinySize(hidden=128, layers=4, vision_hidden=96, vision_depth=2)
TEACHER = TinySize(hidden=128, layers=6, vision_hidden=96, vision_depth=2)
IMAGE = (448, 560)  # pixels, height and width: 980 visual tokens, which leave 44 for the text
CROP = (128, 128)  # pixels: 64 visual tokens
ANSWER_TOKENS = 64
QUESTION, OPTIONS = "What letter is on the red circle?", ("K", "L", "M", "N")
# Nobody samples a video token, so no answer ends before its 64th token.
NEVER_SAMPLED = "<|video_pad|>"


@dataclass(frozen=True)
class Setting:
    folder: Path  # holds the folders `student` and `teacher`
    student: LoadedModel
    teacher: LoadedModel
    samples: list[Sample]
    group: int
    token_ids: torch.Tensor  # (samples * group, tokens), answers to replay, siblings beside each other
    mask: torch.Tensor

    @property
    def train(self) -> Train:
        return self.train_with({})

    def train_with(self, method: dict[str, Any]) -> Train:
        """Settings of a step; `method` names the recipe and what differs from it."""
        train = Train(
            **method,
            prompts=len(self.samples),
            max_new_tokens=self.token_ids.shape[1],
            learning_rate=1e-6,
        )
        # Set afterwards: the gate refuses a group of one, in which there is nothing to compare.
        return train.model_copy(update={"group": self.group})

    @property
    def student_prompts(self) -> list[Prompt]:
        return self._prompts(self.student, FULL)

    @property
    def positive_prompts(self) -> list[Prompt]:
        """The teacher's, with the right crop."""
        return self._prompts(self.teacher, POSITIVE)

    @property
    def negative_prompts(self) -> list[Prompt]:
        """The teacher's, with a wrong crop."""
        return self._prompts(self.teacher, NEGATIVE)

    def _prompts(self, model: LoadedModel, role: str) -> list[Prompt]:
        return prompts_of(model, [sample.views[role][0] for sample in self.samples])


def needle() -> Setting:
    """Samples, crops and models of the embedded world, and answers that its student gave."""
    models = Models()
    drawn = NEEDLE_PROMPTS * QUESTIONS_PER_SCENE
    source = NeedleSource(samples=drawn, dev_samples=0, benchmark_questions=1)
    params = Params(ingest=Ingest(needle=source))
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder))
        ingest.run(params, paths, processes=1)
        crops.run(params, paths, processes=1)
        # One of each scene: in a shuffled step hardly any two prompts share an image.
        samples = load_samples(paths, training_index(paths, [POSITIVE]).gather_every(QUESTIONS_PER_SCENE))
    student = load_model(models.student, models, trainable=True)
    prompts = prompts_of(student, [sample.view(FULL) for sample in samples])
    answers = generate(student, prompts, Sampling(1.0, max_new_tokens=16), group=GROUP, seed=0)
    rows = [rollout.token_ids for siblings in answers for rollout in siblings]
    token_ids, mask = pad_rows(rows, pad=student.pad_token, device=student.device)
    teacher = load_model(models.teacher, models)
    return Setting(models.student.parent, student, teacher, samples, GROUP, token_ids, mask)


def write_large_models(folder: Path) -> None:
    """Random models, as Hugging Face folders `student` and `teacher`, with the embedded world's tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(Models().student, local_files_only=True)
    tokenizer.eos_token = NEVER_SAMPLED
    for seed, (name, size) in enumerate({"student": STUDENT, "teacher": TEACHER}.items()):
        torch.manual_seed(seed)
        network = architecture.build_model(size, tokenizer)
        network.generation_config.eos_token_id = tokenizer.eos_token_id
        architecture.save(folder / name, network, tokenizer)


def large(folder: Path) -> Setting:
    """A sample whose student prompt has 1,024 tokens, for the models in a folder."""
    return noise(folder, image_size=IMAGE, answer_tokens=ANSWER_TOKENS)


def noise(folder: Path, *, image_size: tuple[int, int], answer_tokens: int) -> Setting:
    """A sample with a picture of noise, and answers of random words."""
    height, width = image_size
    models = Models(max_pixels=height * width)
    student = load_model(folder / "student", models, trainable=True)
    teacher = load_model(folder / "teacher", models)
    rng = np.random.default_rng(0)
    image, right, wrong = (
        Picture.of(encode_png(rng.integers(0, 256, (*size, 3), dtype=np.uint8)))
        for size in (image_size, CROP, CROP)
    )
    full = full_view(QUESTION, OPTIONS, [image], row="noise")
    views = {
        FULL: (full,),
        POSITIVE: (with_crop(full, right, POSITIVE),),
        NEGATIVE: (with_crop(full, wrong, NEGATIVE),),
    }
    sample = Sample("noise", views, OPTIONS)
    words = torch.randint(
        len(architecture.SPECIAL_TOKENS),
        len(student.tokenizer),
        (GROUP, answer_tokens),
        generator=torch.Generator().manual_seed(0),
    )
    return Setting(folder, student, teacher, [sample], GROUP, words, torch.ones_like(words))


def large_processors(height: int, width: int) -> tuple[Processors, bytes]:
    """What makes pixels of a picture of this size without shrinking it, and one of noise."""
    processors = load_processors(Models().student, Models(max_pixels=height * width))
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return processors, encode_png(noise)
