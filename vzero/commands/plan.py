"""`vzero plan`: whether a pair of models fits a card, and what a step takes; nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from vzero.config import Params, parse_params, read_yaml
from vzero.errors import ConfigError
from vzero.overlays import merged
from vzero.paths import Paths
from vzero.plan.cards import BANDWIDTH, CARDS, UTILISATION
from vzero.plan.step import NOTICE, TEXT
from vzero.plan.table import VARIANTS, Circumstances, own_name, plan_of
from vzero.shards import atomic_path

STEP = ["sampling", "teacher_replay", "old_logprobs", "reference_logprobs", "update", "optimizer_step"]
REMEDIES = {
    "sampling": "models.teacher, models.student",
    "teacher_replay": "models.teacher, train.micro_tokens",
    "old_logprobs": "train.micro_tokens",
    "reference_logprobs": "train.micro_tokens",
    "update": "train.teacher.offload, train.lora, train.gradient_checkpointing, a sharded student",
    "optimizer_step": "train.teacher.offload, train.lora, a sharded student",
    "checkpoint": "models.student",
    "evaluate": "evaluate.batch_tokens",
}
"""What makes a phase smaller."""


def params_with(overlay: Path | None, paths: Paths) -> Params:
    """Those of the project, with an overlay that is not written down."""
    tree = read_yaml(paths.params)
    if overlay is None:
        return parse_params(tree, origin=str(paths.params))
    return parse_params(merged(tree, read_yaml(overlay)), origin=f"{overlay} over {paths.params}")


def plan(params: Params, given: Circumstances, out: Path | None) -> bool:
    """Print the plan, write it to a Parquet file, and say whether every phase fits the card.

    Raises ConfigError for lengths and processes that no step can have.
    """
    _check(params, given)
    found = plan_of(params, given)
    if out is not None:
        with atomic_path(out) as temporary:
            found.write_parquet(temporary)
    console = Console()
    _say(console, params, given)
    own = found.filter(pl.col("recipe") == own_name(params))
    console.print(_table(own, own_name(params)))
    for line in _recipes(found):
        console.print(line)
    too_large = _too_large(own, CARDS[given.card].memory * 1e9)
    for phase, peak in too_large:
        console.print(
            f"{phase} takes {peak / 1e9:,.1f} GB, and {given.card} has {CARDS[given.card].memory:g}: change "
            f"{REMEDIES[phase]}",
            markup=False,
        )
    if not too_large:
        console.print(f"every phase fits {given.card}, which has {CARDS[given.card].memory:g} GB")
    return not too_large


def _check(params: Params, given: Circumstances) -> None:
    train, lengths = params.train, given.lengths
    if train.prompts % (given.processes * train.mini_batches):
        raise ConfigError(
            f"train.prompts ({train.prompts}) must be a multiple of --processes ({given.processes}) times "
            f"train.mini_batches ({train.mini_batches}): groups stay whole on a process"
        )
    if lengths.prompt <= TEXT:
        raise ConfigError(f"--prompt-tokens must be above {TEXT}, which are the question's")
    if lengths.prompt > train.max_prompt_tokens:
        raise ConfigError(
            f"--prompt-tokens must be at most train.max_prompt_tokens ({train.max_prompt_tokens})"
        )
    longest = lengths.prompt + lengths.crop + NOTICE + lengths.answer
    if longest > train.max_teacher_tokens:
        raise ConfigError(
            f"--prompt-tokens, --crop-tokens and --answer-tokens make {longest} for the teacher, above "
            f"train.max_teacher_tokens ({train.max_teacher_tokens})"
        )


def _say(console: Console, params: Params, given: Circumstances) -> None:
    models, train, lengths = params.models, params.train, given.lengths
    sharded = ", the student sharded" if given.sharded else ""
    console.print(
        f"plan: {models.student.name} from {models.teacher.name}, {train.prompts} prompts x {train.group} on "
        f"{given.processes} processes{sharded}; prompts of {lengths.prompt:,} tokens, crops of "
        f"{lengths.crop:,}, answers of {lengths.answer:,}. Counted without a card; seconds are of one "
        f"{given.card} at {UTILISATION:.0%} of its rate and {BANDWIDTH:.0%} of its bandwidth",
        markup=False,
    )


def _table(own: pl.DataFrame, recipe: str) -> Table:
    table = Table("phase", title=f"a process, recipe {recipe}")
    for heading in ("PFLOP", "naive", "TB", "kernels/k", "GB", "naive", "s", "naive"):
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
            cell("shared", "kernels", 1e3, 0),
            *(cell(variant, "peak_bytes", 1e9, 1) for variant in VARIANTS),
            *(cell(variant, "seconds", 1, 1) for variant in VARIANTS),
        )
    return table


def _recipes(found: pl.DataFrame) -> list[str]:
    """A line each: a step's seconds and the highest peak of its phases."""
    shared = found.filter(pl.col("variant") == "shared", pl.col("phase").is_in(STEP))
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
