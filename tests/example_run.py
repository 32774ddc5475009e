"""A small finished project: every table the report reads, drawn with numpy and filled by simple rules."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl

from tests.checked_tables import write_items, write_shards
from vzero import tables
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.config import Params, parse_params
from vzero.paths import Paths
from vzero.shards import frame_of, shard_path, write_json, write_table

LETTERS = "ABCD"
OPTIONS = ["K", "T", "7", "R"]
CATEGORIES = ["side", "glyph"]
HIT_RATES = {"base": 0.45, "trained": 0.6, "teacher": 0.95}
GROUP = 4
OF_QUESTIONS = [
    *("malformed", "kept", "agree", "confidence", "penalty", "commonest_letter", "distinct"),
    *("votes", "votes_saved"),
]
"""Columns of the log that only a Questioner's training has."""
TIMINGS = {"rollout_seconds": 1.0, "replay_seconds": 0.5, "update_seconds": 0.25, "peak_memory": 512.0}
METHOD = {
    "gate": {"enabled": True, "gamma": 1.0, "alpha": 0.5, "w_min": 0.0, "w_max": 2.0, "eps": 1e-6},
    "divergence": {"kind": "forward_kl", "aggregation": "sequence_mean", "top_k": 0},
}


@dataclass(frozen=True)
class Example:
    """How much there is of everything, and the switches of the degenerate runs a report must survive."""

    samples: int = 10
    steps: int = 12
    items: int = 24
    gate: bool = True
    negatives: bool = True
    open_questions: bool = False
    answers: bool = True


def write_example(
    root: Path, *, params: dict[str, Any] | None = None, **changes: Any
) -> tuple[Params, Paths]:
    """Write a project under `root`; `changes` are those of an `Example`."""
    example = Example(**changes)
    tree: dict[str, Any] = {
        "train": {
            "steps": example.steps,
            "prompts": 2,
            "group": GROUP,
            "method": {"gate": {"enabled": example.gate}},
        },
        "report": {"gallery": 4},
        "evaluate": {"resamples": 200},
    }
    for section, values in (params or {}).items():
        tree[section] = {**tree.get(section, {}), **values}
    checked, paths = parse_params(tree), Paths(root)
    rng = np.random.default_rng(7)
    _write_samples(paths, example)
    _write_crops(paths, rng, example)
    _write_training(paths, rng, example)
    paths.trained_model.mkdir()
    paths.trained_card.write_text("The weights are called trained.\n\n## Figures\nNone yet.\n")
    _write_evaluation(paths, checked, rng, example.items)
    return checked, paths


def picture(seed: int, width: int = 96, height: int = 64) -> bytes:
    """A PNG of noise with one bright square at (40, 20)-(56, 36)."""
    pixels = np.random.default_rng(seed).integers(0, 120, (height, width, 3), dtype=np.uint8)
    pixels[20:36, 40:56] = (60, 200, 240)
    return cv2.imencode(".png", pixels)[1].tobytes()


def replace_negatives(paths: Paths, **columns: pl.Expr) -> None:
    """Give every row of the crops table other values, as another strategy would."""
    for shard in sorted(paths.crops.glob("part-*.parquet")):
        write_table(shard, pl.read_parquet(shard).with_columns(**columns), tables.Crops)


def _names(example: Example) -> list[str]:
    return [f"sample-{index:03d}" for index in range(example.samples)]


def _image_ids(example: Example) -> list[str]:
    return [hashlib.sha256(picture(index)).hexdigest() for index in range(example.samples)]


