"""The embedded worlds by name: how each draws a scene, and what is asked about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from vzero.config import WorldName
from vzero.needle import questions
from vzero.needle.chain import questions as chain_questions
from vzero.needle.chain.scenes import draw_chain_scene
from vzero.needle.questions import Asker
from vzero.needle.scenes import SIDES, Scene, draw_scene


@dataclass(frozen=True)
class World:
    draw: Callable[[np.random.Generator], Scene]
    """A scene of the training samples."""
    families: Mapping[str, Asker]
    """Those that rest on regions."""
    shares: Mapping[str, float]
    """Of the families among the training samples."""


WORLDS: dict[WorldName, World] = {
    "needle": World(
        partial(draw_scene, side=SIDES["standard"]),
        questions.REGION_FAMILIES,
        {"letter": 0.6, "side": 0.2, "corner": 0.2},
    ),
    "chain": World(
        draw_chain_scene,
        chain_questions.REGION_FAMILIES,
        {"letter": 0.3, "pair": 0.35, "nearest": 0.15, "triple": 0.2},
    ),
}
