"""Encoded image bytes to pixels and back, with OpenCV.

Pixels are (height, width, 3) uint8 arrays in RGB order, on the grid that is stored in the file: EXIF
orientation is ignored, because annotated boxes refer to the stored grid and a rotation would shift them.
Sixteen bits become eight, grey, palette and CMYK become RGB, transparency is dropped (as Pillow's
`convert("RGB")` does), and of an animation the first frame counts.
"""

from __future__ import annotations

import io
import warnings
from typing import Any, Literal

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

MAX_MEGAPIXELS = 178.0  # Pillow refuses to open larger ones as decompression bombs
JPEG_QUALITY = 95
# Other formats are refused by name: some of Pillow's readers start programs.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")

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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as header:
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


def decode(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """RGB pixels of an encoded image; `ImageError` when it is unreadable, truncated or too large.

    The size is read from the header first, so an oversized image is never decoded.
    """
    width, height, name = probe(data)
    if width * height > max_megapixels * 1e6:
        raise ImageError("huge_image", f"{width} x {height} is over {max_megapixels:g} megapixels")
    try:
        pixels = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error as error:
        raise ImageError("unreadable_image", f"{name}: {error.err}") from error
    if pixels is None:
        raise ImageError(_damage(data), f"{name} of {len(data)} bytes cannot be decoded")
    if pixels.shape[:2] != (height, width):
        raise ImageError("unreadable_image", f"header says {width} x {height}, pixels {pixels.shape[1::-1]}")
    return pixels


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
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            image.load()
    except Exception as error:  # same readers as in `probe`
        return str(error)
    return ""


def encode_png(pixels: np.ndarray) -> bytes:
    """Lossless bytes, the same on every run; compressed for speed rather than size."""
    return _encode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def encode_jpeg(pixels: np.ndarray) -> bytes:
    """JPEG bytes at quality 95, the same on every run."""
    return _encode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


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


def difference_hash(pixels: np.ndarray) -> int:
    """64-bit perceptual hash: whether grey gets brighter from cell to cell of a 9 x 8 grid, row by row.

    Near-duplicates (re-encoded, resized) differ in few bits.
    """
    grid = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    brighter = grid[:, 1:] > grid[:, :-1]
    return int.from_bytes(np.packbits(brighter).tobytes(), "big")
