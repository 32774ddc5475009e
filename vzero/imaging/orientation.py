"""How a file says its picture is to be turned, and turning it.

Cameras store the sensor's pixels and write into EXIF (or XMP) how viewers have to turn them. The numbers are
EXIF's: 1 as stored, 2 mirrored, 3 upside down, 4 both, 5 to 8 turned by a quarter, 5 and 7 mirrored too.
"""

from __future__ import annotations

import numpy as np

from vzero.imaging.headers import opened
from vzero.imaging.png import SIGNATURE, chunks

ORIENTATION_TAG = 0x0112
QUARTER_TURNS = (5, 6, 7, 8)  # width and height change places
REACH = 2**18  # bytes; JPEG says it at the start, before or behind a colour profile
MARKS = b"Exif", b"tiff:Orientation"  # images without them need no second look
TIFF = b"II", b"MM"  # how it begins
PNG_CHUNKS = frozenset((b"eXIf", b"iTXt", b"tEXt", b"zTXt"))  # that may hold it


def orientation(data: bytes) -> int:
    """The orientation of an encoded image, 1 (shown as stored) to 8; 1 also where none can be read."""
    if not _may_be_turned(data):
        return 1
    try:
        with opened(data) as header:
            found = header.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # damaged metadata is no reason to reject an image that can be decoded
        return 1
    return int(found) if found in range(1, 9) else 1


def left_to_turn(data: bytes) -> int:
    """The orientation that `decode` leaves to be applied to its pixels: that of TIFF is applied already."""
    return 1 if data.startswith(TIFF) else orientation(data)


def _may_be_turned(data: bytes) -> bool:
    """Whether a look with Pillow, which costs more, may find an orientation."""
    if data.startswith(SIGNATURE):
        return any(kind in PNG_CHUNKS for kind, _ in chunks(data))
    if data.startswith(b"RIFF"):
        return data[12:16] == b"VP8X" and bool(data[20] & 0b1100)  # its flags for EXIF and XMP
    if data.startswith(b"\xff\xd8"):
        return any(mark in data[:REACH] for mark in MARKS)
    return data.startswith(TIFF)


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (height, width, ...) as viewers show them, of stored ones."""
    swapped = pixels.swapaxes(0, 1)
    shown = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: swapped,
        6: swapped[:, ::-1],
        7: swapped[::-1, ::-1],
        8: swapped[::-1],
    }
    return np.ascontiguousarray(shown[orientation])


def undone(orientation: int) -> int:
    """The orientation that turns a shown picture into the stored one again."""
    return {6: 8, 8: 6}.get(orientation, orientation)
