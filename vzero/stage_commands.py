"""The stages of the graph as commands: `vzero STAGE` runs one of them here.

Stages are imported inside their command, so that `vzero ingest` never waits for torch.
"""

from __future__ import annotations

import importlib
import os
from typing import Literal

from vzero.config import EvaluatedName, Params, check_model, parse_params, read_yaml
from vzero.errors import ConfigError
from vzero.paths import Paths
from vzero.summaries import summary_line


def ingest() -> None:
    """Check annotated images and split them into the tables images, samples and rejects."""
    _run_stage("ingest")


def crops() -> None:
    """Cut the positive and the negative evidence view of every sample."""
    _run_stage("crops")


def quality() -> None:
    """Write the data page: what the samples, crops and rejects are like, as figures and pictures."""
    _run_stage("quality")


def train(*, recipe: Literal["needle", "paper", "released", "opd", "grpo", "sft"] | None = None) -> None:
    """Let the student learn by a method; goes on from the last checkpoint of an interrupted run.

    Parameters
    ----------
    recipe
        Use this recipe instead of the one in params.yaml, which is what `dvc repro` goes by.
    """
    _run_stage("train", params=project_params(recipe))


def evaluate(model: str, benchmark: EvaluatedName, /) -> None:
    """Answer one benchmark with one model and score the answers; goes on where an interrupted run stopped.

    Parameters
    ----------
    model
        base, the untouched student; trained; teacher, which also sees the right crop; or solver-1 and so on,
        of selfplay.iterations.
    benchmark
        One of evaluate.benchmarks in params.yaml.
    """
    check_model(model)  # before anything heavy is imported
    _run_stage("evaluate", model, benchmark)


def report() -> None:
    """Write the report: one page, the headline table, metrics and plots."""
    _run_stage("report")


def photographs(place: str, /) -> None:
    """Take the images of one place for self-play, and nothing that was said about them.

    Parameters
    ----------
    place
        A name under selfplay.photographs in params.yaml.
    """
    _run_stage("photographs", place)


def questioner(iteration: str, /) -> None:
    """Let an iteration's Questioner learn from votes; goes on from the last checkpoint of an interrupted run.

    Parameters
    ----------
    iteration
        A number under selfplay.iterations in params.yaml.
    """
    _run_stage("questioner", iteration)


def questions(iteration: str, /) -> None:
    """Let an iteration's Questioner write a question about every image.

    Parameters
    ----------
    iteration
        A number under selfplay.iterations in params.yaml.
    """
    _run_stage("questions", iteration)


def votes(iteration: str, /) -> None:
    """Let the Solver that an iteration starts from vote on its questions.

    Parameters
    ----------
    iteration
        A number under selfplay.iterations in params.yaml.
    """
    _run_stage("votes", iteration)


def solver(iteration: str, /) -> None:
    """Let an iteration's Solver learn the votes' labels; goes on from the last checkpoint of a killed run.

    Parameters
    ----------
    iteration
        A number under selfplay.iterations in params.yaml.
    """
    _run_stage("solver", iteration)


STAGES = (
    ingest,
    crops,
    quality,
    train,
    evaluate,
    report,
    photographs,
    questioner,
    questions,
    votes,
    solver,
)


def project_params(recipe: str | None = None) -> Params:
    """The project's params, with another recipe where one is named."""
    paths = Paths()
    if not paths.params.is_file():
        raise ConfigError("no params.yaml in this folder; run vzero in the root of the project")
    tree = read_yaml(paths.params)
    if recipe is not None:
        tree["train"] = {**tree.get("train", {}), "recipe": recipe}
    return parse_params(tree, origin=str(paths.params))


def _run_stage(name: str, *cell: str, params: Params | None = None) -> None:
    from vzero.commands.project import check_code

    params = params or project_params()
    check_code(Paths(), name)
    stage = importlib.import_module(f"vzero.stages.{name}")
    summary = stage.run(params, Paths(), *cell)
    # Of processes that were launched together, the first speaks.
    if os.environ.get("RANK", "0") == "0":
        print(summary_line(" ".join([name, *cell]), summary))