def _write_samples(paths: Paths, example: Example) -> None:
    pictures = [picture(index) for index in range(example.samples)]
    ids = _image_ids(example)
    images = pl.DataFrame(
        {"image_id": ids, "bytes": pictures, "width": 96, "height": 64, "format": "png"}
    ).with_columns(
        perceptual_hash=pl.lit(5, pl.UInt64),
        source=pl.lit("needle"),
        licence=pl.lit("Apache-2.0"),
        suspect=pl.lit(False),
    )
    rows = pl.DataFrame({"sample_id": _names(example), "image_id": ids}).with_columns(
        more_image_ids=pl.lit([], pl.List(pl.String)),
        question=pl.lit("Which sign is on the small <cyan> square?"),
        options=pl.lit([] if example.open_questions else OPTIONS, pl.List(pl.String)),
        answer=pl.lit(("K" if example.open_questions else "A") if example.answers else None, pl.String),
        boxes=pl.lit([[40.0, 20.0, 56.0, 36.0]], pl.List(pl.List(pl.Float32))),
        evidence_box=pl.lit([40.0, 20.0, 56.0, 36.0], pl.List(pl.Float32)),
        split=pl.Series(["dev" if index % 5 == 4 else "train" for index in range(example.samples)]),
        category=pl.lit("glyph"),
        source=pl.lit("needle"),
    )
    rejects = pl.DataFrame({"row": [3, 8, 9], "code": ["box_outside", "unreadable_image", "box_outside"]})
    rejects = rejects.with_columns(
        source=pl.lit("needle"),
        sample_id=pl.lit(None, pl.String),
        image=pl.lit("a.png"),
        detail=pl.lit("broken"),
    )
    write_shards(paths.images, images, tables.Images, 5)
    write_shards(paths.samples, rows, tables.Samples, 5)
    write_table(shard_path(paths.rejects, 0), rejects, tables.Rejects)


def _write_crops(paths: Paths, rng: np.random.Generator, example: Example) -> None:
    negatives = example.negatives
    crop = cv2.imencode(".png", rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))[1].tobytes()
    fallbacks = [tables.FALLBACKS[index % 2] if negatives else "none" for index in range(example.samples)]
    crops = pl.DataFrame({"sample_id": _names(example), "fallback": fallbacks}).with_columns(
        positive=pl.lit(crop),
        negative=pl.lit(crop if negatives else None, pl.Binary),
        width=32,
        height=32,
        positive_box=pl.lit([39, 19, 57, 37], pl.List(pl.Int32)),
        negative_box=pl.lit([4.0, 4.0, 36.0, 36.0] if negatives else None, pl.List(pl.Float32)),
        negative_image_id=pl.Series(_image_ids(example)) if negatives else pl.lit(None, pl.String),
        negative_image=pl.lit(None, pl.Binary),
        more_negatives=pl.lit([], pl.List(pl.Binary)),
        positive_scale=2.0,
        negative_scale=pl.lit(1.0 if negatives else None, pl.Float32),
        strategy=pl.lit("half_resolution"),
        seed=pl.lit(1, pl.UInt64),
    )
    write_shards(paths.crops, crops, tables.Crops, 5)


def _logprobs(length: int, *, negatives: bool) -> list[dict[str, Any]]:
    seen = [("student", "full", -0.5), ("teacher", "positive", -0.4)]
    seen += [("teacher", "negative", -0.9)] if negatives else []
    return [{"model": model, "view": view, "values": [value] * length} for model, view, value in seen]


def _write_training(paths: Paths, rng: np.random.Generator, example: Example) -> None:
    steps, negatives = example.steps, example.negatives
    rows, log, seconds = [], [], []
    for step in range(steps):
        for prompt in range(2):
            index = (2 * step + prompt) % example.samples
            right = rng.random(GROUP) < 0.4 + 0.4 * step / steps
            score = np.where(right, 0.5, -0.5) + rng.normal(0, 0.3, GROUP)
            z = (score - score.mean()) / score.std() if example.gate and negatives else np.zeros(GROUP)
            for member in range(GROUP):
                length = int(rng.integers(4, 9))
                letter = "A" if right[member] else LETTERS[int(rng.integers(1, 4))]
                rows.append(
                    {
                        "step": step,
                        "sample_id": f"sample-{index:03d}",
                        "member": member,
                        "token_ids": list(range(length)),
                        "text": f"It is {OPTIONS[LETTERS.index(letter)]}. Answer: {letter}",
                        "finish_reason": "stop",
                        "logprobs": _logprobs(length, negatives=negatives),
                        "counted": True,
                        "evidence_score": float(score[member]) if negatives else 0.0,
                        "advantage": float(z[member]),
                        "weight": float(np.clip(1 + 0.5 * z[member], 0, 2)),
                        "reward": None,
                        "status": None,
                        "agree": None,
                        "confidence": None,
                        "penalty": None,
                    }
                )
        names = [name for name in tables.TrainLog.column_names() if name != "step"]
        falling = 2.0 * np.exp(-step / steps) + rng.normal(0, 0.1)
        none = dict.fromkeys(("reward", *OF_QUESTIONS))
        log.append({"step": step, **dict.fromkeys(names, falling), **none})
        seconds.append({"step": step, **TIMINGS})
    write_table(shard_path(paths.rollouts, 0), pl.DataFrame(rows), tables.Rollouts)
    write_table(shard_path(paths.train_log, 0), pl.DataFrame(log), tables.TrainLog)
    write_table(shard_path(paths.train_timings, 0), pl.DataFrame(seconds), tables.TrainTimings)
    reason = {
        "sample_id": "sample-000",
        "code": "student_picture_refused",
        "detail": "image of 900 x 4 pixels",
    }
    write_table(shard_path(paths.left_out, 0), pl.DataFrame([reason]), tables.LeftOut)
    method = METHOD | {"gate": METHOD["gate"] | {"enabled": example.gate}}
    left_out = {"student_picture_refused": 1}
    write_json(paths.train_summary, {"steps": steps, "method": method, "left_out": left_out})


