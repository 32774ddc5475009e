"""`vzero experiment`: run the cells of an experiment that are not done yet, and write its page."""

from __future__ import annotations

from pathlib import Path

from polars import selectors
from rich.console import Console

from vzero.config import parse_params, read_yaml
from vzero.errors import ConfigError
from vzero.experiments import findings
from vzero.experiments.cells import cells
from vzero.experiments.course import Ended, run_missing
from vzero.experiments.page import metrics, render
from vzero.experiments.results import read_audits, read_curves, read_runs
from vzero.experiments.settings import Experiment, arm_tree, load_experiment
from vzero.paths import Paths
from vzero.shards import atomic_folder, atomic_path, write_json

DIGITS = 6  # of the plots


def run(name: str, paths: Paths, *, jobs: int) -> bool:
    """Whether no cell failed; without `jobs` none is run.

    Raises ConfigError for an unknown experiment, naming those that there are.
    """
    experiment = _load(name, paths)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    ended = Ended()
    if jobs:
        ended = run_missing(name, experiment, cells(experiment, paths), paths, jobs=jobs, say=console.print)
    if ended.left:
        console.print(f"{name}: the budget had no room for {', '.join(ended.left)}")
    page = write_page(name, experiment, paths)
    for claim in findings.claim_sentences(read_curves(paths.experiment_results(name)), experiment):
        console.print(claim)
    console.print(f"{name}: {page.resolve() if page else 'no cell is there yet'}")
    return not ended.failed


def _load(name: str, paths: Paths) -> Experiment:
    file = paths.experiment(name)
    if not file.is_file():
        known = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml"))) or "none"
        raise ConfigError(f"unknown experiment {name!r}: there is no {file}; there are: {known}")
    return load_experiment(file)


def write_page(name: str, experiment: Experiment, paths: Paths) -> Path | None:
    """Page, metrics and plots of the cells that are there; None when there are none."""
    results = paths.experiment_results(name)
    runs, curves, audits = (read(results) for read in (read_runs, read_curves, read_audits))
    of_arms = runs["arm"].is_in(list(experiment.arms)) & runs["seed"].is_in(experiment.seeds)
    runs = runs.filter(of_arms)
    if runs.is_empty():
        return None
    curves, audits = (
        table.join(runs.select("arm", "seed"), on=["arm", "seed"], how="semi") for table in (curves, audits)
    )
    params = parse_params(arm_tree(experiment, next(iter(experiment.arms)), read_yaml(paths.params)))
    page = paths.experiment_page(name)
    text = render(name, experiment, params, runs, curves, audits)
    with atomic_path(page) as temporary:
        temporary.write_text(text, encoding="utf-8")
    write_json(paths.experiment_metrics(name), metrics(curves, experiment))
    with atomic_folder(paths.experiment_plots(name)) as folder:
        shown = findings.curve_rows(curves, runs, experiment).filter(scale=experiment.headline)
        # Sums differ from processor to processor in digits that nobody needs, and these files are in git.
        shown = shown.with_columns(selectors.float().round_sig_figs(DIGITS))
        for (arm,), rows in shown.group_by("arm", maintain_order=True):
            write_json(folder / f"{arm}.json", rows.drop("arm", "scale").to_dicts())
    return page
