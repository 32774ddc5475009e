"""Stored rows of a small experiment: two arms of three are done, two seeds of 40 items each."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from vzero.experiments.settings import Experiment
from vzero.experiments.tables import IN_WINDOW, Audits, Curves, Runs
from vzero.shards import frame_of
from vzero.tables import LABEL, PHASES

EXPERIMENT = Experiment.model_validate(
    {
        "question": "Which?",
        "rule": "The higher one.",
        "arms": {"slow": {"label": "slow"}, "fast": {"label": "fast"}, "later": {"label": "later"}},
        "seeds": [0, 1],
        "marks": [1, 2],
        "benchmarks": ["search", "coarse"],
        "claims": [
            {"better": "fast", "than": "slow"},
            {"better": "fast", "than": "slow", "by": 50.0},
            {"better": "later", "than": "slow"},
        ],
    }
)
# Right items of 40 by mark; in search and, beside it, in coarse.
RIGHT = {"slow": [(10, 20), (12, 20), (20, 20)], "fast": [(10, 20), (30, 20), (38, 20)]}
ITEMS = 40
STEP_SECONDS = {"slow": 10.0, "fast": 5.0}


def curves() -> pl.DataFrame:
    rows = [
        {
            "arm": arm,
            "seed": seed,
            "step": step,
            "benchmark": benchmark,
            "item": f"{item:02}",
            "group": f"{benchmark} {item:02}",
            "category": "all" if benchmark == "coarse" else "early" if item < 20 else "late",
            # The second seed answers other items right, as many.
            "score": float((item + 3 * seed) % ITEMS < right),
        }
        for arm, marks in RIGHT.items()
        for seed in EXPERIMENT.seeds
        for step, of_mark in enumerate(marks)
        for benchmark, right in zip(EXPERIMENT.benchmarks, of_mark, strict=True)
        for item in range(ITEMS)
    ]
    return Curves.validate(frame_of(rows, Curves), cast=True)


def runs() -> pl.DataFrame:
    rows = [
        {
            "arm": arm,
            "seed": seed,
            "params_hash": "p",
            "code_hash": "c",
            "commit": "",
            "hardware": "a machine",
            "finished_at": datetime(2026, 1, 1, tzinfo=UTC),
            "seconds": 100.0,
            "peak_memory": 500.0,
            "labels": 8,
            "costs": [
                {
                    "step": step,
                    "phase": phase,
                    "seconds": STEP_SECONDS[arm] * step,
                    "flops": 1e9 * step,
                    "tokens": 5,
                }
                for step in EXPERIMENT.marks
                for phase in PHASES
            ],
        }
        for arm in RIGHT
        for seed in EXPERIMENT.seeds
    ]
    return Runs.validate(frame_of(rows, Runs), cast=True)


def audits() -> pl.DataFrame:
    """Of arm slow: 6 of 10 and 2 of 2 labels were right, and 1 of 4 windows held what is named."""
    rows = [
        ("slow", 0, "1", LABEL, 0.5, 4, 1),
        ("slow", 0, "1", LABEL, 0.75, 6, 5),
        ("slow", 0, "1", "slow", 0.5, 9, 9),
        ("slow", 1, "2", LABEL, 0.5, 2, 2),
        ("slow", 1, "2", IN_WINDOW, 1.0, 4, 1),
        ("fast", 0, "1", LABEL, 0.5, 4, 3),
    ]
    return Audits.cast(pl.DataFrame(rows, schema=list(Audits.columns()), orient="row"))
