"""What a process holds of the models all the time, in bytes: weights, gradients, moments, frozen models."""

from __future__ import annotations

from collections.abc import Iterable
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
from vzero.train.sharding import layers_of, matrices_of

FP32 = 4  # bytes of a number that learns


@dataclass(frozen=True)
class Size:
    """Of a model, in parameters."""

    all: int
    trained: int
    read_out: int
    """Of the output layer."""
    sliced: int
    """What processes share where the model is frozen and sharded (`vzero.train.lockstep`)."""
    gathered: int
    """What of it is whole at once while it computes: embeddings, a layer and the next one."""
    matrices: int
    """What a sharded student gathers in the precision that it computes in (`vzero.train.sharding`)."""


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
    text, read_out = network.model.language_model, network.lm_head.weight
    layer = max(_number(layer.parameters()) for layer in text.layers)
    rest = [weight for weight in text.parameters() if weight is not read_out]
    sliced = _number(rest)
    of_layers = _number(text.layers.parameters())
    gathered = sliced - of_layers + 2 * layer
    matrices = [matrix for layer in layers_of(network) for matrix in matrices_of(layer)]
    of_matrices = _number(weight for matrix in matrices for weight in matrix.parameters(recurse=False))
    return Size(_number(weights), trained, read_out.numel(), sliced, gathered, of_matrices)


def _number(weights: Iterable[torch.nn.Parameter]) -> int:
    return sum(weight.numel() for weight in weights)


def teacher_is_sliced(train: Train, method: Method[Any]) -> bool:
    """Whether a sharded run shares the teacher as well: one that only scores and never moves."""
    return method.settings.teacher == "scores" and train.teacher.kind != "ema"


@dataclass(frozen=True)
class Memory:
    """Bytes on a process's device, and beside it."""

    parameters: int
    """How many the student has."""
    weights: int
    gradients: int
    moments: int
    """With the slice of weights that a sharded process keeps beside the whole ones."""
    frozen: int
    """Teacher and reference."""
    frozen_read_out: int
    """Of `frozen`: what stays where they are offloaded."""
    gathered: int
    """Of frozen models of which processes have slices: what is whole while one of them computes."""
    offloads: bool
    checkpoint: int
    """Of all that processes write together, on disk."""
    written: int
    """Of the larger file that this process writes, in main memory: two moments of what learns."""

    @property
    def while_answering(self) -> int:
        return self.weights + self.moments + self.frozen

    @property
    def while_scoring(self) -> int:
        return self.while_answering + self.gathered

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
        # What is offloaded already, or sliced, does not get smaller by it.
        offload = "train.teacher.offload: true, " if self.frozen > self.frozen_read_out else ""
        update = f"{offload if not self.offloads else ''}train.lora, or a sharded student (docs/scaling.md)"
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
    weights, moments = FP32 * student.all, 2 * FP32 * student.trained
    if sharded:
        moments = (moments + weights) // processes
        weights -= (FP32 - DTYPES[models.precision].itemsize) * student.matrices
    frozen = _frozen(train, method, models, processes if sharded else 1)
    return Memory(
        parameters=student.all,
        weights=weights,
        gradients=FP32 * student.trained,
        moments=moments,
        frozen=sum(held.bytes for held in frozen),
        frozen_read_out=sum(held.staying for held in frozen),
        gathered=max((held.gathered for held in frozen), default=0),
        offloads=train.teacher.offload,
        checkpoint=3 * FP32 * student.trained,
        written=2 * FP32 * student.trained // processes,
    )


@dataclass(frozen=True)
class _Held:
    """A frozen model on one process, in bytes."""

    bytes: int
    staying: int
    """Of them: those that are not offloaded."""
    gathered: int


def _frozen(train: Train, method: Method[Any], models: Models, slices: int) -> list[_Held]:
    """The frozen models, on one of so many processes that share them."""
    compute = DTYPES[models.precision].itemsize
    held: list[_Held] = []
    if method.settings.teacher != "none":
        own = train.teacher.kind != "frozen"
        folder = models.student if own else models.teacher
        number = FP32 if train.teacher.kind == "ema" else compute
        held.append(_held(size_of(folder), number, slices if teacher_is_sliced(train, method) else 1))
    if method.settings.reference is not None and train.teacher.kind != "initial":
        held.append(_held(size_of(models.student), compute, slices))
    return held


def _held(size: Size, number: int, slices: int) -> _Held:
    """Of a model whose parameters take `number` bytes each."""
    if slices == 1:
        return _Held(size.all * number, size.read_out * number, 0)
    mine = (size.all - size.sliced + size.sliced // slices) * number
    return _Held(mine, mine, size.gathered * number)
