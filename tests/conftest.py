"""What several rooms' tests share."""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from killable import KillableCommands

from vzero.paths import Paths

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DRAWN: dict[str, str] = {}
"""Charts of `charts_drawn_once` by their specification."""

# Torch reads this when it is imported. Threads of several test processes would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is no failure, and a commit that passed once passes again: examples are the same every time.
# `pytest --hypothesis-profile explore` draws new ones.
settings.register_profile(
    "explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("vzero", settings.get_profile("explore"), derandomize=True, database=None)
settings.load_profile("vzero")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Short test names that every process gives alike: bytes may hold the time at which they were made."""
    if isinstance(val, bytes):
        return f"{len(val)} bytes"
    if isinstance(val, str) and len(val) > 80:
        return f"{val[:60]}... of {len(val)} characters"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Groups that take minutes come first: begun last, one process would wait for the other.
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
    for item in items:
        # What is made once for a file is made in one process.
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: no name that every process gives alike")


def pytest_collection_finish() -> None:
    """Tests, modules and models' code live to the end: no use in looking through them for garbage again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def charts_drawn_once() -> Iterator[None]:
    """For tests that look at what is around charts: small runs have mostly the same ones.

    Not for tests of the charts themselves, or of equal bytes: a copy is always equal.
    """
    from unittest import mock

    import vl_convert

    draw = vl_convert.vegalite_to_svg

    def drawn(spec: dict[str, Any]) -> str:
        key = json.dumps(spec)
        if key not in DRAWN:
            DRAWN[key] = draw(spec)
        return DRAWN[key]

    with mock.patch.object(vl_convert, "vegalite_to_svg", drawn):
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real one, for `tests.in_browser`."""
    from tests.in_browser import started_browser

    with started_browser() as started:
        yield started


@pytest.fixture(scope="session")
def letter_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of real tiny `qwen3_5` models, each of which answers every question with one given letter.

    Every layer adds nothing to the residual stream, so the next token depends on the current one alone, and
    the tied embeddings say which: the prompt's last token, the letter, the end.
    """
    made: dict[str, Path] = {}

    def folder_of(letter: str) -> Path:
        if letter not in made:
            made[letter] = tmp_path_factory.mktemp(f"always-{letter}") / "model"
            _save_letter_model(made[letter], letter)
        return made[letter]

    return folder_of


def _save_letter_model(folder: Path, letter: str) -> None:
    import torch

    from vzero.needle import architecture

    torch.set_num_threads(1)
    torch.manual_seed(0)
    tokenizer = architecture.train_tokenizer(["user assistant A B C D"])
    size = architecture.TinySize(hidden=64, layers=2, vision_hidden=32, vision_depth=1)
    network = architecture.build_model(size, tokenizer)
    asked = [{"role": "user", "content": "?"}]
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    last_of_prompt = tokenizer(prompt, add_special_tokens=False)["input_ids"][-1]
    said = tokenizer(letter, add_special_tokens=False)["input_ids"][0]
    with torch.no_grad():
        for name, weight in network.model.language_model.named_parameters():
            if name.endswith(("o_proj.weight", "out_proj.weight", "down_proj.weight")):
                weight.zero_()
        embedding = network.get_input_embeddings().weight.zero_()
        embedding[last_of_prompt, 0] = 1.0
        embedding[said, 0], embedding[said, 1] = 2.0, 1.0
        embedding[tokenizer.eos_token_id, 1] = 10.0
    architecture.save(folder, network, tokenizer)


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with data, and two tiny random models that share a tokenizer."""
    from small_project import make_project

    root = tmp_path_factory.mktemp("project")
    make_project(root)
    return root


@pytest.fixture
def project(made_project: Path, tmp_path: Path) -> Paths:
    """A copy of the small project that a test may train in."""
    shutil.copytree(made_project, tmp_path / "project")
    return Paths(tmp_path / "project")


@pytest.fixture(scope="session")
def commands() -> Iterator[KillableCommands]:
    """The project's commands; who uses them shares the process they start from by xdist_group("kills")."""
    started = KillableCommands()
    yield started
    started.close()
