"""JPEG bytes to pixels, strictly: what libjpeg only warns of is an error, but for what is harmless.

libjpeg goes on after nearly any damage and fills what it could not read with grey. Harmless are complaints
about the parts before the picture's data: an unknown JFIF revision, a bad colour profile, scan parameters
that mean nothing here, bytes between the parts. Bytes left over behind the data are damage: a decoder that
lost its way inside the data leaves some over as well.

Only libjpeg's first complaint is known. So after a harmless one the JPEG is decoded again without what was
complained of, to see whether there is another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import simplejpeg

MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # where a new part begins
HARMLESS = re.compile(
    "extraneous bytes before marker|unknown JFIF revision|bad ICC marker|Invalid SOS parameters"
)
UNUSUAL = "Could not determine subsampling"  # what simplejpeg says of sound JPEG in rare layouts
SEQUENTIAL, PROGRESSIVE, SCAN, END = (0xC0, 0xC1), 0xC2, 0xDA, 0xD9
COEFFICIENTS = 64  # of a block, each in bits that several scans of a progressive JPEG may tell
EOI = b"\xff\xd9"
JFIF, ADOBE, COMMENT = 0xE0, 0xEE, 0xFE
NEVER = 16  # bits; none has so many
FIRST_APPLICATION, LAST_APPLICATION = 0xE0, 0xEF


def decode_jpeg(data: bytes, *, luma: bool = False) -> np.ndarray:
    """RGB pixels (height, width, 3), or with `luma`, where they are stored apart, brightness (height, width).

    Raises ValueError, with libjpeg's complaint, when it is damaged or ends too early.
    """
    if _lacks_scans(data):
        raise ValueError("Progressive JPEG without its last scans")
    try:
        return _strict(data, luma)
    except ValueError as error:
        if not HARMLESS.search(str(error)):
            raise
    return _strict(_bare(data), luma)


def scans(data: bytes) -> int:
    """Scans of a JPEG's first image; each is a pass over the whole image."""
    return sum(kind == SCAN for kind, _, _ in _parts(data))


def _lacks_scans(data: bytes) -> bool:
    """Whether a progressive JPEG never tells some bits of its pixels: it was cut off between two scans."""
    untold: dict[int, list[int]] = {}  # lowest bit not told yet, by component and coefficient
    for kind, contents, _ in _parts(data):
        if kind in SEQUENTIAL:
            return False
        if kind == PROGRESSIVE:
            untold = {component: [NEVER] * COEFFICIENTS for component in contents[8::3]}
        elif kind == SCAN and len(contents) > 5:
            first, last, low = contents[-3], contents[-2], contents[-1] & 15
            for component in contents[3:-3:2]:
                told = untold.get(component, [])
                told[first : last + 1] = [low] * len(told[first : last + 1])
    return any(any(lowest) for lowest in untold.values())


def _strict(data: bytes, luma: bool) -> np.ndarray:
    try:
        colours = simplejpeg.decode_jpeg_header(data)[2]
    except ValueError as error:
        if UNUSUAL not in str(error):
            raise
        raise ValueError("a sampling layout that no strict decoder reads") from error
    if colours in ("CMYK", "YCCK"):
        return _rgb_of_cmyk(simplejpeg.decode_jpeg(data, "CMYK"))
    return simplejpeg.decode_jpeg(data, "GRAY")[..., 0] if luma else simplejpeg.decode_jpeg(data, "RGB")


def _rgb_of_cmyk(values: np.ndarray) -> np.ndarray:
    """As OpenCV does it, of values as they are stored: 255 is no ink."""
    ink, black = values[..., :3].astype(np.int32), values[..., 3:].astype(np.int32)
    return (black - ((255 - ink) * black >> 8)).astype(np.uint8)


def _parts(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Kind, contents (their length first) and end of the parts of a JPEG's first image, up to its end.

    Parts are passed over by their length; what stands between two of them is a scan's data, or nothing.
    """
    place = 2
    while (found := MARKER.search(data, place)) and found[0][1] != END:
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        yield found[0][1], data[found.end() : place], place


def _bare(data: bytes) -> bytes:
    """The JPEG of only what its pixels depend on, with the usual values where others mean the same."""
    kept, sequential = [b"\xff\xd8"], False
    for kind, contents, end in _parts(data):
        sequential |= kind in SEQUENTIAL
        if kind == JFIF and contents[2:7] == b"JFIF\0":
            contents = contents[:7] + b"\x01\x02" + contents[9:]
        elif kind == COMMENT or (kind != ADOBE and FIRST_APPLICATION <= kind <= LAST_APPLICATION):
            continue
        elif kind == SCAN:
            following = MARKER.search(data, end)
            scan = data[end : following.start() if following else len(data)]
            contents = (contents[:-3] + b"\x00\x3f\x00" if sequential else contents) + scan
        kept += [b"\xff", bytes([kind]), contents]
    return b"".join(kept) + EOI
