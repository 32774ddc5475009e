"""A checkpoint restores weights, optimizer and further tensors bit for bit, and is the only one left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from vzero.errors import ModelError
from vzero.train.checkpoint import load_checkpoint, save_checkpoint


class Run:
    """A linear layer in training, beside a slowly following average in float32."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        network = torch.nn.Linear(3, 2, dtype=torch.bfloat16)
        self.student: Any = SimpleNamespace(network=network)
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
        self.average = {name: weight.detach().float() for name, weight in network.named_parameters()}

    def step(self, number: int) -> None:
        inputs = torch.full((1, 3), number + 1.0, dtype=torch.bfloat16)
        self.student.network(inputs).square().sum().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        for name, weight in self.student.network.named_parameters():
            self.average[name].lerp_(weight.detach().float(), 0.01)

    def save(self, folder: Path, step: int) -> None:
        save_checkpoint(folder, self.student, self.optimizer, step=step, extra={"average": self.average})

    def load(self, folder: Path, steps: int = 100) -> int:
        average = {"average": self.average}
        return load_checkpoint(folder, self.student, self.optimizer, steps=steps, extra=average)


def test_a_restored_run_goes_on_as_if_it_had_never_stopped(tmp_path: Path):
    straight, later = Run(seed=0), Run(seed=1)
    for step in range(3):
        straight.step(step)
    straight.save(tmp_path, 3)
    assert later.load(tmp_path) == 3
    for run in (straight, later):
        run.step(3)
        run.step(4)
    for name, weight in straight.student.network.named_parameters():
        assert torch.equal(weight, later.student.network.get_parameter(name))
        assert torch.equal(straight.average[name], later.average[name])
        assert later.average[name].dtype == torch.float32


def test_a_checkpoint_that_lacks_a_weight_is_an_error(tmp_path: Path):
    run = Run(seed=0)
    run.save(tmp_path, 2)
    [file] = tmp_path.glob("step-000002/weights-*")
    weights = load_file(file)
    del weights["bias"]
    save_file(weights, file)
    with pytest.raises(ModelError, match=r"step-000002: lacks 1 of its weights, such as bias"):
        run.load(tmp_path)


def test_without_a_checkpoint_nothing_changes(tmp_path: Path):
    run, same = Run(seed=0), Run(seed=0)
    assert run.load(tmp_path / "checkpoints") == 0
    assert torch.equal(run.student.network.weight, same.student.network.weight)


def test_only_the_newest_checkpoint_is_kept_and_half_written_ones_are_never_loaded(tmp_path: Path):
    run = Run(seed=0)
    run.save(tmp_path, 2)
    (tmp_path / ".step-000009.new.tmp").mkdir()
    (tmp_path / "step-000001").mkdir()  # a kill came before it was removed
    assert run.load(tmp_path) == 2
    run.save(tmp_path, 4)
    assert [checkpoint.name for checkpoint in tmp_path.iterdir()] == ["step-000004"]
    assert {file.name for file in (tmp_path / "step-000004").iterdir()} == {
        "weights-00001-of-00001.safetensors",
        "optimizer-00001-of-00001.safetensors",
        "average-00001-of-00001.safetensors",
    }


def test_a_run_of_fewer_steps_than_a_checkpoint_has_begins_anew_and_it_goes(tmp_path: Path):
    longer, run, same = Run(seed=0), Run(seed=1), Run(seed=1)
    longer.save(tmp_path, 6)
    assert run.load(tmp_path, steps=5) == 0
    assert torch.equal(run.student.network.weight, same.student.network.weight)
    assert list(tmp_path.iterdir()) == []
    longer.save(tmp_path, 6)
    assert run.load(tmp_path, steps=6) == 6
