"""What starting a stage imports. A run starts thirteen of them; three need no model, and wait for none."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "transformers",
    "pandas",
    "scipy.stats",
    "altair",
    "vl_convert",
    "math_verify",
    "peft",
    "httpx",
    "ray",
}


@pytest.mark.parametrize(
    ("stage", "needed"), [("ingest", set()), ("crops", set()), ("report", {"altair", "vl_convert"})]
)
def test_a_stage_without_a_model_starts_with_little(stage: str, needed: set[str]):
    code = f"import sys, vzero.cli, vzero.stages.{stage}; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert HEAVY & set(said.split()) == needed
