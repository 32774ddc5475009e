"""A red box drawn around the answer is recognised; red things in a clean picture are not taken for one."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from vzero.ingest.drawn_boxes import shows_drawn_box

WIDTH, HEIGHT = 240, 180


def scenery(seed: int = 0) -> Image.Image:
    """Blotches of every colour with grain, as a photo has them."""
    random = np.random.default_rng(seed)
    blotches = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    pixels = np.asarray(blotches.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), dtype=int)
    return Image.fromarray(np.clip(pixels + random.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8))


def draw_as_published(picture: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    """The box grown by 5 % a side, clipped to the picture, outlined in red."""
    grow_x, grow_y = 0.05 * (box[2] - box[0]), 0.05 * (box[3] - box[1])
    grown = [
        max(0, box[0] - grow_x),
        max(0, box[1] - grow_y),
        min(picture.width, box[2] + grow_x),
        min(picture.height, box[3] + grow_y),
    ]
    drawn = picture.copy()
    ImageDraw.Draw(drawn).rectangle(grown, outline="red", width=5)
    return drawn


def stored(picture: Image.Image, kind: str) -> np.ndarray:
    """The pixels after saving as `png`, or as `jpeg` of a quality with colours at half resolution."""
    buffer = io.BytesIO()
    if kind == "png":
        picture.save(buffer, "PNG")
    else:
        picture.save(buffer, "JPEG", quality=int(kind.removeprefix("jpeg ")), subsampling="4:2:0")
    return np.asarray(Image.open(buffer).convert("RGB"))


boxes = st.builds(
    lambda left, top, width, height: (left, top, min(left + width, WIDTH), min(top + height, HEIGHT)),
    left=st.floats(0, WIDTH - 60),
    top=st.floats(0, HEIGHT - 60),
    width=st.floats(16, 160),
    height=st.floats(16, 120),
)
kinds = st.sampled_from(["png", "jpeg 95", "jpeg 75"])


@given(boxes, kinds, st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_a_drawn_box_is_recognised_wherever_it_is_and_a_clean_picture_is_clean(box, kind, seed):
    picture = scenery(seed)
    assert shows_drawn_box(stored(draw_as_published(picture, box), kind), box)
    assert not shows_drawn_box(stored(picture, kind), box)


@pytest.mark.parametrize("kind", ["png", "jpeg 75"])
@pytest.mark.parametrize("box", [(0, 0, 60, 50), (180, 130, 240, 180), (0, 0, 240, 180), (1, 60, 239, 100)])
def test_a_drawn_box_that_touches_the_edge_of_the_picture_is_recognised(box, kind):
    assert shows_drawn_box(stored(draw_as_published(scenery(), box), kind), box)
    assert not shows_drawn_box(stored(scenery(), kind), box)


def test_a_box_that_was_rounded_after_drawing_is_recognised():
    drawn = stored(draw_as_published(scenery(), (60.4, 50.6, 129.5, 119.5)), "png")
    assert shows_drawn_box(drawn, (60, 51, 130, 120))


@pytest.mark.parametrize("inside", ["red", (215, 35, 45), "white", "black"])
def test_a_box_drawn_around_a_thing_of_any_colour_is_recognised(inside):
    picture, box = scenery(), (60, 40, 160, 120)
    ImageDraw.Draw(picture).ellipse(box, fill=inside)
    assert shows_drawn_box(stored(draw_as_published(picture, box), "jpeg 95"), box)


BOX = (60, 40, 160, 120)
RED_THINGS = {
    "a red thing that fills its box": lambda draw: draw.rectangle(BOX, fill="red"),
    "a red thing with a little room around": lambda draw: draw.rectangle((66, 45, 154, 115), fill="red"),
    "a red thing a little larger than its box": lambda draw: draw.rectangle((55, 36, 165, 124), fill="red"),
    "a red disc": lambda draw: draw.ellipse(BOX, fill="red"),
    "a red wall behind": lambda draw: draw.rectangle((0, 0, WIDTH, HEIGHT), fill="red"),
    "a red wall behind something": lambda draw: (
        draw.rectangle((20, 10, 220, 170), fill="red"),
        draw.rectangle((70, 50, 150, 110), fill="grey"),
    ),
    "a red line along three sides": lambda draw: draw.line(
        [(57, 38), (57, 122), (163, 122), (163, 38)], fill="red", width=7
    ),
    "a red frame around another thing": lambda draw: draw.rectangle(
        (80, 60, 140, 100), outline="red", width=5
    ),
    "a red frame far outside": lambda draw: draw.rectangle((40, 20, 180, 140), outline="red", width=5),
    "a frame of another colour": lambda draw: draw.rectangle((55, 36, 165, 124), outline="blue", width=5),
    "a brick-coloured frame": lambda draw: draw.rectangle((55, 36, 165, 124), outline="#a03020", width=5),
}


@pytest.mark.parametrize("kind", ["png", "jpeg 75", "jpeg 95"])
@pytest.mark.parametrize("thing", RED_THINGS)
def test_red_things_near_the_box_are_no_drawn_box(thing, kind):
    picture = scenery()
    RED_THINGS[thing](ImageDraw.Draw(picture))
    assert not shows_drawn_box(stored(picture, kind), BOX)


@pytest.mark.parametrize("kind", ["png", "jpeg 95"])
@pytest.mark.parametrize("sides", [(8, 8), (10, 10), (12, 12), (14, 14), (8, 60), (60, 9)])
def test_a_drawn_box_whose_lines_leave_no_inside_is_recognised_and_a_red_lamp_is_none(sides, kind):
    box = (100, 90, 100 + sides[0], 90 + sides[1])
    picture = scenery()
    assert shows_drawn_box(stored(draw_as_published(picture, box), kind), box)
    ImageDraw.Draw(picture).ellipse(box, fill="red")
    assert not shows_drawn_box(stored(picture, kind), box)
