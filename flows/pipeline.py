"""Flow `pipeline`: DVC's graph as Prefect tasks, one a stage, each named by DVC's verdict.

DVC decides what has to run; Prefect's own cache is off. A task is tried again only when a lock or the network
was in the way: a failed stage goes on from its own checkpoint when the flow is run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import artifacts, dag, recovery


def may_pass(task: Any, run: Any, state: State) -> bool:
    """Whether a failed task is worth another try."""
    return isinstance(state.result(raise_on_failure=False), dag.BusyError)


@task(
    task_run_name="{stage}",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[5, 20, 60],
    retry_condition_fn=may_pass,
    log_prints=True,
)
def run_stage(stage: str, root: Path, force: bool) -> State[dag.Outcome]:
    """Bring one stage up to date."""
    outcome = dag.reproduce(root, stage, force=force, log=artifacts.progress_log(stage))
    return Completed(name=outcome.verdict, message=f"{outcome.seconds:.1f} s", data=outcome)


@flow(log_prints=True)
def pipeline(root: Path = Path(), force: bool = False, parallel: int = 1) -> dict[str, str]:
    """Bring every stage up to date and publish what came out; returns each stage's verdict.

    `root` is the project's folder (relative: to the worker's), `force` runs all stages, and `parallel` bounds
    how many run at once. The default is one, because every stage already uses all cores or the one GPU.
    """
    with recovery.held():
        artifacts.publish_trackers(root)
        states = run_graph(root, dag.upstream(root), force=force, parallel=parallel)
        artifacts.publish_stages(states)
        check_all_ran(states)
        artifacts.publish_report(root)
    return {stage: str(state.name) for stage, state in states.items()}


def run_graph(
    root: Path, graph: Mapping[str, Sequence[str]], *, force: bool, parallel: int
) -> dict[str, State[Any]]:
    """Run a task for every stage as soon as the ones it needs are done; returns their final states.

    `graph`: stages with those that they need, which are named before them, as `dag.upstream` gives them.
    """
    futures: dict[str, PrefectFuture[Any]] = {}
    with ThreadPoolTaskRunner(max_workers=parallel) as runner:
        for stage, needed in graph.items():
            parameters = {"stage": stage, "root": root, "force": force}
            futures[stage] = runner.submit(
                run_stage, parameters=parameters, wait_for=[futures[name] for name in needed]
            )
        for future in futures.values():
            future.wait()
    return {stage: future.state for stage, future in futures.items()}


def check_all_ran(states: Mapping[str, State[Any]]) -> None:
    """Raises StageError where a stage's task failed."""
    if failed := [stage for stage, state in states.items() if state.is_failed()]:
        raise dag.StageError(f"failed: {', '.join(failed)}; what needs them was not run")


if __name__ == "__main__":
    pipeline()
