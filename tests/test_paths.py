"""Paths from params."""

from __future__ import annotations

from pathlib import Path

import pytest

from vzero.paths import Paths


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ("data/raw/x", "/project/data/raw/x"),
        ("/mnt/x", "/mnt/x"),
        ("~/x", "/home/me/x"),
        ("~x/y", "/project/~x/y"),
    ],
)
def test_a_path_is_relative_to_the_project_unless_it_says_otherwise(monkeypatch, given: str, means: str):
    monkeypatch.setenv("HOME", "/home/me")
    assert Paths(Path("/project")).resolve(Path(given)) == Path(means)
