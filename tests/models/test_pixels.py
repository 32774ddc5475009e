"""A picture is processed once, on whichever thread comes first, and is what it was said to be."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import save_tiny

from vzero.config import Models
from vzero.errors import ModelError
from vzero.imaging import encode_png
from vzero.models.encoding import encode
from vzero.models.loading import LoadedModel, load_model
from vzero.models.pixels import Pixels, PixelStore, process
from vzero.models.prompt import longest_length, prompt_length, prompt_of, prompts_of
from vzero.prompts.views import NEGATIVE, POSITIVE, Picture, View, full_view, with_crop


def picture(height: int, width: int, seed: int, name: str = "image") -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Picture.of(encode_png(pixels), name)


FULL = full_view("What letter is it?", ["K", "T"], [picture(96, 128, 0)])
RIGHT, WRONG = (
    with_crop(FULL, picture(32, 64, seed, "crop"), role) for seed, role in ((1, POSITIVE), (2, NEGATIVE))
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedModel, LoadedModel]:
    """With one processor's settings."""
    root = tmp_path_factory.mktemp("models")
    folders = (save_tiny(root / name, seed=seed, layers=2) for seed, name in enumerate("ab"))
    first, second = (load_model(folder, Models(), device="cpu") for folder in folders)
    return first, second


@pytest.fixture
def processed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The pictures that are decoded, resized and normalised, each time."""
    seen: list[bytes] = []
    monkeypatch.setattr(
        "vzero.models.pixels.process", lambda model, data: seen.append(data) or process(model, data)
    )
    return seen


def test_views_and_models_share_what_a_picture_is_made_into(models, processed):
    store = PixelStore()
    prompts = [prompt for model in models for prompt in prompts_of(model, [FULL, RIGHT, WRONG], store)]
    for prompt in prompts:
        encode(models[0], [prompt])
        encode(models[0], [prompt])
    assert len(processed) == len(set(processed)) == 3


def test_processors_of_other_settings_make_their_own(models, processed):
    store = PixelStore()
    smaller = replace(
        models[0],
        image_processor=type(models[0].image_processor)(size={"shortest_edge": 1024, "longest_edge": 4096}),
    )
    for model in (models[0], smaller):
        prompt_of(model, FULL, store).pixels[0]()
    assert len(processed) == 2


def test_other_threads_make_them_before_they_are_asked_for(models):
    threads: set[str] = set()
    done = threading.Event()

    def make():
        threads.add(threading.current_thread().name)
        done.set()
        return np.zeros((1, 1)), np.zeros((1, 3))

    pixels = Pixels(make)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        pool.submit(pixels)
        assert done.wait(5)
        pixels()
    assert threads == {"ahead_0"}
    with ThreadPoolExecutor(2) as pool:
        ahead = prompt_of(models[0], RIGHT, PixelStore(pool))
    alone = prompt_of(models[0], RIGHT)
    ours, theirs = encode(models[0], [ahead]), encode(models[0], [alone])
    assert torch.equal(ours.pixels, theirs.pixels)
    assert torch.equal(ours.token_ids, theirs.token_ids)


def test_a_picture_of_another_size_than_was_said_is_an_error(models):
    wrong = replace(FULL.pictures[0], width=32, height=32)
    prompt = prompt_of(models[0], full_view("What?", [], [wrong]))
    with pytest.raises(ModelError, match="image: told to be 32 x 32 pixels, which take 4 tokens, but"):
        encode(models[0], [prompt])


def test_the_size_alone_gives_the_length_and_no_pixels(models):
    for view in (FULL, RIGHT):
        sizes = replace(view, pictures=tuple(replace(shown, data=None) for shown in view.pictures))
        length = len(prompt_of(models[0], view).token_ids)
        assert prompt_length(models[0], sizes) == length <= longest_length(models[0], sizes)
        with pytest.raises(ValueError, match="image: its size alone is known"):
            prompt_of(models[0], sizes)


def test_a_view_takes_any_number_of_images_and_the_crop_stands_after_the_first(models):
    second = picture(64, 48, 3)
    several = full_view("Which differ?", ["A", "B"], [FULL.pictures[0], second])
    beside: View = with_crop(several, RIGHT.pictures[1], POSITIVE)
    assert beside.shown == (FULL.pictures[0], RIGHT.pictures[1], second)
    prompts = prompts_of(models[0], [several, beside])
    assert [len(prompt.pictures) for prompt in prompts] == [2, 3]
    assert prompts[0].halves[0] == prompts[1].halves[0], "the first image is read once for both"
    encoded = encode(models[0], prompts)
    assert encoded.grids is not None and len(encoded.grids) == 5
