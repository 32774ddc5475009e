"""The images that self-play learns from, and what of one is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from vzero.config import SelfPlay
from vzero.errors import ProjectError
from vzero.geometry import PixelBox
from vzero.imaging import decode, encode_png
from vzero.methods.base import Sample
from vzero.paths import Paths
from vzero.prompts.roles import REGION, questioner_view
from vzero.prompts.views import FULL, Picture
from vzero.shards import files, read, scan
from vzero.tables import Photographs
from vzero.windows import window_of


@dataclass(frozen=True)
class Photograph:
    """An image, and its window where labels are of one."""

    picture: Picture
    """Named by its id."""
    window: Picture | None = None
    box: PixelBox | None = None
    """Of the window."""

    @property
    def sample(self) -> Sample:
        """What a Questioner is shown."""
        name = self.picture.name
        views = {FULL: (questioner_view(self.picture, row=name),)}
        if self.window is not None:
            views[REGION] = (replace(questioner_view(self.window, row=name), role=REGION),)
        return Sample(name, views)


def image_index(paths: Paths, split: str = "train") -> pl.DataFrame:
    """Every image of a split, sorted by id: `image_id`, sizes, and the number of the file that holds it.

    Raises ProjectError where there are none.
    """
    columns = ["image_id", "width", "height", "split"]
    parts = [
        scan(file, Photographs, columns).with_columns(file=pl.lit(number, pl.Int32))
        for number, file in enumerate(_stored(paths))
    ]
    if not parts:
        raise ProjectError(f"{paths.photographs}: no images; run photographs first")
    found = pl.concat(parts).filter(pl.col("split") == split).drop("split")
    # The same image from two places is one.
    return found.unique("image_id", keep="first", maintain_order=True).sort("image_id").collect()


def load_photographs(paths: Paths, rows: pl.DataFrame, settings: SelfPlay) -> list[Photograph]:
    """Some rows of the index with their pixels, in their order."""
    stored = _stored(paths)
    found: dict[str, bytes] = {}
    for (number,), wanted in rows.group_by("file"):
        table = read(stored[number], Photographs, ["image_id", "bytes"])
        found |= dict(table.filter(pl.col("image_id").is_in(wanted["image_id"].implode())).iter_rows())
    return [
        _photograph(row["image_id"], row["width"], row["height"], found[row["image_id"]], settings)
        for row in rows.iter_rows(named=True)
    ]


def load_pictures(paths: Paths, rows: pl.DataFrame) -> dict[str, Picture]:
    """Whole images of some rows of the index, by id."""
    whole = SelfPlay()
    return {each.picture.name: each.picture for each in load_photographs(paths, rows, whole)}


def _photograph(image_id: str, width: int, height: int, data: bytes, settings: SelfPlay) -> Photograph:
    picture = Picture(image_id, width, height, data)
    if settings.keep.label == "full":
        return Photograph(picture)
    pixels = decode(data)
    windows = settings.windows
    box = window_of(pixels, windows.strategy, side=windows.side, seed=windows.seed, grid=windows.grid)
    return Photograph(picture, window_picture(data, box), box)


def window_picture(data: bytes, box: Sequence[int]) -> Picture:
    """A part of an encoded image."""
    left, top, right, bottom = box
    return Picture.of(encode_png(decode(data)[top:bottom, left:right]), "window")


def _stored(paths: Paths):
    return files(paths.photographs)
