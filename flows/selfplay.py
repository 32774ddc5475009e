"""Flow `selfplay`: iterations of Questioner and Solver, their audit, and the promotion of the last Solver.

It runs the stages of self-play and what those need, and no other: nothing of distillation is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows import artifacts, dag, recovery
from flows.pipeline import check_all_ran, run_graph
from flows.retrain import promote
from vzero.config import read_yaml
from vzero.guarded import run_module
from vzero.paths import Paths

STAGES = ("photographs", "questioner", "questions", "votes", "solver", "evaluate-solvers")
BASE = "evaluate-frozen@base-"
"""What Solvers are compared with."""


@task(cache_policy=NO_CACHE, log_prints=True)
def audit(root: Path) -> None:
    """Write which labels are right, where that is known, and the page."""
    finished = run_module(root, "vzero", "audit")
    if finished.code:
        raise RuntimeError(f"audit failed: {finished.output[-2_000:]}")


@flow(log_prints=True)
def selfplay(root: Path = Path(), force: bool = False, parallel: int = 1) -> dict[str, str]:
    """Bring the stages of self-play up to date, audit them, and promote the last Solver unless it is below.

    Returns each stage's verdict. Parameters as in `pipeline`.
    """
    with recovery.held():
        graph = dag.upstream(root)
        chosen = needed([stage for stage in graph if ours(stage)], graph)
        if not any(stage.startswith("solver@") for stage in chosen):
            raise dag.StageError("selfplay.iterations has none: `vzero use configs/selfplay.yaml` gives two")
        states = run_graph(root, {stage: graph[stage] for stage in chosen}, force=force, parallel=parallel)
        artifacts.publish_stages(states)
        check_all_ran(states)
        audit(root)
        artifacts.publish_audit(root)
        artifacts.publish_promotion(promote(root, f"solver-{last_iteration(root)}"))
    return {stage: str(state.name) for stage, state in states.items()}


def ours(stage: str) -> bool:
    return stage.partition("@")[0] in STAGES or stage.startswith(BASE)


def needed(stages: Sequence[str], graph: Mapping[str, Sequence[str]]) -> list[str]:
    """The stages and all that they need, in the order of the graph."""
    found, left = set[str](), list(stages)
    while left:
        stage = left.pop()
        if stage not in found:
            found.add(stage)
            left += graph[stage]
    return [stage for stage in graph if stage in found]


def last_iteration(root: Path) -> str:
    return list(read_yaml(Paths(root.resolve()).params)["selfplay"]["iterations"])[-1]


if __name__ == "__main__":
    selfplay()
