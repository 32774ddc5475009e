"""Flow `experiment`: run the cells of an experiment that are not done yet, and link to its page."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows import artifacts, recovery
from vzero.guarded import run_module


@flow(log_prints=True)
def experiment(name: str, root: Path = Path(), jobs: int = 1) -> None:
    """`vzero experiment NAME` in the project's folder `root`. Raises RuntimeError when a cell failed."""
    with recovery.held():
        log = artifacts.progress_log(f"experiment-{name}")
        finished = run_module(root, "vzero", "experiment", name, "--jobs", str(jobs), log=log)
        artifacts.publish_experiment(root, name)
        if finished.code:
            raise RuntimeError(f"experiment {name}: {finished.output[-2_000:].strip()}")
