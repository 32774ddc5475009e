"""Whether a Questioner learns to ask what pays and teaches nothing, under the released reward and ours.

`python -m bench.live_questioners` trains the player as a Questioner for 12 steps, against itself as Solver,
with three seeds under each reward, and writes `bench/results/live_questioners.parquet`, a row a step. It
takes about ten minutes on a core, and prints the first and the last three steps of each run with 95 %
intervals over their texts. `kept` is what the Solver would learn from: under the released reward what lies
inside its band.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import torch

import vzero
from vzero import shards
from vzero.config import Params, parse_params
from vzero.evaluate.statistics import wilson_interval
from vzero.paths import Paths
from vzero.stages import photographs, questioner
from vzero.tables import TrainLog

RESULTS = Path("bench/results/live_questioners.parquet")
PLAYER = Path(vzero.__file__).parent / "needle/weights/player"
REWARDS: dict[str, dict[str, Any]] = {
    "released": {"mode": "reference", "voting": {"words": "own"}, "reward": {"reading": "strict"}},
    "repaired": {"mode": "repaired"},
}
SEEDS, STEPS, IMAGES, GROUP = (0, 1, 2), 12, 8, 4
ENDS = 3  # steps at either end of a run
SHARES = ["malformed", "kept", "agree", "commonest_letter", "distinct"]
SHOWN = ["step", "reward", "confidence", *SHARES, "votes", "votes_saved"]


def settings(reward: str, seed: int, steps: int = STEPS) -> Params:
    role = {"steps": steps, "prompts": IMAGES, "group": GROUP, "mini_batches": 1, "max_new_tokens": 128}
    selfplay = REWARDS[reward] | {
        "photographs": {"drawn": {"kind": "needle", "path": ".", "scenes": 240}},
        "iterations": {"1": {"questioner": str(PLAYER), "solver": str(PLAYER)}},
        "questioner": role | {"learning_rate": 3e-4, "seed": seed},
    }
    return parse_params({"selfplay": selfplay})


def course(reward: str, seed: int, root: Path, steps: int = STEPS) -> pl.DataFrame:
    """A row a step of a run in an empty folder: `SHOWN`, with the reward's name and the seed."""
    params, paths = settings(reward, seed, steps), Paths(root)
    photographs.run(params, paths, "drawn")
    questioner.run(params, paths, "1")
    log = shards.read(paths.selfplay("questioner", "1") / "train_log", TrainLog, SHOWN)
    return log.sort("step").select(pl.lit(reward).alias("rewarded"), pl.lit(seed).alias("seed"), *SHOWN)


def ends(run: pl.DataFrame) -> Iterator[str]:
    """What a run was like when it began and when it ended, a line each."""
    for name, part in (("first", run.head(ENDS)), ("last", run.tail(ENDS))):
        texts = part.height * IMAGES * GROUP
        shares = []
        for share in SHARES:
            mean = part[share].mean()
            assert isinstance(mean, float)
            found = wilson_interval(round(mean * texts), texts, confidence=0.95)
            shares.append(f"{share} {mean:.2f} ({found.low:.2f} to {found.high:.2f})")
        yield f"{name} {part.height} steps: confidence {part['confidence'].mean():.2f}, {', '.join(shares)}"


def main() -> None:
    torch.set_num_threads(1)
    runs = []
    for seed in SEEDS:
        for reward in REWARDS:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(course(reward, seed, Path(folder)))
            for line in ends(runs[-1]):
                print(f"{reward}, seed {seed}, {line}", flush=True)
    with shards.atomic_path(RESULTS) as temporary:
        pl.concat(runs).write_parquet(temporary)


if __name__ == "__main__":
    main()
