"""A picture of disputed boxes: each as declared on the left, as the numbers seem to be meant on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vzero import imaging
from vzero.geometry import Box

CELL = 360  # pixels, the side of a picture's square
AROUND = 60  # pixels left free for boxes that reach out of their image
LINE = 24
TEXT_SIZE = 15
PAPER, INK, DECLARED, FITTING = (255, 255, 255), (29, 36, 48), (207, 47, 29), (15, 133, 122)


@dataclass(frozen=True)
class Drawn:
    """An image and boxes on it, in its pixels; corners may be swapped or far outside."""

    pixels: np.ndarray
    boxes: Sequence[Box]


def draw_disputed(pairs: Sequence[tuple[Drawn, Drawn, str]], titles: tuple[str, str]) -> bytes:
    """PNG bytes: a row for each pair with its caption, under the titles of both columns."""
    font = ImageFont.load_default(TEXT_SIZE)
    step = CELL + LINE
    sheet = Image.new("RGB", (2 * CELL, LINE + len(pairs) * step), PAPER)
    draw = ImageDraw.Draw(sheet)
    for left, title, colour in zip((0, CELL), titles, (DECLARED, FITTING), strict=True):
        draw.text((left + 6, 3), title, fill=colour, font=font)
    for index, (declared, fitting, caption) in enumerate(pairs):
        top = LINE + index * step
        sheet.paste(_panel(declared, DECLARED), (0, top))
        sheet.paste(_panel(fitting, FITTING), (CELL, top))
        draw.text((6, top + CELL + 2), caption, fill=INK, font=font)
    return imaging.encode_png(np.asarray(sheet))


def _panel(drawn: Drawn, colour: tuple[int, int, int]) -> Image.Image:
    height, width = drawn.pixels.shape[:2]
    scale = (CELL - 2 * AROUND) / max(height, width)
    fitted = max(1, round(width * scale)), max(1, round(height * scale))
    panel = Image.new("RGB", (CELL, CELL), (238, 240, 243))
    panel.paste(Image.fromarray(imaging.resize(drawn.pixels, *fitted)), (AROUND, AROUND))
    draw = ImageDraw.Draw(panel)
    for box in drawn.boxes:
        left, top, right, bottom = (
            min(max(AROUND + number * scale, 1), CELL - 2)
            for number in (*np.minimum(box[:2], box[2:]), *np.maximum(box[:2], box[2:]))
        )
        draw.rectangle((left, top, right, bottom), outline=colour, width=3)
        if box[0] > box[2] or box[1] > box[3]:  # corners in the wrong order
            draw.line((left, top, right, bottom), fill=colour, width=2)
            draw.line((left, bottom, right, top), fill=colour, width=2)
    return panel
