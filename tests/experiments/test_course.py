"""An experiment in a toy project whose stages take no time: what runs, what is told, and what is kept.

DVC, its cache, the workspaces and the results are real; a stage writes what a rule says.
"""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from vzero.commands import experiment as command
from vzero.experiments.course import Clock, expected_seconds
from vzero.experiments.results import read_curves, read_runs
from vzero.experiments.settings import Experiment
from vzero.guarded import environment
from vzero.locks import AtWork, held
from vzero.paths import Paths
from vzero.shards import shard_path, write_table
from vzero.tables import PHASES, EvaluateTimings, TrainTimings

STAGE = """
import sys
from pathlib import Path
import polars as pl
from ruamel.yaml import YAML

stage, *cell = sys.argv[1:]
train = YAML(typ="safe").load(Path("params.yaml"))["train"]
if stage == "train" and Path(f"broken-{train['recipe']}").exists():
    sys.exit("vzero: the loss has no bottom")

def write(place, rows):
    Path(place).mkdir(parents=True, exist_ok=True)
    pl.DataFrame(rows).write_parquet(Path(place, "part-00000.parquet"))

steps = train["steps"]
phases = ("rollout", "replay", "update")
if stage in ("ingest", "crops"):
    write(f"data/{stage}", {"x": [1]})
elif stage == "train":
    each = [{"labels": 4} | {f"{p}_{w}": 10 for p in phases for w in ("flops", "tokens")}] * steps
    write("data/train/train_log", each)
    Path("data/train/model").write_text(str(steps + train["seed"]))
    clock = {"step": 0, "peak_memory": 7.0} | {f"{phase}_seconds": 0.5 for phase in phases}
    write("data/timings/train", [clock | {"step": step} for step in range(steps)])
else:
    right = 5 + (int(Path("data/train/model").read_text()) if cell[0] == "trained" else 0)
    fixed = {"model": cell[0], "benchmark": cell[1], "view": "full", "answer": "A", "cycle": None}
    fixed |= {"source": "", "l2_category": "", "category": ""}
    rows = [fixed | {"item": f"{n:02}", "group": f"{n}", "hit": n < right} for n in range(20)]
    write(f"data/evaluate/{cell[0]}-{cell[1]}/predictions", rows)
"""
GRAPH = """
stages:
  ingest:
    cmd: python -m vzero ingest
    deps: [data/raw]
    params: [ingest]
    outs: [data/ingest]
  crops:
    cmd: python -m vzero crops
    deps: [data/ingest]
    params: []
    outs: [data/crops]
  train:
    cmd: python -m vzero train
    deps: [data/crops]
    params: [train.recipe, train.seed, train.steps]
    outs: [data/train, data/timings/train]
  evaluate:
    matrix: {benchmark: "${evaluate.benchmarks}"}
    cmd: python -m vzero evaluate trained ${item.benchmark}
    deps: [data/train]
    params: []
    outs:
    - data/evaluate/trained-${item.benchmark}
  evaluate-frozen:
    matrix: {benchmark: "${evaluate.benchmarks}"}
    cmd: python -m vzero evaluate base ${item.benchmark}
    deps: [data/ingest]
    outs:
    - data/evaluate/base-${item.benchmark}
"""
EXPERIMENT = {
    "question": "Which?",
    "rule": "The higher one.",
    "arms": {
        "one": {"label": "one", "params": {"train": {"recipe": "opd"}}},
        "other": {"label": "other", "params": {"train": {"recipe": "sft"}}},
    },
    "seeds": [3],
    "marks": [2, 4],
    "benchmarks": ["search"],
    "claims": [{"better": "one", "than": "other"}],
}


