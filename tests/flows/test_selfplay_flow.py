"""The flow of self-play through a real Prefect server: its stages alone, the audit, the promotion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from ruamel.yaml import YAML

from flows import dag
from flows.selfplay import needed, ours, selfplay
from vzero.config import read_yaml
from vzero.guarded import environment
from vzero.paths import Paths

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]
ROOT = Path(__file__).parents[2]

STAGES = """
stages:
  train: {cmd: python stage.py data/train, outs: [data/train]}
  photographs:
    foreach: ${selfplay.photographs}
    do: {cmd: "python stage.py data/photographs/${key}", outs: ["data/photographs/${key}"]}
  solver:
    foreach: ${selfplay.iterations}
    do:
      cmd: python stage.py data/selfplay/solver-${key}
      deps: [data/photographs, "${item.solver}"]
      outs: ["data/selfplay/solver-${key}"]
"""
STAGE = """
import sys
from pathlib import Path
out = Path(sys.argv[1])
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text("made")
"""
COMMAND = """
import sys
from pathlib import Path
said = {"audit": "audit: done", "promote": "promote: kept solver-2 as it was"}
assert sys.argv[1:] in (["audit"], ["promote", "solver-2"]), sys.argv
Path("data/audit").mkdir(exist_ok=True)
Path("data/audit/index.html").touch()
print(said[sys.argv[1]])
"""


@pytest.fixture
def toy_selfplay(tmp_path: Path) -> Path:
    """A DVC project with the shape of self-play, and a stage that has nothing to do with it."""
    iterations = {"1": {"solver": "base"}, "2": {"solver": "data/selfplay/solver-1"}}
    files = {
        "dvc.yaml": STAGES,
        "stage.py": STAGE,
        "base": "",
        "vzero/__init__.py": "",
        "vzero/__main__.py": COMMAND,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    YAML().dump(
        {"selfplay": {"photographs": {"drawn": {}}, "iterations": iterations}}, tmp_path / "params.yaml"
    )
    init = [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"]
    subprocess.run(init, cwd=tmp_path, env=environment(), check=True)
    return tmp_path


def artifact(key: str) -> Any:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return found[0].data


def test_iterations_are_run_audited_and_the_last_solver_is_put_up_for_promotion(toy_selfplay: Path):
    verdicts = selfplay(root=toy_selfplay)
    assert verdicts == {"photographs@drawn": "Ran", "solver@1": "Ran", "solver@2": "Ran"}
    assert not (toy_selfplay / "data/train").exists()
    assert Paths(toy_selfplay).audit_page.as_uri() in artifact("audit")
    assert artifact("promotion") == "promote: kept solver-2 as it was"


def test_without_iterations_the_overlay_is_named(toy_selfplay: Path):
    YAML().dump({"selfplay": {"photographs": {}, "iterations": {}}}, toy_selfplay / "params.yaml")
    with pytest.raises(dag.StageError, match=r"`vzero use configs/selfplay.yaml` gives two"):
        selfplay(root=toy_selfplay)


def test_the_real_graph_runs_no_stage_of_distillation():
    names = read_yaml(ROOT / "dvc.yaml")["stages"]
    graph = {stage: [] for stage in names} | {
        "ingest": [],
        "evaluate-frozen@base-search": ["ingest"],
        "evaluate-frozen@teacher-search": ["ingest"],
        "evaluate@trained-search": ["train", "ingest"],
        "evaluate-solvers@solver-1-search": ["ingest", "solver@1"],
        "solver@1": ["photographs@drawn"],
        "photographs@drawn": [],
    }
    chosen = needed([stage for stage in graph if ours(stage)], graph)
    assert {stage for stage in chosen if "@" in stage or stage == "ingest"} == {
        "ingest",
        "evaluate-frozen@base-search",
        "evaluate-solvers@solver-1-search",
        "solver@1",
        "photographs@drawn",
    }
    assert not {"train", "crops", "report", "quality"} & set(chosen)
