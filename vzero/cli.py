"""The command line: the stages of the pipeline, and a few more commands for people.

What a command runs is imported inside it, so that `vzero --help` never waits for torch.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter, validators

import vzero
from vzero.config import BenchmarkName, TrainingSetName, WorldName
from vzero.exits import run_to_its_end
from vzero.paths import Paths
from vzero.plan.planned import PlannedRun
from vzero.stage_commands import STAGES, project_params
from vzero.summaries import summary_line

# `main` says what an interrupt means; without this the library would end without a word.
app = App(name="vzero", help=vzero.__doc__, version=vzero.__version__, suppress_keyboard_interrupt=False)
export = App(
    name="export",
    help="Write what other projects take: samples and crops in their form, or the trained model.",
)
app.command(export)
for stage in STAGES:
    app.command(stage)


@app.command
def init(folder: Path = Path(), /) -> None:
    """Lay out a new project: the graph, the parameters, overlays for real models, a place for your data.

    Parameters
    ----------
    folder
        A new folder, or this one.
    """
    from vzero.commands.project import lay_out

    lay_out(folder)
    print(f"init: a project in {folder.resolve()}; there, `dvc repro` runs it on the embedded world")


@app.command
def upgrade() -> None:
    """Tell a project of `vzero init` which code is installed now; `dvc repro` then runs what changed."""
    from vzero.commands import project

    changed = project.upgrade(Paths())
    print(f"upgrade: vzero {vzero.__version__}; other code in {', '.join(changed) or 'no stage'}")


@app.command
def experiment(
    name: str,
    /,
    *,
    jobs: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 1,
    show: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run the cells of an experiment that are not done yet, an arm with a seed each, and write its page.

    Parameters
    ----------
    name
        Of a file in configs/experiments, without its ending.
    jobs
        How many cells at once; each needs the memory of a training.
    show
        Run nothing; write the page of the cells that are there, whatever code they are of.
    """
    from vzero.commands import experiment as experiments

    if not experiments.run(name, Paths(), jobs=0 if show else jobs):
        sys.exit(1)


@app.command
def promote(model: str = "trained", /) -> None:
    """Make a trained student the promoted one unless it answers fewer held-out samples right.

    Parameters
    ----------
    model
        trained, or a Solver of self-play, such as solver-2.
    """
    from vzero.commands import promote as promotion

    print(summary_line("promote", promotion.run(project_params(), Paths(), model)))


@app.command
def audit() -> None:
    """Write which votes and labels of self-play are right, where the truth is known: a table and a page."""
    from vzero.commands import audit as auditing

    print(summary_line("audit", auditing.run(project_params(), Paths())))


@app.command
def show(
    table: str,
    /,
    *,
    rows: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 10,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    reason: str | None = None,
) -> None:
    """Print the first rows of a table, or write a contact sheet of its pictures.

    Parameters
    ----------
    table
        A table's name, such as samples, crops, rollouts or rejects.
    rows
        How many rows.
    out
        PNG file for the contact sheet.
    reason
        Only rejects or left_out samples with this code, or crops with this fallback.
    """
    from vzero.commands.show import show as show_table

    show_table(table, Paths(), rows=rows, out=out, reason=reason)


@Parameter(name="*")
@dataclass(frozen=True)
class JudgeOptions:
    """Of `vzero score`: who reads what the readers cannot.

    Parameters
    ----------
    judge
        Address of a language model, such as http://localhost:8000/v1, that reads what the readers cannot.
        Its key, if it needs one, is the environment variable OPENAI_API_KEY.
    judge_model
        Name of that model. Without an address, only its stored replies are used.
    judge_replies
        Parquet file that keeps its replies, instead of one under .vzero/judge.
    """

    judge: str | None = None
    judge_model: str | None = None
    judge_replies: Path | None = None


NO_JUDGE = JudgeOptions()


@app.command
def score(
    path: Path,
    /,
    *,
    reader: tuple[str, ...] = (),
    benchmark: str | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    asked: JudgeOptions = NO_JUDGE,
) -> None:
    """Score stored predictions again, without a model: ours, or those of VLMEvalKit or lmms-eval.

    Parameters
    ----------
    path
        A folder such as data/evaluate/base-search, a VLMEvalKit result (.xlsx, .tsv, .json), or an lmms-eval
        log (*_samples_*.jsonl).
    reader
        How answers are read; may be given several times. Without it, every reader that fits the benchmark.
    benchmark
        The benchmark of a toolkit's file, where the file's name does not tell.
    out
        Parquet file for the scores.
    """
    from vzero.commands import score as stored_scores

    judge = stored_scores.judge_of(asked.judge, asked.judge_model, asked.judge_replies)
    stored_scores.run(path, reader, benchmark, out, judge)


