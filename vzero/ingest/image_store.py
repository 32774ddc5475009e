"""The pictures that annotations name: read, checked by decoding them, described, and kept to be stored."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import xxhash

from vzero import imaging
from vzero.ingest.conventions import SourceBox
from vzero.ingest.grid import DrawnOn, Grid, grid_of
from vzero.untrusted.cells import printable
from vzero.untrusted.files import Images, read_image
from vzero.untrusted.rejects import RejectCode, Rejected


class CheckedImage(NamedTuple):
    """A picture that was decoded, and so can be used."""

    row: dict[str, Any]
    """Of `tables.Images`; instead of the bytes their length, and their path or place in `ImageStore.file`."""
    orientation: int
    """EXIF orientation of the file that the row was made of, 1 to 8."""
    picture: DrawnOn
    """Whether the row is about the picture as its orientation shows it, or as the file stores it."""

    def grid(self, drawn_on: DrawnOn) -> Grid:
        """What boxes are drawn on."""
        return grid_of((self.row["width"], self.row["height"]), self.orientation, self.picture, drawn_on)


@dataclass
class ImageStore:
    """The images of some annotations, each decoded once however many annotations name it."""

    source: str
    images: Images | None
    max_megapixels: float
    upright: bool = True
    """Whether pictures are turned as their EXIF orientation says."""
    file: BinaryIO = field(default_factory=tempfile.TemporaryFile)
    """Gets the bytes of images that are no files of their own: many large ones would fill the memory."""
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows by image id, as of `CheckedImage`."""
    boxes: list[SourceBox] = field(default_factory=list)
    """Boxes as the source has them, whatever becomes of their rows; to verify the declared convention by."""
    _known: dict[str | bytes, CheckedImage | Rejected] = field(default_factory=dict)
    _found: dict[str, CheckedImage] = field(default_factory=dict)
    """By hash of the bytes as they were found."""
    _decoded: tuple[str, np.ndarray] | None = None

    def add(self, image: str | bytes, licence: str) -> CheckedImage:
        """The picture that a path or bytes give. Raises Rejected when it cannot be used."""
        if image not in self._known:
            try:
                self._known[image] = self._load_and_describe(image, licence)
            except Rejected as rejected:
                self._known[image] = rejected
        known = self._known[image]
        if isinstance(known, Rejected):
            raise known
        return known

    def _load_and_describe(self, image: str | bytes, licence: str) -> CheckedImage:
        data = self.load(image)
        found = hashlib.sha256(data).hexdigest()
        if found not in self._found:
            self._found[found] = self._describe(found, image, data, licence)
        return self._found[found]

    def _describe(self, image_id: str, image: str | bytes, data: bytes, licence: str) -> CheckedImage:
        try:
            pixels, name = imaging.decode_to_check(data, max_megapixels=self.max_megapixels)
        except imaging.ImageError as error:
            raise Rejected(RejectCode(error.code), error.detail) from error
        orientation, left = imaging.orientation(data), imaging.left_to_turn(data)
        picture = "shown" if self.upright or left != orientation else "stored"
        shown = imaging.turn(pixels, left)
        # Browsers and most loaders show no HEIC.
        if name == "heif" or (self.upright and left != 1):
            data = image = imaging.encode_png(imaging.turn(imaging.decode(data), left))
            image_id, name = hashlib.sha256(data).hexdigest(), "png"
        if image_id not in self.rows:
            height, width = (shown if picture == "shown" else pixels).shape[:2]
            self.rows[image_id] = {
                "image_id": image_id,
                "width": width,
                "height": height,
                "format": name,
                "perceptual_hash": imaging.difference_hash(shown),
                "source": self.source,
                "licence": printable(licence),
            } | self._place_of(image, data)
        return CheckedImage(self.rows[image_id], orientation, picture)

    def pixels(self, image_id: str) -> np.ndarray:
        """RGB pixels of an image in the store; those decoded last are kept."""
        if self._decoded is None or self._decoded[0] != image_id:
            data = self._bytes(self.rows[image_id])
            try:
                self._decoded = image_id, imaging.decode(data)
            except imaging.ImageError as error:  # by path, and no longer what it was
                raise Rejected(RejectCode(error.code), error.detail) from error
        return self._decoded[1]

    def load(self, image: str | bytes) -> bytes:
        """Encoded bytes of a picture given by path or bytes. Raises Rejected when there is none."""
        if isinstance(image, bytes):
            return image
        if self.images is None:
            raise Rejected(RejectCode.MISSING_IMAGE, "a path, but no image folder is declared")
        return read_image(self.images, image)

    def _place_of(self, image: str | bytes, data: bytes) -> dict[str, Any]:
        """Where the bytes can be read again."""
        if isinstance(image, str) and image == printable(image):
            return {"path": image, "place": None, "length": len(data), "digest": digest(data)}
        place = self.file.seek(0, os.SEEK_END)
        self.file.write(data)
        return {"path": None, "place": place, "length": len(data), "digest": None}

    def _bytes(self, row: dict[str, Any]) -> bytes:
        if row["path"] is not None:
            return self.load(row["path"])
        self.file.seek(row["place"])
        return self.file.read(row["length"])


def digest(data: bytes) -> int:
    """By which an image that is read again is known to be the same."""
    return xxhash.xxh3_64_intdigest(data)
