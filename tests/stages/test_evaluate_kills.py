"""An evaluation killed anywhere and run again asks the rest only, and scores like one that nobody touched."""

from __future__ import annotations

import random

import polars as pl
import pytest
from killable import KILLED, KillableCommands, said
from ruamel.yaml import YAML
from tiny_models import save_tiny

from tests.checked_tables import write_items
from vzero import shards
from vzero.config import Crops, NeedleSource
from vzero.evaluate.replies import Replies
from vzero.needle.benchmarks import benchmark_items
from vzero.paths import Paths
from vzero.tables import EvaluateTimings, Predictions

# The other tests that need the driver's process run in the same one.
pytestmark = pytest.mark.xdist_group("kills")

QUESTIONS = 10
EVALUATE = ("evaluate", "trained", "cyclic")
SETTINGS = {"evaluate": {"batch_tokens": 150, "max_new_tokens": 3, "resamples": 200}}


@pytest.fixture
def projects(tmp_path) -> list[Paths]:
    """Two of the same. What the model says depends on everything it sees."""
    items = benchmark_items(NeedleSource(benchmark_questions=QUESTIONS), Crops())
    made = [Paths(tmp_path / name) for name in ("killed", "untouched")]
    for paths in made:
        write_items(paths.benchmark_items, items, 20)
        save_tiny(paths.trained_model, seed=0)
        YAML().dump(SETTINGS, paths.params)
    return made


@pytest.mark.long
def test_a_run_killed_at_random_points_scores_the_same(projects: list[Paths], commands: KillableCommands):
    killed, _ = projects
    rng = random.Random(0)
    points = [
        {"call": f"torch.nn.functional.embedding:{rng.randint(2, 20)}"},
        {"call": "polars.DataFrame.write_parquet:2", "ending": "half"},
        {"call": f"torch.nn.functional.embedding:{rng.randint(2, 20)}"},
    ]
    for point in points:
        assert commands.run(killed, *EVALUATE, **point) == KILLED, said(killed)
        assert not killed.evaluation("trained", "cyclic").exists()
    before = stored(killed)
    assert 0 < len(before) < 4 * QUESTIONS
    for paths in projects:
        commands.finish(paths, *EVALUATE)
    for table in (Paths.predictions, Paths.scores):
        ours, theirs = (shards.shard_path(table(paths, "trained", "cyclic"), 0) for paths in projects)
        assert ours.read_bytes() == theirs.read_bytes()
    assert shards.read(killed.predictions("trained", "cyclic"), Predictions)["text"].n_unique() > 1
    # Replies that were kept, not asked again, still have their seconds.
    timings = shards.read(killed.evaluate_timings("trained", "cyclic"), EvaluateTimings)
    assert len(timings.join(before, on=["item", "seconds"])) == len(before)


def stored(paths: Paths) -> pl.DataFrame:
    [folder] = (paths.scratch / "replies").glob("[!.]*")
    return shards.read(folder, Replies)
