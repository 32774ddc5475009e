"""`vzero diff` in a real git and DVC project of two commits."""

from __future__ import annotations

import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dvc.repo import Repo

from vzero.commands import diff, versions
from vzero.commands.versions import VersionError
from vzero.errors import ConfigError, UserError
from vzero.paths import Paths

STAGES = "stages:\n  crops:\n    cmd: 'true'\n    outs: [data/crops/crops]\n"
AUTHOR = ["-c", "user.name=a", "-c", "user.email=a@b"]


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *AUTHOR, *arguments], cwd=root, check=True, capture_output=True)


def write_shard(paths: Paths, number: int, rows: dict[str, str]) -> None:
    paths.crops.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame({"sample_id": list(rows), "fallback": list(rows.values()), "width": 7})
    frame.write_parquet(paths.crops / f"part-{number:05d}.parquet")


def commit(root: Path, tag: str) -> None:
    with Repo(str(root)) as repo:
        repo.commit(force=True)
    git(root, "add", "dvc.yaml", "dvc.lock", ".dvc")
    git(root, "commit", "-m", tag)
    git(root, "tag", tag)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Version one has two shards, version two changes the second, and the folder has a further sample."""
    root = tmp_path_factory.mktemp("project")
    git(root, "init", "--quiet")
    Repo.init(str(root)).close()
    (root / "dvc.yaml").write_text(STAGES)
    paths = Paths(root)
    write_shard(paths, 0, {"a": "exact", "b": "exact"})
    write_shard(paths, 1, {"c": "exact", "d": "exact"})
    commit(root, "one")
    write_shard(paths, 1, {"d": "shrunk", "e": "exact"})
    commit(root, "two")
    write_shard(paths, 2, {"f": "none"})
    return paths


TWO_CHANGES = [("c", "went", []), ("d", "changed", ["fallback"]), ("e", "came", [])]


def test_two_revisions_differ_in_the_samples_of_the_shards_that_changed(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    read: list[Path] = []
    monkeypatch.setattr(diff, "changes", partial(_recorded, read))
    found = diff.run("one", "two", "crops", paths, tmp_path / "changes.parquet")
    assert found.rows() == TWO_CHANGES
    assert pl.read_parquet(tmp_path / "changes.parquet").rows() == TWO_CHANGES
    assert len(read) == 2
    said = capsys.readouterr().out
    assert "1 came, 1 went, 1 changed; 1 of 2 files are the same and were not read" in " ".join(said.split())


def _recorded(read: list[Path], before: list[Path], after: list[Path], *how: Any) -> pl.DataFrame:
    read += [*before, *after]
    return changes(before, after, *how)


changes = diff.changes


def test_the_workspace_is_what_lies_in_the_folder_and_time_runs_both_ways(paths: Paths):
    assert diff.run("two", "workspace", "crops", paths, None).rows() == [("f", "came", [])]
    assert diff.run("workspace", "two", "crops", paths, None).rows() == [("f", "went", [])]
    assert diff.run("two", "HEAD", "crops", paths, None).is_empty()


@pytest.mark.parametrize(
    ("revision", "table", "error", "message"),
    [
        (
            "three",
            "crops",
            VersionError,
            "unknown revision 'three': name a commit, branch or tag, or workspace",
        ),
        ("one", "samples", VersionError, "one has no data/ingest/samples"),
        ("workspace", "rejects", VersionError, "no table there; run the stage that writes it, or `dvc pull`"),
        (
            "one",
            "scores",
            ConfigError,
            "'scores' has no versions to compare: allowed: images, samples, crops, rejects",
        ),
    ],
)
def test_what_is_not_there_is_named(
    paths: Paths, revision: str, table: str, error: type[UserError], message: str
):
    with pytest.raises(error, match=message):
        diff.run(revision, "two", table, paths, None)


def test_a_version_that_the_cache_lacks_says_how_to_get_it(paths: Paths, tmp_path: Path):
    shutil.copytree(paths.root, tmp_path / "clone", ignore=shutil.ignore_patterns("cache"))
    with pytest.raises(versions.VersionError, match=r"crops of one is not in DVC's cache: .* `dvc pull`"):
        diff.run("one", "two", "crops", Paths(tmp_path / "clone"), None)


def test_a_folder_without_dvc_has_no_versions(tmp_path: Path):
    with pytest.raises(versions.VersionError, match="no DVC project"):
        diff.run("one", "two", "crops", Paths(tmp_path), None)
