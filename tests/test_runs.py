"""Runs of a stage side by side: found again, kept as long as the rule says, published one after the other."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from vzero import imports, runs
from vzero.errors import ChangedError
from vzero.locks import AtWork

DAY = 24 * 3600
TRAIN = "vzero.stages.train"


def run(
    scratch: Path, *inputs: Path, code: str = "vzero.geometry", **config: Any
) -> AbstractContextManager[Path]:
    return runs.run_folder(scratch, "stage", code=code, config=config, inputs=list(inputs))


def killed(scratch: Path, *, age: float = 0, **config: Any) -> Path:
    """The folder of a run that ended in an error, this many seconds ago."""
    with pytest.raises(InterruptedError), run(scratch, **config) as folder:
        write(folder / "rollouts/part-00000.parquet", "whole")
        raise InterruptedError
    set_back(folder, age)
    return folder


def finished(scratch: Path, *, age: float = 0, **config: Any) -> Path:
    with run(scratch, **config) as folder:
        pass
    set_back(folder, age)
    return folder


def set_back(folder: Path, age: float) -> None:
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (time.time() - age,) * 2)


def left(scratch: Path) -> set[Path]:
    """What the stage's folder holds."""
    return set((scratch / "stage").iterdir())


def test_a_run_is_found_again_and_other_settings_or_inputs_start_clean(tmp_path: Path):
    table = write(tmp_path / "input", "1")
    with run(tmp_path, table, a=1) as first:
        write(first / "done", "")
    with run(tmp_path, table, a=1) as again:
        assert again == first and (again / "done").is_file()
    table.write_text("2")
    with run(tmp_path, table, a=1) as second, run(tmp_path, table, a=2) as third:
        assert len({first, second, third}) == 3
        assert not (second / "done").exists()


@pytest.mark.parametrize("made", ["part-00000.parquet", "checkpoints/step-000002"])
def test_inputs_that_came_and_went_leave_nothing_but_checkpoints_to_go_on_from(tmp_path: Path, made: str):
    """Another stage put other tables there and back again: the parts may be of either, checkpoints were held
    against the inputs."""
    table = write(tmp_path / "input", "1")
    with pytest.raises(InterruptedError), run(tmp_path, table) as folder:
        write(folder / made, "")
        raise InterruptedError
    os.utime(table, (1, 1))
    with run(tmp_path, table) as again:
        assert again == folder
        assert (again / made).exists() == made.startswith("checkpoints")


def test_what_a_killed_run_was_writing_is_cleared(tmp_path: Path):
    folder = killed(tmp_path)
    write(folder / "rollouts/.part-00001.parquet.tmp", "half")
    write(folder / "checkpoints/.step-000002.new.tmp/weights.safetensors", "half")
    write(tmp_path / "stage/.0123456789abcdef.old.tmp/part-00000.parquet", "half removed")
    with run(tmp_path):
        assert [path for path in folder.rglob("*") if path.name.startswith(".")] == []
        assert (folder / "rollouts/part-00000.parquet").is_file()
    assert left(tmp_path) == {folder}


def test_what_another_run_is_writing_is_not_cleared(tmp_path: Path):
    with run(tmp_path, seed=0) as folder:
        unfinished = write(folder / ".part-00000.parquet.0a1b.tmp", "half")
        with run(tmp_path, seed=1):
            assert unfinished.exists()


def test_the_same_run_twice_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runs, "DYING", 0)
    with run(tmp_path) as folder:
        with (
            pytest.raises(AtWork, match=f"{folder.name}: another process is at work on this very run"),
            run(tmp_path),
        ):
            pass
        assert folder.is_dir()


def test_a_killed_run_is_kept_for_a_week(tmp_path: Path):
    old, young = killed(tmp_path, age=7.1 * DAY, seed=0), killed(tmp_path, age=6.9 * DAY, seed=1)
    with run(tmp_path, seed=2) as current:
        assert current.is_dir()
    assert left(tmp_path) == {young, current}
    assert not old.exists()


