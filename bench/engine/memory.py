"""Peak memory of the training pass, each variant in a process of its own.

What counts is what the machine must have: the growth of the process's resident memory at its highest point
during the pass. Torch's profiler counts tensors only, without the scratch buffers of the mathematical
libraries; it finds 40 to 80 MiB less here. Resident memory has two faults of its own. It keeps memory
that was freed: so freed blocks go back to the system at once here (glibc's mmap threshold is fixed at
64 KiB), and the process does nothing before the pass but load and prepare. And its peak may stem from
loading: so Linux is told to forget the peak just before the pass.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

THRESHOLD = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def peak_bytes(variant: str, folder: Path) -> int:
    """Bytes that the training pass of a variant takes at most, beyond models, optimizer and answers."""
    return measured_apart(__name__, variant, str(folder))


def measured_apart(module: str, *arguments: str) -> int:
    """The number that a module prints when it is run as a program."""
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.run(command, env=os.environ | THRESHOLD, check=True, stdout=subprocess.PIPE)
    return int(output.stdout)


def growth(work: Callable[[], object]) -> int:
    """Bytes that work takes at most, beyond what there is."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    work()
    return _status("VmHWM") - before


def _measure(variant: str, folder: Path) -> int:
    import torch

    from bench.engine import THREADS, naive, shared
    from bench.engine.settings import large

    torch.set_num_threads(THREADS)
    return growth({"shared": shared, "naive": naive}[variant].updater(large(folder)))


def _status(name: str) -> int:
    """A field of the process's status that is given in KiB, in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    print(_measure(sys.argv[1], Path(sys.argv[2])))