@pytest.fixture
def project(tmp_path: Path) -> Paths:
    yaml = YAML()
    (tmp_path / "vzero").mkdir()
    (tmp_path / "vzero/__main__.py").write_text(STAGE)
    (tmp_path / "vzero/__init__.py").touch()
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    models = {"student": "data/raw", "teacher": "data/raw"}
    params = {"models": models, "ingest": {"source": "needle"}, "train": {}, "evaluate": {}}
    yaml.dump(params, tmp_path / "params.yaml")
    for folder in ("data/raw", "configs/experiments"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data/raw/rows").write_text("rows")
    yaml.dump(EXPERIMENT, tmp_path / "configs/experiments/toy.yaml")
    init = [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"]
    subprocess.run(init, cwd=tmp_path, env=environment(), check=True)
    return Paths(tmp_path)


def test_cells_run_fail_go_on_and_are_done(project: Paths, capsys: pytest.CaptureFixture[str]):
    (project.root / "broken-sft").touch()
    assert not command.run("toy", project, jobs=2)
    said = capsys.readouterr().out
    assert "toy: 2 cells (2 arms x 1 seeds), 2 to run" in said
    assert re.search(r"cell ./2, one-3, took \d+ s;", said)
    assert re.search(r"cell ./2, other-3, failed: vzero: the loss has no bottom; ERROR: .*log.txt", said)
    assert project.experiment_page("toy").is_file(), "what is there is shown"
    left = project.scratch / "experiments/toy"
    assert [folder.name for folder in left.glob("[!.]*")] == ["other-3"]
    (project.root / "broken-sft").unlink()

    with held(left), pytest.raises(AtWork):
        command.run("toy", project, jobs=1)
    capsys.readouterr()
    assert command.run("toy", project, jobs=1)
    assert "2 cells (2 arms x 1 seeds), 1 to run x about" in capsys.readouterr().out
    results = project.experiment_results("toy")
    assert read_runs(results).select("arm", "seed", "labels", "peak_memory").rows() == [
        ("one", 3, 16, 7.0),
        ("other", 3, 16, 7.0),
    ]
    curves = read_curves(results).group_by("arm", "step").agg(pl.col("score").sum()).sort("arm", "step")
    assert curves["score"].to_list() == [5.0, 10.0, 12.0] * 2
    costs = read_runs(results)["costs"][0].struct.unnest().filter(phase="replay")
    assert costs.rows() == [(2, "replay", 1.0, 20.0, 20), (4, "replay", 2.0, 40.0, 40)]
    assert not list(left.glob("[!.]*"))

    assert command.run("toy", project, jobs=1)
    said = capsys.readouterr().out
    assert "2 cells (2 arms x 1 seeds), all done" in said
    assert "one is above other on regions: cannot be told (+0.0 points, " in said
    YAML().dump(EXPERIMENT | {"seeds": [3, 4]}, project.experiment("toy"))
    assert command.run("toy", project, jobs=0)
    assert "toy: 2 cells" not in capsys.readouterr().out
    assert "2 of 4 cells" in project.experiment_page("toy").read_text()
    capsys.readouterr()

    arms = {"renamed": EXPERIMENT["arms"]["other"]}
    YAML().dump(EXPERIMENT | {"arms": arms, "claims": []}, project.experiment("second"))
    assert command.run("second", project, jobs=1)
    said = capsys.readouterr().out
    assert "second: renamed-3 is other-3 of toy" in said
    assert "second: 1 cells (1 arms x 1 seeds), all done" in said
    for table in (read_runs, read_curves):
        theirs = table(results).filter(arm="other").with_columns(arm=pl.lit("renamed"))
        assert table(project.experiment_results("second")).equals(theirs)


@pytest.mark.long
def test_two_experiments_at_once_do_not_disturb_each_other(project: Paths):
    YAML().dump(EXPERIMENT | {"seeds": [5], "marks": [4]}, project.experiment("second"))
    names = ("toy", "second")
    with ThreadPoolExecutor(2) as both:
        assert all(both.map(lambda name: command.run(name, project, jobs=2), names))
    for name, seed, right in (("toy", 3, 12.0), ("second", 5, 14.0)):
        last = read_curves(project.experiment_results(name)).filter(step=4)
        found = last.group_by("arm", "seed").agg(pl.col("score").sum()).sort("arm")
        assert found.rows() == [("one", seed, right), ("other", seed, right)]


def test_before_any_cell_the_projects_own_run_says_how_long_one_takes(tmp_path: Path):
    """Ten steps of 2 s, and twice the 30 s that 60 answers took."""
    paths, experiment = Paths(tmp_path), Experiment.model_validate(EXPERIMENT | {"marks": [5, 10]})
    assert expected_seconds(tmp_path / "none", experiment, paths) is None
    phases = {f"{phase}_seconds": seconds for phase, seconds in zip(PHASES, (1.0, 0.5, 0.5), strict=True)}
    steps = pl.DataFrame([{"step": step, "peak_memory": 700.0} | phases for step in range(3)])
    write_table(shard_path(paths.train_timings, 0), steps, TrainTimings)
    fixed = {"model": "trained", "benchmark": "search", "view": "full", "seed": 0, "seconds": 0.5}
    asked = pl.DataFrame([fixed | {"item": str(item)} for item in range(60)])
    write_table(shard_path(paths.evaluate_timings("trained", "search"), 0), asked, EvaluateTimings)
    assert expected_seconds(tmp_path / "none", experiment, paths) == pytest.approx(10 * 2 + 2 * 30)


def test_a_cell_starts_where_it_would_end_within_the_budget():
    assert Clock(guess=None, budget=None).has_room()
    assert Clock(guess=None, budget=10.0).has_room(), "how long one takes is not known"
    assert not Clock(guess=11.0, budget=10.0).has_room()
    assert Clock(guess=11.0, budget=10.0, taken=[4.0, 6.0]).has_room()
