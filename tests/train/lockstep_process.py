"""One of several processes that share a frozen model and have different numbers of passes to run."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from rollout_passes import views
from torch.distributed.tensor import DTensor

from vzero.config import Models
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import Prompt, prompt_of_text
from vzero.rollout.replay import replay
from vzero.train.lockstep import in_lockstep, shard_frozen

ANSWERS = [[20, 21, 22], [30, 31]]


def jobs(model: LoadedModel, process: int) -> list[list[Prompt]]:
    """Process 0 has two images and a text, each in a pass of its own; process 1 one text, others none."""
    text = [prompt_of_text(model, "What letter?")]
    return [[views(model)[:1], views(model)[1:2], text], [text], []][min(process, 2)]


@torch.no_grad()
def run(model: LoadedModel, process: int) -> list[torch.Tensor]:
    ids, mask = pad_rows(ANSWERS, pad=model.pad_token, device=model.device)
    return [replay(model, prompts, ids, mask) for prompts in jobs(model, process)]


def main(folder: Path, out: Path) -> None:
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True)
    model = load_model(folder, Models(), device="cpu")
    whole = sum(weight.numel() for weight in model.network.parameters())
    shard_frozen(accelerator, model)
    with in_lockstep(model):
        found = run(model, accelerator.process_index)
    # A second phase begins where the first has ended, for all of them.
    with in_lockstep(model):
        again = run(model, accelerator.process_index)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
    weights = model.network.parameters()
    held = sum(w.to_local().numel() if isinstance(w, DTensor) else w.numel() for w in weights)
    torch.save({"hidden": found, "held": held / whole}, out / f"{accelerator.process_index}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
