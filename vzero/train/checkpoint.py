"""Checkpoints that a killed run continues from: weights, optimizer, schedule position. Atomic, pruned.

A run lives in a scratch folder named by everything it depends on (`vzero.shards.run_folder`), so a changed
parameter never meets an old checkpoint. Data order and sampling are functions of seed and step and need no
state.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from vzero.models.loading import LoadedModel
from vzero.shards import sync_folder

WEIGHTS = "weights.safetensors"
OPTIMIZER = "optimizer.pt"  # scratch only: artifacts never hold pickles


def save_checkpoint(
    folder: Path, student: LoadedModel, optimizer: torch.optim.Optimizer, *, step: int
) -> None:
    """Write the state after `step` steps; older checkpoints go once it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".step-{step:06d}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    weights = {name: tensor.contiguous() for name, tensor in _trained(student).items()}
    save_file(weights, temporary / WEIGHTS)
    torch.save(optimizer.state_dict(), temporary / OPTIMIZER)
    sync_folder(temporary)
    target = folder / f"step-{step:06d}"
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    for older in folder.glob("*step-*"):
        if older != target:
            shutil.rmtree(older)


def load_checkpoint(folder: Path, student: LoadedModel, optimizer: torch.optim.Optimizer) -> int:
    """Restore the newest complete checkpoint; returns the steps done, 0 without one."""
    complete = sorted(folder.glob("step-*"))
    if not complete:
        return 0
    newest = complete[-1]
    weights = load_file(newest / WEIGHTS, device=str(student.device))
    for name, parameter in _trained(student).items():
        parameter.data.copy_(weights[name])
    optimizer.load_state_dict(torch.load(newest / OPTIMIZER, map_location=student.device, weights_only=True))
    return int(newest.name.removeprefix("step-"))


def _trained(student: LoadedModel) -> dict[str, torch.nn.Parameter]:
    # named_parameters lists tied weights once.
    return dict(student.network.named_parameters())
