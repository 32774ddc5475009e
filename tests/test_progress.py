"""Work says how far it is, in a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vzero import progress
from vzero.progress import LoggedProgress, counted_columns


def printed(*, terminal: bool, total: int | None) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with LoggedProgress(*counted_columns("rows"), console=console) as bar:
        task = bar.add_task("ingest: rows", total=total)
        bar.advance(task, 1_200)
        bar.advance(task, 34)
    return console.file.getvalue()


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0)


def test_a_log_gets_lines():
    assert printed(terminal=False, total=5_000).startswith(
        "ingest: rows: 1,200 of 5,000\ningest: rows: 1,234 of 5,000\n"
    )
    assert printed(terminal=False, total=None).startswith("ingest: rows: 1,200\ningest: rows: 1,234\n")


def test_a_log_gets_no_line_before_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progress, "EVERY", 3_600)
    assert "1,200" not in printed(terminal=False, total=5_000)


def test_a_terminal_gets_a_bar_and_no_lines():
    shown = printed(terminal=True, total=5_000)
    assert "rows in" in shown and "1,200 of" not in shown
