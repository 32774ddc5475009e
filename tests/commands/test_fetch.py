"""`vzero fetch`: what is asked of the hub, what is checked, and what is said where no hub can be reached."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.commands import fetch
from vzero.errors import ConfigError, SourceError


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A hub that holds the given files, each with its own name as content."""
    files: dict[str, list[str]] = {}

    def download(repository: str, file: str, *, repo_type: str, local_dir: Path) -> str:
        assert repo_type == "dataset" and file in files[repository]
        path = Path(local_dir) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file)
        return str(path)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(
        huggingface_hub.HfApi, "list_repo_files", lambda self, repository, repo_type: files[repository]
    )
    return files


def test_one_file_is_checked_by_its_md5(hub, tmp_path, monkeypatch):
    hub["xjtupanda/VStar_Bench"] = ["VStarBench.tsv"]
    with pytest.raises(SourceError, match=r"VStarBench\.tsv: md5 .*, the published file has b18854d7"):
        fetch.fetch("vstar", tmp_path)
    vstar = CATALOGUE["vstar"]
    assert vstar.published is not None
    right = replace(vstar.published, md5=hashlib.md5(b"VStarBench.tsv").hexdigest())
    monkeypatch.setitem(CATALOGUE, "vstar", replace(vstar, published=right))
    assert fetch.fetch("vstar", tmp_path) == tmp_path / "vstar/VStarBench.tsv"


def test_of_many_files_those_of_the_benchmark_are_taken(hub, tmp_path):
    hub["BLINK-Benchmark/BLINK"] = [
        "README.md",
        "Jigsaw/val-0.parquet",
        "Jigsaw/test-0.parquet",
        "Art/val-0.parquet",
    ]
    assert fetch.fetch("blink", tmp_path) == tmp_path / "blink"
    names = {str(path.relative_to(tmp_path / "blink")) for path in tmp_path.rglob("*.parquet")}
    assert names == {"Jigsaw/val-0.parquet", "Art/val-0.parquet"}


def test_a_hub_out_of_reach_is_one_line_that_says_what_to_do(hub, tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("Name or service not known\nand more")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    with pytest.raises(SourceError) as caught:
        fetch.fetch("vstar", tmp_path)
    assert str(caught.value) == (
        "Name or service not known: get VStarBench.tsv of the dataset xjtupanda/VStar_Bench elsewhere and "
        f"put it into {tmp_path}/vstar/"
    )


def test_offline_it_ends_with_exit_code_2_and_without_a_traceback(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "vzero", "fetch", "hrbench_4k", "--out", "here"],
        cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "vzero: HF_HUB_OFFLINE is set: get hr_bench_4k.tsv of the dataset DreamMr/HR-Bench elsewhere "
        "and put it into here/hrbench_4k/\n"
    )


def test_what_is_drawn_cannot_be_fetched(tmp_path):
    with pytest.raises(ConfigError, match="search is drawn by `vzero ingest`"):
        fetch.fetch("search", tmp_path)


def test_every_published_benchmark_says_where_it_is():
    assert all(benchmark.published for benchmark in CATALOGUE.values() if benchmark.forms)
