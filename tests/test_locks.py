"""One process at a time, also where the file system has no locks; a process that died holds nothing."""

from __future__ import annotations

import errno
import fcntl
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vzero import locks
from vzero.locks import AtWork, held

HOLD = "import sys, time; from pathlib import Path; from vzero.locks import held\n"
HOLD += "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for a file system without locks; ENOLCK is what NFS says without its lock service."""

    locks._tell.cache_clear()

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_another_has_to_wait_and_nothing_is_left(tmp_path: Path):
    order = []

    def second() -> None:
        with held(tmp_path / "place"):
            order.append("second")

    with held(tmp_path / "place"), held(tmp_path / "elsewhere", patience=0):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_without_patience_it_is_an_error_that_says_so(tmp_path: Path):
    with (
        held(tmp_path / "place"),
        pytest.raises(AtWork, match="place: another process is at work on this very run"),
        held(tmp_path / "place", patience=0),
    ):
        pass


def test_long_waiting_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(locks, "SILENT", 0.05)

    def second() -> None:
        with held(tmp_path / "place"):
            pass

    with held(tmp_path / "place"):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.2)
    waiting.join()
    assert "place: waiting for another process that writes there" in caplog.text


def test_a_file_that_was_removed_while_it_was_opened_is_no_lock(tmp_path: Path, monkeypatch):
    """NFS keeps it under another name as long as it is open, where it guards nothing."""

    def late(descriptor: int, operation: int) -> None:
        if file.exists() and not kept.exists():
            file.rename(kept)
        flock(descriptor, operation)

    file, kept, flock = tmp_path / ".place.lock.tmp", tmp_path / ".nfs0001", fcntl.flock
    monkeypatch.setattr(fcntl, "flock", late)
    with held(tmp_path / "place"):
        assert kept.exists()
        with pytest.raises(AtWork), held(tmp_path / "place", patience=0):
            pass


def test_a_killed_process_holds_nothing(tmp_path: Path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "place"], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"held\n"
    with pytest.raises(AtWork), held(tmp_path / "place", patience=0):
        pass
    process.kill()
    process.wait()
    with held(tmp_path / "place", patience=0):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_file_names_the_holder(tmp_path: Path, caplog):
    with held(tmp_path / "place"):
        assert "the file system has no locks (No locks available)" in caplog.text
        advice = r"if it died with its machine, remove .*\.place\.holder\.tmp"
        with pytest.raises(AtWork, match=advice), held(tmp_path / "place", patience=0):
            pass
    with held(tmp_path / "place", patience=0):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_locks")
def test_without_locks_the_dead_of_this_machine_hold_nothing_and_others_do(tmp_path: Path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    holder = tmp_path / ".place.holder.tmp"
    holder.write_text(f"{dead.pid}\n{socket.gethostname()}\n")
    with held(tmp_path / "place", patience=1):
        pass
    holder.write_text(f"{dead.pid}\nelsewhere\n")
    with pytest.raises(AtWork), held(tmp_path / "place", patience=0):
        pass
    assert holder.exists()
