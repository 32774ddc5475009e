"""Scenes of the chain world: more pixels than its models are shown, objects told apart by colour and shape.

In the needle world no two objects share a colour, and the models see every pixel. Here two or three colours
serve all objects, so that shapes have to be seen, and letters repeat. The models' processor halves the scene,
as those of real models scale large photographs down, so that letters are hard to read; a crop is cut from all
of the scene's pixels. Nothing is salient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vzero.needle.scenes import (
    COLOURS,
    GROUNDS,
    LETTERS,
    SHAPES,
    UNSEEN_GROUNDS,
    Font,
    Scene,
    SceneObject,
    place,
)

COLOURS_IN_A_SCENE = (2, 4)  # from, below
OBJECTS = (4, 6)
SIDE = 224  # pixels
SHOWN_SIDE = 112  # of the square of as many pixels as the models' processor leaves of an image
TOKEN = 32  # pixels of the scene that one visual token shows
RADII = (11.0, 14.0)  # pixels
OFF_GRID = 4.0  # pixels at most along each axis, from the middle of what a token shows
REPEATED_SHARE = 0.3  # of letters, taken from another object of the scene

Appearance = Literal["learnt", "unseen"]


@dataclass(frozen=True)
class Look:
    fonts: tuple[Font, ...]
    grounds: tuple[str, ...]


LOOKS: dict[Appearance, Look] = {
    "learnt": Look(("simplex", "duplex"), tuple(GROUNDS)),
    "unseen": Look(("italic", "bold italic"), tuple(UNSEEN_GROUNDS)),
}
"""`unseen` is drawn for a benchmark alone: no model is taught with it, and no sample shows it."""


def draw_chain_scene(rng: np.random.Generator, *, appearance: Appearance = "learnt") -> Scene:
    """A random scene of 4 or 5 objects with names of their own."""
    radii = [float(rng.uniform(*RADII)) for _ in range(int(rng.integers(*OBJECTS)))]
    colours = rng.permutation(list(COLOURS))[: int(rng.integers(*COLOURS_IN_A_SCENE))]
    names = [(str(colour), shape) for colour in colours for shape in SHAPES]
    named = [names[index] for index in rng.permutation(len(names))[: len(radii)]]
    look = LOOKS[appearance]
    letters: list[str] = []
    for _ in radii:
        repeated = letters and rng.random() < REPEATED_SHARE
        letters.append(str(rng.choice(letters if repeated else LETTERS)))
    centres = place(rng, SIDE, [radius + OFF_GRID for radius in radii], cell=TOKEN, gap=0)
    objects = tuple(
        SceneObject(colour, shape, letter, x + _off(rng), y + _off(rng), radius)
        for (colour, shape), letter, (x, y), radius in zip(named, letters, centres, radii, strict=True)
    )
    return Scene(SIDE, str(rng.choice(look.grounds)), objects, look.fonts[int(rng.integers(len(look.fonts)))])


def _off(rng: np.random.Generator) -> float:
    return float(rng.uniform(-OFF_GRID, OFF_GRID))
