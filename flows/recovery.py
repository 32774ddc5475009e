"""Flow `recover`: what a killed engine leaves behind says Running for ever. It is ended, and taken up again.

While a run lives, its engine holds a lock on a file named by the run, under Prefect's home. The system frees
it however the engine ends, so a file that nobody holds is of a killed one. That is no guess from a silence,
which may be a busy machine's. `prefect.yaml` starts this flow when a run's heartbeats cease.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Crashed

# How often work is taken up: what is killed over and over, for want of memory for example, needs a person.
TIMES = 3
KILLED = "The process that ran this was killed."


@contextlib.contextmanager
def held() -> Iterator[None]:
    """To be around all that a flow does: ends what killed engines left, then shows that this one lives."""
    with get_client(sync_client=True) as client:
        for run in killed_runs(client):
            end(client, run)
    place = _places() / str(flow_run.id)
    hidden = place.with_name(f".{place.name}")
    with hidden.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # Seen by others when it is locked, not before.
        hidden.rename(place)
        try:
            yield
        except Exception:
            place.unlink()
            raise
        place.unlink()


@flow(log_prints=True)
def recover() -> None:
    """End the runs of killed engines of this machine, and run what deployments had asked for again."""
    with get_client(sync_client=True) as client:
        for run in killed_runs(client):
            ended = end(client, run)
            print(f"{run.name}: {ended.value.lower()}")
            if ended is StateType.CRASHED and run.deployment_id is not None:
                take_up(client, run)


def killed_runs(client: SyncPrefectClient) -> Iterator[FlowRun]:
    """Runs whose engine was killed here; each is forgotten when the next is asked for."""
    for place in sorted(_places().glob("[!.]*")):
        with contextlib.suppress(FileNotFoundError), place.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            # Another server's run is not known here, and not forgotten.
            with contextlib.suppress(ObjectNotFound):
                yield client.read_flow_run(UUID(place.name))
                place.unlink(missing_ok=True)


def end(client: SyncPrefectClient, run: FlowRun) -> StateType:
    """Give a dead run, and its tasks, the state that it can no longer give itself; returns it."""
    assert run.state is not None
    if run.state.is_final():
        final = run.state.type
    else:
        last = Cancelled(message=KILLED) if run.state.is_cancelling() else Crashed(message=KILLED)
        client.set_flow_run_state(run.id, last, force=True)
        final = last.type
    unfinished = TaskRunFilterState(
        type=TaskRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.SCHEDULED])
    )
    for task in client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])),
        task_run_filter=TaskRunFilter(state=unfinished),
    ):
        client.set_task_run_state(task.id, Crashed(message=KILLED), force=True)
    return final


def take_up(client: SyncPrefectClient, run: FlowRun) -> None:
    """Ask for a killed run's work again, once, and no more than `TIMES` one after the other."""
    assert run.deployment_id is not None
    first, _, times = (run.idempotency_key or "").partition(" taken up ")
    if not times:
        first, times = str(run.id), "0"
    if int(times) == TIMES:
        print(f"{run.name}: taken up {TIMES} times and killed each time; not again")
        return
    taken_up = client.create_flow_run_from_deployment(
        run.deployment_id,
        parameters=run.parameters,
        idempotency_key=f"{first} taken up {int(times) + 1}",
    )
    print(f"{run.name}: taken up as {taken_up.name}")


def _places() -> Path:
    folder = get_current_settings().home / "vzero-engines"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    recover()
