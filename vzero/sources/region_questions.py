"""Questions for data sets that have only boxes and categories: a few templates, each with one right answer.

- `seen`: which of four categories is in the picture; asked of a category with a single object, beside
  categories that the picture has no object of, and that exclude it and each other (`categories`).
- `side`: whether one object is left or right of another; asked of two that share no column of pixels.
- `height`: the same for higher and lower, of two that share no row.

The answer rests on the region because the object is the only one that its category may name, and small
objects come first: of `seen` the smallest object, of pairs the one whose common box is smallest. This
presumes that the data set annotates every object of its categories, as COCO and VOC do; objects it leaves out
make wrong questions. Nothing is random but by hash of the seed and the image's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, combinations, islice, zip_longest

from vzero import geometry
from vzero.config import ObjectSource
from vzero.geometry import Box
from vzero.sources.annotation import Annotation
from vzero.sources.categories import Categories
from vzero.sources.place_questions import place_questions
from vzero.sources.regions import AnnotatedImage, Region, RegionQuestion
from vzero.sources.shuffle import shuffled
from vzero.untrusted.cells import LETTERS
from vzero.untrusted.rejects import Reject, RejectCode

OPTIONS = 4  # of `seen`
DIRECTIONS = ("side", "height", "larger", "corner", "half")  # templates whose answers turn with the picture
COMPARED = 10  # smallest objects that pairs are made of; the number of pairs grows with its square


def ask(annotated: AnnotatedImage, categories: Categories, config: ObjectSource) -> list[RegionQuestion]:
    """Questions about an image, no more than wanted, different templates first.

    `categories` are those of all objects of the data set. Questions of `place_questions` come last.
    """
    regions, key = annotated.regions, f"{config.seed}/{annotated.name}"
    present = Counter(region.category for region in regions)
    named = {name: sum(present[other] for other in categories.related[name]) for name in present}
    single = [region for region in regions if named[region.category] == 1 and region.clear]
    single.sort(key=lambda region: (geometry.area(region.box), region.category))
    makers = {"seen": _seen(single, present, categories, key), **_pairs(single[:COMPARED], key)}
    # A category whose objects all have its name, and no other's.
    own = [name for name in present if named[name] == present[name]]
    groups = [[region for region in regions if region.category == name] for name in own]
    places = place_questions(groups, annotated.sides, key)
    found = chain(_in_turns(makers, key), _in_turns(places, key))
    wanted = (question for question in found if question.template in config.templates)
    return list(islice(wanted, config.questions_per_image))


def _in_turns(makers: Mapping[str, Iterable[RegionQuestion]], key: str) -> Iterator[RegionQuestion]:
    """One question of every template, in an order drawn by `key`, then the second of each, and so on."""
    rounds = zip_longest(*(makers[name] for name in shuffled(makers, key)))
    return (question for several in rounds for question in several if question is not None)


def _seen(
    single: Sequence[Region], present: Collection[str], categories: Categories, key: str
) -> Iterator[RegionQuestion]:
    absent = categories.apart_from(present)
    for region in single:
        name = region.category
        others: list[str] = []
        for other in shuffled(absent, f"{key}/others/{name}"):
            if len(others) < OPTIONS - 1 and categories.related[other].isdisjoint(others):
                others.append(other)
        if others:
            options = shuffled([name, *others], f"{key}/seen/{name}")
            yield RegionQuestion("seen", "Which of these is in the picture?", options, name, [region])


def _pairs(single: Sequence[Region], key: str) -> dict[str, Iterator[RegionQuestion]]:
    pairs = sorted(combinations(single, 2), key=lambda pair: geometry.area(_union(pair)))
    return {
        "side": _compared("side", pairs, 0, key),
        "height": _compared("height", pairs, 1, key),
    }


def _union(pair: tuple[Region, Region]) -> Box:
    return geometry.union([region.box for region in pair])


def _compared(
    template: str, pairs: Sequence[tuple[Region, Region]], axis: int, key: str
) -> Iterator[RegionQuestion]:
    wording, options = {
        "side": ("Is the {} to the left or to the right of the {}?", ["to the left", "to the right"]),
        "height": ("Is the {} higher or lower in the picture than the {}?", ["higher", "lower"]),
    }[template]
    for pair in pairs:
        before, after = sorted(pair, key=lambda region: region.box[axis])
        if before.box[axis + 2] > after.box[axis]:
            continue
        names = [before.category, after.category]
        asked = shuffled(names, f"{key}/{template}/{'/'.join(names)}")
        answer = options[0] if asked == names else options[1]
        order = shuffled(options, f"{key}/{template}/order/{'/'.join(names)}")
        yield RegionQuestion(template, wording.format(*asked), order, answer, [before, after])


def annotations_of(
    annotated: AnnotatedImage, categories: Categories, config: ObjectSource
) -> Iterator[Annotation | Reject]:
    """The questions about an image as annotations, or one reject when there is nothing to ask.

    Boxes that cover no pixel are rows too: the checks reject them, and their numbers tell when all boxes are
    in another convention than the form has.
    """
    image, regions = annotated.image, annotated.regions
    questions = ask(annotated, categories, config)
    described = partial(
        Annotation,
        row=0,
        image=image,
        box_format=annotated.box_format,
        annotated_size=annotated.extent,
        licence=annotated.licence,
    )
    fates = iter([tuple(_fates(regions, questions))])  # in the first row
    for region in regions:
        if region.askable and min(geometry.sides(region.box)) < 1:
            where = f"Where is the {region.category}?"
            yield described(question=where, boxes=_written(region), objects=next(fates, ()))
    if not questions:
        known = f"the annotated categories are {len(categories.names)}"
        detail = f"no template has one answer for {len(regions)} objects; {known}"
        name = image if isinstance(image, str) else None
        yield Reject(0, RejectCode.MISSING_QUESTION, detail, image=name, objects=next(fates, ()))
    for question in questions:
        yield described(
            question=question.text,
            boxes=[_written(region) for region in question.regions],
            options=question.options,
            answer=LETTERS[question.options.index(question.answer)],
            category=question.template,
            tells_direction=question.template in DIRECTIONS,
            objects=next(fates, ()),
        )


def _fates(regions: Sequence[Region], questions: Iterable[RegionQuestion]) -> Iterator[tuple[str, str]]:
    """Category and fate (`tables.Objects`) of each object of a picture."""
    asked = {id(region) for question in questions for region in question.regions}
    for region in regions:
        if id(region) in asked:
            yield region.category, "asked"
        elif not region.askable:
            yield region.category, "not_single"
        else:
            yield region.category, "left_over" if region.clear else "small"


def _written(region: Region) -> list[float]:
    return list(region.written or region.box)
