"""Hashes of files: what is remembered is what would be computed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from diskcache import Cache

from vzero import digests
from vzero.digests import SETTLED
from vzero.shards import content_hash

LONG_AGO = time.time() - 60


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the files that were really read; all that have a byte are large here."""
    read: list[str] = []
    computed = digests._computed
    monkeypatch.setattr(digests, "_computed", lambda file: read.append(file.name) or computed(file))
    monkeypatch.setattr(digests, "LARGE", 1)
    cache = Cache(tmp_path / "cache")
    monkeypatch.setattr(digests, "_remembered", lambda: cache)
    return read


def written(file: Path, text: str, changed: float = LONG_AGO) -> Path:
    file.write_text(text)
    os.utime(file, (changed, changed))
    return file


def test_they_come_in_the_files_order(tmp_path: Path, hashed: list[str]):
    files = [written(tmp_path / name, name * 1000) for name in "cab"]
    assert list(digests.digests(files)) == [hashlib.sha256(f.read_bytes()).digest() for f in files]


def test_a_file_is_read_once_for_all_its_names_in_a_folder_hash(tmp_path: Path, hashed: list[str]):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("a", "b"):
        written(folder / name, name)
    first = content_hash(folder)
    assert content_hash(folder) == first
    assert sorted(hashed) == ["a", "b"]
    written(folder / "b", "B", LONG_AGO + 1)
    assert content_hash(folder) != first
    assert sorted(hashed) == ["a", "b", "b"]


def test_what_was_changed_just_now_is_not_remembered(tmp_path: Path, hashed: list[str]):
    """It may change again and have the same size and time."""
    file = written(tmp_path / "a", "one", time.time() - SETTLED / 2)
    status = file.stat()
    [before] = digests.digests([file])
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    [after] = digests.digests([file])
    assert before != after


def test_what_changes_while_it_is_read_is_not_remembered(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
):
    file = written(tmp_path / "a", "one")
    computed = digests._computed
    monkeypatch.setattr(
        digests, "_computed", lambda path: (computed(path), written(path, "three", LONG_AGO + 5))[0]
    )
    list(digests.digests([file]))
    written(file, "one")
    monkeypatch.setattr(digests, "_computed", computed)
    hashed.clear()
    list(digests.digests([file]))
    assert hashed == ["a"]


def test_small_files_are_read_each_time(tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digests, "LARGE", 100)
    file = written(tmp_path / "a", "one")
    for _ in range(2):
        list(digests.digests([file]))
    assert hashed == ["a", "a"]
