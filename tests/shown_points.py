"""What trackers have of a training run, read back, and what they should have."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tensorboard.backend.event_processing.event_accumulator import IMAGES, SCALARS, TENSORS, EventAccumulator

from vzero.imaging import decode
from vzero.paths import Paths
from vzero.shards import read
from vzero.tables import Images, Rollouts, TrainLog, TrainTimings

Points = dict[str, list[tuple[int, float]]]


def written_down(paths: Paths) -> Points:
    """The points that trackers should have, by name: those of the log and the timings that are not null."""
    log, timings = read(paths.train_log, TrainLog), read(paths.train_timings, TrainTimings)
    named = {f"train/{name}": log[name] for name in log.columns if name != "step"}
    named |= {
        f"seconds/{name.removesuffix('_seconds')}": timings[name]
        for name in timings.columns
        if name != "step"
    }
    points = {
        name: [(step, value) for step, value in zip(log["step"], values, strict=True) if value is not None]
        for name, values in named.items()
    }
    return {name: values for name, values in points.items() if values}


def in_tensorboard(folder: Path) -> EventAccumulator:
    (run,) = folder.iterdir()
    return EventAccumulator(str(run), size_guidance={SCALARS: 0, IMAGES: 0, TENSORS: 0}).Reload()


def in_dvclive(folder: Path) -> Points:
    (metrics,) = folder.glob("*/plots/metrics")
    tables = {
        file.relative_to(metrics).with_suffix("").as_posix(): pl.read_csv(file, separator="\t").rows()
        for file in metrics.rglob("*.tsv")
    }
    return {name: [(step, float(value)) for step, value in rows] for name, rows in tables.items()}


def scalars(board: EventAccumulator) -> Points:
    return {
        name: [(event.step, event.value) for event in board.Scalars(name)] for name in board.Tags()[SCALARS]
    }


def assert_answers_and_pictures(board: EventAccumulator, paths: Paths) -> None:
    """With each of the two checkpoints: the three answers to each of four samples, and its three pictures."""
    texts = board.Tensors("answers/text_summary")
    assert [event.step for event in texts] == [1, 3]
    rollouts = read(paths.rollouts, Rollouts)
    for event in texts:
        text = event.tensor_proto.string_val[0].decode()
        asked = rollouts.filter(step=event.step)["sample_id"].unique()
        assert len(asked) == 4 and all(text.count(sample) == 3 for sample in asked)  # three answers each
    roles = {f"sample-{number}/{role}" for number in range(1, 5) for role in ("full", "positive", "negative")}
    assert set(board.Tags()[IMAGES]) == roles
    pictures = board.Images("sample-1/full")
    assert [event.step for event in pictures] == [1, 3]
    stored = {decode(data).tobytes() for data in read(paths.images, Images, ["bytes"])["bytes"]}
    assert all(decode(event.encoded_image_string).tobytes() in stored for event in pictures)
