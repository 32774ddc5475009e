"""What a run writes as it goes: a `rollouts` shard a step, the `train_log` and the timings, all resumable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import torch

from vzero.methods.base import Method
from vzero.rollout.table import token_logprobs
from vzero.shards import files, frame_of, read, shard_path, write_table
from vzero.signals.mismatch import Mismatch
from vzero.signals.policy import k3
from vzero.tables import Rollouts, TrainLog, TrainTimings
from vzero.train.costs import Cost, peak_memory
from vzero.train.scoring import ScoredStep
from vzero.train.update import Updated

ONE_FILE = 0  # log and timings are small: one file each, rewritten atomically every step


def rollout_rows(step: ScoredStep, method: Method[Any], *, number: int) -> list[dict[str, Any]]:
    """Rows of `tables.Rollouts` for this process's share of a step."""
    tasks, scored = step.batch.tasks, step.scored
    group = len(step.rollouts) // len(tasks)
    writer = "teacher" if method.settings.teacher == "writes" else "student"
    seen = {("teacher", role): values.tolist() for role, values in scored.logprobs.items()}
    if step.sampled is not None:
        seen["sampler", tasks[0].asked.role] = step.sampled.tolist()
    if scored.reference_logprobs is not None:
        seen["reference", tasks[0].learnt.role] = scored.reference_logprobs.tolist()
    columns = {name: _listed(values) for name, values in step.credit.columns.items()}
    weights, counted = scored.weights.tolist(), scored.counted.tolist()
    rows = []
    for row, rollout in enumerate(step.rollouts):
        task, length = tasks[row // group], len(rollout.token_ids)
        own = {(writer, task.asked.role): rollout.logprobs}
        read = own | {key: values[row][:length] for key, values in seen.items()}
        rows.append(
            {
                "step": number,
                "sample_id": task.sample.sample_id,
                "member": row % group,
                "token_ids": rollout.token_ids,
                "text": rollout.text,
                "finish_reason": rollout.finish_reason,
                "logprobs": [
                    {"model": model, "view": view, "values": values} for (model, view), values in read.items()
                ],
                "counted": counted[row],
                "weight": weights[row],
                "evidence_score": None,
                "advantage": None,
                "reward": None,
                "status": None,
                "agree": None,
                "confidence": None,
                "penalty": None,
            }
            | {name: values[row] for name, values in columns.items()}
        )
    return rows


def _listed(values: torch.Tensor | Sequence[Any]) -> list[Any]:
    return values.tolist() if isinstance(values, torch.Tensor) else list(values)


def write_rollouts(folder: Path, rows: list[dict[str, Any]], *, number: int) -> None:
    write_table(shard_path(folder, number), frame_of(rows, Rollouts), Rollouts)


def log_row(
    rows: list[dict[str, Any]], updated: Updated, method: Method[Any], *, number: int, lr: float
) -> dict[str, Any]:
    """A step's row of `tables.TrainLog` from all processes' rollouts; null is what they do not tell."""
    frame = frame_of(rows, Rollouts)
    counted = frame.filter("counted")
    row = dict.fromkeys(TrainLog.column_names()) | {
        "step": number,
        "loss": updated.loss,
        "learning_rate": lr,
        "grad_norm": updated.grad_norm,
        "skipped_updates": updated.skipped,
        "uncounted": frame.height - counted.height,
        "clipped": updated.clipped,
    }
    if counted.is_empty():
        return row | _amounts(frame)
    return row | _of_weights(counted) | _of_answers(counted) | _amounts(frame) | dict(method.figures(counted))


def agreement(found: Mismatch | None) -> dict[str, float | None]:
    """Columns of `tables.TrainLog` on a sampler's log-probs beside ours; null where they are ours."""
    if found is None or not found.tokens:
        return dict.fromkeys(("mismatch", "mismatch_largest", "ratio_mean", "ratio_cut"))
    return {
        "mismatch": found.mean,
        "mismatch_largest": found.largest,
        "ratio_mean": found.ratio / found.tokens,
        "ratio_cut": found.cut / found.tokens,
    }


def _of_weights(counted: pl.DataFrame) -> dict[str, Any]:
    weight = counted["weight"].to_torch().double()
    scores = counted["evidence_score"]
    return {
        "score_mean": scores.mean(),
        "score_std": scores.std(ddof=0),
        "weight_mean": weight.mean().item(),
        "weight_std": weight.std(correction=0).item(),
        "effective_rollouts": (weight.sum() ** 2 / weight.square().sum().clamp_min(1e-12)).item()
        / len(weight),
        "reward": counted["reward"].mean(),
        "alike": _alike(counted),
    }


def _alike(counted: pl.DataFrame) -> float | None:
    """Share of groups whose rewards are all equal, which teach nothing."""
    if counted["reward"].null_count() == counted.height:
        return None
    kinds = counted.group_by("sample_id").agg(pl.col("reward").n_unique())["reward"]
    return int((kinds == 1).sum()) / len(kinds)


def _of_answers(counted: pl.DataFrame) -> dict[str, Any]:
    written = _written(counted)
    return {
        "reference_kl": _reference_kl(counted),
        "entropy": -written.mean().item(),
        "first_token_share": _commonest(counted["token_ids"].list.first()) / counted.height,
        "response_tokens": len(written) / counted.height,
        "truncated": (counted["finish_reason"] == "length").mean(),
    }


def _reference_kl(counted: pl.DataFrame) -> float | None:
    """The mean k3 of a token, of the student that wrote it."""
    view = counted["logprobs"].explode().struct.unnest().filter(model="reference")["view"]
    if view.is_empty():
        return None
    start = token_logprobs(counted, "reference", view[0]).to_torch()
    return k3(_written(counted), start, clamp=math.inf).mean().item()


def _amounts(frame: pl.DataFrame) -> dict[str, int]:
    """Tokens that were written, replayed and learnt, counted or not."""
    entries = frame["logprobs"].explode().struct.unnest()
    by_teacher = entries.filter(model="teacher")["values"].list.len().sum()
    tokens = len(_written(frame))
    by_student = entries.filter(model="student").height > 0
    return {
        "rollout_tokens": tokens,
        "replay_tokens": int(by_teacher) if by_student else 0,
        "update_tokens": tokens,
    }


def _written(frame: pl.DataFrame) -> torch.Tensor:
    """Log-probs of all tokens under the model that wrote them, float64."""
    values = frame["logprobs"].list.first().struct.field("values").explode()
    return values.to_torch().double()


def _commonest(values: pl.Series) -> int:
    """How often the commonest value occurs."""
    return Counter(values.to_list()).most_common(1)[0][1]


def append_log(folder: Path, row: dict[str, Any]) -> pl.DataFrame:
    """Add a step's row of `tables.TrainLog` and return the log."""
    return _append(folder, row, TrainLog)


def append_timings(folder: Path, costs: Mapping[str, Cost], *, number: int) -> None:
    """Add a step's row of `tables.TrainTimings` from what its phases cost."""
    seconds = {f"{phase}_seconds": cost.seconds for phase, cost in costs.items()}
    _append(folder, {"step": number, **seconds, "peak_memory": peak_memory()}, TrainTimings)


def _append(folder: Path, row: dict[str, Any], schema: type[dy.Schema]) -> pl.DataFrame:
    path = shard_path(folder, ONE_FILE)
    table = frame_of([row], schema)
    if path.is_file():
        table = pl.concat([read(path, schema), table])
    write_table(path, table, schema)
    return table


def forget_after(run: Path, steps_done: int) -> None:
    """Drop what a killed or a longer run wrote after the checkpoint that this one continues from."""
    for shard in files(run / "rollouts"):
        if int(shard.stem.removeprefix("part-")) >= steps_done:
            shard.unlink()
    for name, schema in (("train_log", TrainLog), ("timings", TrainTimings)):
        path = shard_path(run / name, ONE_FILE)
        if path.is_file():
            write_table(path, read(path, schema).filter(pl.col("step") < steps_done), schema)
