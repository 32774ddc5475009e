"""The flows through a real Prefect server: states named by DVC's verdict, order from DVC's graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.states import Completed, Failed

from flows import dag
from flows.pipeline import may_pass, pipeline, run_stage
from flows.retrain import retrain

# One group: every process that runs one of these tests starts a server.
pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

EVERY = ["source", "left", "right", "join"]


def latest_artifact(key: str) -> Any:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    return found[0].data


@pytest.mark.long
def test_retrain_runs_what_is_new_and_skips_the_rest(toy: Path):
    assert retrain(toy) == dict.fromkeys(EVERY, "Ran")
    assert (toy / "data/join").read_text() == "join+two+one+right+one"
    assert latest_artifact("join-progress") == 100.0
    assert latest_artifact("promotion") == "promote: kept the promoted student"

    assert retrain(toy) == dict.fromkeys(EVERY, "Skipped")
    table = latest_artifact("stages")
    assert '"Skipped"' in table and '"Ran"' not in table

    (toy / "params.yaml").write_text("source: one\nleft: three\ntrain: {trackers: [tensorboard]}\n")
    assert pipeline(toy) == {"source": "Skipped", "left": "Ran", "right": "Skipped", "join": "Ran"}
    assert f"tensorboard --logdir {toy}/.vzero/trackers/tensorboard" in latest_artifact("trackers")


def test_stages_that_do_not_need_each_other_run_side_by_side(toy: Path):
    (toy / "params.yaml").write_text("source: one\nleft: two\nmeet: true\n")
    assert pipeline(toy, parallel=2) == dict.fromkeys(EVERY, "Ran")


def test_a_failed_stage_stops_what_needs_it_and_nothing_else(toy: Path):
    (toy / "params.yaml").write_text("source: one\nleft: broken\n")
    with pytest.raises(dag.StageError, match="failed: left;"):
        pipeline(toy)
    assert (toy / "data/right").exists()
    assert not (toy / "data/join").exists()


def test_a_task_is_tried_again_only_for_locks_and_the_network():
    busy = Failed(data=dag.BusyError("busy"))
    broken = Failed(data=dag.StageError("broken"))
    assert may_pass(run_stage, None, busy)
    assert not may_pass(run_stage, None, broken)
    assert not may_pass(run_stage, None, Completed(data=1))
