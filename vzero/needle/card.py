"""The models' card: what they are, how they were made, and what they can and cannot do, from measurements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Template

from vzero.needle.architecture import VOCABULARY
from vzero.needle.chain.lessons import CROP_SHARE as CHAIN_CROP_SHARE
from vzero.needle.chain.lessons import CROP_WORDS, CROP_WORDS_SHARE
from vzero.needle.chain.lessons import RIGHT_SHARE as CHAIN_RIGHT_SHARE
from vzero.needle.chain.scenes import SHOWN_SIDE, SIDE
from vzero.needle.lessons import CROP_SHARE
from vzero.needle.player import RECIPE, WARM_UP
from vzero.needle.player_exam import GROUP
from vzero.needle.playing import WINDOW_FAMILIES, WINDOW_SHARE, WINDOW_SIDES
from vzero.needle.pretrain import CHAIN_PHASES, LURE, PHASES
from vzero.shards import atomic_path

TEMPLATE = Path(__file__).with_name("card.md.jinja")
CHAIN_TEMPLATE = Path(__file__).with_name("chain") / "card.md.jinja"


def write_card(
    path: Path, calibration: pl.DataFrame, played: pl.DataFrame, seconds: dict[str, float]
) -> None:
    """`calibration` is of the pair, `played` of the player; `seconds` are by phase, and of the player."""
    text = Template(TEMPLATE.read_text()).render(
        rows=calibration.to_dicts(),
        lure=LURE,
        crop_share=CROP_SHARE["base"],
        phases=PHASES,
        seconds=seconds,
        vocabulary=VOCABULARY,
        recipe=RECIPE,
        warm_up=WARM_UP,
        window_share=WINDOW_SHARE,
        window_sides=WINDOW_SIDES,
        window_families=WINDOW_FAMILIES,
        group=GROUP,
        played=[row | {"figure": figure(row)} for row in played.to_dicts()],
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def write_chain_card(
    path: Path, calibration: pl.DataFrame, seconds: Mapping[str, float], weights: Mapping[str, str]
) -> None:
    """`seconds` are by phase, `weights` the hashes of the files by model."""
    text = Template(CHAIN_TEMPLATE.read_text()).render(
        rows=calibration.to_dicts(),
        phases=CHAIN_PHASES,
        seconds=seconds,
        weights=weights,
        side=SIDE,
        shown_side=SHOWN_SIDE,
        crop_share=CHAIN_CROP_SHARE["chain teacher"],
        right_share=CHAIN_RIGHT_SHARE,
        words=CROP_WORDS.strip(),
        words_share=CROP_WORDS_SHARE,
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def figure(row: Mapping[str, Any]) -> str:
    """A measured value with its interval; empty for what nothing was measured of."""
    return "" if not row["n"] else "{value:.3f} ({low:.3f} to {high:.3f})".format(**row)
