"""What the engine does on a card, beside what `vzero plan` tells: random weights at true shapes.

    python -m bench.gpu                  # the most important first, 8 minutes at most
    python -m bench.gpu --tiny           # the same code at toy sizes, on a CPU too

The student has the shape of Qwen3.5-4B, the teacher that of 9B. Rows are printed as they come and stored in
one Parquet file. Without `flash-linear-attention` linear attention runs in many small kernels; with it,
updates are timed both ways.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
import torch
from cyclopts import Parameter

from bench.gpu_cases import DEVICE, FAST_KERNELS, TRUE, Cases, has_fast_kernels, tiny
from bench.measurements import Measurement, table_of
from vzero.shards import atomic_path

Case = Literal["matrix", "decode", "update", "replay", "step", "optimizer", "images"]


def main(
    *,
    seconds: float = 480,
    out: Path = Path("data/bench/gpu.parquet"),
    only: list[Case] | None = None,
    tiny_sizes: Annotated[bool, Parameter(name="--tiny", negative=())] = False,
    fallback: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Measure.

    Parameters
    ----------
    seconds
        No case begins later than this.
    out
        The Parquet file.
    only
        Names of cases.
    tiny_sizes
        Toy sizes.
    fallback
        As if `flash-linear-attention` were not installed.
    """
    begun = time.monotonic()
    if fallback:
        sys.modules[FAST_KERNELS] = None  # pyright: ignore[reportArgumentType]
    measured: list[Measurement] = []
    with tempfile.TemporaryDirectory() as scratch:
        cases = Cases(tiny(Path(scratch)) if tiny_sizes else TRUE)
        for name, case in cases.by_name().items():
            if only and name not in only:
                continue
            if time.monotonic() - begun > seconds:
                print(f"{name}: no time left", flush=True)
                continue
            for measurement in _of(name, case):
                print(measurement, flush=True)
                measured.append(measurement)
                _store(measured, out)
    if has_fast_kernels() and not only and (left := seconds - (time.monotonic() - begun)) > 0:
        words = ["--only", "update", "--fallback", "--seconds", str(left)]
        if tiny_sizes:
            words.append("--tiny")
        again = out.with_stem(f"{out.stem}_fallback")
        subprocess.run([sys.executable, "-m", "bench.gpu", *words, "--out", str(again)], check=True)


def _of(name: str, case: Callable[[], Iterator[Measurement]]) -> Iterator[Measurement]:
    """What a case measured; one that fails leaves the time to the next."""
    started = time.perf_counter()
    try:
        yield from case()
    except (RuntimeError, ImportError, ValueError) as error:
        yield Measurement(name, type(error).__name__, "failed", float("nan"), str(error).split("\n")[0][:200])
    if DEVICE.type == "cuda":
        torch.cuda.empty_cache()
    yield Measurement(name, "all of it", "seconds", time.perf_counter() - started, "s")


def _store(measured: list[Measurement], out: Path) -> None:
    with atomic_path(out) as temporary:
        table_of(measured).write_parquet(temporary)


if __name__ == "__main__":
    cyclopts.run(main)
