"""The models of a run: the student, what it was at the start, and whichever teacher the params ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from vzero.config import Params
from vzero.models.loading import LoadedModel, check_pair, load_model
from vzero.train.sharding import whole


def load_student(folder: Path, params: Params, device: torch.device) -> LoadedModel:
    """The model under training: fp32 weights, with adapters where `train.lora` asks for them."""
    student = load_model(folder, params.models, device=str(device), trainable=True)
    if params.train.lora is not None:
        # PEFT takes a second to import, which only runs with adapters have to wait for.
        from vzero.models.adapters import add_adapters

        add_adapters(student, rank=params.train.lora.rank, alpha=params.train.lora.alpha)
    return student


def load_teacher(
    loaded: LoadedModel, folders: Mapping[str, Path], params: Params, *, device: str
) -> LoadedModel:
    """The teacher that `train.teacher` asks for, from the folders of `student` and `teacher`, frozen.

    Raises ModelError when it has to score the tokens of the loaded student and cannot. One that only votes
    reads and writes in its own.
    """
    kind = params.train.teacher.kind
    if kind == "ema":
        # In fp32 as the student: at a learning rate of 1e-6 an average in bf16 would never move.
        moving = load_student(folders["student"], params, loaded.device)
        moving.network.requires_grad_(False)
        average(moving, loaded, decay=0.0)
        return moving
    folder = folders["student" if kind == "initial" else "teacher"]
    frozen = load_model(folder, params.models, device=device)
    if params.train.method.teacher != "votes":
        check_pair(loaded, frozen)
    return frozen


def load_reference(
    teacher: LoadedModel | None, folder: Path, params: Params, *, device: str
) -> LoadedModel | None:
    """The student as it is in its folder, frozen, where the loss has a term for it."""
    if params.train.method.reference is None:
        return None
    if teacher is not None and params.train.teacher.kind == "initial":
        return teacher
    return load_model(folder, params.models, device=device)


@torch.no_grad()
def average(teacher: LoadedModel, student: LoadedModel, *, decay: float) -> None:
    """teacher <- decay * teacher + (1 - decay) * student, in place; both have the same parameters."""
    for ours, theirs in zip(teacher.network.parameters(), student.network.parameters(), strict=True):
        ours.lerp_(whole(theirs).to(ours.device), 1.0 - decay)


def weights_of(teacher: LoadedModel) -> dict[str, torch.Tensor]:
    """What a checkpoint has to hold of a moving teacher."""
    return dict(teacher.network.named_parameters())
