"""The plan as a table: what every phase of every recipe costs a process, shared and naive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dataframely as dy
import polars as pl
import torch

from vzero.config import Compute, Params
from vzero.config.methods import over_recipe
from vzero.config.recipes import RECIPES
from vzero.methods import method_of
from vzero.methods.base import Method
from vzero.plan.cards import CARDS, CardName
from vzero.plan.planned import PlannedRun
from vzero.plan.step import Cost, Step
from vzero.workers import pool

VARIANTS = ["shared", "naive"]
OF_A_STEP = ["sampling", "teacher_replay", "old_logprobs", "reference_logprobs", "update", "optimizer_step"]
PHASES = [*OF_A_STEP, "checkpoint", "evaluate"]
MEASURES = ["flops", "bytes", "kernels", "syncs", "peak_bytes", "host_bytes", "disk_bytes", "seconds"]
OWN = "params"  # what a method without a recipe goes by


class Plan(dy.Schema):
    """A row a measure. Everything is of one process; phases are of a step, `evaluate` of a batch."""

    recipe = dy.String(primary_key=True)  # of vzero.config.recipes; that of params.yaml has its settings
    phase = dy.Enum(PHASES, primary_key=True)
    variant = dy.Enum(VARIANTS, primary_key=True)  # naive: every answer's pass encodes its prompt anew
    # peak_bytes: on the device, weights included. host_bytes: in main memory beside it. disk_bytes: while it
    # is written. seconds: on the card that was named.
    measure = dy.Enum(MEASURES, primary_key=True)
    value = dy.Float64(nullable=False)


def plan_of(params: Params, planned: PlannedRun) -> pl.DataFrame:
    """Rows of `Plan`: the params' own recipe first. Raises ModelError for models of unknown shape."""
    with pool(Compute(), processes=len(VARIANTS)) as completed:
        parts = list(completed(_rows, [(params, planned, name) for name in VARIANTS]))
    # The one that has all phases first, whichever was done first.
    rows = [row for part in sorted(parts, key=len, reverse=True) for row in part]
    frame = pl.DataFrame(rows, schema=["recipe", "phase", "variant", "measure", "value"], orient="row")
    return Plan.validate(frame, cast=True)


def own_name(params: Params) -> str:
    return params.train.recipe or OWN


def _rows(params: Params, planned: PlannedRun, variant: str) -> list[tuple[str, str, str, str, float]]:
    torch.set_num_threads(1)  # nothing is computed that several could share
    rows = []
    for recipe, method in _methods(params):
        step = Step(params, method, planned, naive=variant == "naive")
        for phase, cost in step.phases():
            rows += [
                (recipe, phase, variant, *each)
                for each in _measures(cost, planned.card, tf32=params.models.tf32)
            ]
    return rows


def _methods(params: Params) -> Iterator[tuple[str, Method[Any]]]:
    yield own_name(params), method_of(params.train.method)
    for recipe in RECIPES:
        if recipe != params.train.recipe:
            yield recipe, method_of(over_recipe(recipe, {}, group=params.train.group))


def _measures(cost: Cost, card: CardName, *, tf32: bool) -> Sequence[tuple[str, float]]:
    counts = cost.counts
    seconds = sum(CARDS[card].seconds(stage, tf32=tf32) for stage in cost.stages)
    counted = counts.flops, counts.bytes, counts.kernels, counts.syncs
    return list(zip(MEASURES, (*counted, cost.peak, cost.host, cost.disk, seconds), strict=True))
