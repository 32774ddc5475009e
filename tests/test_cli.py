"""The command line as its users run it: real processes, one clear line for what they can mend."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vzero import cli, errors
from vzero.stage_commands import STAGES
from vzero.summaries import summary_line

ROOT = Path(__file__).parent.parent


def vzero(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vzero", *arguments], cwd=cwd, capture_output=True, text=True
    )


def test_help_names_every_command(tmp_path: Path):
    said = vzero("--help", cwd=tmp_path).stdout
    for command in (
        "init",
        "upgrade",
        "ingest",
        "crops",
        "quality",
        "diff",
        "train",
        "evaluate",
        "report",
        "promote",
        "show",
        "use",
        "pretrain-needle",
        "fetch",
        "score",
        "compare",
        "export",
    ):
        assert f" {command} " in said


def test_outside_a_project_the_error_says_where_to_go(tmp_path: Path):
    ended = vzero("ingest", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == "vzero: no params.yaml in this folder; run vzero in the root of the project\n"


def test_a_wrong_parameter_ends_in_one_line_and_no_traceback(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("train: {stesp: 3}\n")
    ended = vzero("train", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("vzero: params.yaml: unknown key 'train.stesp': did you mean 'steps'?")
    assert ended.stderr.count("\n") == 1


def test_a_stage_without_its_inputs_says_which_stage_to_run_first(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("{}\n")
    ended = vzero("crops", cwd=tmp_path)
    assert ended.returncode == 2
    assert "data/ingest" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "vzero: data/raw/x.jsonl: Permission denied; allow this user to use it"),
        (errno.ENOSPC, "vzero: data/raw/x.jsonl: No space left on device; free some space"),
    ],
)
def test_what_the_system_refuses_ends_in_one_line(monkeypatch, capsys, number: int, said: str):
    def refused() -> None:
        raise OSError(number, os.strerror(number), "data/raw/x.jsonl")

    monkeypatch.setattr(cli, "app", refused)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert capsys.readouterr().err == f"{said} and run the same command again\n"


@pytest.mark.parametrize("kind", ["ConfigError", "SourceError", "ModelError", "ProjectError", "ChangedError"])
def test_every_error_that_a_user_can_mend_ends_in_one_line(monkeypatch, capsys, kind: str):
    def refused() -> None:
        raise getattr(errors, kind)("data/x: run ingest")

    monkeypatch.setattr(cli, "app", refused)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert capsys.readouterr().err == "vzero: data/x: run ingest\n"


@pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens")
def test_an_interrupt_is_said_to_lose_nothing(monkeypatch, capsys):
    def interrupted(stage: str) -> None:
        raise KeyboardInterrupt(stage)

    monkeypatch.setattr("vzero.stage_commands._run_stage", interrupted)
    monkeypatch.setattr(sys, "argv", ["vzero", "crops"])
    with pytest.raises(SystemExit, match="130"):
        cli.main()
    assert capsys.readouterr().err == "vzero: interrupted; the same command goes on from here\n"


CALLED = {
    "evaluate": ("solver-2", "search"),
    "photographs": ("mine",),
    **dict.fromkeys(("questioner", "questions", "votes", "solver"), ("1",)),
}


@pytest.mark.parametrize("stage", [stage.__name__ for stage in STAGES])
def test_a_command_runs_its_stage_on_the_cell_that_it_names(stage: str, monkeypatch):
    ran = []
    monkeypatch.setattr(
        "vzero.stage_commands._run_stage", lambda name, *cell, params=None: ran.append((name, *cell))
    )
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match="0"):
        cli.app([stage, *CALLED.get(stage, ())])
    assert ran == [(stage, *CALLED.get(stage, ()))]


def test_what_is_no_stage_prints_its_summary_too(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("vzero.commands.audit.run", lambda params, paths: {"labels": 3, "right": 2})
    monkeypatch.setattr("vzero.commands.promote.run", lambda params, paths, model: {"outcome": model})
    for words in (["audit"], ["promote", "solver-2"], ["promote"]):
        with pytest.raises(SystemExit, match="0"):
            cli.app(words)
    assert capsys.readouterr().out.splitlines() == [
        "audit: labels 3, right 2",
        "promote: outcome solver-2",
        "promote: outcome trained",
    ]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("bse", "search"), "allowed: base, trained"),
        (("base", "mmlu"), '"cyclic"'),
        (("base",), "BENCHMARK"),
    ],
)
def test_a_wrong_evaluation_cell_is_refused_with_what_is_allowed(cell: tuple[str, ...], expected: str):
    ended = vzero("evaluate", *cell, cwd=ROOT)
    assert ended.returncode != 0
    assert expected in ended.stdout + ended.stderr


def test_an_unknown_table_is_refused_with_what_there_is():
    ended = vzero("show", "sampels", cwd=ROOT)
    assert ended.returncode == 2
    assert "samples" in ended.stderr


def test_stages_without_models_start_without_torch(tmp_path: Path):
    probe = (
        "import sys\n"
        "import vzero.stages.ingest, vzero.stages.crops, vzero.cli, vzero.commands.show, flows.retrain\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], cwd=tmp_path).returncode == 0


def test_a_summary_line_spells_out_nested_names():
    summary = {"samples": 23_600, "seconds": 41.237, "done": True, "none": None, "fallback": {"exact": 2}}
    assert summary_line("crops", summary) == (
        "crops: samples 23,600, seconds 41.24, done True, fallback exact 2"
    )


def test_a_summary_line_leaves_out_what_ingest_has_printed_as_tables():
    summary = {"rows": 9, "rejects": {"bad_box": 2}, "funnel": {"bad_box": 7}, "box_conventions": {"x": {}}}
    assert summary_line("ingest", summary) == "ingest: rows 9"
    # What is no table is said: the quality stage's rejects, and those of a benchmark.
    assert summary_line("quality", {"rejects": 2, "vstar": {"rejects": 1}}) == (
        "quality: rejects 2, vstar rejects 1"
    )
