"""A small project with data, and two tiny random models that share a tokenizer."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import torch
from tiny_models import save_tiny

from vzero.config import Params, parse_params
from vzero.paths import Paths
from vzero.stages import crops, ingest

SETTINGS = {
    "ingest": {"needle": {"samples": 30, "dev_samples": 3, "benchmark_questions": 3}, "shard_images": 4},
    "models": {"student": "student", "teacher": "teacher"},
    "train": {
        "steps": 4,
        "prompts": 4,
        "group": 3,
        "micro_tokens": 600,
        "max_new_tokens": 5,
        "checkpoint_every": 2,
        "learning_rate": 1e-3,
    },
}


def settings(**train) -> Params:
    return parse_params(SETTINGS | {"train": SETTINGS["train"] | train})


def make_project(root: Path) -> None:
    """Data for 30 training samples and two tiny random models, with a layer of each kind of attention."""
    torch.set_num_threads(1)
    save_tiny(root / "student", seed=0, layers=2)
    save_tiny(root / "teacher", seed=1, layers=2)
    # The bytes do not depend on the number of processes, and to start them takes longer than the work.
    with mock.patch("vzero.workers.local.available_processors", return_value=1):
        ingest.run(settings(), Paths(root))
        crops.run(settings(), Paths(root))