def test_the_last_three_other_finished_runs_are_kept_whatever_their_age(tmp_path: Path):
    folders = [finished(tmp_path, age=(20 - seed) * DAY, seed=seed) for seed in range(5)]
    assert left(tmp_path) == set(folders[1:])
    with run(tmp_path, seed=1):
        pass
    assert left(tmp_path) == set(folders[1:]), "it was not counted among the others"


def test_a_run_at_work_is_never_removed(tmp_path: Path):
    with run(tmp_path, seed=0) as working:
        write(working / "part-00000.parquet", "whole")
        set_back(working, 30 * DAY)
        finished(tmp_path, seed=1)
        assert (working / "part-00000.parquet").is_file()
        assert runs.is_at_work(tmp_path, "stage")
    assert not runs.is_at_work(tmp_path, "stage")


def test_a_run_that_goes_on_is_unfinished_until_it_ends(tmp_path: Path):
    folder = finished(tmp_path)
    assert killed(tmp_path, age=8 * DAY) == folder
    finished(tmp_path, seed=1)
    assert not folder.exists()


def test_inputs_that_change_meanwhile_are_an_error(tmp_path: Path):
    table = write(tmp_path / "table/part-00000.parquet", "rows")
    with run(tmp_path, table.parent) as folder:
        runs.check_inputs(folder)
        write(table, "rows")  # written anew, the same
        runs.check_inputs(folder)
        write(table, "others")
        with pytest.raises(ChangedError, match=r"changed while this run was reading it: one of .*table"):
            runs.check_inputs(folder)
        assert folder.is_dir()
        with pytest.raises(ChangedError):
            runs.check_inputs_or_discard(folder)
        assert not folder.exists()


def test_inputs_that_change_before_the_run_has_its_name_are_an_error(tmp_path: Path):
    table = write(tmp_path / "table", "rows")
    with (
        pytest.raises(ChangedError, match="changed while"),
        runs.run_folder(
            tmp_path, "stage", code="vzero.geometry", config={}, inputs=[table], seen="what was there before"
        ),
    ):
        pass


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's sources that may be edited."""
    copy = tmp_path / "vzero"
    shutil.copytree(imports.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    monkeypatch.setattr(imports, "PACKAGE", copy)
    return copy


def test_only_code_that_the_stage_imports_begins_it_anew(package: Path):
    folders = []
    for edited in (None, "report/words.py", "train/loop.py", "models/adapters.py"):
        if edited:
            with (package / edited).open("a") as file:
                file.write("# edited\n")
        with run(package.parent, code=TRAIN) as folder:
            folders.append(folder.name)
    assert folders[0] == folders[1]
    # The last one is imported inside a function.
    assert len(set(folders)) == 3


def test_runs_publish_one_after_the_other(tmp_path: Path):
    order = []

    def second() -> None:
        with runs.publishing(tmp_path / "stage/two"):
            order.append("second")

    with runs.publishing(tmp_path / "stage/one"):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_publishing_replaces_the_old_table_keeps_the_source_and_leaves_unfinished_files_out(tmp_path):
    source, target = tmp_path / "source", tmp_path / "data/table"
    write(source / "part-00000.parquet", "new")
    write(source / ".part-00001.parquet.tmp", "half")
    write(target / "part-00007.parquet", "old")
    write(target.parent / ".table.new.tmp/part-00003.parquet", "of a killed run")
    runs.publish(source, target)
    assert files(target.parent) == {"table/part-00000.parquet": "new"}
    assert (source / "part-00000.parquet").read_text() == "new"


def test_publishing_reaches_file_systems_without_hard_links(tmp_path, monkeypatch):
    def refuse(self, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write(tmp_path / "source/part-00000.parquet", "new")
    runs.publish(tmp_path / "source", tmp_path / "target")
    assert files(tmp_path / "target") == {"part-00000.parquet": "new"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
