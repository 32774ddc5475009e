"""The families of questions that the player writes and answers, and the answer worked out from a wording.

Letter, corner and object count are those of `vzero.needle.questions`; two more go by what all objects show.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from vzero.needle.questions import (
    MIN_OFFSET,
    OPTION_LETTERS,
    Asker,
    Question,
    corner_question,
    count_question,
    letter_question,
)
from vzero.needle.scenes import LETTERS, SHAPES, Scene, SceneObject

EDGES = {"left": ("x", 1), "right": ("x", -1), "above": ("y", 1), "below": ("y", -1)}
"""An axis, and the sign that makes the object furthest that way the least along it."""


def ordered(scene: Scene) -> list[SceneObject]:
    """Objects as they are read: by row, then by column."""
    return sorted(scene.objects, key=lambda item: (item.y, item.x))


def listed(scene: Scene) -> str:
    return ", ".join(f"{item.colour} {item.shape} {item.letter}" for item in ordered(scene))


def shapes_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """How many objects have a shape; the options are numbers in a row."""
    shape = str(rng.choice(SHAPES))
    count = sum(item.shape == shape for item in scene.objects)
    first = count - int(rng.integers(min(count, 3) + 1))
    numbers = [str(number) for number in range(first, first + len(OPTION_LETTERS))]
    options = tuple(str(number) for number in rng.permutation(numbers))
    return Question("shapes", f"How many are of shape {shape}?", options, str(count), None, ())


def edge_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """The letter of the outermost object, where none is about as far out; the others' letters beside it."""
    way = str(rng.choice(list(EDGES)))
    outermost, *others = _outwards(scene, way)
    if others and abs(_along(others[0], way) - _along(outermost, way)) < MIN_OFFSET:
        return None
    letters = [item.letter for item in scene.objects]
    absent = [str(letter) for letter in rng.permutation([one for one in LETTERS if one not in letters])]
    wrong = [str(one) for one in rng.permutation([item.letter for item in others])] + absent
    options = tuple(str(one) for one in rng.permutation([outermost.letter, *wrong[:3]]))
    return Question("edge", f"What letter is furthest {way}?", options, outermost.letter, None, ())


FAMILIES: dict[str, Asker] = {
    "letter": letter_question,
    "shapes": shapes_question,
    "count": count_question,
    "edge": edge_question,
    "corner": corner_question,
}
PLAIN_NEEDED = {"letter": 1, "corner": 2}
"""Plain objects that a family needs to ask about: where there are fewer, its asker must not be called."""


def ask(rng: np.random.Generator, scene: Scene, family: str) -> Question | None:
    """A question of a family, or None where this draw allows none."""
    if len(scene.plain) < PLAIN_NEEDED.get(family, 0):
        return None
    return FAMILIES[family](rng, scene)


def family_of(text: str) -> str | None:
    """The family that a wording belongs to."""
    return next((family for family, stem in STEMS.items() if stem.fullmatch(text)), None)


def named_in(text: str) -> tuple[str, ...]:
    """Names of the objects that a wording of the letter or corner family goes by."""
    family = family_of(text)
    found = STEMS[family].fullmatch(text) if family in PLAIN_NEEDED else None
    return found.groups() if found else ()


def truth_of(scene: Scene, text: str) -> str | None:
    """The option text that answers a wording; None for no family's, for one that names what is not there, and
    where two objects are about as far out."""
    family = family_of(text)
    if family is None:
        return None
    found = STEMS[family].fullmatch(text)
    assert found is not None
    return TRUTHS[family](scene, *found.groups())


def _letter(scene: Scene, name: str) -> str | None:
    return next((item.letter for item in scene.objects if item.name == name), None)


def _shapes(scene: Scene, shape: str) -> str | None:
    return str(sum(item.shape == shape for item in scene.objects)) if shape in SHAPES else None


def _count(scene: Scene) -> str | None:
    return str(len(scene.objects))


def _edge(scene: Scene, way: str) -> str | None:
    outermost, *others = _outwards(scene, way)
    tied = others and abs(_along(others[0], way) - _along(outermost, way)) < MIN_OFFSET
    return None if tied else outermost.letter


def _corner(scene: Scene, target: str, anchor: str) -> str | None:
    places = {item.name: (item.x, item.y) for item in scene.objects}
    if target not in places or anchor not in places:
        return None
    (x, y), (from_x, from_y) = places[target], places[anchor]
    if min(abs(x - from_x), abs(y - from_y)) < MIN_OFFSET:
        return None
    return f"{'upper' if y < from_y else 'lower'} {'left' if x < from_x else 'right'}"


STEMS = {
    "letter": re.compile(r"What letter is on the (\w+ \w+)\?"),
    "shapes": re.compile(r"How many are of shape (\w+)\?"),
    "count": re.compile(r"How many objects are there\?"),
    "edge": re.compile(r"What letter is furthest (left|right|above|below)\?"),
    "corner": re.compile(r"Where is the (\w+ \w+) seen from the (\w+ \w+)\?"),
}
TRUTHS: dict[str, Callable[..., str | None]] = {
    "letter": _letter,
    "shapes": _shapes,
    "count": _count,
    "edge": _edge,
    "corner": _corner,
}


def _outwards(scene: Scene, way: str) -> list[SceneObject]:
    """Objects from the outermost inwards."""
    return sorted(scene.objects, key=lambda item: _along(item, way))


def _along(item: SceneObject, way: str) -> float:
    axis, sign = EDGES[way]
    return sign * getattr(item, axis)