def _write_evaluation(paths: Paths, params: Params, rng: np.random.Generator, items: int) -> None:
    for model in params.evaluate.models:
        for benchmark in params.evaluate.benchmarks:
            hits = {
                view: [(rng.random(items) < HIT_RATES[model]).tolist() for _ in params.evaluate.seeds]
                for view in views_of(model, benchmark)
            }
            write_cell(paths, model, benchmark, hits)
    rows = [item_row(name, item) for name in params.evaluate.benchmarks for item in range(items)]
    asked = pl.DataFrame(rows, infer_schema_length=None)
    write_items(paths.benchmark_items, asked)
    overlaps = [overlap_row(params.evaluate.benchmarks[0], item, same_bytes=item == 0) for item in range(2)]
    write_table(shard_path(paths.overlaps, 0), pl.DataFrame(overlaps), tables.Overlaps)
    steps = [("rows", 0), ("no_boxes", 2), ("samples", 0)]
    funnel = [
        {
            "step": step,
            "name": name,
            "rows_in": 12 if step < 2 else 10,
            "left_out": left_out,
            "rows_out": 10 if step else 12,
            "parameters": "",
        }
        for step, (name, left_out) in enumerate(steps)
    ]
    write_table(shard_path(paths.funnel, 0), pl.DataFrame(funnel), tables.Funnel)
    taken_off = pl.DataFrame([{"source": "table", "cleaning": "option_letters", "samples": 3}])
    write_table(shard_path(paths.cleanings, 0), taken_off, tables.Cleanings)
    found = {"source": "coco", "category": "dog", "fate": "asked", "objects": 3}
    write_table(shard_path(paths.objects, 0), frame_of([found], tables.Objects), tables.Objects)
    write_json(paths.ingest_summary, {"box_conventions": {}})


def views_of(model: str, benchmark: str) -> list[str]:
    """The teacher sees the crop beside the image where items have one; the students also alone."""
    has_crop = benchmark in ("search", "cyclic") or CATALOGUE[benchmark].crop_view
    if model == "teacher":
        return ["full+crop" if has_crop else "full"]
    return ["full", "crop"] if CATALOGUE[benchmark].crop_view else ["full"]


def write_cell(paths: Paths, model: str, benchmark: str, hits: dict[str, Sequence[Sequence[bool]]]) -> None:
    """Predictions and scores of one evaluated cell; `hits` are by view, then by seed."""
    predictions = [
        row
        for view, seeds in hits.items()
        for seed, values in enumerate(seeds)
        for row in prediction_rows(model, benchmark, view, values, seed=seed, letters=LETTERS)
    ]
    scores = [row for view, seeds in hits.items() for row in score_rows(model, benchmark, view, *seeds)]
    folder = paths.predictions(model, benchmark)
    write_table(shard_path(folder, 0), pl.DataFrame(predictions), tables.Predictions)
    keys = ["model", "benchmark", "item", "view", "seed"]
    timings = pl.DataFrame(predictions).select(*keys, seconds=pl.lit(0.5))
    write_table(shard_path(paths.evaluate_timings(model, benchmark), 0), timings, tables.EvaluateTimings)
    write_table(shard_path(paths.scores(model, benchmark), 0), pl.DataFrame(scores), tables.Scores)


