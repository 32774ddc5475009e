"""Windows of an image: inside it, decided by pixels and seed, and where something is to be seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.errors import ConfigError
from vzero.geometry import PixelBox
from vzero.needle.scenes import draw_scene, render
from vzero.windows import strategies, window_of

RNG = np.random.default_rng(0)


@given(
    st.sampled_from(strategies()),
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 100),
    st.integers(0, 9),
)
def test_a_window_lies_inside_and_is_as_large_as_the_image_lets_it(strategy, width, height, side, seed):
    pixels = RNG.integers(0, 256, size=(height, width, 3), dtype=np.uint8)
    left, top, right, bottom = window_of(pixels, strategy, side=side, seed=seed)
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert (right - left, bottom - top) == (min(side, width), min(side, height))


@given(st.sampled_from(strategies()), st.integers(20, 90), st.integers(1, 20), st.integers(0, 9))
def test_windows_begin_on_the_grid(strategy, width, grid, seed):
    pixels = RNG.integers(0, 256, size=(60, width, 3), dtype=np.uint8)
    left, top, right, bottom = window_of(pixels, strategy, side=20, seed=seed, grid=grid)
    assert left % grid == top % grid == 0
    assert (right - left, bottom - top) == (20, 20) and right <= width


@pytest.mark.parametrize("strategy", strategies())
def test_pixels_and_seed_decide(strategy):
    one, other = (render(draw_scene(np.random.default_rng([1, n]), side=112)) for n in range(2))

    def windows(pixels: np.ndarray) -> list[PixelBox]:
        return [window_of(pixels, strategy, side=64, seed=seed) for seed in range(8)]

    assert windows(one) == windows(one.copy())
    assert windows(one) != windows(other)
    assert len(set(windows(one))) > 1


def test_contrast_looks_where_something_is_and_uniform_anywhere():
    """A small square in the corner of a plain image of 100 pixels, and windows of 40."""
    pixels = np.full((100, 100, 3), 90, np.uint8)
    pixels[4:16, 4:16] = 250
    windows = {
        name: [window_of(pixels, name, side=40, seed=seed) for seed in range(60)] for name in strategies()
    }
    seen = {name: np.mean([left <= 3 and top <= 3 for left, top, *_ in w]) for name, w in windows.items()}
    edges = {name: np.mean([left < 16 and top < 16 for left, top, *_ in w]) for name, w in windows.items()}
    assert edges["contrast"] == 1.0
    assert seen["contrast"] > 4 * seen["uniform"]


def test_where_nothing_is_to_be_seen_any_place_will_do():
    plain = np.full((50, 50, 3), 7, np.uint8)
    assert len({window_of(plain, "contrast", side=20, seed=seed) for seed in range(9)}) > 3


def test_an_unknown_strategy_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="allowed: contrast, uniform, got 'best'"):
        window_of(np.zeros((2, 2, 3), np.uint8), "best", side=1, seed=0)
