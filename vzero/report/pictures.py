"""Pictures for the page: small enough to embed, as data URIs."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2

from vzero import imaging

LONGEST_SIDE = 640  # pixels


@dataclass(frozen=True)
class Picture:
    uri: str
    width: int  # of the original: boxes are drawn in its pixels
    height: int


def embed(data: bytes, longest_side: int = LONGEST_SIDE) -> Picture:
    """An encoded image as a data URI; `ImageError` when it cannot be decoded.

    Pictures with a longer side are shrunk and stored as JPEG.
    """
    pixels = imaging.decode(data)
    height, width = pixels.shape[:2]
    scale = longest_side / max(width, height)
    if scale >= 1:
        return Picture(_uri("png", imaging.encode_png(pixels)), width, height)
    shrunk = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Picture(_uri("jpeg", imaging.encode_jpeg(shrunk)), width, height)


def _uri(kind: str, encoded: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
