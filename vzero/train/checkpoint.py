"""Checkpoints that a killed run continues from: weights, optimizer, schedule position. Atomic, pruned.

A run lives in a scratch folder named by everything it depends on (`vzero.runs`), so a changed
parameter never meets an old checkpoint. Data order and sampling are functions of seed and step and need no
state. A checkpoint is a folder `step-NNNNNN` of safetensors files.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from vzero.models.loading import LoadedModel
from vzero.shards import atomic_folder
from vzero.train.sharding import sliced_like, whole

Tensors = Mapping[str, torch.Tensor]
WEIGHTS, OPTIMIZER = "weights", "optimizer"


def save_checkpoint(
    folder: Path,
    student: LoadedModel,
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    extra: Mapping[str, Tensors] = {},
    write: bool = True,
) -> None:
    """Write the state after `step` steps; older checkpoints go once it is complete.

    `extra` holds further tensors by the name of the file that they go to, without its ending. Of several
    processes one is to `write`; the others take part, since each may hold a slice of the state.
    """
    target = folder / f"step-{step:06d}"
    files = {WEIGHTS: _trained(student), OPTIMIZER: _optimizer_state(optimizer), **extra}
    if not write:
        for tensors in files.values():
            for tensor in tensors.values():
                whole(tensor)
        return
    with atomic_folder(target) as temporary:
        for name, tensors in files.items():
            # One at a time: together they may be more than a GPU holds.
            full = {key: whole(tensor.detach()).cpu().contiguous() for key, tensor in tensors.items()}
            save_file(full, _file(temporary, name))
    _prune(folder, target)


@torch.no_grad()
def load_checkpoint(
    folder: Path,
    student: LoadedModel,
    optimizer: torch.optim.Optimizer,
    *,
    steps: int,
    extra: Mapping[str, Tensors] = {},
) -> int:
    """Restore the newest complete checkpoint of at most `steps` steps in place, `extra` too.

    Returns the steps done, 0 without one. Checkpoints of a longer run than this one is to be go.
    """
    newest = last_checkpoint(folder, steps=steps)
    _prune(folder, newest)
    if newest is None:
        return 0
    for name, tensors in {WEIGHTS: _trained(student), **extra}.items():
        _restore(newest, name, tensors)
    state = optimizer.state_dict()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    # On the CPU, where the optimizer keeps its counters; it moves the rest to the weights' device.
    for key, tensor in load_file(_file(newest, OPTIMIZER)).items():
        index, name = key.split(".")
        state["state"].setdefault(int(index), {})[name] = sliced_like(tensor, parameters[int(index)])
    optimizer.load_state_dict(state)
    return _steps(newest)


@torch.no_grad()
def load_weights(folder: Path, student: LoadedModel) -> None:
    """Restore the trained weights of the newest complete checkpoint, there has to be one, in place."""
    _restore(max(folder.glob("step-*"), key=_steps), WEIGHTS, _trained(student))


def _restore(checkpoint: Path, name: str, tensors: Tensors) -> None:
    saved = load_file(_file(checkpoint, name))
    for key, tensor in tensors.items():
        tensor.copy_(sliced_like(saved[key], tensor))


def last_checkpoint(folder: Path, *, steps: int) -> Path | None:
    """The newest complete checkpoint of at most so many steps."""
    usable = [path for path in folder.glob("step-*") if _steps(path) <= steps]
    return max(usable, key=_steps, default=None)


def _prune(folder: Path, newest: Path | None) -> None:
    """Remove all other checkpoints. Every process may do so at the same time when it loads."""
    for other in list(folder.glob("*")):
        if other != newest:
            shutil.rmtree(other, ignore_errors=True)


def _steps(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("step-"))


def _file(checkpoint: Path, name: str) -> Path:
    return checkpoint / f"{name}.safetensors"


def _trained(student: LoadedModel) -> Tensors:
    # named_parameters lists tied weights once.
    return {name: weight for name, weight in student.network.named_parameters() if weight.requires_grad}


def _optimizer_state(optimizer: torch.optim.Optimizer) -> Tensors:
    """The state's tensors by `PARAMETER.NAME`; learning rate and the like follow from params and step."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, slots in state.items() for name, tensor in slots.items()}
