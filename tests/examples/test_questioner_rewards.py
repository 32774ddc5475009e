"""The example of scripted Questioners: who plays the published reward earns most, of the repaired nothing."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_honest_questions_earn_most_where_the_reward_is_repaired(capsys: pytest.CaptureFixture[str]):
    runpy.run_path(str(ROOT / "examples/questioner_rewards.py"), run_name="__main__")
    printed = capsys.readouterr().out
    head, *rows = printed.splitlines()
    assert head.split()[-2:] == ["reference", "repaired"]
    earned = {row[:30].strip(): [float(cell) for cell in row[30:].split()] for row in rows}
    honest_reference, honest = earned.pop("honest")
    assert honest > 0.1 and all(repaired <= 0.0 for _, repaired in earned.values())
    assert max(earned.values())[0] == 0.5 > honest_reference
    assert printed in (ROOT / "docs/selfplay.md").read_text()
