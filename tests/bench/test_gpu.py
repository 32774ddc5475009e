"""The measurements for a card run here too, at toy sizes, and each case yields its rows."""

from __future__ import annotations

import math

import polars as pl
import pytest

from bench import gpu, gpu_cases


def test_every_case_is_measured_and_stored(tmp_path):
    out = tmp_path / "gpu.parquet"
    gpu.main(tiny_sizes=True, only=["matrix", "decode", "step", "optimizer", "images"], out=out)
    rows = pl.read_parquet(out)
    assert "failed" not in rows["metric"].to_list(), rows.filter(pl.col("metric") == "failed")
    done = rows.filter(pl.col("variant") == "all of it")["case"].to_list()
    assert done == ["matrix", "decode", "step", "optimizer", "images"]
    assert rows.filter(pl.col("metric") == "tokens", pl.col("variant") != "plan")["value"].min() > 0
    # No card, no seconds of one; its memory is planned all the same.
    planned = rows.filter(pl.col("variant") == "plan", pl.col("case") == "decode")
    [seconds] = planned.filter(pl.col("metric") == "tokens")["value"]
    [peak] = planned.filter(pl.col("metric") == "peak")["value"]
    assert math.isnan(seconds)
    assert peak > 0


def test_a_case_that_fails_leaves_the_time_to_the_next(tmp_path, monkeypatch: pytest.MonkeyPatch):
    def no_room(self):
        raise RuntimeError("CUDA out of memory")
        yield

    monkeypatch.setattr(gpu_cases.Cases, "matrix", no_room)
    gpu.main(tiny_sizes=True, only=["matrix", "images"], out=tmp_path / "gpu.parquet")
    rows = pl.read_parquet(tmp_path / "gpu.parquet")
    assert rows.filter(pl.col("metric") == "failed")["unit"].to_list() == ["CUDA out of memory"]
    assert "images" in rows["case"].to_list()


def test_without_time_nothing_begins(tmp_path, capsys: pytest.CaptureFixture):
    gpu.main(tiny_sizes=True, seconds=-1, only=["matrix"], out=tmp_path / "gpu.parquet")
    assert "matrix: no time left" in capsys.readouterr().out
    assert not (tmp_path / "gpu.parquet").exists()


@pytest.mark.parametrize(
    ("card", "driver"),
    [("A100-80", "NVIDIA A100-SXM4-80GB"), ("RTX-PRO-6000", "NVIDIA RTX PRO 6000 Blackwell Workstation")],
)
def test_a_card_is_known_by_what_its_driver_says(card: str, driver: str):
    assert gpu_cases._said(card) in driver.replace("-", " ")
