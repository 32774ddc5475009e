"""A small picture without sharp edges, and pictures as files of any kind."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

SMOOTH = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8), (0, 0), 6)


def encoded(image: Image.Image, kind: str, **settings) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()
