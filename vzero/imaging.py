"""Encoded image bytes to pixels and back, with OpenCV.

Pixels are (height, width, 3) uint8 arrays in RGB order, on the grid that is stored in the file: EXIF
orientation is ignored, because annotated boxes refer to the stored grid and a rotation would shift them (of
TIFF it is part of decoding). Sixteen bits become eight, grey, palette and CMYK become RGB, transparency is
dropped (as Pillow's `convert("RGB")` does), and of an animation the first frame counts.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

MAX_MEGAPIXELS = 178.0  # Pillow refuses to open larger ones as decompression bombs
JPEG_QUALITY = 95
SMALLEST_HALVED_BY_PARTS = 4  # pixels a side; below, cells are of other kinds
NEGLIGIBLE = 1e-3  # share of a pixel that OpenCV leaves out
HASHED_ROWS = 256  # of an image, or up to twice as many: each of 8 bands has at least 32
SMALLEST_HASHED_BY_SUMS = 32  # pixels a side; cells of less than a pixel are none
# Other formats are refused by name: some of Pillow's readers start programs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
MOST_SCANS = 100  # of a JPEG; encoders write up to about ten, and each is a pass over the whole image
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # of a JPEG, where a new part begins
PNG_SLACK = 2**22  # bytes of a PNG that are not its pixels: colour profiles, texts
EXIF_MARKS = b"Exif", b"eXIf", b"EXIF"  # in JPEG, PNG and WebP; images without them need no second look
EXIF_REACH = 2**18  # bytes
ORIENTATION_TAG = 0x0112

# Damage is reported as an ImageError; OpenCV's own lines would flood the console of a long run.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class ImageError(ValueError):
    """Bytes that cannot be used as an image; `code` is one word for it, `detail` the reason."""

    def __init__(
        self, code: Literal["unreadable_image", "truncated_image", "huge_image"], detail: str
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def probe(data: bytes) -> tuple[int, int, str]:
    """Width, height and format name (`png`, `jpeg`, ...) from the header, without decoding."""
    if not data:
        raise ImageError("unreadable_image", "no bytes")
    try:
        with _opened(data) as header:
            width, height = header.size
            name = "jpeg" if header.format == "MPO" else str(header.format).lower()
    except Image.DecompressionBombError as error:
        raise ImageError("huge_image", str(error)) from error
    except Exception as error:  # damaged headers raise whatever the format's reader happens to trip over
        reason = "none of " + ", ".join(FORMATS) if isinstance(error, UnidentifiedImageError) else str(error)
        raise ImageError(_damage(data), f"header cannot be read: {reason}") from error
    if width < 1 or height < 1:
        raise ImageError("unreadable_image", f"{width} x {height} pixels")
    return width, height, name


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """An image as Pillow opens it, without its warnings: a damaged file may cause a hundred thousand."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image


def orientation(data: bytes) -> int:
    """The EXIF orientation that `decode` ignores, 1 (shown as stored) to 8.

    1 also where none can be read, and for TIFF, whose decoders turn the pixels themselves.
    """
    if data.startswith((b"II*", b"MM\0*")):
        return 1
    # JPEG says it at the start, before or behind a colour profile; others may say it anywhere.
    looked_at = data[:EXIF_REACH] if data.startswith(b"\xff\xd8") else data
    if not any(mark in looked_at for mark in EXIF_MARKS):
        return 1
    try:
        with _opened(data) as header:
            found = header.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # as in `probe`; damaged metadata is no reason to reject an image that can be decoded
        return 1
    return int(found) if found in range(1, 9) else 1


