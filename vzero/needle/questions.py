"""Questions about a scene, with the evidence they rest on.

Region families rest on the boxes of the objects they name; coarse families on no region. Each question also
knows the answer of a reader who looks at the salient object instead of the one asked about (`lured`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vzero.needle.scenes import COLOURS, GROUNDS, LETTERS, SHAPES, Scene, SceneObject

OPTION_LETTERS = "ABCD"
MIN_OFFSET = 8.0  # pixels along an axis before two objects count as left/right or above/below


@dataclass(frozen=True)
class Question:
    family: str
    text: str
    options: tuple[str, ...]
    truth: str  # option text
    lured: str | None  # option text an inattentive reader would give; None when nothing lures
    named: tuple[SceneObject, ...]  # whose boxes are the evidence; empty for coarse families

    @property
    def answer(self) -> str:
        return self.letter_of(self.truth)

    def letter_of(self, option: str) -> str:
        return OPTION_LETTERS[self.options.index(option)]


def reply(option: str, letter: str) -> str:
    """The form of every answer in this world."""
    return f"It is {option}. Answer: {letter}"


def letter_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Fine-grained attribute of one object: which letter it carries."""
    target = _pick(rng, scene.plain)
    lured = scene.salient.letter if scene.salient else None
    others = [letter for letter in LETTERS if letter not in (target.letter, lured)]
    wrong = ([lured] if lured else []) + [str(letter) for letter in rng.permutation(others)]
    options = _shuffled(rng, [target.letter, *wrong[:3]])
    return Question(
        "letter", f"What letter is on the {target.name}?", options, target.letter, lured, (target,)
    )


def name_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """The letter question turned round: which object carries a letter. For pretraining only."""
    target = _pick(rng, scene.plain)
    others = [f"{colour} {shape}" for colour in COLOURS if colour != target.colour for shape in SHAPES]
    options = _shuffled(rng, [target.name, *(str(name) for name in rng.permutation(others)[:3])])
    return Question("name", f"What is the letter {target.letter} on?", options, target.name, None, (target,))


def side_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Relative position of two objects along one axis; two options."""
    target, anchor = _pick_two(rng, scene.plain)
    words, axis = ((("left", "right"), "x"), (("above", "below"), "y"))[int(rng.integers(2))]
    truth = _side(target, anchor, words, axis)
    if truth is None:
        return None
    lured = _side(scene.salient, anchor, words, axis) if scene.salient else None
    first, second = words
    joined = f"{first} or {second} of" if axis == "x" else f"{first} or {second}"
    text = f"Is the {target.name} {joined} the {anchor.name}?"
    return Question("side", text, _shuffled(rng, list(words)), truth, lured, (target, anchor))


def corner_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Cross-instance relation of two objects along both axes; four options."""
    target, anchor = _pick_two(rng, scene.plain)
    truth = _corner(target, anchor)
    if truth is None:
        return None
    lured = _corner(scene.salient, anchor) if scene.salient else None
    options = _shuffled(rng, [f"{v} {h}" for v in ("upper", "lower") for h in ("left", "right")])
    text = f"Where is the {target.name} seen from the {anchor.name}?"
    return Question("corner", text, options, truth, lured, (target, anchor))


def ground_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Coarse: the colour of the ground."""
    options = _shuffled(rng, list(GROUNDS))
    return Question("ground", "What colour is the background?", options, scene.ground, None, ())


def count_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Coarse: how many objects there are."""
    count = len(scene.objects)
    first = count - int(rng.integers(4))
    options = _shuffled(rng, [str(number) for number in range(first, first + 4)])
    return Question("count", "How many objects are there?", options, str(count), None, ())


def largest_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Coarse: the colour of the salient object."""
    if scene.salient is None:
        return None
    others = [str(c) for c in rng.permutation(list(COLOURS)) if c != scene.salient.colour]
    options = _shuffled(rng, [scene.salient.colour, *others[:3]])
    return Question("largest", "What colour is the largest object?", options, scene.salient.colour, None, ())


Asker = Callable[[np.random.Generator, Scene], Question | None]
REGION_FAMILIES: dict[str, Asker] = {
    "letter": letter_question,
    "side": side_question,
    "corner": corner_question,
}
COARSE_FAMILIES: dict[str, Asker] = {
    "ground": ground_question,
    "count": count_question,
    "largest": largest_question,
}


def _pick(rng: np.random.Generator, items: tuple[SceneObject, ...]) -> SceneObject:
    return items[int(rng.integers(len(items)))]


def _pick_two(rng: np.random.Generator, items: tuple[SceneObject, ...]) -> tuple[SceneObject, SceneObject]:
    first, second = rng.choice(len(items), size=2, replace=False)
    return items[first], items[second]


def _shuffled(rng: np.random.Generator, options: list[str]) -> tuple[str, ...]:
    return tuple(options[index] for index in rng.permutation(len(options)))


def _side(target: SceneObject, anchor: SceneObject, words: tuple[str, str], axis: str) -> str | None:
    offset = getattr(target, axis) - getattr(anchor, axis)
    if abs(offset) < MIN_OFFSET:
        return None
    return words[0] if offset < 0 else words[1]


def _corner(target: SceneObject, anchor: SceneObject) -> str | None:
    horizontal = _side(target, anchor, ("left", "right"), "x")
    vertical = _side(target, anchor, ("upper", "lower"), "y")
    return f"{vertical} {horizontal}" if horizontal and vertical else None
