"""The models' card: what they are, how they were made, and what they can and cannot do, from measurements."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from jinja2 import Template

from vzero.needle.architecture import VOCABULARY
from vzero.needle.lessons import CROP_SHARE
from vzero.needle.pretrain import LURE, PHASES
from vzero.shards import atomic_path

TEMPLATE = Path(__file__).with_name("card.md.jinja")


def write_card(path: Path, calibration: pl.DataFrame, seconds: dict[str, float]) -> None:
    text = Template(TEMPLATE.read_text()).render(
        rows=calibration.to_dicts(),
        lure=LURE,
        crop_share=CROP_SHARE["base"],
        phases=PHASES,
        seconds=seconds,
        vocabulary=VOCABULARY,
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text)
