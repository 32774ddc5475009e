"""The tables go to a DVC remote and come back, in a folder or in a bucket; what is added costs what it is."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from dvc.repo import Repo

from vzero import imaging, shards, tables
from vzero.stages import ingest

pytestmark = pytest.mark.xdist_group("dvc")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "DVC_NO_ANALYTICS": "1",
}


@pytest.fixture(scope="module")
def bucket():
    """A bucket on an S3 server of this process: its address and the server's."""
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("dvc_s3", reason="dvc-s3 is not installed")
    import boto3

    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        set_environment(patch)
        client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="vzero")
    yield "s3://vzero/project", endpoint
    server.stop()


@pytest.mark.parametrize("kind", ["folder", pytest.param("s3", marks=pytest.mark.long)])
def test_tables_that_are_pushed_and_lost_come_back_the_same(
    kind, annotate, table_params, tmp_path, request, monkeypatch
):
    paths = annotate(tmp_path / "project", 120)
    ingest.run(table_params, paths, processes=1)
    before = {file.name: file.read_bytes() for file in paths.images.iterdir()}
    set_environment(monkeypatch)
    with Repo.init(str(paths.root), no_scm=True) as repo, repo.config.edit() as config:
        config["core"]["remote"] = "store"
        config["remote"]["store"] = remote_of(kind, tmp_path, request)
    with Repo(str(paths.root)) as repo:
        repo.add([str(paths.images), str(paths.samples)])
        assert repo.push() == 2 * len(before) + 2, "every shard, and the two lists of them"
    shutil.rmtree(paths.root / ".dvc/cache")
    shutil.rmtree(paths.images)
    with Repo(str(paths.root)) as repo:
        repo.pull()
    assert {file.name: file.read_bytes() for file in paths.images.iterdir()} == before


def remote_of(kind, tmp_path, request) -> dict[str, str]:
    """The remote's section of `.dvc/config`."""
    if kind == "folder":
        return {"url": str(tmp_path / "remote")}
    address, endpoint = request.getfixturevalue("bucket")
    return {"url": address, "endpointurl": endpoint}


def set_environment(patch) -> None:
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)


def test_what_is_added_costs_about_what_it_is(annotate, table_params, tmp_path):
    paths = annotate(tmp_path / "project", 100)
    ingest.run(table_params, paths, processes=1)
    before = shards_of(paths)
    new = imaging.encode_png(np.full((50, 60, 3), 9, np.uint8))
    (paths.root / "images/new.png").write_bytes(new)
    row = {"id": "new", "image": "new.png", "question": "?", "box": [1, 2, 30, 40], "answer": "red"}
    lines = (paths.root / "rows.jsonl").read_text().splitlines()
    for place in (len(lines), 0):  # as the last row and as the first
        (paths.root / "rows.jsonl").write_text("\n".join([*lines[:place], json.dumps(row), *lines[place:]]))
        ingest.run(table_params, paths, processes=1)
        after = shards_of(paths)
        assert len(before) >= 6 and len(after - before) == 2, "one shard of images and one of samples"
    assert new in shards.read(paths.images, tables.Images)["bytes"].to_list()


def shards_of(paths) -> set[bytes]:
    """Contents of the files, as DVC stores them: whatever their names."""
    return {file.read_bytes() for folder in (paths.images, paths.samples) for file in folder.iterdir()}
