"""How long `vzero score` takes on 100,000 stored replies, beside reading the file and no more."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import polars as pl

from benchmarks.measurements import Measurement, compare_seconds
from benchmarks.timing import best_seconds, timed

QUESTIONS = 25_000  # each in four orders, as HR-Bench asks
COLOURS = ("red", "blue", "green", "dark red")
LETTERS = "ABCD"


def measure() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model_HRBench4K.tsv"
        pl.DataFrame(list(_rows())).write_csv(path, separator="\t")
        command = [sys.executable, "-m", "vzero", "score", str(path)]
        seconds = best_seconds(
            {
                "read with pandas only": timed(lambda: pd.read_csv(path, sep="\t")),
                "the command, one policy": timed(lambda: _run([*command, "--policy", "vlmevalkit-exact"])),
                "the command, every policy that fits": timed(lambda: _run(command)),
            },
            rounds=2,
        )
        yield from compare_seconds("score", seconds, baseline="read with pandas only")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _rows() -> Iterator[dict[str, object]]:
    draw = random.Random(0)
    for question in range(QUESTIONS):
        texts = [f"{colour} {question % 97}" for colour in COLOURS]
        for cycle in range(len(LETTERS)):
            options = dict(zip(LETTERS, texts[cycle:] + texts[:cycle], strict=True))
            letter = draw.choice(LETTERS)
            yield {
                "index": question * len(LETTERS) + cycle,
                "question": f"What colour is thing {question}?",
                **options,
                "answer": LETTERS[-cycle % len(LETTERS)],
                "category": ("cross", "single")[question % 2],
                "cycle_category": cycle,
                "prediction": draw.choice(_replies(letter, options[letter], question)),
            }


def _replies(letter: str, text: str, question: int) -> tuple[str, ...]:
    looked = f"I looked closely at picture {question}, so it must be ({letter})"
    return (letter, f"{letter}.", f"The answer is {letter}.", f"<answer>{letter}</answer>", text, looked, "?")
