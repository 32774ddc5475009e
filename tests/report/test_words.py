"""The sentences of a report name the embedded world that was drawn."""

from __future__ import annotations

from vzero.config import parse_params
from vzero.report import words

CHAIN = {
    "ingest": {"needle": {"world": "chain"}},
    "evaluate": {"benchmarks": ["chain", "chain_coarse"]},
}


def test_a_run_in_the_world_chain_is_called_one() -> None:
    params = parse_params(CHAIN)
    notice = words.notice(params)
    assert "the embedded synthetic world “chain”" in words.title(params)
    assert "Training samples and the benchmarks named chain are drawn by the program" in notice
    assert "no number of theirs is a score on any" in notice
    assert "needle" not in words.title(params) + notice
    assert "borrow" not in notice, "its benchmarks have no public one's format"
