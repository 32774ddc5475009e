"""How long `vzero score` takes on 100,000 stored replies, as seconds: nothing comparable stands beside it."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from bench.measurements import Measurement
from bench.timing import timed

QUESTIONS = 25_000  # each in four orders, as HR-Bench asks
COLOURS = ("red", "blue", "green", "dark red")
LETTERS = "ABCD"


def measure() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model_HRBench4K.tsv"
        pl.DataFrame(list(_rows())).write_csv(path, separator="\t")
        command = [sys.executable, "-m", "vzero", "score", str(path)]
        variants = {
            "one reader": [*command, "--reader", "vlmevalkit-exact"],
            "every reader that fits": command,
        }
        for variant, arguments in variants.items():
            yield Measurement(
                "score", variant, "seconds", timed(lambda arguments=arguments: _run(arguments))(), "s"
            )


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
