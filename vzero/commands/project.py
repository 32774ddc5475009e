"""`vzero init` and `vzero upgrade`: a project outside the checkout, for a package that pip has installed.

Its files are those of the checkout: `template/` links to them, and a wheel holds copies. There is one
difference. In the checkout a stage depends on the files of code that it imports. A project has no such files,
so `code.yaml` holds a hash of them for each stage, and the stage depends on that line as on a parameter. When
pip installs another version, the stages refuse to run until `vzero upgrade` writes the file anew; DVC then
runs those whose code is another.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import vzero
from vzero.config import read_yaml
from vzero.errors import ConfigError, ProjectError
from vzero.graph import bodies
from vzero.imports import code_hash
from vzero.paths import Paths
from vzero.shards import atomic_path

TEMPLATE = Path(__file__).with_name("template")
WEIGHTS = Path(vzero.__file__).parent / "needle/weights"
COPIED = {
    ".dvc/config": "dvc_config.in",
    ".dvc/.gitignore": "dvc_gitignore.in",
    ".dvcignore": "dvcignore.in",
    ".gitignore": "gitignore.in",
    "data/.gitignore": "data_gitignore.in",
    "data/raw/README.md": "data_raw_readme.in",
    "prefect.toml": "prefect.toml.in",
}
"""Files as they are in the checkout. The links are named otherwise: git and DVC would obey them here too."""
SHIPPED, MODELS = "vzero/needle/weights", "models/needle"
"""Where the embedded world's models lie in the checkout, and in a project."""
FLOWS = "deployments.py"
CODE = "code.yaml"
DVC_HEADER = """\
# The only statement of order, inputs, outputs and parameters: `dvc repro` runs it. Written by `vzero init`,
# and anew by `vzero upgrade`: put stages of your own into a dvc.yaml in another folder.

"""
CODE_HEADER = (
    "# The code of vzero that each stage depends on; `vzero upgrade` writes it for the installed version.\n"
)
FLOWS_TEXT = '''\
"""Where Prefect finds the flows that `prefect.yaml` deploys."""

from flows.experiment import experiment
from flows.pipeline import pipeline
from flows.recovery import recover
from flows.retrain import retrain
from flows.selfplay import selfplay

__all__ = ["experiment", "pipeline", "recover", "retrain", "selfplay"]
'''


def lay_out(folder: Path) -> None:
    """Write a new project, on the embedded world, into `folder`. Raises ConfigError if it has such files."""
    for place in (*COPIED, *MADE, "configs", MODELS):
        if (folder / place).exists():
            raise ConfigError(f"{folder}: {place} is there already; name a new folder")
    for place, link in COPIED.items():
        _write(folder / place, _text(link))
    for place, text in MADE.items():
        _write(folder / place, text())
    shutil.copytree(TEMPLATE / "configs", folder / "configs")
    for file in (folder / "configs").rglob("*.yaml"):
        _write(file, file.read_text(encoding="utf-8").replace(SHIPPED, MODELS))
    for model in ("student", "teacher", "player"):
        shutil.copytree(WEIGHTS / model, folder / MODELS / model)
    if subprocess.run(["git", "-C", folder, "rev-parse"], capture_output=True).returncode:
        subprocess.run(["git", "-C", folder, "init", "--quiet"], check=True)


def upgrade(paths: Paths) -> list[str]:
    """Write `dvc.yaml` and `code.yaml` for the installed version; the stages whose code is another now."""
    if not (paths.root / CODE).is_file():
        raise ProjectError(f"no {CODE} in this folder; upgrade is for projects that `vzero init` laid out")
    before = read_yaml(paths.root / CODE)["stages"]
    _write(paths.root / "dvc.yaml", _stages())
    _write(paths.root / CODE, _code())
    after = read_yaml(paths.root / CODE)["stages"]
    return [stage for stage, code in after.items() if before.get(stage) != code]


def check_code(paths: Paths, stage: str) -> None:
    """Raises ProjectError when a laid-out project was not told that the code of a stage is another now."""
    known = paths.root / CODE
    if known.is_file() and read_yaml(known)["stages"].get(stage) != code_hash(f"vzero.stages.{stage}"):
        raise ProjectError(f"{CODE} is of other code than the installed vzero; run `vzero upgrade`")


def _text(link: str) -> str:
    return (TEMPLATE / link).read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _stages() -> str:
    """The graph with a line of `code.yaml` in the place of the files of code."""
    yaml = YAML()
    yaml.width = 1_000
    tree: Any = yaml.load(_text("dvc.yaml.in"))
    for name, stage in bodies(tree["stages"]).items():
        for position in reversed(range(len(stage["deps"]))):
            if stage["deps"][position].startswith("vzero/"):
                del stage["deps"][position]
        stage["params"].append({CODE: [f"stages.{_module(name)}"]})
    text = io.StringIO()
    yaml.dump(tree, text)
    return DVC_HEADER + text.getvalue().partition("\n\n")[2]


def _module(stage: str) -> str:
    """`evaluate` and `evaluate-frozen` run the same module."""
    return stage.partition("-")[0]


def _code() -> str:
    stages = {_module(name) for name in read_yaml(TEMPLATE / "dvc.yaml.in")["stages"]}
    lines = [f"  {stage}: {code_hash(f'vzero.stages.{stage}')}" for stage in sorted(stages)]
    return "\n".join([f"{CODE_HEADER}version: {vzero.__version__}", "stages:", *lines, ""])


def _deployments() -> str:
    """Prefect loads flows from files in the working directory, where `flows/` is not."""
    text = _text("prefect.yaml.in")
    for flow in ("experiment", "pipeline", "recovery", "retrain", "selfplay"):
        text = text.replace(f"flows/{flow}.py:", f"{FLOWS}:")
    return text


def _params() -> str:
    return _text("params.yaml.in").replace(SHIPPED, MODELS)


MADE = {
    "dvc.yaml": _stages,
    CODE: _code,
    FLOWS: lambda: FLOWS_TEXT,
    "params.yaml": _params,
    "prefect.yaml": _deployments,
}
"""Files that differ from the checkout's, by what makes their text."""
