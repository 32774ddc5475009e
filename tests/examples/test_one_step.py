"""The example prints what it is expected to; another processor may round numbers otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"[+-]?\d+\.\d+")
MOST_LINES = 100


def test_the_step_prints_questions_answers_scores_weights_and_a_falling_loss():
    command = [sys.executable, "examples/one_step.py"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    expected = Path(__file__).with_name("one_step.txt").read_text()
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", expected)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (printed, expected)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.03)
    before, after = numbers[0][-2:]
    assert after < before


def test_it_is_short():
    assert len((ROOT / "examples/one_step.py").read_text().splitlines()) < MOST_LINES
