"""Flow `retrain`: refresh the data, bring the pipeline up to date, promote the student unless it is below.

With nothing new, every stage is skipped and the promoted student stays.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import artifacts, dag, recovery
from flows.pipeline import may_pass, pipeline
from vzero.guarded import run_module


@task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[5, 20, 60],
    retry_condition_fn=may_pass,
    log_prints=True,
)
def refresh_data(root: Path) -> list[str]:
    """Fetch the newest version of every imported data set; returns their `.dvc` files."""
    imported = dag.imports(root)
    for name in imported:
        dag.refresh(root, name)
    return imported


@task(cache_policy=NO_CACHE, log_prints=True)
def promote(root: Path, model: str = "trained") -> str:
    """Compare a trained student with the promoted one; returns the verdict's line."""
    finished = run_module(root, "vzero", "promote", model)
    if finished.code:
        raise RuntimeError(f"promotion failed: {finished.output[-2_000:]}")
    return finished.output.strip().splitlines()[-1]


@flow(log_prints=True)
def retrain(root: Path = Path(), force: bool = False, parallel: int = 1) -> dict[str, str]:
    """Refresh, reproduce, promote; returns each stage's verdict. Parameters as in `pipeline`."""
    with recovery.held():
        refresh_data(root)
        verdicts = pipeline(root, force=force, parallel=parallel)
        artifacts.publish_promotion(promote(root))
    return verdicts


if __name__ == "__main__":
    retrain()
