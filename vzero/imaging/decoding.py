"""Encoded image bytes to pixels, or the reason why not.

What a decoder complains of is damage, even where it goes on and fills the rest with grey: see `jpeg` for the
few complaints that are harmless. Of PNG these are all that are about something else than the pixels: colour
profiles, texts, bytes behind the last row. GIF, WebP, BMP and TIFF have no checksums, so bytes overwritten
inside may go unnoticed there; that they end too early does not. No decoder's own lines reach the console.
"""

from __future__ import annotations

import logging

import cv2
import imagecodecs
import numpy as np
from PIL import Image

from vzero.imaging.encoding import encode_png
from vzero.imaging.errors import ImageError
from vzero.imaging.headers import Header, damage, opened, read_header
from vzero.imaging.jpeg import decode_jpeg, scans
from vzero.imaging.png import is_whole, sums_agree

MAX_MEGAPIXELS = 178.0  # Pillow refuses to open larger ones as decompression bombs
MOST_SCANS = 100  # of a JPEG; encoders write up to about ten, and each is a pass over the whole image
PNG_SLACK = 2**22  # bytes of a PNG that are not its pixels: colour profiles, texts
GREY_WITH_OPACITY = 4  # PNG's colour type

# What the decoders raise; Pillow's trip over damage in many ways.
DAMAGE = (ValueError, RuntimeError, OSError, SyntaxError, cv2.error)

# Damage is reported as an ImageError; the libraries' own lines would flood the console of a long run.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
logging.getLogger("imagecodecs").setLevel(logging.CRITICAL)
logging.getLogger("PIL").setLevel(logging.CRITICAL)


def probe(data: bytes) -> tuple[int, int, str]:
    """Width, height and format name (`png`, `jpeg`, ...) from the header, without decoding."""
    return read_header(data)[:3]


def decode(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """RGB pixels of an encoded image. Raises ImageError when it is unreadable, truncated or too large.

    The size is read from the header first, so an oversized image is never decoded.
    """
    return _decode(data, max_megapixels, luma=False)[0]


def decode_to_check(data: bytes, *, max_megapixels: float = MAX_MEGAPIXELS) -> tuple[np.ndarray, str]:
    """Whether `decode` can decode it, in less time: pixels for `difference_hash`, and the format's name.

    Of a JPEG all is read, but only the brightness (height, width) is worked out, which takes a third less.
    """
    return _decode(data, max_megapixels, luma=True)


def without_transparency(data: bytes) -> bytes:
    """The bytes themselves where nothing shows through; else a PNG of what `decode` makes of them.

    For readers with rules of their own about transparency.
    """
    if not read_header(data).transparent:
        return data
    pixels, alpha, _ = _layers(data, MAX_MEGAPIXELS, luma=False)
    return data if alpha is None else encode_png(_on_white(pixels, alpha))


def _decode(data: bytes, max_megapixels: float, *, luma: bool) -> tuple[np.ndarray, str]:
    pixels, alpha, name = _layers(data, max_megapixels, luma=luma)
    return pixels if alpha is None else _on_white(pixels, alpha), name


def _layers(data: bytes, max_megapixels: float, *, luma: bool) -> tuple[np.ndarray, np.ndarray | None, str]:
    """Colours and opacity as `_read` has them, and the format's name."""
    header = read_header(data)
    width, height, name, _ = header
    if width * height > max_megapixels * 1e6:
        raise ImageError("huge_image", f"{width} x {height} is over {max_megapixels:g} megapixels")
    _refuse_endless(data, name, width * height)
    try:
        pixels, alpha = _read(data, header, luma=luma)
    except DAMAGE as error:
        reason = str(error)
        raise ImageError(damage(data, reason), f"{name} of {len(data)} bytes: {reason}") from error
    if pixels.shape[:2] != (height, width):
        raise ImageError("unreadable_image", f"header says {width} x {height}, pixels {pixels.shape[1::-1]}")
    return pixels, alpha, name


def _read(data: bytes, header: Header, *, luma: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours, (height, width, 3) or with `luma` perhaps (height, width), and (height, width) opacity.

    `None` for the opacity where nothing shows through.
    """
    if header.name == "jpeg":
        return decode_jpeg(data, luma=luma), None
    pixels = _read_png(data) if header.name == "png" else _read_other(data, header.name)
    if not header.transparent:
        return pixels, None
    with opened(data) as image:
        layers = np.asarray(image.convert("RGBA"))
    alpha = layers[..., 3]
    if alpha.min() == 255:
        return pixels, None
    # Of sixteen bits Pillow's conversion cuts off what it should scale; there the pixels are right already.
    return (pixels if header.name == "png" and data[24] == 16 else layers[..., :3]), alpha


def _read_png(data: bytes) -> np.ndarray:
    if not is_whole(data):
        raise ValueError("PNG ends before its last chunk")
    if not sums_agree(data):
        raise ValueError("PNG with a wrong checksum")
    depth, colours = data[24:26]
    if depth == 16 or colours == GREY_WITH_OPACITY:
        return _read_png_of_rare_layout(data)
    values = imagecodecs.spng_decode(data)
    if values.ndim == 2:
        return cv2.cvtColor(values, cv2.COLOR_GRAY2RGB)
    return values if values.shape[2] == 3 else np.ascontiguousarray(values[..., :3])


def _read_png_of_rare_layout(data: bytes) -> np.ndarray:
    with opened(data) as image:
        if not image.mode.startswith("I;16"):
            return np.array(image.convert("RGB"))
        grey = (np.asarray(image) >> 8).astype(np.uint8)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def _read_other(data: bytes, name: str) -> np.ndarray:
    if name == "heif":
        with opened(data) as image:
            return np.array(image.convert("RGB"))
    if name == "tiff":
        _require_sound_tiff(data)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise ValueError("the data are damaged or end too early")
    return pixels


def _require_sound_tiff(data: bytes) -> None:
    """Raises TiffError for damage that OpenCV passes over. Kinds that only OpenCV reads are left to it."""
    try:
        imagecodecs.tiff_decode(data)
    except imagecodecs.TiffError:
        raise
    except Exception:
        return


def _on_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """What is seen of a transparent picture on white paper, by the arithmetic of models' processors."""
    picture = Image.fromarray(np.dstack([pixels, alpha]))
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return np.array(Image.alpha_composite(white, picture).convert("RGB"))


def _refuse_endless(data: bytes, name: str, pixels: int) -> None:
    """Raises ImageError for small images that take long: JPEG of many scans, PNG of more data than pixels."""
    # As often as a scan may begin, by its two bytes; these may also stand in metadata.
    if name == "jpeg" and data.count(b"\xff\xda") > MOST_SCANS and (found := scans(data)) > MOST_SCANS:
        raise ImageError("unreadable_image", f"jpeg of {found:,} scans, where at most {MOST_SCANS} are read")
    if name == "png" and len(data) > PNG_SLACK + 9 * pixels:  # at most 8 bytes a pixel, and one a line
        raise ImageError("unreadable_image", f"png of {len(data):,} bytes for {pixels:,} pixels")