def decode(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """RGB pixels of an encoded image; `ImageError` when it is unreadable, truncated or too large.

    The size is read from the header first, so an oversized image is never decoded.
    """
    return _decode(data, max_megapixels, luma=False)[0]


def decode_to_check(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS) -> tuple[np.ndarray, str]:
    """Whether `decode` can decode it, in less time: pixels for `difference_hash`, and the format's name.

    Of a JPEG all is read, but only the brightness (height, width) is worked out, which takes a third less.
    """
    return _decode(data, max_megapixels, luma=True)


def _decode(data: bytes, max_megapixels: float, *, luma: bool) -> tuple[np.ndarray, str]:
    width, height, name = probe(data)
    if width * height > max_megapixels * 1e6:
        raise ImageError("huge_image", f"{width} x {height} is over {max_megapixels:g} megapixels")
    _refuse_endless(data, name, width * height)
    mode = cv2.IMREAD_GRAYSCALE if luma and name == "jpeg" else cv2.IMREAD_COLOR_RGB
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), mode | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ImageError("unreadable_image", f"{name}: {error.err}") from error
    if pixels is None:
        raise ImageError(_damage(data), f"{name} of {len(data)} bytes cannot be decoded")
    if pixels.shape[:2] != (height, width):
        raise ImageError("unreadable_image", f"header says {width} x {height}, pixels {pixels.shape[1::-1]}")
    return pixels, name


def _refuse_endless(data: bytes, name: str, pixels: int) -> None:
    """`ImageError` for small images that take very long: JPEG of many scans, PNG of more data than pixels."""
    # As often as a scan may begin, by its two bytes; these may also stand in metadata.
    if name == "jpeg" and data.count(b"\xff\xda") > MOST_SCANS and (scans := _scans(data)) > MOST_SCANS:
        raise ImageError("unreadable_image", f"jpeg of {scans:,} scans, where at most {MOST_SCANS} are read")
    if name == "png" and len(data) > PNG_SLACK + 9 * pixels:  # at most 8 bytes a pixel, and one a line
        raise ImageError("unreadable_image", f"png of {len(data):,} bytes for {pixels:,} pixels")


def _scans(data: bytes) -> int:
    """Scans of a JPEG's first image; parts before and between them are passed over by their length."""
    scans, place = 0, 2
    while (found := MARKER.search(data, place)) and found[0] != b"\xff\xd9":
        scans += found[0] == b"\xff\xda"
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return scans


def _damage(data: bytes) -> Literal["unreadable_image", "truncated_image"]:
    """Whether bytes that cannot be decoded end too early, or are damaged inside (or no image at all)."""
    if data.startswith(b"\x89PNG"):
        cut_short = b"IEND" not in data[-12:]
    elif data.startswith(b"\xff\xd8\xff"):
        cut_short = data.rfind(b"\xff\xd9") < max(data.rfind(b"\xff\xda"), 0)
    elif data.startswith(b"RIFF"):
        cut_short = int.from_bytes(data[4:8], "little") + 8 > len(data)
    else:
        cut_short = "truncated" in _complaint(data)
    return "truncated_image" if cut_short else "unreadable_image"


def _complaint(data: bytes) -> str:
    """What Pillow says about bytes it cannot decode; empty when it can."""
    try:
        with _opened(data) as image:
            image.load()
    except Exception as error:  # same readers as in `probe`
        return str(error)
    return ""


def encode_png(pixels: np.ndarray) -> bytes:
    """Lossless bytes, the same on every run; compressed for speed rather than size."""
    return _encode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def encode_jpeg(pixels: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """JPEG bytes, the same on every run; quality 95 is for training, less will do to look at."""
    return _encode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])


def encode(pixels: np.ndarray, name: Literal["png", "jpeg"]) -> bytes:
    """Bytes in the format of this name, for training."""
    return encode_png(pixels) if name == "png" else encode_jpeg(pixels)


def _encode(extension: str, pixels: np.ndarray, settings: list[int]) -> bytes:
    encoded: Any = cv2.imencode(extension, np.ascontiguousarray(pixels[..., ::-1]), settings)[1]
    return encoded.tobytes()


def enlarge(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Pixels with both sides `factor` times as long (Lanczos)."""
    if factor == 1:
        return pixels
    return resize(pixels, pixels.shape[1] * factor, pixels.shape[0] * factor)


def resize(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixels at exactly `width` x `height` (Lanczos)."""
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LANCZOS4)


