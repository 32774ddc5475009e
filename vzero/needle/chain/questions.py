"""Questions of the chain world: an answer tells first what was found in one small place after the other.

`letter` needs one place, `pair` and `nearest` two, `triple` three. `nearest` names one object alone: where
the other is has to be found before it can be read. Wrong options are what one wrong finding leads to.
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
    """Which letters two objects carry, in order; wrong options have them swapped, or one of them wrong."""
    first, second = _objects(rng, scene, 2)
    one_wrong = [f"{other} {second.letter}" for other in _others(rng, scene, first)[:2]]
    one_wrong += [f"{first.letter} {other}" for other in _others(rng, scene, second)[:2]]
    wrong = [f"{second.letter} {first.letter}", *(str(option) for option in rng.permutation(one_wrong))]
    text = f"What letters are on the {first.name} and the {second.name}?"
    return _asked(rng, "pair", text, f"{first.letter} {second.letter}", wrong, (first, second))


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
    """As `pair_question`, of three objects; a wrong option has one of them wrong."""
    three = _objects(rng, scene, 3)
    letters = [item.letter for item in three]
    wrong = [
        " ".join([*letters[:place], other, *letters[place + 1 :]])
        for place, item in enumerate(three)
        for other in _others(rng, scene, item)[:2]
    ]
    first, second, third = (f"the {item.name}" for item in three)
    text = f"What letters are on {first}, {second} and {third}?"
    options = [str(option) for option in rng.permutation(wrong)]
    return _asked(rng, "triple", text, " ".join(letters), options, three)


def shapes_question(rng: np.random.Generator, scene: Scene) -> Question | None:
    """Coarse: how many objects have a shape."""
    shape = str(rng.choice(SHAPES))
    count = sum(item.shape == shape for item in scene.objects)
    return _asked(
        rng,
        "shapes",
        f"How many are of shape {shape}?",
        str(count),
        [str(number) for number in range(5) if number != count],
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
