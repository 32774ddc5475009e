"""Pretrain the tiny student and teacher that ship with the package: `vzero pretrain-needle`.

One base learns to find and to read, from views that grow while it keeps up; the student and the (deeper)
teacher start from it and are taught their habits (`vzero.needle.lessons`). Two cores take one to two hours.
Every phase leaves its weights in the work folder, so an interrupted run goes on from there.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from transformers import PreTrainedTokenizerFast, Qwen3_5ForConditionalGeneration

from vzero.models.prompts import CROP_NOTICE, question_text
from vzero.needle.architecture import STUDENT, TEACHER, TinySize, build_model, save, train_tokenizer
from vzero.needle.lessons import Lesson, LessonStream, Lure, Reader, draw_lesson
from vzero.needle.teaching import lesson_batch, teaching_loss
from vzero.shards import atomic_path, write_json

SAVE_EVERY = 100  # steps


@dataclass(frozen=True)
class Phase:
    reader: Reader
    size: TinySize
    steps: int
    turns: int = 4  # questions about each image
    batch: int = 32  # lessons
    learning_rate: float = 2e-3
    zoom_below: float = 0.8  # nats of an open letter reply under which views grow
    zoom_step: float = 0.01
    seed: int = 0


PHASES = (
    Phase("base", STUDENT, steps=2400),
    Phase("student", STUDENT, steps=180, learning_rate=1e-3, seed=1),
    Phase("teacher", TEACHER, steps=0, learning_rate=1e-3, seed=2),
)
LURE = Lure()


def pretrain(work: Path, target: Path, console: Console) -> dict[str, float]:
    """Run all phases and write `target/student` and `target/teacher`; returns seconds by phase."""
    torch.manual_seed(0)
    tokenizer = _tokenizer(work)
    seconds: dict[str, float] = {}
    for phase in PHASES:
        model, seconds[phase.reader] = _run_phase(phase, tokenizer, work, console)
        if phase.reader != "base":
            save(target / phase.reader, model, tokenizer)
    write_json(target / "recipe.json", {"phases": [asdict(p) for p in PHASES], "lure": asdict(LURE)})
    return seconds


def _tokenizer(work: Path) -> PreTrainedTokenizerFast:
    """Trained once on the texts of the lessons."""
    folder = work / "tokenizer"
    if not folder.is_dir():
        train_tokenizer(_texts()).save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def _texts() -> Iterator[str]:
    rng = np.random.default_rng(0)
    yield from ("user\n", "assistant\n", f"{CROP_NOTICE}\n")
    for _ in range(1500):
        for turn in draw_lesson(rng, "base", zoom_out=1.0, turns=6, lure=LURE).turns:
            yield question_text(turn.question.text, turn.shown_options)
            yield turn.reply


def _run_phase(
    phase: Phase, tokenizer: PreTrainedTokenizerFast, work: Path, console: Console
) -> tuple[Qwen3_5ForConditionalGeneration, float]:
    """Train one phase, or pick it up where it stopped; returns the model and the seconds spent in all."""
    torch.manual_seed(phase.seed)
    model = build_model(phase.size, tokenizer)
    if phase.reader != "base":
        grow_from(model, torch.load(work / "base.pt", weights_only=True)["model"])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=phase.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
    )
    state = {"step": 0, "zoom_out": 0.0, "reading": math.log(8), "seconds": 0.0}
    saved = work / f"{phase.reader}.pt"
    if saved.is_file():
        kept = torch.load(saved, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        state = kept["state"]
    stream = LessonStream(
        phase.reader, batch=phase.batch, turns=phase.turns, lure=LURE, seed=phase.seed + 1000 * state["step"]
    )
    stream.zoom_out[0] = state["zoom_out"]
    lessons = iter(torch.utils.data.DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=2))
    model.train()
    while state["step"] < phase.steps:
        started = time.perf_counter()
        loss = _step(phase, model, optimizer, tokenizer, next(lessons), state)
        if phase.reader == "base" and state["reading"] < phase.zoom_below:
            state["zoom_out"] = min(1.0, state["zoom_out"] + phase.zoom_step)
            stream.zoom_out[0] = state["zoom_out"]
        state["step"] += 1
        state["seconds"] += time.perf_counter() - started
        if state["step"] % 25 == 0:
            console.print(f"{phase.reader} {json.dumps(state | {'loss': round(loss, 4)})}", soft_wrap=True)
        if state["step"] % SAVE_EVERY == 0 or state["step"] == phase.steps:
            with atomic_path(saved) as temporary:
                torch.save(
                    {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state},
                    temporary,
                )
    model.eval()
    return model, state["seconds"]


def _step(
    phase: Phase,
    model: Qwen3_5ForConditionalGeneration,
    optimizer: torch.optim.Optimizer,
    tokenizer: PreTrainedTokenizerFast,
    lessons: list[Lesson],
    state: dict[str, float],
) -> float:
    """One update; the learning rate warms up over 50 steps and falls over the last fifth."""
    remaining = (phase.steps - state["step"]) / (0.2 * phase.steps)
    for group in optimizer.param_groups:
        group["lr"] = phase.learning_rate * min(1.0, (state["step"] + 1) / 50, max(remaining, 0.05))
    loss, reading = teaching_loss(model, lesson_batch(tokenizer, lessons))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if reading is not None:
        state["reading"] = 0.95 * state["reading"] + 0.05 * reading
    return loss.item()


def grow_from(model: Qwen3_5ForConditionalGeneration, base: dict[str, torch.Tensor]) -> None:
    """Take over a shallower model's weights; layers it lacks start by adding nothing to the residual."""
    missing = model.load_state_dict(base, strict=False).missing_keys
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in missing and name.endswith(("o_proj.weight", "out_proj.weight", "down_proj.weight")):
                parameter.zero_()
