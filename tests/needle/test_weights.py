"""The shipped models: small, loadable like any other, and as able as their card says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import torch

import vzero.needle
from vzero.config import Models
from vzero.models.loading import check_pair, load_model
from vzero.needle.calibrate import calibrate

WEIGHTS = Path(vzero.needle.__file__).parent / "weights"


@pytest.fixture(scope="module")
def pair():
    torch.set_num_threads(1)
    return tuple(load_model(WEIGHTS / name, Models()) for name in ("student", "teacher"))


def test_all_weights_fit_in_twenty_mebibytes_and_two_make_a_pair(pair):
    size = sum(file.stat().st_size for file in WEIGHTS.rglob("*") if file.is_file())
    assert size <= 20 * 2**20
    check_pair(*pair)
    for model in pair:
        assert model.network.config.model_type == "qwen3_5"
        kinds = set(model.network.config.text_config.layer_types)
        assert kinds == {"linear_attention", "full_attention"}


@pytest.mark.long
def test_a_fresh_measurement_agrees_with_the_cards_calibration(pair):
    stated = pl.read_parquet(WEIGHTS / "calibration.parquet").filter(family="all")
    measured = calibrate("needle", *pair, questions=90).filter(family="all")
    joined = measured.join(stated, on=["model", "view"], suffix="_stated")
    assert joined.height == stated.height
    # Ninety of the same questions: the stated accuracy lies in the wider interval of fewer.
    for row in joined.iter_rows(named=True):
        assert row["low"] - 0.03 <= row["accuracy_stated"] <= row["high"] + 0.03, row
