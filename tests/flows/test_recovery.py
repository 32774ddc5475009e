"""What a killed engine leaves: its runs are ended, and a deployment's work is asked for again."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect import flow, task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.settings import get_current_settings
from prefect.states import Cancelling, Completed, Failed, Running

from flows import recovery
from flows.recovery import recover

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]


@flow
def work(size: int = 1) -> None:
    with recovery.held():
        assert places(), "a run at work is known by its lock"


@task
def part() -> None: ...


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as opened:
        yield opened


@pytest.fixture
def deployment(client: SyncPrefectClient) -> UUID:
    return client.create_deployment(client.create_flow(work), name="nightly")


def places() -> list[Path]:
    return list((get_current_settings().home / "vzero-engines").glob("[!.]*"))


def killed(client: SyncPrefectClient, run: FlowRun, state: State | None = None) -> FlowRun:
    """The run as its engine leaves it: in the state that it had, with the lock's file and no holder."""
    client.set_flow_run_state(run.id, state or Running(), force=True)
    folder = get_current_settings().home / "vzero-engines"
    folder.mkdir(exist_ok=True)
    (folder / str(run.id)).touch()
    return run


def state_of(client: SyncPrefectClient, run: FlowRun) -> StateType | None:
    return client.read_flow_run(run.id).state_type


def runs_after(client: SyncPrefectClient, run: FlowRun) -> list[FlowRun]:
    return [
        other for other in client.read_flow_runs() if (other.idempotency_key or "").startswith(str(run.id))
    ]


def test_a_killed_run_is_crashed_and_its_work_is_asked_for_once(client: SyncPrefectClient, deployment: UUID):
    run = client.create_flow_run_from_deployment(deployment, parameters={"size": 3})
    inside = client.create_flow_run(work)  # a flow that the run had called
    for each in (run, inside):
        killed(client, each)
    of_run = client.create_task_run(part, flow_run_id=run.id, dynamic_key="0", state=Running())
    recover()
    recover()
    assert [state_of(client, each) for each in (run, inside)] == [StateType.CRASHED] * 2
    assert client.read_task_run(of_run.id).state_type is StateType.CRASHED
    [again] = runs_after(client, run)
    assert (again.deployment_id, again.parameters, again.state_type) == (
        deployment,
        {"size": 3},
        StateType.SCHEDULED,
    )
    assert places() == []


@pytest.mark.long
def test_what_is_killed_over_and_over_is_left_to_a_person(client: SyncPrefectClient, deployment: UUID):
    first = run = client.create_flow_run_from_deployment(deployment)
    for times in range(1, recovery.TIMES + 1):
        killed(client, run)
        recover()
        after = runs_after(client, first)
        assert len(after) == times
        [run] = [each for each in after if each.state_type is StateType.SCHEDULED]
    killed(client, run)
    recover()
    assert state_of(client, run) is StateType.CRASHED
    assert len(runs_after(client, first)) == recovery.TIMES


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (Cancelling(), StateType.CANCELLED),
        (Completed(), StateType.COMPLETED),
        (Failed(), StateType.FAILED),
    ],
    ids=["cancelled", "completed", "failed"],
)
def test_what_was_stopped_or_done_is_not_done_again(
    client: SyncPrefectClient, deployment: UUID, state: State, ends: StateType
):
    run = killed(client, client.create_flow_run_from_deployment(deployment), state)
    recover()
    assert state_of(client, run) is ends
    assert runs_after(client, run) == []


def test_a_living_run_is_left_alone_whatever_its_silence(client: SyncPrefectClient, deployment: UUID):
    run = killed(client, client.create_flow_run_from_deployment(deployment))
    [place] = places()
    with place.open() as engine:
        fcntl.flock(engine, fcntl.LOCK_EX)
        recover()
        assert state_of(client, run) is StateType.RUNNING
    recover()
    assert state_of(client, run) is StateType.CRASHED


def test_a_flow_ends_what_was_killed_before_it_and_leaves_nothing(client: SyncPrefectClient):
    """Without a deployment nothing is taken up: `python -m flows.retrain` is run again by who ran it."""
    run = killed(client, client.create_flow_run(work))
    work()
    assert state_of(client, run) is StateType.CRASHED
    assert places() == []
