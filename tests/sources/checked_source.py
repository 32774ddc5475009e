"""For sources' tests: a plain picture, and the rows and rejects that `ingest` would make of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from tests.checked_tables import check_and_merge
from vzero import imaging
from vzero.config import Ingest
from vzero.paths import Paths
from vzero.sources.catalogue import open_source
from vzero.untrusted.rejects import Reject

BETWEEN_CATEGORIES = ("seen", "side", "height")
"""Templates that ask of one object beside others of another category."""


def picture(path: Path, width: int = 200, height: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((height, width, 3), sum(path.name.encode()) % 256, np.uint8)
    encode = imaging.encode_png if path.suffix == ".png" else imaging.encode_jpeg
    path.write_bytes(encode(pixels))


def checked(
    root: Path, missing_box: Literal["reject", "keep"] = "reject", **config: Any
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Samples by id with the licence of their image, and code and detail of the rejects in order."""
    [source] = config
    settings = Ingest(source=source, missing_box=missing_box, **config)
    opened = open_source(source, settings, Paths(root))
    samples, images, rejects = check_and_merge(opened, settings, root / "checked")
    licences = images.select("image_id", "licence")
    samples = samples.join(licences, on="image_id").sort("sample_id")
    return samples.to_dicts(), list(rejects.select("code", "detail").iter_rows())


def rejected_images(root: Path, **config: Any) -> list[str | None]:
    """The image that each reject of a reader names."""
    [source] = config
    opened = open_source(source, Ingest(source=source, **config), Paths(root))
    read = [item for batch in opened.batches for item in batch.load()]
    return [item.image for item in read if isinstance(item, Reject)]
