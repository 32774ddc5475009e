"""Width and height of a picture that a source names, from its header."""

from __future__ import annotations

from typing import Any

from vzero import imaging
from vzero.untrusted.cells import single_image
from vzero.untrusted.files import Images, read_image
from vzero.untrusted.rejects import RejectCode, Rejected


def extent_of(image: Any, images: Images | None) -> tuple[int, int]:
    """As viewers show the picture. Raises Rejected where there is none, or none that is read."""
    cell = single_image(image)
    if isinstance(cell, bytes):
        data = cell
    elif images is None:
        raise Rejected(RejectCode.MISSING_IMAGE, "a path, but no image folder is declared")
    else:
        data = read_image(images, cell)
    try:
        width, height, _ = imaging.probe(data)
    except imaging.ImageError as error:
        raise Rejected(RejectCode(error.code), error.detail) from error
    return (height, width) if imaging.orientation(data) in imaging.QUARTER_TURNS else (width, height)
