"""Checkpoints that a killed run continues from: weights, optimizer, schedule position. Atomic, pruned.

A run lives in a scratch folder named by everything it depends on (`vzero.runs`), so a changed
parameter never meets an old checkpoint. Data order and sampling are functions of seed and step and need no
state.

A checkpoint is a folder `step-NNNNNN` of safetensors files, of which every process writes its own: what it
has a slice of is cut along the first axis, in the order of processes, and what all of them have is dealt out.
Any number of processes may go on from it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.distributed.tensor import DTensor

from vzero.errors import ModelError
from vzero.launched import once, place, together
from vzero.models.loading import LoadedModel
from vzero.shards import atomic_folder
from vzero.train.sharding import sliced_like

Tensors = Mapping[str, torch.Tensor]
WEIGHTS, OPTIMIZER = "weights", "optimizer"


def save_checkpoint(
    folder: Path,
    student: LoadedModel,
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    extra: Mapping[str, Tensors] = {},
) -> None:
    """Write the state after `step` steps, all processes together; older checkpoints go once it is complete.

    `extra` holds further tensors by the name of the files that they go to.
    """
    target = folder / f"step-{step:06d}"
    process, processes = place()
    files = {WEIGHTS: _trained(student), OPTIMIZER: _optimizer_state(optimizer), **extra}
    with contextlib.ExitStack() as stack:
        temporary = once(lambda: stack.enter_context(atomic_folder(target)))
        together(lambda: _write(temporary, files, process, processes))
        # Nobody goes on before it is in its place.
        together(stack.close)
    if process == 0:
        _prune(folder, target)


def _write(folder: Path, files: Mapping[str, Tensors], process: int, processes: int) -> None:
    for name, tensors in files.items():
        # One at a time: together they may be more than main memory holds.
        path = folder / f"{name}-{process + 1:05d}-of-{processes:05d}.safetensors"
        save_file(_own(tensors, process, processes), path)


def _own(tensors: Tensors, process: int, processes: int) -> dict[str, torch.Tensor]:
    """What this process writes, in main memory."""
    own: dict[str, torch.Tensor] = {}
    for number, (name, tensor) in enumerate(tensors.items()):
        mine = tensor.detach()
        if isinstance(mine, DTensor):
            mine = mine.to_local()
        elif number % processes != process:
            continue
        # A slice of fewer rows than there are processes may be of none.
        if mine.numel():
            own[name] = mine.cpu().contiguous()
    return own


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
    for key, tensor in _saved(newest, OPTIMIZER):
        index, name = key.split(".")
        state["state"].setdefault(int(index), {})[name] = sliced_like(tensor, parameters[int(index)])
    optimizer.load_state_dict(state)
    return _steps(newest)


@torch.no_grad()
def load_weights(folder: Path, student: LoadedModel) -> None:
    """Restore the trained weights of the newest complete checkpoint, there has to be one, in place."""
    _restore(max(folder.glob("step-*"), key=_steps), WEIGHTS, _trained(student))


def _restore(checkpoint: Path, name: str, tensors: Tensors) -> None:
    missing = set(tensors)
    for key, tensor in _saved(checkpoint, name):
        tensors[key].copy_(sliced_like(tensor, tensors[key]))
        missing.discard(key)
    if missing:
        raise ModelError(
            f"{checkpoint}: lacks {len(missing)} of its {name}, such as {min(missing)}; remove it"
        )


def _saved(checkpoint: Path, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor of the files of a name, whole, one at a time."""
    with contextlib.ExitStack() as stack:
        paths = sorted(checkpoint.glob(f"{name}-*.safetensors"))
        opened = [stack.enter_context(safe_open(path, framework="pt")) for path in paths]
        keys = [set(file.keys()) for file in opened]
        for key in sorted(set().union(*keys)):
            slices = [file.get_tensor(key) for file, own in zip(opened, keys, strict=True) if key in own]
            yield key, slices[0] if len(slices) == 1 else torch.cat(slices)


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


def _trained(student: LoadedModel) -> Tensors:
    # named_parameters lists tied weights once.
    return {name: weight for name, weight in student.network.named_parameters() if weight.requires_grad}


def _optimizer_state(optimizer: torch.optim.Optimizer) -> Tensors:
    """The state's tensors by `PARAMETER.NAME`; learning rate and the like follow from params and step."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": tensor for index, slots in state.items() for name, tensor in slots.items()}
