"""What a process holds of the models all the time, in bytes: weights, gradients, moments, frozen models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageTextToText

from vzero.config import Models, Train
from vzero.errors import ConfigError
from vzero.methods.base import Method
from vzero.models.loading import DTYPES, LoadedModel
from vzero.models.shapes import config_of

FP32 = 4  # bytes of a number that learns


@dataclass(frozen=True)
class Size:
    """Of a model, in parameters."""

    all: int
    trained: int
    read_out: int
    """Of the output layer."""


def size_of(folder: Path, lora: tuple[int, int] | None = None) -> Size:
    """By a folder's config, or the name of a public model (`vzero.models.shapes`).

    `lora`: rank and alpha of adapters, which then are all that learns.
    """
    with torch.device("meta"):
        network: Any = AutoModelForImageTextToText.from_config(config_of(folder))
        if lora is not None:
            # PEFT takes a second to import, which only runs with adapters have to wait for.
            from vzero.models.adapters import add_adapters

            add_adapters(LoadedModel(network, None, None, False, None), rank=lora[0], alpha=lora[1])
    weights = list(network.parameters())
    trained = sum(weight.numel() for weight in weights if weight.requires_grad)
    return Size(sum(weight.numel() for weight in weights), trained, network.lm_head.weight.numel())


@dataclass(frozen=True)
class Memory:
    """Bytes on a process's device, and beside it."""

    weights: int
    gradients: int
    moments: int
    """With the slice of weights that a sharded process keeps beside the whole ones."""
    frozen: int
    """Teacher and reference."""
    frozen_read_out: int
    """Of `frozen`: what stays where they are offloaded."""
    offloads: bool
    checkpoint: int
    """A checkpoint's bytes on disk; of one file of it in main memory the larger part."""

    @property
    def while_scoring(self) -> int:
        """While the step is answered and scored."""
        return self.weights + self.moments + self.frozen

    @property
    def while_learning(self) -> int:
        frozen = self.frozen_read_out if self.offloads else self.frozen
        return self.weights + self.gradients + self.moments + frozen

    @property
    def host(self) -> int:
        """In main memory, while frozen models are offloaded."""
        return self.frozen - self.frozen_read_out if self.offloads else 0

    def require(self, room: int) -> None:
        """Raises ConfigError where a phase does not fit into the bytes of a device, whatever it computes."""
        update = "train.teacher.offload: true, train.lora, or a sharded student (docs/scaling.md)"
        for phase, held, remedy in (
            ("answering and scoring", self.while_scoring, "models.teacher or models.student"),
            ("the update", self.while_learning, update),
        ):
            if held > room:
                raise ConfigError(
                    f"train: {phase} holds {held / 1e9:.1f} GB of weights, gradients and moments before "
                    f"anything is computed, and the device has {room / 1e9:.1f}: change {remedy}"
                )


def memory_of(
    train: Train, method: Method[Any], models: Models, *, processes: int = 1, sharded: bool = False
) -> Memory:
    """What training holds on each of several processes. `sharded`: by FSDP2 (`vzero.train.sharding`).

    Raises ModelError for a folder without a config whose name is not known.
    """
    lora = (train.lora.rank, train.lora.alpha) if train.lora is not None else None
    student = size_of(models.student, lora)
    moments = 2 * FP32 * student.trained
    if sharded:
        moments = (moments + FP32 * student.all) // processes
    frozen, read_out = _frozen(train, method, models)
    return Memory(
        weights=FP32 * student.all,
        gradients=FP32 * student.trained,
        moments=moments,
        frozen=frozen,
        frozen_read_out=read_out,
        offloads=train.teacher.offload,
        checkpoint=3 * FP32 * student.trained,
    )


def _frozen(train: Train, method: Method[Any], models: Models) -> tuple[int, int]:
    """Bytes of the frozen models and of their output layers."""
    compute = DTYPES[models.precision].itemsize
    held: list[tuple[Size, int]] = []
    if method.settings.teacher != "none":
        own = train.teacher.kind != "frozen"
        folder = models.student if own else models.teacher
        held.append((size_of(folder), FP32 if train.teacher.kind == "ema" else compute))
    if method.settings.reference is not None and train.teacher.kind != "initial":
        held.append((size_of(models.student), compute))
    return (
        sum(size.all * number for size, number in held),
        sum(size.read_out * number for size, number in held),
    )
