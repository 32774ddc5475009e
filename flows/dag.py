"""The only module that talks to DVC: its graph, and the verdict on one stage at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from pathlib import Path

from dvc.repo import Repo

from vzero.guarded import run_module

PASSING = re.compile(
    r"unable to acquire lock|is busy, it is being blocked|connection (error|refused|reset|aborted)"
    r"|timed out|temporary failure in name resolution|network is unreachable",
    re.IGNORECASE,
)


class Verdict(StrEnum):
    RAN = "Ran"
    RESTORED = "Restored"
    SKIPPED = "Skipped"


@dataclass(frozen=True)
class Outcome:
    stage: str
    verdict: Verdict
    seconds: float


class StageError(RuntimeError):
    """DVC could not bring a stage up to date."""


class BusyError(StageError):
    """A lock or the network was in the way; trying again may help."""


def upstream(root: Path) -> dict[str, list[str]]:
    """Each stage with the stages it needs first, generation by generation."""
    with Repo(str(root)) as repo:
        graph = repo.index.graph
        stages = [stage for stage in graph if not stage.is_data_source]
        # DVC's edges point from a stage to what it needs.
        needs = {
            stage.name: sorted(other.name for other in graph[stage] if not other.is_data_source)
            for stage in stages
        }
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    ordered: list[str] = []
    while sorter.is_active():
        generation = sorted(sorter.get_ready())
        ordered += generation
        sorter.done(*generation)
    return {stage: needs[stage] for stage in ordered}


def imports(root: Path) -> list[str]:
    """The `.dvc` files, relative to `root`, whose data can be refreshed from where they were imported."""
    with Repo(str(root)) as repo:
        files = [Path(stage.path) for stage in repo.index.stages if stage.is_import]
    return sorted(str(file.relative_to(root.resolve())) for file in files)


def refresh(root: Path, imported: str, log: Callable[[str], None] = print) -> None:
    """Fetch the newest data of an import. Errors as in `reproduce`."""
    finished = run_module(root, "dvc", "update", imported, log=log)
    if finished.code:
        raise failure(imported, finished.output)


def reproduce(root: Path, stage: str, *, force: bool = False, log: Callable[[str], None] = print) -> Outcome:
    """Bring one stage up to date; `force` runs it even if nothing changed.

    Raises BusyError when a lock or the network was in the way, and StageError for anything else.
    """
    started = time.monotonic()
    options = ["--force"] if force else []
    finished = run_module(root, "dvc", "repro", "--single-item", *options, stage, log=log)
    if finished.code:
        raise failure(stage, finished.output)
    return Outcome(stage, verdict(finished.output), time.monotonic() - started)


def verdict(output: str) -> Verdict:
    """What DVC said it did, from the output of a successful `dvc repro`."""
    if re.search(r"^Running stage '", output, re.MULTILINE):
        return Verdict.RAN
    if re.search(r"^Stage '.+' is cached - skipping run", output, re.MULTILINE):
        return Verdict.RESTORED
    return Verdict.SKIPPED


def failure(stage: str, output: str) -> StageError:
    """The error for a failed command: its own complaint, as what may pass or what will not."""
    complaint = "\n".join(line for line in output.splitlines() if line.startswith("ERROR:"))
    kind = BusyError if PASSING.search(complaint) else StageError
    return kind(f"{stage}: {complaint or output[-2_000:]}")
