"""Pretrain the tiny students and teachers of the embedded worlds: `vzero pretrain-needle`.

The pair of the world `needle` ships with the package. A base learns to find, read and relate, from views
that grow from one object to the whole scene, and then to choose among options. The student starts from it
and is made inattentive; the deeper teacher starts from the student and is taught to answer truly from a crop
that shows what is asked about (`vzero.needle.lessons`). The pair of the world `chain` goes on from that
one (`vzero.needle.chain.lessons`).

Two processes of one thread each share every batch, which two cores take better than one process of two
threads. Every phase leaves its state in the work folder, so an interrupted run goes on.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from torch import distributed
from torch.multiprocessing.spawn import start_processes
from transformers import PreTrainedTokenizerFast, Qwen3_5ForConditionalGeneration

from vzero.needle.architecture import (
    MAX_SIDE,
    STUDENT,
    TEACHER,
    TinySize,
    build_model,
    save,
    train_tokenizer,
)
from vzero.needle.chain.lessons import ChainReader, draw_chain_lesson
from vzero.needle.chain.scenes import SHOWN_SIDE
from vzero.needle.lessons import Lesson, Lure, Reader, draw_lesson
from vzero.needle.teaching import Pupil, lesson_batch, teaching_loss
from vzero.prompts.parts import Question
from vzero.prompts.views import CROP_NOTICE, own_words
from vzero.shards import atomic_path

SHIPPED = Path(__file__).with_name("weights")
PROCESSES = 2
SAVE_EVERY = 100  # steps
PRINT_EVERY = 25  # steps


@dataclass(frozen=True)
class Phase:
    name: str
    reader: Reader | ChainReader
    steps: int
    learning_rate: float
    seed: int
    size: TinySize = STUDENT
    max_side: int = MAX_SIDE  # of images, before they are scaled down
    starts_from: str | None = None  # phase
    starts_from_shipped: str | None = None  # folder among the package's weights
    zoom_steps: int = 0  # until the base reader sees whole scenes
    open_share: float = 0.0  # of the base reader's questions are asked without options
    choosing: bool = True  # whether the loss stresses the choice among options
    salience: bool = False  # whether the loss asks which object is salient
    fall: float = 0.2  # share of the steps over which the learning rate falls
    turns: int = 4  # questions about each image
    batch: int = 32  # lessons, over all processes


PHASES = (
    Phase("finding", "base", 1000, 2e-3, seed=0, zoom_steps=300, open_share=0.5, choosing=False, fall=0.0),
    Phase("choosing", "chooser", 500, 2e-3, seed=4, turns=1, batch=128, starts_from="finding", fall=0.0),
    Phase("answering", "base", 280, 2e-3, seed=3, open_share=0.2, starts_from="choosing"),
    Phase("student", "student", 230, 2e-3, seed=1, salience=True, starts_from="answering"),
    Phase("teacher", "teacher", 120, 1e-3, seed=2, salience=True, size=TEACHER, starts_from="student"),
)
CHAIN_PHASES = (
    Phase(
        "choosing",
        "chain chooser",
        200,
        2e-3,
        seed=10,
        turns=1,
        batch=128,
        fall=0.0,
        starts_from_shipped="student",
    ),
    Phase("student", "chain student", 200, 1e-3, seed=11, max_side=SHOWN_SIDE, starts_from="choosing"),
    Phase(
        "choosing-teacher",
        "chain chooser",
        200,
        2e-3,
        seed=10,
        size=TEACHER,
        turns=1,
        batch=128,
        fall=0.0,
        starts_from_shipped="teacher",
    ),
    Phase(
        "teacher",
        "chain teacher",
        450,
        1e-3,
        seed=12,
        size=TEACHER,
        max_side=SHOWN_SIDE,
        starts_from="choosing-teacher",
    ),
)
LURE = Lure()


def pretrain(phases: Sequence[Phase], work: Path, target: Path) -> dict[str, float]:
    """Run the phases and write `target/student` and `target/teacher`; returns seconds by phase."""
    tokenizer = _tokenizer(work, phases[0])
    # Every phase starts processes; they are forked from one that has imported all of this once.
    get_context("forkserver").set_forkserver_preload([__name__])
    seconds: dict[str, float] = {}
    for phase in phases:
        if _steps_done(work, phase) < phase.steps:
            with tempfile.TemporaryDirectory() as meeting:
                arguments = (phase, work, tokenizer, f"file://{meeting}/point")
                start_processes(_teach, arguments, nprocs=PROCESSES, start_method="forkserver")
        kept = torch.load(_state_file(work, phase.name), weights_only=True)
        seconds[phase.name] = kept["seconds"]
        if phase.name in ("student", "teacher"):
            pupil = Pupil(build_model(phase.size, tokenizer))
            pupil.load_state_dict(kept["pupil"])
            save(target / phase.name, pupil.network, tokenizer, phase.max_side)
    return seconds


def _state_file(work: Path, phase: str) -> Path:
    return work / f"{phase}.pt"


def _steps_done(work: Path, phase: Phase) -> int:
    file = _state_file(work, phase.name)
    return torch.load(file, weights_only=True)["step"] if file.is_file() else 0


def _tokenizer(work: Path, first: Phase) -> PreTrainedTokenizerFast:
    """That of shipped weights, where the first phase starts from any; else trained once on lessons' texts."""
    if first.starts_from_shipped:
        return PreTrainedTokenizerFast.from_pretrained(SHIPPED / first.starts_from_shipped)
    folder = work / "tokenizer"
    if not folder.is_dir():
        train_tokenizer(_texts()).save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def _texts() -> Iterator[str]:
    rng = np.random.default_rng(0)
    yield from ("user\n", "assistant\n", f"{CROP_NOTICE}\n")
    for _ in range(1500):
        for turn in draw_lesson(rng, "base", zoom_out=1.0, open_share=0.5, turns=6, lure=LURE).turns:
            yield own_words(Question("", turn.question.text, tuple(turn.shown_options), images=0)).text
            yield turn.reply


