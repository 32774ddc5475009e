"""Scenes: coloured shapes on a plain ground, each carrying one small letter.

A scene may hold one *salient* object: larger, with a white ring. No region question asks about it; it is
there to draw attention away from what is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (225, 45, 45),
    "green": (40, 180, 70),
    "blue": (60, 110, 245),
    "yellow": (245, 220, 60),
    "purple": (165, 70, 200),
    "cyan": (70, 215, 225),
}
SHAPES = ("circle", "square", "triangle", "diamond")
LETTERS = tuple("HLMPSTXZ")  # none of them is an option letter
GROUNDS: dict[str, tuple[int, int, int]] = {
    "black": (18, 18, 18),
    "grey": (120, 120, 120),
    "brown": (92, 58, 28),
    "navy": (22, 26, 92),
}
UNSEEN_GROUNDS: dict[str, tuple[int, int, int]] = {
    "sand": (180, 165, 125),
    "rose": (176, 128, 140),
    "sage": (128, 156, 138),
}
Font = Literal["simplex", "duplex", "italic", "bold italic"]
FONTS: dict[Font, int] = {
    "simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "duplex": cv2.FONT_HERSHEY_DUPLEX,
    "italic": cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    "bold italic": cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
}
"""In OpenCV 5 `FONT_HERSHEY_COMPLEX` and `FONT_HERSHEY_TRIPLEX` are drawn as `FONT_HERSHEY_DUPLEX` is."""
SIDES = {"standard": 112, "large": 144}  # pixels of the two resolutions
CELL = 16  # pixels: one visual token of the tiny models, whose towers are too small to piece letters together
SALIENT_SHARE = 0.85  # of scenes; set so that the student is right in about half of the questions
SUPERSAMPLING = 4  # scenes are drawn larger and averaged down, for smooth edges


@dataclass(frozen=True)
class SceneObject:
    colour: str
    shape: str
    letter: str
    x: float  # centre, pixels
    y: float
    radius: float  # half the side of the bounding box, pixels
    salient: bool = False

    @property
    def name(self) -> str:
        return f"{self.colour} {self.shape}"

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Bounding box in whole pixels, xyxy."""
        return (
            math.floor(self.x - self.radius),
            math.floor(self.y - self.radius),
            math.ceil(self.x + self.radius),
            math.ceil(self.y + self.radius),
        )


@dataclass(frozen=True)
class Scene:
    side: int  # pixels; scenes are square
    ground: str
    objects: tuple[SceneObject, ...]
    font: Font = "simplex"

    @property
    def salient(self) -> SceneObject | None:
        return next((item for item in self.objects if item.salient), None)

    @property
    def plain(self) -> tuple[SceneObject, ...]:
        return tuple(item for item in self.objects if not item.salient)


def draw_scene(rng: np.random.Generator, *, side: int, salient_share: float = SALIENT_SHARE) -> Scene:
    """A random scene of 3 to 5 plain objects, no two of one colour or one letter."""
    count = int(rng.integers(3, 6))
    radii = [float(rng.uniform(11.0, 13.0)) for _ in range(count)]
    salient = bool(rng.random() < salient_share)
    if salient:
        radii.insert(0, 15.0)
    centres = place(rng, side, radii)
    colours = rng.permutation(list(COLOURS))
    letters = rng.permutation(LETTERS)
    objects = tuple(
        SceneObject(
            colour=str(colour),
            shape=str(rng.choice(SHAPES)),
            letter=str(letter),
            x=x,
            y=y,
            radius=radius,
            salient=salient and index == 0,
        )
        for index, (colour, letter, (x, y), radius) in enumerate(
            zip(colours, letters, centres, radii, strict=False)
        )
    )
    return Scene(side=side, ground=str(rng.choice(list(GROUNDS))), objects=objects)


def place(
    rng: np.random.Generator, side: int, radii: list[float], *, cell: int = CELL, gap: float = 3.0
) -> list[tuple[float, float]]:
    """Centres in the middle of cells, with bounding boxes `gap` pixels apart and inside the scene."""
    cells = np.arange(cell / 2, side, cell)
    while True:
        centres: list[tuple[float, float]] = []
        for radius in radii:
            inside = cells[(cells > radius) & (cells < side - radius)]
            for _ in range(40):
                x, y = (float(v) for v in rng.choice(inside, size=2))
                gaps = (
                    max(abs(x - other_x), abs(y - other_y)) - radius - other
                    for (other_x, other_y), other in zip(centres, radii, strict=False)
                )
                if all(between >= gap for between in gaps):
                    centres.append((x, y))
                    break
            else:
                break
        if len(centres) == len(radii):
            return centres


def render(scene: Scene) -> np.ndarray:
    """The scene as RGB pixels of shape (side, side, 3), uint8."""
    big = scene.side * SUPERSAMPLING
    canvas = np.full((big, big, 3), (GROUNDS | UNSEEN_GROUNDS)[scene.ground], dtype=np.uint8)
    for item in scene.objects:
        _draw_object(canvas, item, FONTS[scene.font])
    return cv2.resize(canvas, (scene.side, scene.side), interpolation=cv2.INTER_AREA)


def _draw_object(canvas: np.ndarray, item: SceneObject, font: int) -> None:
    x, y, radius = (value * SUPERSAMPLING for value in (item.x, item.y, item.radius))
    if item.salient:
        cv2.circle(canvas, (round(x), round(y)), round(radius), (255, 255, 255), -1, cv2.LINE_AA)
        radius *= 0.86
    colour = COLOURS[item.colour]
    if item.shape == "circle":
        cv2.circle(canvas, (round(x), round(y)), round(radius), colour, -1, cv2.LINE_AA)
    else:
        corners = np.array([(x + dx * radius, y + dy * radius) for dx, dy in _CORNERS[item.shape]])
        cv2.fillPoly(canvas, [corners.round().astype(np.int32)], colour, cv2.LINE_AA)
    _draw_letter(canvas, item.letter, font, x, y, radius)


_CORNERS = {
    "square": [(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)],
    "triangle": [(0.0, -1.0), (1.0, 0.95), (-1.0, 0.95)],
    "diamond": [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)],
}


def _draw_letter(canvas: np.ndarray, letter: str, font: int, x: float, y: float, radius: float) -> None:
    scale = radius / 21
    thickness = max(1, round(radius * 0.14))
    (width, height), _ = cv2.getTextSize(letter, font, scale, thickness)
    origin = (round(x - width / 2), round(y + height / 2))
    cv2.putText(canvas, letter, origin, font, scale, (0, 0, 0), thickness, cv2.LINE_AA)
