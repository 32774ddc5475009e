"""The engine's cases, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from bench.engine import THREADS, long_prompts, naive, shared, trl_trainer
from bench.engine.floor import floor_seconds
from bench.engine.memory import peak_bytes
from bench.engine.settings import Setting, large, needle, write_large_models
from bench.measurements import Measurement, compare_seconds
from bench.timing import best_seconds, timed
from vzero.rollout.generate import generate
from vzero.rollout.sampling import Sampling

ROUNDS = 3
GROUPS = (1, 2, 4, 8, 16)


def measure() -> Iterator[Measurement]:
    torch.set_num_threads(THREADS)
    yield from _replay("replay_needle", needle())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_large_models(folder)
        setting = large(folder)
        yield from _replay("replay_1024", setting)
        yield from _train_memory(folder)
        yield from long_prompts.measure(folder)
        yield from _decode(replace(setting, samples=setting.samples * 4))
        yield from _step(setting)
        yield from _step_beside_trl(setting, folder)
        yield from _group_size(setting)


def _replay(case: str, setting: Setting) -> Iterator[Measurement]:
    """The teacher's two views of the same answers, and by how much the two ways' hidden states differ."""
    ours, theirs = shared.replay_views(setting), naive.replay_views(setting)
    valid = setting.mask.bool()
    difference = max(float((a - b)[valid].abs().max()) for a, b in zip(ours, theirs, strict=True))
    seconds = best_seconds(
        {
            "shared": timed(lambda: shared.replay_views(setting)),
            "naive": timed(lambda: naive.replay_views(setting)),
        },
        rounds=ROUNDS,
    )
    yield from compare_seconds(case, seconds, baseline="naive")
    yield Measurement(case, "shared", "largest difference", difference * 1e6, "1e-6")


def _decode(setting: Setting) -> Iterator[Measurement]:
    """Four prompts with eight answers each, beside the library's own cached sampling."""
    prompts, sampling = setting.student_prompts, Sampling(1.0, max_new_tokens=setting.token_ids.shape[1])
    ours = partial(generate, setting.student, prompts, sampling, group=setting.group, seed=0)
    seconds = best_seconds(
        {"slots": timed(ours), "library": timed(partial(naive.sample, setting))}, rounds=ROUNDS
    )
    yield from compare_seconds("decode_32_rows", seconds, baseline="library")


def _step(setting: Setting) -> Iterator[Measurement]:
    """Rollouts, both views, gate and update."""
    steps = {"shared": timed(shared.stepper(setting)), "naive": timed(naive.stepper(setting))}
    seconds = best_seconds(steps, rounds=ROUNDS)
    yield from compare_seconds("step_1024", seconds, baseline="naive")
    floor = floor_seconds(setting, rounds=ROUNDS)
    yield Measurement("step_1024", "floor", "seconds", floor, "s")
    yield Measurement("step_1024", "shared", "times the floor", seconds["shared"] / floor, "")


def _step_beside_trl(setting: Setting, scratch: Path) -> Iterator[Measurement]:
    """Plain distillation, which TRL has too: rollouts, the student's view for the teacher, update."""
    steps = {
        "shared": timed(shared.ungated_stepper(setting)),
        "trl": trl_trainer.stepper(setting, scratch / "trl"),
    }
    yield from compare_seconds("step_1024_trl", best_seconds(steps, rounds=ROUNDS), baseline="trl")


def _train_memory(folder: Path) -> Iterator[Measurement]:
    """Peak memory of the training pass over one prompt's answers."""
    peaks = {variant: peak_bytes(variant, folder) for variant in ("shared", "naive")}
    for variant, peak in peaks.items():
        ratio = peak / peaks["naive"]
        yield Measurement("train_memory_1024", variant, "peak", peak / 2**20, "MiB", ratio)


def _group_size(setting: Setting) -> Iterator[Measurement]:
    """What a rollout costs in a whole step, by the number of its siblings."""
    steps = {
        (group, variant): timed(way.stepper(replace(setting, group=group)))
        for group in GROUPS
        for variant, way in (("shared", shared), ("naive", naive))
    }
    seconds = best_seconds(steps, rounds=2)
    for group in GROUPS:
        rollouts = group * len(setting.samples)
        each = {variant: seconds[group, variant] / rollouts for variant in ("shared", "naive")}
        yield from compare_seconds(
            "group_size", each, baseline="naive", metric=f"seconds a rollout, G = {group}"
        )
