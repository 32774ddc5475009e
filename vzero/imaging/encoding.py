"""Pixels to image bytes."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np

JPEG_QUALITY = 95


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
    encoded: Any = cv2.imencode(extension, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)[1]
    return encoded.tobytes()
