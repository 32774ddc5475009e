"""How memory grows with the length of prompts and answers: a prompt of text, a group of answers as long.

Each pass is measured in a process of its own (`bench.engine.memory`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.engine import THREADS
from bench.engine.memory import growth, measured_apart
from bench.engine.settings import GROUP
from bench.measurements import Measurement

SIZES = ((4_000, 1_024), (8_000, 2_048))  # tokens of the prompt and of each answer
PASSES = ("replay", "update")


def measure(folder: Path) -> Iterator[Measurement]:
    """The peak of the longer one, and how many times that of half the length it is: 2 where it is linear."""
    for work in PASSES:
        half, whole = (measured_apart(__name__, work, str(folder), *map(str, size)) for size in SIZES)
        yield Measurement("memory_8000_2048", work, "peak", whole / 2**20, "MiB")
        yield Measurement("memory_8000_2048", work, "times that of half the length", whole / half, "")


def _peak(work: str, folder: Path, prompt_tokens: int, answer_tokens: int) -> int:
    import torch

    from vzero.config import Models
    from vzero.models.loading import load_model
    from vzero.models.prompt import prompt_of_text
    from vzero.models.recompute import recompute_layers
    from vzero.rollout.replay import replay

    torch.set_num_threads(THREADS)
    model = load_model(folder / "student", Models(), trainable=work == "update")
    if work == "update":
        recompute_layers(model)
    prompt = prompt_of_text(model, "a" * prompt_tokens)
    assert len(prompt.token_ids) == prompt_tokens
    ids = torch.zeros(GROUP, answer_tokens, dtype=torch.int64) + model.tokenizer.convert_tokens_to_ids("b")
    mask = torch.ones_like(ids)

    def run() -> None:
        with torch.set_grad_enabled(work == "update"):
            hidden = replay(model, [prompt], ids, mask)
        if work == "update":
            hidden.sum().backward()

    return growth(run)


if __name__ == "__main__":
    print(_peak(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:5])))
