"""Questions about number, place and size: each has one right answer, found by hand and by brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vzero import geometry
from vzero.config import CocoSource
from vzero.sources.annotation import Annotation
from vzero.sources.categories import categories_of
from vzero.sources.place_questions import MOST_COUNTED, place_questions
from vzero.sources.region_questions import annotations_of, ask
from vzero.sources.regions import AnnotatedImage, Region, RegionQuestion

WIDE = (400.0, 200.0)


def raccoons(*boxes: tuple[float, float, float, float]) -> list[Region]:
    return [Region("raccoon", box) for box in boxes]


def answers(regions: list[Region], extent: tuple[float, float] | None = WIDE) -> dict[str, str]:
    found = place_questions([regions], extent, "key")
    return {question.text: question.answer for questions in found.values() for question in questions}


def test_a_single_object():
    assert answers(raccoons((300, 120, 380, 190))) == {
        "How many objects of this kind are in the picture: raccoon?": "1",
        "Which corner of the picture is the raccoon nearest to?": "the lower right one",
    }


def test_two_objects_side_by_side():
    assert answers(raccoons((10, 10, 110, 110), (300, 150, 340, 190))) == {
        "Two objects of this kind are in the picture: raccoon. Which of them is larger?": "the left one",
        "How many objects of this kind are in the picture: raccoon?": "2",
        "Which corner of the picture is the smallest raccoon nearest to?": "the lower right one",
        "Which corner of the picture is the largest raccoon nearest to?": "the upper left one",
        "Is the leftmost raccoon in the upper or in the lower half of the picture?": "in the upper half",
        "Is the rightmost raccoon in the upper or in the lower half of the picture?": "in the lower half",
        "Is the highest raccoon in the left or in the right half of the picture?": "in the left half",
        "Is the lowest raccoon in the left or in the right half of the picture?": "in the right half",
    }


def test_what_is_near_the_middle_or_a_tie_is_not_asked():
    assert answers(raccoons((180, 80, 220, 120))) == {
        "How many objects of this kind are in the picture: raccoon?": "1"
    }
    level = answers(raccoons((10, 10, 60, 60), (12, 100, 62, 150)))
    assert not any("leftmost" in text or "rightmost" in text or "larger" in text for text in level)


def test_without_the_pictures_size_nothing_depends_on_it():
    assert list(answers(raccoons((300, 120, 380, 190)), None)) == [
        "How many objects of this kind are in the picture: raccoon?"
    ]


def test_objects_that_cannot_be_told_make_no_question_of_their_kind():
    assert answers([*raccoons((300, 120, 380, 190)), Region("raccoon", (0, 0, 4, 4))]) == {}
    assert answers([*raccoons((300, 120, 380, 190)), Region("raccoon", (0, 0, 40, 40), askable=False)]) == {}


def test_a_set_of_one_class_has_questions_and_no_more_than_asked_for():
    annotated = AnnotatedImage("a.jpg", (400, 200), "", raccoons((10, 10, 110, 110), (300, 150, 340, 190)))
    categories = categories_of(["raccoon"])
    few, all_of_them = (
        ask(annotated, categories, CocoSource(questions_per_image=count)) for count in (4, 99)
    )
    assert {question.template for question in few} == {"larger", "count", "corner", "half"}
    assert len(all_of_them) == 8
    placed = CocoSource(templates=["corner", "half"], questions_per_image=99)
    assert {question.template for question in ask(annotated, categories, placed)} == {"corner", "half"}


BOX = st.tuples(st.integers(0, 340), st.integers(0, 160), st.integers(10, 60), st.integers(10, 40)).map(
    lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3]))
)


@given(st.lists(BOX, min_size=1, max_size=MOST_COUNTED + 2), st.text(max_size=3))
def test_every_question_has_its_answer_once_among_its_options(boxes, key: str):
    found = place_questions([raccoons(*boxes)], WIDE, key)
    for question in (question for several in found.values() for question in several):
        assert question.options.count(question.answer) == 1
        assert len(set(question.options)) == len(question.options)
        assert question.regions
        assert answered(question, boxes) == question.answer


@given(st.lists(st.tuples(BOX, st.sampled_from("ab"), st.booleans()), max_size=8), st.integers(1, 9))
def test_every_object_has_one_fate(objects, most: int):
    regions = [Region(name, box, askable=askable) for box, name, askable in objects]
    regions.append(Region("a", (5, 5, 9, 9)))
    annotated = AnnotatedImage("a.jpg", (400, 200), "", regions)
    config = CocoSource(questions_per_image=most)
    items = list(annotations_of(annotated, categories_of(["a", "b", "c", "d"]), config))
    fates = [fate for item in items for fate in item.objects]
    assert len(fates) == len(regions)
    told = {tuple(box) for item in items if isinstance(item, Annotation) for box in item.boxes}
    asked = sum(fate == "asked" for _, fate in fates)
    assert len(told) <= asked <= sum(region.box in told for region in regions)
    assert fates.count(("a", "small")) >= 1
    assert sum(fate == "not_single" for _, fate in fates) == sum(not askable for *_, askable in objects)


def answered(question: RegionQuestion, boxes: list[tuple[float, float, float, float]]) -> str:
    """What somebody who sees all boxes would say."""
    if question.template == "count":
        return str(len(boxes))
    if question.template == "larger":
        large = max(boxes, key=geometry.area)
        axis = 0 if "left" in " ".join(question.options) else 1
        first = min(boxes, key=lambda box: box[axis])
        return (
            ("the left one", "the upper one")[axis]
            if large == first
            else ("the right one", "the lower one")[axis]
        )
    box = question.regions[0].box
    side = "left" if box[0] + box[2] < WIDE[0] else "right"
    up = "upper" if box[1] + box[3] < WIDE[1] else "lower"
    if question.template == "corner":
        return f"the {up} {side} one"
    return f"in the {side if 'left' in question.options[0] + question.options[1] else up} half"
