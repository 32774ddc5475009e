"""`vzero fetch` from a hub on this machine: what is taken, checked and taken up again, and what is said."""

from __future__ import annotations

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest
from hub_double import COMMIT, Hub, served
from huggingface_hub import constants

from vzero import locks
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.commands import fetch
from vzero.commands.hub_files import BLOCK
from vzero.commands.training_sets import SETS
from vzero.config import TrainingSetName, load_params, read_yaml
from vzero.errors import ConfigError, SourceError
from vzero.imaging import encode_png

ROOT = Path(__file__).parents[2]
TSV = b"index\timage\n" * 200
ZWZ, VSTAR = "inclusionAI/ZwZ-RL-VQA", "xjtupanda/VStar_Bench"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with served({}) as hub:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub


def command(hub: Hub | None, *words: str) -> tuple[list[str], dict[str, str]]:
    reached = {"HF_HUB_OFFLINE": "1"} if hub is None else {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": hub.url}
    environment = os.environ | reached | {"HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT)}
    return [sys.executable, "-m", "vzero", *words], environment


def ended(hub: Hub | None, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line, environment = command(hub, *words)
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)


def test_one_file_is_checked_by_the_published_md5_too(hub: Hub, tmp_path: Path, monkeypatch):
    hub.files[VSTAR] = {"VStarBench.tsv": TSV, "README.md": b"# V*"}
    with pytest.raises(SourceError, match=r"VStarBench\.tsv: md5 .*, the published file has b18854d7"):
        fetch.fetch("vstar", tmp_path)
    vstar = CATALOGUE["vstar"]
    assert vstar.published is not None
    right = replace(vstar.published, md5=hashlib.md5(TSV).hexdigest())
    monkeypatch.setitem(CATALOGUE, "vstar", replace(vstar, published=right))
    fetched = fetch.fetch("vstar", tmp_path)
    place = tmp_path / "vstar/VStarBench.tsv"
    assert (fetched.place, place.read_bytes(), fetched.revision) == (place, TSV, COMMIT)
    assert fetched.params == f"ingest: {{benchmarks: {{vstar: {place}}}}}"


@pytest.mark.parametrize("data", [b"short", TSV], ids=["git blob", "sha256"])
def test_a_file_that_is_not_what_the_hub_says_is_refused(hub: Hub, tmp_path: Path, data: bytes):
    hub.files["BLINK-Benchmark/BLINK"] = {"Jigsaw/val-0.parquet": data}
    place = fetch.fetch("blink", tmp_path).place
    place.write_bytes(data[:-1] + b"?")
    with pytest.raises(SourceError, match="not what the hub says it is"):
        fetch.fetch("blink", tmp_path)
    place.unlink()
    assert fetch.fetch("blink", tmp_path).place.read_bytes() == data


def test_of_many_files_those_of_the_benchmark_are_taken_and_each_once(hub: Hub, tmp_path: Path):
    names = ["README.md", "Jigsaw/val-0.parquet", "Jigsaw/test-0.parquet", "Art/val-0.parquet"]
    hub.files["BLINK-Benchmark/BLINK"] = {name: name.encode() for name in names}
    for _ in range(2):
        assert fetch.fetch("blink", tmp_path).place == tmp_path / "blink"
    found = {str(path.relative_to(tmp_path / "blink")) for path in tmp_path.rglob("*.parquet")}
    assert found == {"Jigsaw/val-0.parquet", "Art/val-0.parquet"}
    assert len(hub.asked) == 2


def test_a_killed_download_goes_on_where_it_was(hub: Hub, tmp_path: Path):
    data = os.urandom(1) * (BLOCK + 1_000_000)
    hub.files[ZWZ] = {"train.parquet": b"rows", "images.tar": data}
    hub.stops_half_way.add("images.tar")
    line, environment = command(hub, "fetch", "zwz")
    process = subprocess.Popen(line, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    assert hub.half_way.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "data/raw/zwz/images.tar").exists()
    again = ended(hub, tmp_path, "fetch", "zwz")
    assert again.returncode == 0, again.stderr
    spans = [span for name, span in hub.asked if name == "images.tar"]
    second = f"bytes={BLOCK}-{2 * BLOCK - 1}"
    assert spans == [f"bytes=0-{BLOCK - 1}", second, second], (
        "killed in the second block, it asks for it again"
    )
    assert {path.name for path in (tmp_path / "data/raw/zwz").iterdir()} == {"train.parquet", "images.tar"}
    assert (tmp_path / "data/raw/zwz/images.tar").read_bytes() == data


def test_of_two_downloads_at_once_one_waits_and_nothing_is_asked_twice(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(locks, "SILENT", 0.1)
    data = os.urandom(1) * (BLOCK + 1_000_000)
    hub.files[ZWZ] = {"train.parquet": b"rows", "images.tar": data}
    hub.stops_half_way.add("images.tar")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(fetch.fetch, "zwz", tmp_path)
        assert hub.half_way.wait(60)
        second = pool.submit(fetch.fetch, "zwz", tmp_path)
        while not caplog.messages:
            time.sleep(0.05)
        hub.goes_on.set()
        assert first.result().place == second.result().place
    assert re.search(r"images.tar: waiting for another process", caplog.text)
    assert (tmp_path / "zwz/images.tar").read_bytes() == data
    assert len(hub.asked) == len(set(hub.asked)) == 3


def zwz(rows: int) -> dict[str, bytes]:
    """The set in the form of train.parquet: every second row has no box, as many of the first release."""
    random = np.random.default_rng(0)
    names = [f"{hashlib.md5(bytes([row])).hexdigest()}.png" for row in range(rows)]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in names:
            data = encode_png(random.integers(0, 256, (64, 80, 3), dtype=np.uint8))
            member = tarfile.TarInfo(f"images/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    table = pl.DataFrame(
        {
            "images": [[f"images/{name}"] for name in names],
            "problem": [f"<image>How many letters has word {row}?\nA. 1\nB. 2" for row in range(rows)],
            "answer": ["A"] * rows,
            "bbox": [[8.0, 8.0, 24.0, 24.0] if row % 2 else None for row in range(rows)],
            "status": ["valid vqa"] * rows,
        }
    )
    stored = io.BytesIO()
    table.write_parquet(stored)
    return {"train.parquet": stored.getvalue(), "images-000.tar": archive.getvalue(), "README.md": b"#"}


@pytest.mark.long
def test_what_is_fetched_becomes_samples_by_the_overlay_and_the_funnel_tells_how(hub: Hub, tmp_path: Path):
    hub.files[ZWZ] = zwz(12)
    fetched = ended(hub, tmp_path, "fetch", "zwz")
    assert fetched.stdout == (
        f"zwz: data/raw/zwz (commit {COMMIT}); for params.yaml: "
        "ingest: {source: zwz, zwz: {rows: data/raw/zwz/train.parquet, images: data/raw/zwz}}\n"
        "zwz: its pictures have the evidence drawn in, which the default refuses: see configs/zwz_23k.yaml\n"
    )
    assert ended(None, tmp_path, "init", "here").returncode == 0
    here = tmp_path / "here"
    (tmp_path / "data/raw/zwz").rename(here / "data/raw/zwz")
    limited = (ROOT / "configs/zwz_23k.yaml").read_text().replace("most_samples: 23500", "most_samples: 4")
    (here / "few.yaml").write_text(limited)
    assert ended(None, here, "use", "few.yaml").returncode == 0
    ingested = ended(None, here, "ingest")
    assert ingested.returncode == 0, ingested.stderr
    steps = pl.read_parquet(here / "data/ingest/funnel/*.parquet").sort("step").select("name", "left_out")
    assert dict(steps.rows()) == {
        "rows": 0,
        "missing_box": 6,
        "suspect_image": 0,
        "benchmark_image": 0,
        "sample_limit": 2,
        "samples": 0,
    }
    assert pl.read_parquet(here / "data/ingest/samples/*.parquet").height == 4


def test_the_overlay_says_what_the_sources_sections_say():
    section = load_params(ROOT / "params.yaml").ingest.zwz
    overlay = read_yaml(ROOT / "configs/zwz_23k.yaml")["ingest"]["zwz"]
    assert set(overlay) <= set(type(section).model_fields)
    assert overlay["rows"] == SETS["zwz"].settings(Path("data/raw/zwz"))["rows"] == str(section.rows)


def test_a_hub_out_of_reach_is_one_line_that_says_what_to_do(hub: Hub, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SourceError) as caught:
        fetch.fetch("vstar", tmp_path)
    assert str(caught.value).endswith(
        f"get VStarBench.tsv of the dataset xjtupanda/VStar_Bench elsewhere and put it into {tmp_path}/vstar/"
    )
    assert "\n" not in str(caught.value)


def test_offline_it_ends_with_exit_code_2_and_without_a_traceback(tmp_path: Path):
    offline = ended(None, tmp_path, "fetch", "hrbench_4k", "--out", "here")
    assert offline.returncode == 2
    assert offline.stderr == (
        "vzero: HF_HUB_OFFLINE is set: get hr_bench_4k.tsv of the dataset DreamMr/HR-Bench elsewhere "
        "and put it into here/hrbench_4k/\n"
    )


def test_what_is_drawn_cannot_be_fetched(tmp_path: Path):
    with pytest.raises(ConfigError, match="search is drawn by `vzero ingest`"):
        fetch.fetch("search", tmp_path)


def test_every_published_benchmark_and_every_set_says_where_it_is():
    assert all(benchmark.published for benchmark in CATALOGUE.values() if benchmark.forms)
    assert set(SETS) == set(get_args(TrainingSetName))
    for name, each in SETS.items():
        section = getattr(load_params(ROOT / "params.yaml").ingest, name)
        assert set(each.settings(Path("data/raw", each.folder))) <= set(type(section).model_fields)
