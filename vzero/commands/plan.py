"""`vzero plan`: whether a pair of models fits a card, and what a step takes; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from vzero.config import Params, parse_params, read_yaml
from vzero.errors import ConfigError
from vzero.models.shapes import config_of
from vzero.overlays import merged
from vzero.paths import Paths
from vzero.plan.cards import BANDWIDTH, CARDS, UTILISATION
from vzero.plan.depth import LINEAR, kinds_of
from vzero.plan.planned import PlannedRun
from vzero.plan.step import NOTICE, TEXT
from vzero.plan.table import OF_A_STEP, VARIANTS, own_name, plan_of
from vzero.shards import atomic_path

REMEDIES = {
    "sampling": "train.decode_tokens, models.teacher, models.student",
    "teacher_replay": "models.teacher, train.micro_tokens",
    "old_logprobs": "train.micro_tokens",
    "reference_logprobs": "train.micro_tokens",
    "update": "train.teacher.offload, train.lora, train.gradient_checkpointing, --sharded",
    "optimizer_step": "train.teacher.offload, train.lora, --sharded",
    "checkpoint": "models.student",
    "evaluate": "evaluate.batch_tokens",
}
"""What makes a phase smaller."""


def params_with(overlay: Path | None, paths: Paths) -> Params:
    """Those of the project, with an overlay that is not written down."""
    tree, origin = read_yaml(paths.params), str(paths.params)
    if overlay is not None:
        tree, origin = merged(tree, read_yaml(overlay)), f"{overlay} over {origin}"
    params = parse_params(tree, origin=origin)
    folders = {name: paths.resolve(getattr(params.models, name)) for name in ("student", "teacher")}
    return params.model_copy(update={"models": params.models.model_copy(update=folders)})


def plan(params: Params, run: PlannedRun, out: Path | None) -> bool:
    """Print the plan, write it to a Parquet file, and say whether every phase fits the card.

    Raises ConfigError for lengths and processes that no step can have.
    """
    _check(params, run)
    found = plan_of(params, run)
    if out is not None:
        with atomic_path(out) as temporary:
            found.write_parquet(temporary)
    console = Console()
    _say(console, params, run)
    own = found.filter(pl.col("recipe") == own_name(params))
    console.print(_table(own, own_name(params)))
    for line in _recipes(found):
        console.print(line)
    too_large = _too_large(own, CARDS[run.card].memory * 1e9)
    for phase, peak in too_large:
        console.print(
            f"{phase} takes {peak / 1e9:,.1f} GB, and {run.card} has {CARDS[run.card].memory:g}: change "
            f"{REMEDIES[phase]}",
            markup=False,
        )
    if not too_large:
        console.print(f"every phase fits {run.card}, which has {CARDS[run.card].memory:g} GB")
    return not too_large


def _check(params: Params, run: PlannedRun) -> None:
    train = params.train
    for name in ("prompt_tokens", "answer_tokens", "crop_tokens", "processes"):
        if getattr(run, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1")
    if train.prompts % (run.processes * train.mini_batches):
        raise ConfigError(
            f"train.prompts ({train.prompts}) must be a multiple of --processes ({run.processes}) times "
            f"train.mini_batches ({train.mini_batches}): groups stay whole on a process"
        )
    if run.prompt_tokens <= TEXT:
        raise ConfigError(f"--prompt-tokens must be above {TEXT}, which are the question's")
    if run.prompt_tokens > train.max_prompt_tokens:
        raise ConfigError(
            f"--prompt-tokens must be at most train.max_prompt_tokens ({train.max_prompt_tokens})"
        )
    longest = run.prompt_tokens + run.crop_tokens + NOTICE + run.answer_tokens
    if longest > train.max_teacher_tokens:
        raise ConfigError(
            f"--prompt-tokens, --crop-tokens and --answer-tokens make {longest} for the teacher, above "
            f"train.max_teacher_tokens ({train.max_teacher_tokens})"
        )


def _say(console: Console, params: Params, run: PlannedRun) -> None:
    models, train = params.models, params.train
    sharded = ", sharded" if run.sharded else ""
    console.print(
        f"plan: {models.student.name} from {models.teacher.name}, {train.prompts} prompts x {train.group} on "
        f"{run.processes} processes{sharded}; prompts of {run.prompt_tokens:,} tokens, crops of "
        f"{run.crop_tokens:,}, answers of {run.answer_tokens:,}. Counted without a card; seconds are of one "
        f"{run.card} at {UTILISATION:.0%} of its rate and {BANDWIDTH:.0%} of its bandwidth",
        markup=False,
    )
    if any(LINEAR in kinds_of(config_of(model)) for model in (models.student, models.teacher)):
        console.print(
            "linear attention is counted as PyTorch computes it; its kernels for GPUs take less: "
            "pip install 'vzero[fast-kernels]'",
            markup=False,
        )


def _table(own: pl.DataFrame, recipe: str) -> Table:
    table = Table(title=f"a process, recipe {recipe}", box=None, pad_edge=False)
    table.add_column("phase", no_wrap=True)
    for heading in ("PFLOP", "naive", "TB", "kernels", "GB", "naive", "s", "naive"):
        table.add_column(heading, justify="right", no_wrap=True)
    for (phase,), rows in own.group_by("phase", maintain_order=True):
        value = {(row["variant"], row["measure"]): row["value"] for row in rows.iter_rows(named=True)}

        def cell(variant: str, measure: str, unit: float, digits: int, value=value) -> str:
            known = value.get((variant, measure))
            return "" if known is None else f"{known / unit:,.{digits}f}"

        table.add_row(
            str(phase),
            *(cell(variant, "flops", 1e15, 2) for variant in VARIANTS),
            cell("shared", "bytes", 1e12, 2),
            cell("shared", "kernels", 1, 0),
            *(cell(variant, "peak_bytes", 1e9, 1) for variant in VARIANTS),
            *(cell(variant, "seconds", 1, 1) for variant in VARIANTS),
        )
    return table


def _recipes(found: pl.DataFrame) -> list[str]:
    """A line each: a step's seconds and the highest peak of its phases."""
    shared = found.filter(pl.col("variant") == "shared", pl.col("phase").is_in(OF_A_STEP))
    lines = []
    for (recipe,), rows in shared.group_by("recipe", maintain_order=True):
        seconds = rows.filter(pl.col("measure") == "seconds")["value"].sum()
        peak = max(rows.filter(pl.col("measure") == "peak_bytes")["value"])
        lines.append(f"{recipe}: {seconds:.1f} s a step, at most {peak / 1e9:.1f} GB")
    return lines


def _too_large(own: pl.DataFrame, memory: float) -> list[tuple[str, float]]:
    peaks = own.filter(
        pl.col("variant") == "shared", pl.col("measure") == "peak_bytes", pl.col("value") > memory
    )
    return list(peaks.select("phase", "value").iter_rows())
