"""A network with fewer layers, and what the whole one costs by it.

Layers of one kind cost the same. So the engine runs with the fewest layers that have every kind, then with
one more of each kind in turn, and what that adds counts as often as the true network has such layers.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

from vzero.plan.tracing import Stages, folded

FULL, LINEAR = "full_attention", "linear_attention"
WINDOWED, WHOLE = "windowed", "whole"
"""Blocks of the vision tower, by what a patch sees."""


def kinds_of(config: Any) -> Counter[str]:
    """How many layers of each kind a model has, the vision tower's among them."""
    text, vision = config.get_text_config(), config.vision_config
    kinds = Counter(getattr(text, "layer_types", None) or [FULL] * text.num_hidden_layers)
    whole = getattr(vision, "fullatt_block_indexes", None)
    if whole is None:
        return kinds | Counter({WHOLE: vision.depth})
    return kinds | Counter({WINDOWED: vision.depth - len(whole), WHOLE: len(whole)})


def fewest(config: Any) -> Counter[str]:
    """The least of each kind with which a network still has all its parts, and its last layer of each kind
    is not its first: that one holds less than all others.
    """
    # Features of some of the tower's blocks are added to as many of the first layers.
    taps = len(getattr(config.vision_config, "deepstack_visual_indexes", ()))
    kinds = kinds_of(config)
    return Counter({kind: max(1 + (kind in (FULL, WHOLE)), taps) for kind in kinds})


def with_layers(config: Any, kinds: Counter[str]) -> Any:
    """The config of a network with so many layers of each kind."""
    config = copy.deepcopy(config)
    text, vision = config.get_text_config(), config.vision_config
    of_text = [kind for kind in kinds if kind not in (WINDOWED, WHOLE)]
    # Each kind once at the end, so that a layer of each sees what all others hold, as in the true network.
    types = [kind for kind in of_text for _ in range(kinds[kind] - 1)] + of_text
    text.num_hidden_layers = len(types)
    if getattr(text, "layer_types", None):
        text.layer_types = types
    vision.depth = kinds[WINDOWED] + kinds[WHOLE]
    if getattr(vision, "fullatt_block_indexes", None) is not None:
        vision.fullatt_block_indexes = list(range(kinds[WINDOWED], vision.depth))
    if taps := getattr(vision, "deepstack_visual_indexes", ()):
        vision.deepstack_visual_indexes = list(range(len(taps)))
    return config


def extrapolated(config: Any, trace: Callable[[Any], Stages]) -> Stages:
    """What `trace` counts of the whole network, from its counts of a few small ones."""
    least = fewest(config)
    smallest = trace(with_layers(config, least))
    whole = dict(smallest)
    for kind, count in kinds_of(config).items():
        more = trace(with_layers(config, least + Counter({kind: 1})))
        for name in whole:
            whole[name] += (more[name] + smallest[name] * -1) * (count - least[kind])
    return folded(whole)
