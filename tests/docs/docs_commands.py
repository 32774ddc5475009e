"""Command lines of the pages, held against what there is: our own commands, targets, stages and deployments,
and other programs' options. None of them is run.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from docs_blocks import ROOT
from dvc.cli.parser import get_main_parser

from vzero.cli import app
from vzero.config import read_yaml
from vzero.train.tracker_folders import LOOK_AT, look_at

ASSIGNMENT = re.compile(r"[A-Z_]+=\S+")
END = re.compile(r"[;&]+")


def check_line(line: str) -> None:
    """Fails where a line of a console block names something that is not there."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=";&")
    reader.whitespace_split = True
    command: list[str] = []
    for word in [*reader, ";"]:
        if not END.fullmatch(word):
            command.append(word)
        elif command:
            check_command(command)
            command = []


def check_command(words: list[str]) -> None:
    program, *arguments = words
    assert program in CHECKS, f"no rule how to check {program}"
    CHECKS[program](arguments)


def _vzero(arguments: list[str]) -> None:
    app.parse_args(arguments, exit_on_error=False, print_error=False)


def _python(arguments: list[str]) -> None:
    assert arguments[0] == "-m"
    _module(arguments[1:])


def _module(arguments: list[str]) -> None:
    name, *rest = arguments
    if name == "vzero":
        return _vzero(rest)
    assert importlib.util.find_spec(name), f"no module {name}"


def _make(arguments: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(arguments) <= set(targets), f"make {arguments}: there are {targets}"


def _dvc(arguments: list[str]) -> None:
    parsed = get_main_parser().parse_args(arguments)  # ends with SystemExit where it cannot
    targets = set(getattr(parsed, "targets", None) or [])
    if targets and arguments[0] == "plots":
        return _shown_by_training("dvc", arguments)
    assert targets <= set(read_yaml(ROOT / "dvc.yaml")["stages"]), f"no stages {targets}"


def _prefect(arguments: list[str]) -> None:
    group = arguments[0].replace("-", "_")
    sources = _sources("prefect", f"cli/{group}.py", f"cli/{group}/*.py", "cli/_app.py")
    _options("prefect", arguments, sources.replace("--prompt", "--no-prompt"))
    if group in ("server", "worker", "work_pool", "deployment"):
        assert re.search(rf'name="{arguments[1]}"|def {arguments[1]}\(', sources), f"prefect {arguments}"
    deployments = read_yaml(ROOT / "prefect.yaml")["deployments"]
    if group == "deployment":
        known = [f"{one['entrypoint'].rpartition(':')[2]}/{one['name']}" for one in deployments]
        assert arguments[2] in known, f"{arguments[2]}: there are {known}"
    if group == "work_pool":
        assert arguments[2] in {one["work_pool"]["name"] for one in deployments}


def _accelerate(arguments: list[str]) -> None:
    module = arguments.index("-m")
    launch = arguments[1:module]
    assert arguments[0] == "launch"
    _options("accelerate", launch, _sources("accelerate", "commands/launch.py"))
    assert (ROOT / launch[launch.index("--config_file") + 1]).is_file()
    _module(arguments[module + 1 :])


def _ray(arguments: list[str]) -> None:
    assert arguments[0] == "start"
    _options("ray", arguments, _sources("ray", "scripts/scripts.py"))


def _vllm(arguments: list[str]) -> None:
    """It is not installed here; `make vllm-test` starts it with these options, but for that of a GPU."""
    assert arguments[0] == "serve"
    run = (ROOT / "tests/vllm_updates.py").read_text()
    for option in (word for word in arguments if word.startswith("--")):
        assert f'"{option}' in run or option == "--gpu-memory-utilization", f"vllm_updates.py has no {option}"


def _pip(arguments: list[str]) -> None:
    command, *rest = arguments
    assert command in ("install", "wheel")
    _options("pip", rest, _sources("pip", "_internal/cli/cmdoptions.py", f"_internal/commands/{command}.py"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, extra in (match.groups() for each in rest if (match := re.fullmatch(r"(\w+)\[(\w+)\]", each))):
        assert name == project["name"] and extra in project["optional-dependencies"]


def _tensorboard(arguments: list[str]) -> None:
    _options("tensorboard", arguments, _sources("tensorboard", "plugins/core/core_plugin.py"))
    _shown_by_training("tensorboard", arguments)


def _wandb(arguments: list[str]) -> None:
    """It is not installed here."""
    _shown_by_training("wandb", arguments)


def _shown_by_training(program: str, arguments: list[str]) -> None:
    """Commands that `train` says when it starts, for what its trackers have."""
    assert " ".join([program, *arguments]) in {look_at(Path(".vzero"), name) for name in LOOK_AT}


def _cd(arguments: list[str]) -> None:
    assert len(arguments) == 1


def _export(arguments: list[str]) -> None:
    assert arguments and all(ASSIGNMENT.fullmatch(argument) for argument in arguments)


def _marimo(arguments: list[str]) -> None:
    assert arguments[0] == "edit" and (ROOT / arguments[1]).is_file()


def _options(program: str, arguments: Iterable[str], sources: str) -> None:
    """The options of a program are found in its own code, which is faster than to import it."""
    for option in arguments:
        if option.startswith("--"):
            assert f'"{option}' in sources or f'"{option}"' in sources, f"{program} has no option {option}"


@cache
def _sources(distribution: str, *patterns: str) -> str:
    package = Path(str(importlib.metadata.distribution(distribution).locate_file(distribution)))
    found = [path for pattern in patterns for path in sorted(package.glob(pattern))]
    assert found, f"{distribution} has no {patterns}"
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "vzero": _vzero,
    "python": _python,
    "make": _make,
    "dvc": _dvc,
    "prefect": _prefect,
    "accelerate": _accelerate,
    "ray": _ray,
    "vllm": _vllm,
    "pip": _pip,
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "cd": _cd,
    "export": _export,
    "marimo": _marimo,
}
"""By program; a program without a rule fails."""
