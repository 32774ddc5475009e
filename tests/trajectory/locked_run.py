"""The first steps of a recipe on the embedded world at the default sizes: losses, and the weights by hash.

`python tests/trajectory/locked_run.py` writes `lock.json` anew. Do that only where a change is meant to move
the numbers, and say so in the commit.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from vzero.config import Params, parse_params
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import crops, ingest, train
from vzero.tables import TrainLog

LOCK = Path(__file__).with_name("lock.json")
ROOT = Path(__file__).parents[2]
RECIPES = ("needle", "paper")
STEPS = 20
# 16 prompts a step: no sample comes twice.
SAMPLES = 16 * STEPS


def settings(recipe: str, steps: int) -> Params:
    """Everything as in params.yaml but for the number of samples and of steps."""
    tree = {
        "ingest": {"needle": {"samples": SAMPLES, "dev_samples": 1, "benchmark_questions": 1}},
        "models": {name: str(ROOT / "vzero/needle/weights" / name) for name in ("student", "teacher")},
        "train": {"recipe": recipe, "steps": steps, "checkpoint_every": STEPS},
    }
    return parse_params(tree)


def make_data(root: Path) -> Paths:
    paths = Paths(root)
    params = settings("needle", STEPS)
    ingest.run(params, paths)
    crops.run(params, paths)
    return paths


def trajectory(paths: Paths, recipe: str, steps: int) -> list[dict[str, Any]]:
    """Loss and hash of the weights after each step. The data must be there."""
    torch.set_num_threads(1)
    hashes: list[str] = []
    handle = register_optimizer_step_post_hook(lambda optimizer, *_: hashes.append(_hash(optimizer)))
    try:
        train.run(settings(recipe, steps), paths)
    finally:
        handle.remove()
    losses = read(paths.train_log, TrainLog)["loss"].to_list()
    return [{"loss": loss, "weights": weights} for loss, weights in zip(losses, hashes, strict=True)]


def _hash(optimizer: torch.optim.Optimizer) -> str:
    """Of every trained weight, in the optimizer's order."""
    digest = hashlib.sha256()
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            digest.update(parameter.detach().numpy().tobytes())
    return digest.hexdigest()


def machine() -> dict[str, str]:
    """What the last bit of a sum depends on: the processor, its instructions in use, the library."""
    facts = Path("/proc/cpuinfo")
    text = facts.read_text() if facts.is_file() else ""
    known = ("vendor_id", "cpu family", "model", "stepping")
    found = {name: re.search(rf"^{name}\s*: (.*)$", text, re.MULTILINE) for name in known}
    return {name: match[1] for name, match in found.items() if match} | {
        "architecture": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = make_data(Path(folder))
        runs = {}
        for recipe in RECIPES:
            runs[recipe] = trajectory(paths, recipe, STEPS)
            shutil.rmtree(paths.trained_model.parent)
    LOCK.write_text(json.dumps({"machine": machine(), "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
