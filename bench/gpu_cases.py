"""What `bench.gpu` measures: the engine's passes with random weights, each beside what the plan tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from transformers import AutoModelForImageTextToText

from bench.engine.settings import large_processors, write_large_models
from bench.measurements import Measurement
from vzero.config import Train
from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel
from vzero.models.pixels import process
from vzero.models.prompt import Prompt
from vzero.models.recompute import recompute_layers
from vzero.plan import passes
from vzero.plan.cards import CARDS
from vzero.plan.fake import Shown, answers, fake_prompt, weights_of, without_tokenizer
from vzero.plan.passes import Pass, Subject
from vzero.plan.step import made_up_sample
from vzero.plan.tracing import Counts, Stages
from vzero.rollout.decoding import Decoding
from vzero.rollout.prefix import begin, computing
from vzero.rollout.replay import replay
from vzero.rollout.responses import vocabulary_logits
from vzero.rollout.sampling import Sampling
from vzero.train.prompts import Batch
from vzero.train.replays import GivenAnswers, replay_views
from vzero.train.scoring import score_step
from vzero.train.training_run import training_run
from vzero.train.update import optimizer_of, update

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
FAST_KERNELS = "fla"  # the module of flash-linear-attention


@dataclass(frozen=True)
class Sizes:
    student: Path
    teacher: Path
    image: int  # tokens
    crop: int
    text: int
    prompts: int
    group: int
    answer: int
    matrix: int
    picture: tuple[int, int]  # pixels

    @property
    def asked(self) -> tuple[Shown, ...]:
        return (Shown((self.image,), self.text),)

    @property
    def seen(self) -> tuple[Shown, ...]:
        return (Shown((self.image, self.crop), self.text),) * 2


TRUE = Sizes(Path("Qwen3.5-4B"), Path("Qwen3.5-9B"), 3900, 256, 72, 4, 8, 512, 8192, (2000, 2000))


def tiny(folder: Path) -> Sizes:
    """Toy models in a folder."""
    write_large_models(folder)
    return Sizes(folder / "student", folder / "teacher", 12, 4, 16, 2, 2, 5, 64, (64, 64))


class Cases:
    """Cases by name, the most important first. Each yields what it measured, beside what was planned."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._rounds = 2 if DEVICE.type == "cpu" else 5

    def by_name(self) -> dict[str, Callable[[], Iterator[Measurement]]]:
        return {
            "matrix": self.matrix,
            "decode": self.decode,
            "update": self.update,
            "replay": self.replay,
            "step": self.step,
            "optimizer": self.optimizer,
            "images": self.images,
        }

    def matrix(self) -> Iterator[Measurement]:
        """The rate of products that everything else is a share of."""
        side = self._sizes.matrix
        a = torch.randn(side, side, device=DEVICE, dtype=torch.bfloat16)
        seconds, _ = self._timed(lambda: a @ a)
        yield Measurement("matrix", "bf16", "rate", 2 * side**3 / seconds / 1e12, "TFLOP/s")

    def decode(self) -> Iterator[Measurement]:
        """Steps of all answers at once, in the middle of their answers."""
        sizes, subject = self._sizes, self._student
        model = _random(subject)
        shape = Pass((sizes.asked,) * sizes.prompts, sizes.group, sizes.answer)
        columns = sizes.image + sizes.text + sizes.answer
        with torch.no_grad(), computing(model):
            uniforms = np.random.default_rng(0).random((shape.rows, 2 * columns))
            slots = Decoding(
                model, Sampling(1.0, 2 * columns), uniforms, slots=shape.rows, columns=2 * columns
            )
            prefix = begin(model, encode(model, [fake_prompt(model, Shown((), 2), "short", _zeros)]))
            slots.put(prefix, [0] * shape.rows, range(shape.rows))
            slots.span = columns - sizes.answer // 2
            variants = {"step by step": partial(slots.decode, shape.rows, columns), "as trained": slots.step}
            for variant, run in variants.items():
                seconds, peak = self._timed(run)
                yield Measurement("decode", variant, "tokens", shape.rows / seconds, "tokens/s")
        told = passes.decoding(subject, shape)["decode"]
        each = told * (1 / (sizes.answer - 1))
        yield Measurement("decode", "measured", "peak", peak / 1e9, "GB")
        yield Measurement("decode", "plan", "peak", each.peak / 1e9, "GB")
        yield Measurement("decode", "plan", "tokens", shape.rows / _seconds(each), "tokens/s")

    def update(self) -> Iterator[Measurement]:
        """Forward and backward of a prompt's answers, layers computed again."""
        sizes, subject = self._sizes, self._student
        model = _random(subject)
        recompute_layers(model)
        prompts = [_prompt(model, sizes.asked[0], "0")]
        ids, mask = (each.to(DEVICE) for each in answers(sizes.group, sizes.answer))

        def run() -> None:
            hidden = replay(model, prompts, ids, mask)
            (hidden.float().mean() + vocabulary_logits(model, hidden[:, :1]).mean()).backward()

        variant = "fast kernels" if has_fast_kernels() else "fallback"
        shape = Pass((sizes.asked,), sizes.group, sizes.answer)
        yield from self._pass("update", variant, model, run, passes.learning(subject, shape))

    def replay(self) -> Iterator[Measurement]:
        """A teacher's two views of a prompt's answers."""
        sizes = self._sizes
        subject = self._teacher
        model = _random(subject)
        views = {str(n): [_prompt(model, shown, f"0.{n}")] for n, shown in enumerate(sizes.seen)}
        ids, mask = (each.to(DEVICE) for each in answers(sizes.group, sizes.answer))
        given = GivenAnswers(ids, mask, 2**30, 1.0)
        shape = Pass((sizes.seen,), sizes.group, sizes.answer)
        told = passes.scoring(subject, shape)
        run = partial(replay_views, model, [views], given, kept=[])
        yield from self._pass("replay", "two views", model, run, told)

    def step(self) -> Iterator[Measurement]:
        """Answers, both views, gate and update, as training takes a step."""
        sizes = self._sizes
        student, teacher = _random(self._student), _random(self._teacher)
        recompute_layers(student)
        train = Train(
            recipe="paper",
            prompts=sizes.prompts,
            group=sizes.group,
            max_new_tokens=sizes.answer,
            micro_tokens=2 * (sizes.image + sizes.crop + sizes.text + sizes.group * sizes.answer),
        )
        run = training_run(student, teacher, train)
        tasks = run.method.tasks([made_up_sample()]) * sizes.prompts
        asked = [_prompt(student, sizes.asked[0], str(number)) for number in range(sizes.prompts)]
        views = [
            {role: [_prompt(teacher, sizes.seen[0], f"{number}.{role}")] for role in task.scored}
            for number, task in enumerate(tasks)
        ]
        batch = Batch(tasks, asked, asked, views)
        optimizer = optimizer_of(student, train, fused=DEVICE.type == "cuda")
        accelerator = Accelerator(cpu=DEVICE.type == "cpu")
        numbers = count()

        def whole() -> None:
            update(accelerator, run, score_step(run, batch, step=next(numbers)), optimizer)

        seconds, peak = self._timed(whole)
        rows = sizes.prompts * sizes.group
        yield Measurement("step", f"{sizes.prompts} x {sizes.group}", "seconds", seconds, "s")
        yield Measurement("step", "answers", "tokens", rows * sizes.answer / seconds, "tokens/s")
        yield Measurement("step", "measured", "peak", peak / 1e9, "GB")

    def optimizer(self) -> Iterator[Measurement]:
        model = _random(self._student)
        optimizer = optimizer_of(model, Train(), fused=DEVICE.type == "cuda")
        for weight in model.network.parameters():
            weight.grad = torch.zeros_like(weight)
        seconds, _ = self._timed(optimizer.step)
        yield Measurement("optimizer", "AdamW", "seconds", seconds, "s")

    def images(self) -> Iterator[Measurement]:
        """Decoded, resized and cut into patches, on one thread."""
        height, width = self._sizes.picture
        model, encoded = large_processors(height, width)
        seconds, _ = self._timed(lambda: process(model, encoded))
        yield Measurement("images", f"{height} x {width}", "seconds", seconds, "s")

    @property
    def _student(self) -> Subject:
        return Subject(self._sizes.student, "bf16", True, naive=False, recomputes=True)

    @property
    def _teacher(self) -> Subject:
        return Subject(self._sizes.teacher, "bf16", False, naive=False)

    def _pass(
        self, case: str, variant: str, model: LoadedModel, run: Callable[[], object], told: Stages
    ) -> Iterator[Measurement]:
        before = model.work.flops
        run()
        flops = model.work.flops - before
        seconds, peak = self._timed(run)
        yield Measurement(case, variant, "seconds", seconds, "s")
        yield Measurement(case, variant, "rate", flops / seconds / 1e12, "TFLOP/s")
        yield Measurement(case, "measured", "peak", peak / 1e9, "GB")
        yield Measurement(case, "plan", "peak", max(stage.peak for stage in told.values()) / 1e9, "GB")
        yield Measurement(case, "plan", "seconds", sum(map(_seconds, told.values())), "s")

    def _timed(self, run: Callable[[], object]) -> tuple[float, float]:
        """Seconds of the best round, and the peak above what was there, in bytes (nan on a CPU)."""
        run()  # kernels are chosen, graphs recorded
        run()
        _wait()
        there = torch.cuda.memory_allocated() if DEVICE.type == "cuda" else 0
        if DEVICE.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        best = float("inf")
        for _ in range(self._rounds):
            started = time.perf_counter()
            run()
            _wait()
            best = min(best, time.perf_counter() - started)
        if DEVICE.type == "cpu":
            return best, float("nan")
        return best, torch.cuda.max_memory_allocated() - there


def _wait() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def _seconds(counts: Counts) -> float:
    """By the card that this is, nan where the plan knows none of its name."""
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else ""
    known = [card for key, card in CARDS.items() if _said(key) in name.replace("-", " ")]
    return known[0].seconds(counts, tf32=False) if known else float("nan")


def _said(card: str) -> str:
    """What of a card's name a driver says as well: A100-80 is an A100 SXM4 80GB to it."""
    return card.removesuffix("-80").removeprefix("RTX-").replace("-", " ")


def _random(subject: Subject) -> LoadedModel:
    """A model of a subject's shape with random weights, on the device."""
    trained = subject.trained
    with torch.device(DEVICE):
        network = AutoModelForImageTextToText.from_config(
            subject.config, dtype=weights_of(subject.precision, trained)
        )
    return without_tokenizer(network, trainable=trained, precision=subject.precision)


def _zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(*shape)


def _prompt(model: LoadedModel, shown: Shown, name: str) -> Prompt:
    return fake_prompt(model, shown, name, _zeros)


def has_fast_kernels() -> bool:
    return find_spec(FAST_KERNELS) is not None
