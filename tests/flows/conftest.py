"""A toy project with the shape of the real one and no models: `source` -> `left`, `right` -> `join`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_HOME, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from vzero.guarded import environment

STAGES = """
stages:
  source:
    cmd: python stage.py source
    deps: [stage.py]
    params: [source]
    outs: [data/source]
  left:
    cmd: python stage.py left source
    deps: [stage.py, data/source]
    params: [left]
    outs: [data/left]
  right:
    cmd: python stage.py right source
    deps: [stage.py, data/source]
    outs: [data/right]
  join:
    cmd: python stage.py join left right
    deps: [stage.py, data/left, data/right]
    outs: [data/join]
"""

# A stage writes its parameter and its inputs' contents; with `meet`, left and right wait for each other.
STAGE = """
import sys, time
from pathlib import Path
from ruamel.yaml import YAML

name, *inputs = sys.argv[1:]
params = YAML(typ="safe").load(Path("params.yaml"))
if params.get(name) == "broken":
    sys.exit("this stage is broken")
if params.get("meet") and name in ("left", "right"):
    Path(f"{name}.started").touch()
    other = Path({"left": "right.started", "right": "left.started"}[name])
    deadline = time.monotonic() + 60
    while not other.exists():
        if time.monotonic() > deadline:
            sys.exit("the other stage never started")
        time.sleep(0.05)
Path("data").mkdir(exist_ok=True)
parts = [str(params.get(name, name)), *(Path("data", item).read_text() for item in inputs)]
Path("data", name).write_text("+".join(parts))
print(name, "step 1/2")
print(name, "step 2/2 wrote", "+".join(parts))
"""

PROMOTION = """
import sys
assert sys.argv[1:] == ["promote", "trained"]
print("promote: kept the promoted student")
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A DVC project that no stage of was run yet."""
    files = {
        "dvc.yaml": STAGES,
        "params.yaml": "source: one\nleft: two\n",
        "stage.py": STAGE,
        "vzero/__init__.py": "",
        "vzero/__main__.py": PROMOTION,
        ".dvcignore": "__pycache__/\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"],
        cwd=tmp_path,
        env=environment(),
        check=True,
    )
    return tmp_path


@pytest.fixture(scope="package")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A real Prefect server on a database of its own. It works while it waits, so it does not live on."""
    home = tmp_path_factory.mktemp("prefect")
    with temporary_settings({PREFECT_HOME: home}), prefect_test_harness(server_startup_timeout=120):
        yield
