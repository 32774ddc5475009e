"""What a run writes as it goes: a `rollouts` shard a step, the `train_log` and the timings, all resumable."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import torch

from vzero.shards import files, frame_of, read, shard_path, write_table
from vzero.tables import Rollouts, TrainLog, TrainTimings
from vzero.train.recipes import Gate, Recipe
from vzero.train.scoring import ScoredStep
from vzero.train.update import Updated

ONE_FILE = 0  # log and timings are small: one file each, rewritten atomically every step


def rollout_rows(step: ScoredStep, recipe: Recipe, *, number: int) -> list[dict[str, Any]]:
    """Rows of `tables.Rollouts` for this process's share of a step."""
    group = len(step.rollouts) // len(step.samples)
    positive = step.views.positive.tolist() if step.views else None
    negative = step.views.negative.tolist() if step.views and step.views.negative is not None else None
    evidence = zip(
        step.evidence.scores.tolist(),
        step.evidence.advantages.tolist(),
        step.evidence.weights.tolist(),
        strict=True,
    )
    rewards = step.rewards.tolist() if step.rewards is not None else None
    rows = []
    for row, (rollout, (score, advantage, weight)) in enumerate(zip(step.rollouts, evidence, strict=True)):
        length = len(rollout.token_ids)
        scored = positive[row][:length] if positive is not None else []
        by_student = recipe.writer == "student"
        rows.append(
            {
                "step": number,
                "sample_id": step.samples[row // group].sample_id,
                "member": row % group,
                "token_ids": rollout.token_ids,
                "text": rollout.text,
                "finish_reason": rollout.finish_reason,
                "student_logprobs": rollout.logprobs if by_student else [],
                "positive_logprobs": scored if by_student else rollout.logprobs,
                "negative_logprobs": negative[row][:length] if negative is not None else [],
                "evidence_score": score,
                "advantage": advantage,
                "weight": weight,
                "reward": rewards[row] if rewards is not None else None,
            }
        )
    return rows


def write_rollouts(folder: Path, rows: list[dict[str, Any]], *, number: int) -> None:
    write_table(shard_path(folder, number), frame_of(rows, Rollouts), Rollouts)


def log_row(
    rows: list[dict[str, Any]],
    updated: Updated,
    gate: Gate,
    *,
    number: int,
    lr: float,
) -> dict[str, Any]:
    """One row of `tables.TrainLog` from all processes' rollouts of a step."""
    frame = frame_of(rows, Rollouts)
    student, positive, negative = (_tokens(frame, name) for name in ("student", "positive", "negative"))
    delta = positive - negative if len(negative) else torch.zeros_like(positive)
    written = student if len(student) else positive
    weight = frame["weight"].to_torch().double()
    scores = frame["evidence_score"]
    tokens = len(written)
    return {
        "step": number,
        "loss": updated.loss,
        "learning_rate": lr,
        "grad_norm": updated.grad_norm,
        "skipped_updates": updated.skipped,
        "teacher_gap": (student - positive).mean().item() if len(student) == len(positive) else None,
        "evidence_delta": delta.mean().item() if len(negative) else 0.0,
        "evidence_delta_positive": (delta > 0).double().mean().item() if len(negative) else 0.0,
        "score_mean": scores.mean(),
        "score_std": scores.std(ddof=0),
        "weight_mean": weight.mean().item(),
        "weight_std": weight.std(correction=0).item(),
        "weight_zero": (weight <= gate.w_min).double().mean().item(),
        "weight_max": (weight >= gate.w_max).double().mean().item(),
        "effective_rollouts": (weight.sum() ** 2 / weight.square().sum().clamp_min(1e-12)).item()
        / len(weight),
        "reward": frame["reward"].mean(),
        "entropy": -written.mean().item(),
        "first_token_share": _commonest(frame["token_ids"].list.first()) / len(rows),
        "response_tokens": tokens / len(rows),
        "truncated": (frame["finish_reason"] == "length").mean(),
        "rollout_tokens": tokens,
        "replay_tokens": len(positive) + len(negative) if len(student) else 0,
        "update_tokens": tokens,
    }


def _commonest(values: pl.Series) -> int:
    """How often the commonest value occurs."""
    return Counter(values.to_list()).most_common(1)[0][1]


def _tokens(frame: pl.DataFrame, view: str) -> torch.Tensor:
    """All tokens' log-probs under a view, float64."""
    column = frame[f"{view}_logprobs"].explode(empty_as_null=False)
    return torch.tensor(column.to_list(), dtype=torch.float64)


def append_log(folder: Path, row: dict[str, Any]) -> pl.DataFrame:
    """Add a step's row of `tables.TrainLog` and return the log."""
    return _append(folder, row, TrainLog)


def append_timings(folder: Path, seconds: dict[str, float], *, number: int) -> None:
    """Add a step's row of `tables.TrainTimings` from the seconds of its phases."""
    row = {"step": number} | {f"{phase}_seconds": value for phase, value in seconds.items()}
    _append(folder, row, TrainTimings)


def _append(folder: Path, row: dict[str, Any], schema: type[dy.Schema]) -> pl.DataFrame:
    """Add a step's row to a table; rows of this and later steps, of a killed run, go."""
    path = shard_path(folder, ONE_FILE)
    table = frame_of([row], schema)
    if path.is_file():
        table = pl.concat([read(path, schema).filter(pl.col("step") < row["step"]), table])
    write_table(path, table, schema)
    return table


def forget_after(run: Path, steps_done: int) -> None:
    """Drop rollouts written after the checkpoint that a run continues from; `_append` drops other rows."""
    for shard in files(run / "rollouts"):
        if int(shard.stem.removeprefix("part-")) >= steps_done:
            shard.unlink()