@app.command
def compare(
    one: str,
    other: str,
    /,
    *,
    reader: str | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
) -> None:
    """Print how two models differ on the same items, with intervals and tests.

    Parameters
    ----------
    one
        What `vzero score` takes, or a model of this project: base, trained or teacher.
    other
        The same; differences are this minus the first.
    reader
        How answers are read, instead of the one in params.yaml.
    out
        PNG or SVG file for the picture.
    """
    from vzero.commands import compare as comparison

    comparison.run(one, other, reader, out)


@app.command
def diff(
    one: str,
    other: str,
    table: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
) -> None:
    """Print which rows of a table came, went or changed between two versions of the data.

    Parameters
    ----------
    one
        A commit, branch or tag of git, or workspace for what lies in the folder now.
    other
        The same, later.
    table
        images, samples, crops or rejects.
    out
        Parquet file for the differences, a row each.
    """
    from vzero.commands import diff as versions

    versions.run(one, other, table, Paths(), out)


@export.command
def verl(
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("data/export/verl"),
    split: Literal["train", "dev"] | None = None,
    shard_rows: Annotated[int, Parameter(validator=validators.Number(gte=1))] = 1000,
) -> None:
    """Write Parquet files that the reference code of the paper (a fork of verl) trains on.

    Parameters
    ----------
    out
        Folder for the files; an earlier export there is replaced.
    split
        Only these samples. Without it both, in files called train-* and dev-*.
    shard_rows
        Most rows of a file.
    """
    from vzero.commands import export as exports

    print(summary_line("export verl", exports.verl(Paths(), out, split=split, shard_rows=shard_rows)))


@export.command
def model(*, out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("data/export/model")) -> None:
    """Copy the trained model for others, with a card that has its figures and the commit that made it.

    Parameters
    ----------
    out
        A new folder.
    """
    from vzero.commands.handed_over import export_model

    print(summary_line("export model", {"model": out, "weights": export_model(Paths(), out)}))


@app.command
def pretrain_needle(
    *, world: WorldName = "needle", target: Path | None = None, work: Path = Path(".vzero/pretrain")
) -> None:
    """Make an embedded world's models, with their calibration and card.

    Parameters
    ----------
    world
        `needle` (an hour and a half on two cores): the shipped student, teacher and player again. `chain`
        (half an hour): a student and a teacher, which are not shipped.
    target
        Folder for them; `vzero/needle/weights` of needle, `data/models/chain` of chain.
    work
        Folder that an interrupted run goes on from.
    """
    from vzero.commands import pretrain_needle as remake

    print(summary_line("pretrain-needle", remake.run(world, work, target)))


@app.command
def fetch(name: BenchmarkName | TrainingSetName, /, *, out: Path | None = None) -> None:
    """Download a published benchmark or training set, and print how params.yaml names it.

    What is interrupted goes on where it was, and every file is checked.

    Parameters
    ----------
    name
        A benchmark of `ingest.benchmarks`, or a source whose licence is stated.
    out
        Folder that gets one folder a set: data/raw, of benchmarks data/raw/benchmarks.
    """
    from vzero.commands.fetch import fetch as download

    fetched = download(name, out)
    print(f"{name}: {fetched.place} (commit {fetched.revision}); for params.yaml: {fetched.params}")
    if fetched.without:
        print(f"{name}: {fetched.without}")


@app.command
def plan(
    overlay: Path | None = None,
    /,
    *,
    run: Annotated[PlannedRun, Parameter(name="*", negative="")],
    out: Path | None = None,
) -> None:
    """Tell what a training step would cost and hold, from the models' shapes alone: nothing is downloaded.

    Ends with exit code 1 where a phase does not fit the card.

    Parameters
    ----------
    overlay
        A YAML file over params.yaml, such as configs/single_gpu.yaml; it is not merged into it.
    out
        A Parquet file: recipe, phase, variant, measure, value.
    """
    from vzero.commands import plan as planning

    if not planning.plan(planning.params_with(overlay, Paths()), run, out):
        sys.exit(1)


@app.command
def use(overlay: Path, /) -> None:
    """Merge an overlay into params.yaml and print what changed.

    Parameters
    ----------
    overlay
        A YAML file in the shape of params.yaml, such as configs/single_gpu.yaml.
    """
    from vzero.commands import overlays

    changes = overlays.use(overlay, Paths().params)
    for change in changes:
        print(f"{change.key}: {change.old} -> {change.new}")
    if not changes:
        print(f"params.yaml already says what {overlay} says")


def main() -> None:
    """Run the command line."""
    run_to_its_end(app)