def halve(pixels: np.ndarray) -> np.ndarray:
    """Pixels at half resolution (area average); sides round down, to no less than one pixel."""
    height, width = pixels.shape[:2]
    return cv2.resize(pixels, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)


def halve_part(pixels: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """`halve(pixels)` inside `box` (x1, y1, x2, y2 of the halved grid), the same bytes, without the rest.

    With even sides a halved pixel is the mean of four. With an odd one the cells are a little wider than two
    pixels; halving all of such a large image takes longer than decoding it.
    """
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = box
    if min(width, height) < SMALLEST_HALVED_BY_PARTS:
        return halve(pixels)[y1:y2, x1:x2]
    if width % 2 == 0 and height % 2 == 0:
        return halve(pixels[2 * y1 : 2 * y2, 2 * x1 : 2 * x2])
    across, down = _cell_shares(width, x1, x2), _cell_shares(height, y1, y2)
    source = pixels[2 * y1 : 2 * y2 + 1, 2 * x1 : 2 * x2 + 1]
    planes = np.ascontiguousarray(np.moveaxis(source, 2, 0), np.float32)
    # In OpenCV's order, so that sums round alike: from left to right, then from top to bottom.
    lines = _add_up([planes[..., tap : 2 * (x2 - x1) - 1 + tap : 2] for tap in range(len(across))], across)
    taps = [lines[:, tap : 2 * (y2 - y1) - 1 + tap : 2] for tap in range(len(down))]
    halved = _add_up(taps, down[..., None])
    return np.ascontiguousarray(np.moveaxis(np.rint(halved), 0, 2), np.uint8)


def _cell_shares(side: int, start: int, stop: int) -> np.ndarray:
    """Shares of the pixels 2 i, 2 i + 1 and, of an odd side, 2 i + 2 in halved pixel i: (2 or 3, n)."""
    place = np.arange(start, stop)
    scale = side / (side // 2)
    begins = place * scale
    if side % 2 == 0:
        return np.full((2, stop - start), 0.5, np.float32)
    shares = np.stack(
        [2 * place + 1 - begins, np.ones(stop - start), np.minimum(begins + scale - 2 * place - 2, 1)]
    )
    return (np.where(shares > NEGLIGIBLE, shares, 0) / np.minimum(scale, side - begins)).astype(np.float32)


def _add_up(taps: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    total = taps[0] * shares[0]
    for tap, share in zip(taps[1:], shares[1:], strict=True):
        total += tap * share
    return total


def difference_hash(pixels: np.ndarray) -> int:
    """64-bit perceptual hash: whether grey gets brighter from cell to cell of a 9 x 8 grid, row by row.

    Of RGB pixels, or of brightness alone. Near-duplicates (re-encoded, resized) differ in few bits. Of large
    images some rows stand for all.
    """
    rows = pixels[:: max(len(pixels) // HASHED_ROWS, 1)]
    grey = rows if rows.ndim == 2 else cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)
    if min(grey.shape) < SMALLEST_HASHED_BY_SUMS:
        grid = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    else:  # the same means; OpenCV's own way takes half as long as decoding
        grid = np.rint(_band_means(_band_means(grey, 8).T, 9).T)
    brighter = grid[:, 1:] > grid[:, :-1]
    return int.from_bytes(np.packbits(brighter).tobytes(), "big")


def _band_means(values: np.ndarray, count: int) -> np.ndarray:
    """Column means (count, width) of `count` equally high bands of (height, width); edges count in part."""
    values = np.ascontiguousarray(values)
    high = len(values) / count
    depth = cv2.CV_32S if values.dtype == np.uint8 else cv2.CV_64F
    means = []
    for number in range(count):
        top, bottom = number * high, min((number + 1) * high, len(values))
        first, last = math.ceil(top), math.floor(bottom)
        total = cv2.reduce(values[first:last], 0, cv2.REDUCE_SUM, dtype=depth)[0].astype(np.float64)
        if first > top:
            total += (first - top) * values[first - 1]
        if bottom > last:
            total += (bottom - last) * values[last]
        means.append(total / high)
    return np.stack(means)