def _teach(
    process: int, phase: Phase, work: Path, tokenizer: PreTrainedTokenizerFast, meeting_point: str
) -> None:
    """One process's share of a phase, from its start or from where it stopped."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    distributed.init_process_group("gloo", meeting_point, world_size=PROCESSES, rank=process)
    torch.manual_seed(phase.seed)
    pupil = Pupil(build_model(phase.size, tokenizer))
    if phase.starts_from:
        grow_from(pupil, torch.load(_state_file(work, phase.starts_from), weights_only=True)["pupil"])
    elif phase.starts_from_shipped:
        grow_from(pupil, _shipped(phase.starts_from_shipped))
    optimizer = torch.optim.AdamW(
        pupil.parameters(), lr=phase.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    first, seconds = 0, 0.0
    if _state_file(work, phase.name).is_file():
        kept = torch.load(_state_file(work, phase.name), weights_only=True)
        pupil.load_state_dict(kept["pupil"])
        optimizer.load_state_dict(kept["optimizer"])
        first, seconds = kept["step"], kept["seconds"]
    average: dict[str, float] = {}
    for step in range(first, phase.steps):
        started = time.perf_counter()
        for part, nats in _step(phase, step, process, pupil, optimizer, tokenizer).items():
            average[part] = 0.95 * average.get(part, nats) + 0.05 * nats
        seconds += time.perf_counter() - started
        if process == 0 and (step + 1) % PRINT_EVERY == 0:
            shown = {part: round(nats, 3) for part, nats in average.items()}
            Console().print(f"{phase.name} {step + 1}/{phase.steps} {seconds:.0f} s {json.dumps(shown)}")
        if process == 0 and ((step + 1) % SAVE_EVERY == 0 or step + 1 == phase.steps):
            with atomic_path(_state_file(work, phase.name)) as temporary:
                state = {"pupil": pupil.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save(state | {"step": step + 1, "seconds": seconds}, temporary)
    distributed.destroy_process_group()


def _shipped(name: str) -> dict[str, torch.Tensor]:
    network = Qwen3_5ForConditionalGeneration.from_pretrained(SHIPPED / name)
    return {f"network.{key}": value for key, value in network.state_dict().items()}


def _step(
    phase: Phase,
    step: int,
    process: int,
    pupil: Pupil,
    optimizer: torch.optim.Optimizer,
    tokenizer: PreTrainedTokenizerFast,
) -> dict[str, float]:
    """One update; the learning rate warms up over 50 steps."""
    rng = np.random.default_rng([phase.seed, process, step])
    zoom_out = min(1.0, step / phase.zoom_steps) if phase.zoom_steps else 1.0
    lessons = [_lesson(rng, phase, zoom_out) for _ in range(phase.batch // PROCESSES)]
    loss, parts = teaching_loss(
        pupil, lesson_batch(tokenizer, lessons), choosing=phase.choosing, salience=phase.salience
    )
    optimizer.zero_grad()
    loss.backward()
    _average_gradients(pupil)
    torch.nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
    falling = (phase.steps - step) / (phase.fall * phase.steps) if phase.fall else 1.0
    for group in optimizer.param_groups:
        group["lr"] = phase.learning_rate * min(1.0, (step + 1) / 50, max(falling, 0.05))
    optimizer.step()
    return parts


def _lesson(rng: np.random.Generator, phase: Phase, zoom_out: float) -> Lesson:
    if phase.reader in ("chain chooser", "chain student", "chain teacher"):
        return draw_chain_lesson(rng, phase.reader, turns=phase.turns)
    return draw_lesson(
        rng, phase.reader, zoom_out=zoom_out, open_share=phase.open_share, turns=phase.turns, lure=LURE
    )


def _average_gradients(pupil: Pupil) -> None:
    gradients = [parameter.grad for parameter in pupil.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    averaged = (flat / PROCESSES).split([gradient.numel() for gradient in gradients])
    for gradient, values in zip(gradients, averaged, strict=True):
        gradient.copy_(values.view_as(gradient))


def grow_from(pupil: Pupil, base: dict[str, torch.Tensor]) -> None:
    """Take over a shallower model's weights; layers it lacks start by adding nothing to the residual."""
    missing = pupil.load_state_dict(base, strict=False).missing_keys
    with torch.no_grad():
        for name, parameter in pupil.named_parameters():
            if name in missing and name.endswith(("o_proj.weight", "out_proj.weight", "down_proj.weight")):
                parameter.zero_()
