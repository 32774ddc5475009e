"""What an experiment ran on, in words."""

from __future__ import annotations

import platform
from collections import Counter
from pathlib import Path

from vzero.workers.local import available_processors


def hardware() -> str:
    """Processor, cores that this process may use, and GPUs."""
    import torch  # seconds to import, and most commands need no hardware

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = Counter(torch.cuda.get_device_name(number) for number in range(count))
    return ", ".join([_processor(), *(f"{count} x {gpu}" for gpu, count in gpus.items())])


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    models = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    name = next(iter(models), platform.processor() or platform.machine())
    return f"{name}, {available_processors()} cores"
