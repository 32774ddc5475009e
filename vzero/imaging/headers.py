"""What an image's header says, without decoding it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from vzero.imaging.errors import DamageCode, ImageError
from vzero.imaging.heic import AVAILABLE, is_heic
from vzero.imaging.png import SIGNATURE, is_whole

# Other formats are refused by name: some of Pillow's readers start programs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP", *(("HEIF",) if AVAILABLE else ()))


class Header(NamedTuple):
    width: int
    height: int
    name: str
    """`png`, `jpeg`, ..."""
    transparent: bool
    """Whether any pixel may be seen through."""


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """An image as Pillow opens it, without its warnings: a damaged file may cause a hundred thousand."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image


def read_header(data: bytes) -> Header:
    """Raises ImageError when it cannot be read."""
    if not data:
        raise ImageError("unreadable_image", "no bytes")
    try:
        with opened(data) as image:
            width, height = image.size
            name = "jpeg" if image.format == "MPO" else str(image.format).lower()
            transparent = image.has_transparency_data
    except Image.DecompressionBombError as error:
        raise ImageError("huge_image", str(error)) from error
    except Exception as error:  # damaged headers raise whatever the format's reader happens to trip over
        reason = _unknown(data) if isinstance(error, UnidentifiedImageError) else str(error)
        raise ImageError(damage(data, reason), f"header cannot be read: {reason}") from error
    if width < 1 or height < 1:
        raise ImageError("unreadable_image", f"{width} x {height} pixels")
    return Header(width, height, name, transparent)


def _unknown(data: bytes) -> str:
    if is_heic(data) and not AVAILABLE:
        return "HEIC is read with pip install 'vzero[heic]'"
    return "none of " + ", ".join(FORMATS)


def damage(data: bytes, reason: str) -> DamageCode:
    """Whether bytes that for this reason cannot be decoded end too early, or are damaged or no image."""
    if data.startswith(SIGNATURE):
        cut_short = not is_whole(data)
    elif data.startswith(b"\xff\xd8\xff"):
        cut_short = data.rfind(b"\xff\xd9") < max(data.rfind(b"\xff\xda"), 0)
    elif data.startswith(b"RIFF"):
        cut_short = int.from_bytes(data[4:8], "little") + 8 > len(data)
    elif data.startswith((b"II*", b"MM\0*")):
        directory = int.from_bytes(data[4:8], "little" if data[:1] == b"I" else "big")
        cut_short = directory >= len(data) or "Read error" in reason
    else:
        cut_short = "truncated" in _complaint(data)
    return "truncated_image" if cut_short else "unreadable_image"


def _complaint(data: bytes) -> str:
    """What Pillow says about bytes it cannot decode; empty when it can."""
    try:
        with opened(data) as image:
            image.load()
    except Exception as error:  # same readers as in `read_header`
        return str(error)
    return ""
