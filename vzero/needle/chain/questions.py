"""Questions of the chain world: an answer tells first what was found in one small place after the other.

`letter` needs one place, `pair` and `nearest` two, `triple` three. `nearest` names one object alone: where
the other is has to be found before it can be read. Options are such that nothing of the truth shows in them.
"""

from __future__ import annotations

import math

import numpy as np

from vzero.needle.questions import OPTION_LETTERS, Asker, Question, ground_question
from vzero.needle.scenes import LETTERS, SHAPES, Scene, SceneObject

CLEARLY_NEAREST = 16.0  # pixels that the second nearest must be further away


def letter_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Which letter an object carries; the other options are letters of other objects first."""
    (target,) = _objects(rng, scene, 1)
    return _asked(
        rng,
        "letter",
        f"What letter is on the {target.name}?",
        target.letter,
        _others(rng, scene, target),
        (target,),
    )


def pair_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Which letters two objects carry, in order. Each letter stands in two options: none looks likelier."""
    two = _objects(rng, scene, 2)
    first, second = (item.letter for item in two)
    other_first, other_second = (_others(rng, scene, item)[0] for item in two)
    wrong = [f"{other_first} {second}", f"{first} {other_second}", f"{other_first} {other_second}"]
    text = f"What letters are on the {two[0].name} and the {two[1].name}?"
    return _asked(rng, "pair", text, f"{first} {second}", wrong, two)


def nearest_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Which letter the object nearest to another carries; None where two are about as near."""
    (anchor,) = _objects(rng, scene, 1)
    target, second = sorted(
        (item for item in scene.objects if item is not anchor), key=lambda o: _apart(o, anchor)
    )[:2]
    if _apart(second, anchor) - _apart(target, anchor) < CLEARLY_NEAREST:
        return None
    text = f"What letter is nearest to the {anchor.name}?"
    return _asked(rng, "nearest", text, target.letter, _others(rng, scene, target), (anchor, target))


def triple_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """As `pair_question`, of three objects: a wrong option has two of them wrong."""
    three = _objects(rng, scene, 3)
    letters = [item.letter for item in three]
    others = [_others(rng, scene, item)[0] for item in three]
    wrong = [
        " ".join(letters[place] if place == kept else others[place] for place in range(3))
        for kept in range(3)
    ]
    first, second, third = (f"the {item.name}" for item in three)
    text = f"What letters are on {first}, {second} and {third}?"
    return _asked(rng, "triple", text, " ".join(letters), wrong, three)


def shapes_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Coarse: how many objects have a shape."""
    shape = str(rng.choice(SHAPES))
    count = sum(item.shape == shape for item in scene.objects)
    return _asked(
        rng,
        "shapes",
        f"How many are of shape {shape}?",
        str(count),
        [str(number) for number in range(len(OPTION_LETTERS)) if number != count],
        (),
    )


REGION_FAMILIES: dict[str, Asker] = {
    "letter": letter_question,
    "pair": pair_question,
    "nearest": nearest_question,
    "triple": triple_question,
}
COARSE_FAMILIES: dict[str, Asker] = {"ground": ground_question, "shapes": shapes_question}


def findings(question: Question) -> str:
    """What is seen at each place that a question rests on, in order: how an answer begins."""
    if not question.named:
        return ""
    seen = [f"{item.name} {item.letter}" for item in question.named]
    if question.family == "nearest":
        anchor, target = question.named
        seen = [anchor.name, f"nearest {target.name} {target.letter}"]
    return ", ".join(seen) + ". "


def _asked(
    rng: np.random.Generator,
    family: str,
    text: str,
    truth: str,
    wrong: list[str],
    named: tuple[SceneObject, ...],
) -> Question:
    """With the truth and the first three of the wrong options, in a random order."""
    distinct = list(dict.fromkeys(option for option in wrong if option != truth))
    options = [truth, *distinct[: len(OPTION_LETTERS) - 1]]
    order = rng.permutation(len(options))
    return Question(family, text, tuple(options[index] for index in order), truth, None, named)


def _objects(rng: np.random.Generator, scene: Scene, count: int) -> tuple[SceneObject, ...]:
    return tuple(scene.objects[index] for index in rng.choice(len(scene.objects), size=count, replace=False))


def _others(rng: np.random.Generator, scene: Scene, target: SceneObject) -> list[str]:
    """Letters that another object carries, then the rest."""
    there = [
        str(one) for one in rng.permutation(sorted({item.letter for item in scene.objects} - {target.letter}))
    ]
    return there + [
        str(one) for one in rng.permutation([one for one in LETTERS if one not in (*there, target.letter)])
    ]


def _apart(item: SceneObject, other: SceneObject) -> float:
    return math.hypot(item.x - other.x, item.y - other.y)
