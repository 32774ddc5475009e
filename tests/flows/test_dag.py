"""The graph that DVC tells, and its verdict on each stage; every run here is a real `dvc repro`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from flows import dag
from flows.dag import BusyError, StageError, Verdict
from vzero.guarded import environment, run_module


def test_the_graph_lists_each_stage_after_the_ones_it_needs(toy: Path):
    assert dag.upstream(toy) == {
        "source": [],
        "left": ["source"],
        "right": ["source"],
        "join": ["left", "right"],
    }
    assert list(dag.upstream(toy)) == ["source", "left", "right", "join"]


def test_a_stage_runs_once_is_skipped_after_and_restored_when_a_parameter_comes_back(toy: Path):
    assert dag.reproduce(toy, "source").verdict is Verdict.RAN
    assert dag.reproduce(toy, "source").verdict is Verdict.SKIPPED
    (toy / "params.yaml").write_text("source: changed\nleft: two\n")
    assert dag.reproduce(toy, "source").verdict is Verdict.RAN
    assert (toy / "data/source").read_text() == "changed"
    (toy / "params.yaml").write_text("source: one\nleft: two\n")
    assert dag.reproduce(toy, "source").verdict is Verdict.RESTORED
    assert (toy / "data/source").read_text() == "one"


def test_force_runs_a_stage_that_did_not_change(toy: Path):
    dag.reproduce(toy, "source")
    assert dag.reproduce(toy, "source", force=True).verdict is Verdict.RAN


def test_a_stage_of_its_own_is_reproduced_without_the_ones_before_it(toy: Path):
    with pytest.raises(StageError, match=r"No such file or directory: .*data/source"):
        dag.reproduce(toy, "left")


def test_a_broken_stage_is_an_error_that_no_retry_mends(toy: Path):
    (toy / "params.yaml").write_text("source: broken\nleft: two\n")
    lines: list[str] = []
    with pytest.raises(StageError, match="failed to reproduce 'source'") as error:
        dag.reproduce(toy, "source", log=lines.append)
    assert not isinstance(error.value, BusyError)
    assert "this stage is broken" in lines


def test_a_held_lock_is_an_error_that_may_pass(toy: Path):
    lock = toy / ".dvc/tmp/rwlock"
    lock.parent.mkdir(exist_ok=True)
    holder = {"pid": os.getpid(), "cmd": "another run"}
    lock.write_text(json.dumps({"write": {str(toy / "data/source"): holder}}))
    with pytest.raises(BusyError, match="is busy"):
        dag.reproduce(toy, "source")


@pytest.mark.parametrize(
    ("complaint", "passes"),
    [
        ("ERROR: Unable to acquire lock. Most likely another DVC process is running", True),
        ("ERROR: unexpected error - Connection refused", True),
        ("ERROR: unexpected error - Temporary failure in name resolution", True),
        ("ERROR: failed to reproduce 'train': failed to run: python -m vzero train, exited with 1", False),
        ("the stage itself printed: connection refused", False),
    ],
)
def test_only_locks_and_the_network_are_worth_another_try(complaint: str, passes: bool):
    assert isinstance(dag.failure("train", complaint), BusyError) is passes


def test_what_a_stage_prints_is_not_taken_for_a_verdict():
    assert dag.verdict("x\nStage 'a' didn't change, skipping\n") is Verdict.SKIPPED
    assert dag.verdict("Running stage 'a':\nStage 'b' is cached - skipping run\n") is Verdict.RAN


def test_imported_data_are_found_and_refreshed(toy: Path, tmp_path_factory: pytest.TempPathFactory):
    origin = tmp_path_factory.mktemp("origin") / "rows.txt"
    origin.write_text("first")
    assert dag.imports(toy) == []
    assert run_module(toy, "dvc", "import-url", str(origin), "rows.txt").code == 0
    assert dag.imports(toy) == ["rows.txt.dvc"]
    assert "rows.txt.dvc" not in dag.upstream(toy)
    origin.write_text("second, longer")
    dag.refresh(toy, "rows.txt.dvc")
    assert (toy / "rows.txt").read_text() == "second, longer"
    origin.unlink()
    with pytest.raises(StageError, match=r"rows.txt.dvc: ERROR"):
        dag.refresh(toy, "rows.txt.dvc")


def test_commands_see_this_python_first_and_nothing_online():
    seen = environment()
    assert seen["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert seen["HF_HUB_OFFLINE"] == seen["DVC_NO_ANALYTICS"] == seen["DO_NOT_TRACK"] == "1"
