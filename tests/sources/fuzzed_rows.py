"""Hostile cells and damaged images for sources, and the check that every row becomes a sample or a reject."""

from __future__ import annotations

import io
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from heic_files import PLAIN
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

from tests.checked_tables import check_and_merge
from vzero import tables
from vzero.config import Ingest
from vzero.paths import Paths
from vzero.sources.catalogue import open_source
from vzero.untrusted.rejects import RejectCode

FEW = settings(max_examples=12, deadline=None)
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))


def encoded(kind: str, **more: Any) -> bytes:
    buffer = io.BytesIO()
    NOISE.save(buffer, kind, **more)
    return buffer.getvalue()


WHOLE = [encoded(kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")]
WHOLE += [PLAIN, encoded("JPEG", progressive=True), encoded("TIFF", compression="tiff_lzw")]


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """Images, whole or with flipped bytes, cut, or continued by another."""
    data = bytearray(draw(st.sampled_from(WHOLE)))
    for place in draw(st.lists(st.integers(0, len(data) - 1) | st.integers(0, 60), max_size=4)):
        data[place] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        return bytes(data)
    place = draw(st.integers(0, len(data)))
    return bytes(data[:place]) + draw(st.just(b"") | st.sampled_from(WHOLE))[place // 2 :]


ODD_NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -0.0, 2**63, -(10**30), True, 1e-320])
NUMBERS = st.integers(-5, 40) | st.floats(-5, 40) | ODD_NUMBERS
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "<image>",
        "A",
        "\ud800",
        "a\0b",
        "..",
        "/etc/hostname",
        "<b>&amp;",
        "[1, 2, 20, 20]",
        "0x" + "f" * 9,
        "\n",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BOXES = st.just([4, 4, 20, 20]) | st.lists(NUMBERS, min_size=4, max_size=4) | VALUES
IMAGES = st.sampled_from(["0", "1", "2", "../x", "0.png"]) | VALUES


def assert_all_accounted_for(root: Path, source: Any, config: Any, missing_box: str = "reject") -> None:
    """Every row is one sample or one reject, under a known code; the tables are read by their schemas."""
    ingest = Ingest.model_validate({"source": source, source: config, "missing_box": missing_box})
    opened = open_source(source, ingest, Paths(root))
    batches = list(opened.batches)
    rows = sum(batch.rows for batch in batches)
    samples, images, rejects = check_and_merge(
        type(opened)(opened.name, batches, opened.images), ingest, root / "checked"
    )
    tables.Samples.validate(samples)
    tables.Rejects.validate(rejects)
    assert len(samples) + len(rejects) == rows
    assert set(rejects["code"].cast(pl.String)) <= set(RejectCode)
    assert set(samples.select(tables.SHOWN_IMAGES.explode())["image_id"]) == set(images["image_id"])
    assert samples["boxes"].list.len().eq(0).equals(samples["evidence_box"].is_null())
    for box in samples["evidence_box"].drop_nulls():
        assert 0 <= box[0] < box[2] <= 65_535 and 0 <= box[1] < box[3] <= 65_535
    shutil.rmtree(root)


def folder(data: list[bytes], suffix: str = "") -> Path:
    """A new folder of images `images/0`, `images/1`, ..."""
    root = Path(tempfile.mkdtemp(prefix="fuzzed-"))
    (root / "images").mkdir()
    for number, content in enumerate(data):
        (root / f"images/{number}{suffix}").write_bytes(content)
    return root


DAMAGED = st.lists(pictures(), min_size=3, max_size=3)
