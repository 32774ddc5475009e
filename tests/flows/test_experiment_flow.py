"""The flow of experiments through a real Prefect server: progress, the page, and a cell that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.experiment import experiment
from vzero.paths import Paths

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

COMMAND = """
import sys
name = sys.argv[2]
assert sys.argv[1:] == ["experiment", name, "--jobs", "2"]
print("cell 1/2, one-0, took 3 s; about 1 min left", flush=True)
if name == "bad":
    sys.exit("cell 2/2, other-0, failed: vzero: no luck")
"""


def artifact(key: str) -> Any:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return found[0].data


def test_an_experiment_shows_how_far_it_is_and_links_to_its_page(tmp_path: Path):
    (tmp_path / "vzero").mkdir()
    (tmp_path / "vzero/__init__.py").touch()
    (tmp_path / "vzero/__main__.py").write_text(COMMAND)
    page = Paths(tmp_path).experiment_page("good")
    page.parent.mkdir(parents=True)
    page.touch()
    experiment("good", root=tmp_path, jobs=2)
    assert artifact("experiment-good-progress") == 50.0
    assert page.as_uri() in artifact("experiment-good")
    with pytest.raises(RuntimeError, match=r"^experiment bad: .*\n.* other-0, failed: vzero: no luck$"):
        experiment("bad", root=tmp_path, jobs=2)
