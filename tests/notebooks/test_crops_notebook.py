"""The notebook of crops, run as a script would run it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from example_run import write_example

NOTEBOOK = Path(__file__).parents[2] / "notebooks/crops.py"


def test_the_notebook_shows_crops_and_rejects_of_the_project_it_is_run_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_example(tmp_path)
    monkeypatch.chdir(tmp_path)
    outputs, names = runpy.run_path(str(NOTEBOOK))["app"].run()
    assert names["chosen"].height == names["crops"].height == 10
    assert names["by_reason"].rows() == [("needle", "box_outside", 2), ("needle", "unreadable_image", 1)]
    pictures = [output.text for output in outputs if output is not None and "data:image/png" in output.text]
    assert pictures and pictures[0].count("<img") == 3 * 6
    # Questions about the "<cyan> square" are texts, not HTML.
    assert "&lt;cyan&gt;" in pictures[0] and "<cyan>" not in pictures[0]
