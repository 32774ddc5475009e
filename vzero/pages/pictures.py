"""Pictures for the page: small enough to embed, as data URIs."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from vzero import imaging

FURTHER_IMAGES = 3  # of a sample, after its first one, that a page shows
LONGEST_SIDE = 640  # pixels
QUALITY = 85  # of JPEG
HEAVY = (
    50_000  # bytes of a PNG, above which a picture is a JPEG: drawings stay sharp, photos do not fill pages
)


@dataclass(frozen=True)
class Picture:
    uri: str
    width: int  # of the original: boxes are drawn in its pixels
    height: int


def embed(data: bytes, longest_side: int = LONGEST_SIDE) -> Picture:
    """An encoded image as a data URI. Raises ImageError when it cannot be decoded.

    Pictures with a longer side are shrunk. Those, and heavy ones, are stored as JPEG.
    """
    return embed_pixels(imaging.decode(data), longest_side)


def embed_pixels(pixels: np.ndarray, longest_side: int = LONGEST_SIDE) -> Picture:
    """`embed` of (H, W, 3) uint8 RGB pixels."""
    height, width = pixels.shape[:2]
    scale = longest_side / max(width, height)
    if scale >= 1:
        png = imaging.encode_png(pixels)
        if len(png) <= HEAVY:
            return Picture(_uri("png", png), width, height)
    else:
        # Of extreme shapes, the short side would round to nothing.
        shrunk = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA)
    return Picture(_uri("jpeg", imaging.encode_jpeg(pixels, QUALITY)), width, height)


def _uri(kind: str, encoded: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
