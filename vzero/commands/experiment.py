"""`vzero experiment`: run the cells of an experiment that are not done yet."""

from __future__ import annotations

from rich.console import Console

from vzero.errors import ConfigError
from vzero.experiments.cells import cells
from vzero.experiments.course import Ended, run_missing
from vzero.experiments.settings import load_experiment
from vzero.paths import Paths


def run(name: str, paths: Paths, *, jobs: int = 1) -> Ended:
    """Raises ConfigError for an unknown experiment, naming those that there are."""
    file = paths.experiment(name)
    if not file.is_file():
        known = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml"))) or "none"
        raise ConfigError(f"unknown experiment {name!r}: there is no {file}; there are: {known}")
    experiment = load_experiment(file)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    return run_missing(name, experiment, cells(experiment, paths), paths, jobs=jobs, say=console.print)
