"""Contact sheets: pictures of a table's rows beside their text, as one PNG."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vzero import imaging

CELL = 240  # pixels, the side of a picture's square
GAP = 12
TEXT_WIDTH = 460
TEXT_COLUMNS = 62  # characters, of ordinary text
TEXT_LINES = 12  # of one text; the rest is left out
TEXT_SIZE = 14
LINE = 18
HALO = (255, 255, 255)  # around boxes, which would be lost on a picture of their colour
PAPER, INK, MUTED = (255, 255, 255), (29, 36, 48), (123, 133, 148)
EVIDENCE, ELSEWHERE = (15, 133, 122), (207, 95, 29)


@dataclass(frozen=True)
class Panel:
    caption: str
    pixels: np.ndarray | None  # RGB; None: an empty square
    boxes: Sequence[tuple[tuple[int, int, int], Sequence[float]]] = field(default=())
    """Colour and xyxy in pixels of the picture."""
    colour: tuple[int, int, int] = MUTED
    """Of the caption: that of the box which says where the picture is from."""

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height of the picture on the sheet."""
        if self.pixels is None:
            return CELL, CELL
        height, width = self.pixels.shape[:2]
        scale = CELL / max(height, width)
        return max(1, round(width * scale)), max(1, round(height * scale))


@dataclass(frozen=True)
class Row:
    panels: Sequence[Panel]
    lines: Sequence[str]


def draw_sheet(rows: Sequence[Row]) -> bytes:
    """PNG bytes of all rows, one under the other. Raises ValueError when there are none.

    Letters that Pillow's own font lacks, such as Arabic or Chinese ones, are empty squares.
    """
    if not rows:
        raise ValueError("a contact sheet needs at least one row")
    font = ImageFont.load_default(TEXT_SIZE)
    wrapped = [[part for line in row.lines for part in wrap(line, font.getlength)] for row in rows]
    heights = [
        max(*(panel.extent[1] + LINE for panel in row.panels), LINE * len(lines)) + GAP
        for row, lines in zip(rows, wrapped, strict=True)
    ]
    columns = max(len(row.panels) for row in rows)
    width = GAP + columns * (CELL + GAP) + TEXT_WIDTH
    sheet = Image.new("RGB", (width, sum(heights) + GAP), PAPER)
    draw, top = ImageDraw.Draw(sheet), GAP
    for row, lines, height in zip(rows, wrapped, heights, strict=True):
        for index, panel in enumerate(row.panels):
            left = GAP + index * (CELL + GAP)
            _draw_panel(sheet, draw, panel, left, top)
            draw.text((left, top + panel.extent[1] + 1), panel.caption, fill=panel.colour, font=font)
        for index, line in enumerate(lines):
            draw.text((GAP + columns * (CELL + GAP), top + index * LINE), line, fill=INK, font=font)
        top += height
    return imaging.encode_png(np.asarray(sheet))


def wrap(text: str, length: Callable[[str], float]) -> list[str]:
    """Lines of a text as long as the sheet has room for, in pixels as `length` measures them."""
    columns = TEXT_COLUMNS
    while True:
        lines = textwrap.wrap(text, columns, max_lines=TEXT_LINES, placeholder=" …")
        longest = max(map(length, lines), default=0)
        if longest <= TEXT_WIDTH - GAP:
            return lines
        columns = min(columns - 1, int(columns * (TEXT_WIDTH - GAP) / longest))


def _draw_panel(sheet: Image.Image, draw: ImageDraw.ImageDraw, panel: Panel, left: int, top: int) -> None:
    if panel.pixels is None:
        draw.rectangle((left, top, left + CELL - 1, top + CELL - 1), outline=MUTED)
        return
    sheet.paste(Image.fromarray(imaging.resize(panel.pixels, *panel.extent)), (left, top))
    scale = CELL / max(panel.pixels.shape[:2])
    for colour, box in panel.boxes:
        corners = [left + box[0] * scale, top + box[1] * scale, left + box[2] * scale, top + box[3] * scale]
        around = [corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1]
        draw.rectangle(around, outline=HALO, width=4)
        draw.rectangle(corners, outline=colour, width=2)
