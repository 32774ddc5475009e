"""What a pass leaves behind owns its storage: a view would keep all of what it is a view of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from rollout_passes import views
from tiny_models import FAMILIES, save_tiny

from vzero.config import Models
from vzero.models.encoding import encode, pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.rollout import plain
from vzero.rollout.prefix import Prefix, begin, extend, fork, prefill, text_piece
from vzero.rollout.replay import replay


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, tmp_path_factory) -> LoadedModel:
    torch.set_num_threads(1)
    folder = save_tiny(tmp_path_factory.mktemp(request.param), request.param)
    return load_model(folder, Models(), trainable=True)


def tensors(kept: object) -> Iterator[torch.Tensor]:
    """Every tensor in an object's attributes, lists and dictionaries."""
    if isinstance(kept, torch.Tensor):
        yield kept
    elif isinstance(kept, dict):
        for value in kept.values():
            yield from tensors(value)
    elif isinstance(kept, list | tuple):
        for value in kept:
            yield from tensors(value)
    elif hasattr(kept, "__dict__"):
        yield from tensors(vars(kept))


def excess(kept: object) -> list[tuple[int, int]]:
    """Bytes of storage and of the tensor, where they differ."""
    sizes = [(t.untyped_storage().nbytes(), t.numel() * t.element_size()) for t in tensors(kept)]
    assert sizes
    return [pair for pair in sizes if pair[0] != pair[1]]


def continued(model: LoadedModel, prefix: Prefix, answers: list[list[int]]) -> Prefix:
    return extend(model, prefix, text_piece(*pad_rows(answers, pad=model.pad_token, device=model.device)))[1]


@pytest.mark.parametrize("with_gradients", [True, False])
def test_states_are_as_large_as_their_storage(model, with_gradients):
    with torch.set_grad_enabled(with_gradients):
        alone = begin(model, encode(model, views(model)[:2]))
        assert excess(alone) == []
        siblings = fork(prefill(model, views(model)), 2)
        assert excess(siblings) == []
        equally_long = continued(model, siblings, [[20, 21, 22]] * 8)
        assert excess(equally_long) == []
        ragged = continued(model, equally_long, [[20, 21, 22], [23], [24, 2], [25]] * 2)
        assert excess(ragged) == []
        assert excess(continued(model, ragged, [[20]] * 8)) == []


@pytest.mark.parametrize("score", [replay, plain.replay])
def test_hidden_states_of_answers_do_not_hold_those_of_the_prompts(model, score):
    token_ids, mask = pad_rows([[20, 2], [2]], pad=model.pad_token, device=model.device)
    assert excess(score(model, views(model)[:2], token_ids, mask)) == []