def item_row(benchmark: str, item: int) -> dict[str, Any]:
    """The item that `prediction_rows` answers: a choice between `OPTIONS`, without a picture to look at."""
    return {
        "benchmark": benchmark,
        "item": f"{item:04d}",
        "version": "1",
        "group": _group(benchmark, item),
        "question": f"Which sign is on the small square of {_group(benchmark, item)}?",
        "options": OPTIONS,
        "answer": LETTERS[item % len(LETTERS)],
        "kind": "choice",
        "answer_type": "",
        "prompt": None,
        "hint": None,
        "category": _category(benchmark, item),
        "l2_category": "",
        "source": "",
        "cycle": _cycle(benchmark, item),
        "resolution": "",
        "image": b"png",
        "more_images": [],
        "crop_image": None,
        "pictures": [{"role": "image", "sha256": "1" * 64, "width": 96, "height": 64, "perceptual_hash": 5}],
        "boxes": [],
        "evidence_box": None,
    }


def overlap_row(benchmark: str, item: int, *, same_bytes: bool) -> dict[str, Any]:
    """The first training image resembles this item's."""
    return {
        "benchmark": benchmark,
        "item": f"{item:04d}",
        "picture": 0,
        "image_id": hashlib.sha256(picture(0)).hexdigest(),
        "same_bytes": same_bytes,
        "distance": 0,
        "image_hash": 5,
        "benchmark_hash": 5,
    }


def _cycle(benchmark: str, item: int) -> int | None:
    return item % 4 if "cyclic" in CATALOGUE[benchmark].aggregates else None


def _group(benchmark: str, item: int) -> str:
    return f"image-{item // (2 if _cycle(benchmark, item) is None else 4)}"


def _category(benchmark: str, item: int) -> str:
    return CATEGORIES[(item if _cycle(benchmark, item) is None else item // 4) % 2]


def prediction_rows(
    model: str, benchmark: str, view: str, hits: Sequence[bool], *, seed: int = 0, letters: str = "A"
) -> list[dict[str, Any]]:
    """One row an item. Right answers go through `letters`; two items share an image, or four one question."""
    return [
        {
            "model": model,
            "model_hash": model,
            "benchmark": benchmark,
            "version": "1",
            "item": f"{item:04d}",
            "view": view,
            "seed": seed,
            "reader": CATALOGUE[benchmark].reader,
            "group": _group(benchmark, item),
            "category": _category(benchmark, item),
            "l2_category": "",
            "source": "",
            "cycle": _cycle(benchmark, item),
            "wording": CATALOGUE[benchmark].wording,
            "prompt_hash": "0" * 64,
            "image_hash": "1" * 64,
            "image_width": 96,
            "image_height": 64,
            "shown_width": 96,
            "shown_height": 64,
            "thinking": None,
            "text": f"{said}." if CATALOGUE[benchmark].forms else f"Answer: {said}",
            "finish_reason": "stop",
            "extracted": said,
            "rule": "option",
            "resolved": True,
            "answer": answer,
            "hit": bool(hit),
        }
        for item, hit in enumerate(hits)
        for answer in [letters[item % len(letters)]]
        for said in [answer if hit else LETTERS[(LETTERS.index(answer) + 1) % len(LETTERS)]]
    ]


def score_rows(model: str, benchmark: str, view: str, *seeds: Sequence[bool]) -> list[dict[str, Any]]:
    """The scores of all items and of two categories, with an interval of ten points either side.

    Every aggregate has the plain mean, as it is where its parts are of one size.
    """
    means = [float(np.mean(hits)) for hits in seeds]
    accuracy = float(np.mean(means))
    return [
        {
            "model": model,
            "benchmark": benchmark,
            "view": view,
            "category": category,
            "aggregate": aggregate,
            "reader": CATALOGUE[benchmark].reader,
            "n": len(seeds[0]),
            "seeds": len(seeds),
            "accuracy": accuracy,
            "low": max(0.0, accuracy - 0.1),
            "high": min(1.0, accuracy + 0.1),
            "seed_deviation": float(np.std(means, ddof=1)) if len(seeds) > 1 else None,
            "unresolved": 0.0,
        }
        for category in ("all", *CATEGORIES)
        for aggregate in CATALOGUE[benchmark].aggregates
    ]
