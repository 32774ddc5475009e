"""Each tracker of `train.trackers`: how it is started without a network, and what it can show.

What starts, logs and ends is accelerate's. A run that goes on from a checkpoint logs the steps after it once
more; `purge_step` and `_forget_from` take back what was logged of them where a tracker's files allow it.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import polars as pl
from accelerate.tracking import (
    DVCLiveTracker,
    GeneralTracker,
    TensorBoardTracker,
    TrackioTracker,
    WandBTracker,
)

from vzero.train.shown import Shown

PROJECT = "vzero"
MARKS = re.compile(r"[\\`*_{}\[\]<>|&#~]")  # that Markdown or HTML would read as more than themselves


@dataclass(frozen=True)
class Start:
    folder: Path
    """The tracker's own, of all runs."""
    run: str
    first: int
    """The step that will be logged first."""
    settings: Mapping[str, Any]


Accelerates = TypeVar("Accelerates", bound=GeneralTracker)


class Tracker(ABC, Generic[Accelerates]):
    """One that is at work. Any of its methods may raise anything."""

    def __init__(self, started: Accelerates) -> None:
        started.start()
        self.started = started

    def log(self, values: Mapping[str, float], step: int) -> None:
        self.started.log(dict(values), step=step)

    @abstractmethod
    def show(self, shown: Shown, step: int) -> None:
        """Answers and pictures, as far as the tracker has a place for them."""

    def finish(self) -> None:
        self.started.finish()


class TensorBoard(Tracker[TensorBoardTracker]):
    def __init__(self, start: Start) -> None:
        super().__init__(TensorBoardTracker(start.run, start.folder, purge_step=start.first))
        settings = [(name, str(value)) for name, value in start.settings.items()]
        table = pl.DataFrame(settings, schema=["setting", "value"], orient="row")
        self.started.log({"settings": markdown(table)}, step=start.first)

    def show(self, shown: Shown, step: int) -> None:
        for name, pixels in shown.pictures.items():
            self.started.log_images({name: pixels[None]}, step=step, dataformats="NHWC")
        self.started.log({"answers": markdown(shown.answers)}, step=step)


class WeightsAndBiases(Tracker[WandBTracker]):
    """Offline unless WANDB_MODE says otherwise. Going on from a checkpoint, it drops steps that it has."""

    def __init__(self, start: Start) -> None:
        start.folder.mkdir(parents=True, exist_ok=True)
        # Offline, too, it would ask its server whether that takes reports of its errors.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        run = WandBTracker(
            PROJECT,
            name=start.run,
            id=start.run,
            resume="allow",
            dir=str(start.folder),
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings={"console": "off"},
        )
        super().__init__(run)
        run.store_init_configuration(dict(start.settings))

    def show(self, shown: Shown, step: int) -> None:
        answers = shown.answers
        self.started.log_table(
            "answers", columns=answers.columns, data=list(map(list, answers.rows())), step=step
        )
        self.started.log_images({name: [pixels] for name, pixels in shown.pictures.items()}, step=step)


class Trackio(Tracker[TrackioTracker]):
    """A database on this machine. Going on from a checkpoint, it has steps that were made twice twice."""

    def __init__(self, start: Start) -> None:
        os.environ.setdefault("TRACKIO_DIR", str(start.folder.resolve()))
        super().__init__(TrackioTracker(PROJECT, name=start.run, resume="allow", config=dict(start.settings)))

    def show(self, shown: Shown, step: int) -> None:
        import trackio  # pyright: ignore[reportMissingImports]

        images = {name: trackio.Image(pixels) for name, pixels in shown.pictures.items()}
        self.started.log({"answers": trackio.Table(dataframe=shown.answers.to_pandas()), **images}, step=step)


class DvcLive(Tracker[DVCLiveTracker]):
    """Files beside DVC's own: no `dvc.yaml` is written, no experiment saved, nothing sent to DVC Studio."""

    def __init__(self, start: Start) -> None:
        os.environ.setdefault("DVC_STUDIO_OFFLINE", "true")
        folder = start.folder / start.run
        (folder / "metrics.json").unlink(missing_ok=True)  # a kill may have left half of it
        _forget_from(start.first, folder / "plots/metrics")
        live = DVCLiveTracker(dir=str(folder), dvcyaml=None, save_dvc_exp=False, resume=True, report=None)
        super().__init__(live)
        live.store_init_configuration(dict(start.settings))

    def show(self, shown: Shown, step: int) -> None:
        """Pictures alone: there is no place for texts."""
        live: Any = self.started.tracker
        for name, pixels in shown.pictures.items():
            live.log_image(f"{name}/{step}.png", pixels)


def _forget_from(step: int, folder: Path) -> None:
    """Take rows of this and later steps out of a folder's tables, half ones too; they begin with the step."""
    for table in folder.rglob("*.tsv"):
        head, *rows = table.read_text().splitlines(keepends=True)
        table.write_text("".join([head, *(row for row in rows if int(row.partition("\t")[0]) < step)]))


def markdown(table: pl.DataFrame) -> str:
    """A table for a page that reads Markdown. Whatever stands in a cell is text, on one line."""
    rows = [table.columns, ["---"] * table.width, *table.rows()]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    text = "" if value is None else " ".join(str(value).split())
    return MARKS.sub(lambda mark: f"&#{ord(mark[0])};", text)


KINDS = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "trackio": Trackio,
    "dvclive": DvcLive,
}
"""By the names of `train.trackers`, which are also those of their packages."""
