"""`compute.engine: ray` on a real cluster: the bytes of local processes, also when a worker is killed."""

from __future__ import annotations

import operator
import os
import signal

import pytest

from vzero import shards, workers
from vzero.config import Compute
from vzero.errors import ConfigError
from vzero.stages import crops, ingest

pytest.importorskip("ray", reason="ray is not installed: pip install 'vzero[ray]'")
pytestmark = pytest.mark.xdist_group("ray")


def test_an_address_without_a_cluster_is_an_error_that_names_the_key():
    nobody = Compute(engine="ray", address="127.0.0.1:1")
    with pytest.raises(ConfigError, match=r"compute\.address"), workers.pool(nobody):
        pass


@pytest.fixture(scope="module")
def on_ray():
    """A cluster with two processes, which these tests stay connected to: starting takes seconds."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    compute = Compute(engine="ray", address=cluster.address)
    with workers.pool(compute):
        yield compute
    cluster.shutdown()


@pytest.mark.long
def test_a_cluster_that_loses_a_worker_writes_the_bytes_of_one_and_of_two_local_processes(
    annotate, table_params, on_ray, tmp_path, monkeypatch
):
    """One and two local processes: `test_ingest` and `test_crops` hold these against each other."""
    alone, spread = annotate(tmp_path / "alone", 420), annotate(tmp_path / "spread", 420)
    ingest.run(table_params, alone, processes=1)
    crops.run(table_params, alone, processes=1)

    killed, cut = tmp_path / "killed", crops.write_shard

    def dies_once(images, samples, target, config):
        try:
            killed.touch(exist_ok=False)
        except FileExistsError:
            return cut(images, samples, target, config)
        with shards.atomic_path(target) as temporary:
            temporary.write_bytes(b"half a shard")
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(crops, "write_shard", dies_once)
    params = table_params.model_copy(update={"compute": on_ray})
    ingest.run(params, spread)
    crops.run(params, spread)
    assert killed.exists()
    assert contents(spread) == contents(alone)


def contents(paths) -> dict[str, bytes]:
    """Every file under `data/` by its name: a shard too many would show as one left half would."""
    data = paths.root / "data"
    files = sorted(path for path in data.rglob("*") if path.is_file())
    return {str(path.relative_to(data)): path.read_bytes() for path in files}


def test_jobs_run_in_processes_of_the_cluster_and_their_errors_are_the_callers(on_ray):
    with workers.pool(on_ray) as completed:
        assert os.getpid() not in set(completed(os.getpid, [()] * 4))
    with pytest.raises(ZeroDivisionError), workers.pool(on_ray) as completed:
        list(completed(operator.truediv, [(1, 1), (1, 0)]))


def test_nothing_is_reported_whatever_the_shell_says(on_ray, monkeypatch):
    from ray._common.usage import usage_lib

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    with workers.pool(on_ray):
        assert not usage_lib.usage_stats_enabled()
