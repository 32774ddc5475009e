"""A picture of disputed boxes: each as declared on the left, as the numbers seem to be meant on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vzero import imaging
from vzero.geometry import Box

CELL = 260  # pixels, the longer side of a picture
AROUND = 50  # pixels left free for boxes that reach out of their image
SMALLEST = 14  # pixels of a drawn frame's sides, so that it is found around the smallest box
LINE = 24
TEXT_SIZE = 15
PAPER, INK, MUTED, HALO = (255, 255, 255), (29, 36, 48), (238, 240, 243), (255, 255, 255)
DECLARED, FITTING = (207, 47, 29), (15, 133, 122)
CROSSED = "Crossed out: the corners are in the wrong order. On the margin: outside of the image."


@dataclass(frozen=True)
class Drawn:
    """An image and boxes on it, in its pixels; corners may be swapped or far outside."""

    pixels: np.ndarray
    boxes: Sequence[Box]


def draw_disputed(pairs: Sequence[tuple[Drawn, Drawn, str]], titles: tuple[str, str]) -> bytes:
    """PNG bytes: a row for each pair with its caption, under the titles of both columns."""
    font = ImageFont.load_default(TEXT_SIZE)
    panels = [(_panel(declared, DECLARED), _panel(fitting, FITTING)) for declared, fitting, _ in pairs]
    heights = [max(left.height, right.height) + LINE for left, right in panels]
    column = CELL + 2 * AROUND
    sheet = Image.new("RGB", (2 * column, 2 * LINE + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for left, title, colour in zip((0, column), titles, (DECLARED, FITTING), strict=True):
        draw.text((left + 6, 3), title, fill=colour, font=font)
    draw.text((6, LINE + 2), CROSSED, fill=INK, font=font)
    top = 2 * LINE
    for (_, _, caption), beside, height in zip(pairs, panels, heights, strict=True):
        draw.rectangle((0, top, 2 * column, top + height - LINE - 1), fill=MUTED)
        for left, panel in zip((0, column), beside, strict=True):
            sheet.paste(panel, (left, top))
        draw.text((6, top + height - LINE + 2), caption, fill=INK, font=font)
        top += height
    return imaging.encode_png(np.asarray(sheet))


def _panel(drawn: Drawn, colour: tuple[int, int, int]) -> Image.Image:
    height, width = drawn.pixels.shape[:2]
    scale = CELL / max(height, width)
    fitted = max(1, round(width * scale)), max(1, round(height * scale))
    panel = Image.new("RGB", (CELL + 2 * AROUND, fitted[1] + 2 * AROUND), MUTED)
    panel.paste(Image.fromarray(imaging.resize(drawn.pixels, *fitted)), (AROUND, AROUND))
    draw = ImageDraw.Draw(panel)
    for box in drawn.boxes:
        (left, right), (top, bottom) = (
            _span(box[axis] * scale, box[axis + 2] * scale, panel.size[axis]) for axis in (0, 1)
        )
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=HALO, width=5)
        draw.rectangle((left, top, right, bottom), outline=colour, width=3)
        if box[0] > box[2] or box[1] > box[3]:  # corners in the wrong order
            draw.line((left, top, right, bottom), fill=colour, width=2)
            draw.line((left, bottom, right, top), fill=colour, width=2)
    return panel


def _span(start: float, end: float, side: int) -> tuple[float, float]:
    """Where a frame is drawn around a box from `start` to `end`: seen whole on a panel of this side."""
    low, high = sorted((start, end))
    missing = max(0.0, SMALLEST - (high - low)) / 2
    low, high = (min(max(AROUND + value, 2), side - 3) for value in (low - missing, high + missing))
    return low, high
