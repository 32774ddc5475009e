"""What boxes are drawn on where EXIF turns a picture: its pixels as stored, or the picture as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vzero import geometry, imaging
from vzero.geometry import Box

DrawnOn = Literal["stored", "shown"]


@dataclass(frozen=True)
class Grid:
    """What the boxes of a picture are drawn on, and the way from there to the picture in the tables."""

    extent: tuple[int, int]
    """Width and height of what the boxes are drawn on."""
    orientation: int
    """EXIF orientation that turns the stored pixels into the shown picture, 1 to 8."""
    drawn_on: DrawnOn
    picture: DrawnOn
    """What is in the tables."""

    def __str__(self) -> str:
        width, height = self.extent
        if self.orientation not in imaging.QUARTER_TURNS:
            return f"{width} x {height}"
        other = "shown" if self.drawn_on == "stored" else "stored"
        return f"{width} x {height} as it is {self.drawn_on}, {height} x {width} as it is {other}"

    @property
    def other_extent(self) -> tuple[int, int]:
        """Width and height of what the boxes are not drawn on."""
        width, height = self.extent
        return (height, width) if self.orientation in imaging.QUARTER_TURNS else (width, height)

    @property
    def is_turned(self) -> bool:
        """Whether the picture in the tables stands otherwise than what the boxes are drawn on."""
        return self._turn != 1

    @property
    def _turn(self) -> int:
        """The orientation by which what is drawn on becomes the picture."""
        if self.drawn_on == self.picture:
            return 1
        return self.orientation if self.picture == "shown" else imaging.undone(self.orientation)

    def on_picture(self, box: Box) -> Box:
        """A box that is drawn on this grid, in pixels of the picture in the tables."""
        return geometry.turn(box, self._turn, *self.extent)

    def pixels(self, picture: np.ndarray) -> np.ndarray:
        """What the boxes are drawn on, of the pixels of the picture in the tables."""
        return imaging.turn(picture, imaging.undone(self._turn))


def grid_of(picture_extent: tuple[int, int], orientation: int, picture: DrawnOn, drawn_on: DrawnOn) -> Grid:
    """The grid of boxes `drawn_on` a picture that is in the tables as `picture`, of this width and height."""
    width, height = picture_extent
    turned = picture != drawn_on and orientation in imaging.QUARTER_TURNS
    return Grid((height, width) if turned else (width, height), orientation, drawn_on, picture)
