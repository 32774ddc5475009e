"""A token a row over slots gives what the library's own layers give, for every family."""

from __future__ import annotations

import statistics
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from rollout_passes import views
from tiny_models import FAMILIES, PLAIN, save_tiny
from torch.utils._python_dispatch import TorchDispatchMode

from vzero.config import Models
from vzero.models.adapters import add_adapters
from vzero.models.loading import LoadedModel, load_model
from vzero.rollout.decoding import Decoding
from vzero.rollout.delta_rule import WINDOW
from vzero.rollout.generate import prefilled
from vzero.rollout.one_token import OneToken
from vzero.rollout.prefix import computing, extend, fork, text_piece
from vzero.rollout.sampling import Sampling
from vzero.rollout.slots import Slots

TOKENS = WINDOW + 5


@pytest.fixture(scope="module", params=[*FAMILIES, *PLAIN])
def folder(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_tiny(tmp_path_factory.mktemp(request.param) / request.param, request.param)


def loaded(folder: Path, **settings) -> LoadedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a family that shares no prefixes says so
        return load_model(folder, Models(**settings), trainable=True)


def decoding(model: LoadedModel, rows: int, columns: int) -> Decoding:
    """Answers to four prompts under way."""
    prompts = views(model)
    prefix, chosen = prefilled(model, prompts, rows // len(prompts))
    uniforms = np.random.default_rng(0).random((rows, columns))
    slots = Decoding(
        model, Sampling(1.0, columns), uniforms, slots=rows, columns=columns + prefix.mask.shape[1]
    )
    slots.put(prefix, chosen, range(rows))
    return slots


@torch.no_grad()
def differences(model: LoadedModel) -> list[float]:
    """Of hidden states by both ways, the largest of each token; as a share of their size."""
    prompts = views(model)
    prefix, rows = prefilled(model, prompts, 1)
    slots = Slots(prefix, len(rows), prefix.mask.shape[1] + TOKENS, model.autocast or model.network.dtype)
    slots.put(0, prefix, rows)
    theirs, one_token = fork(prefix, 1), OneToken(model)
    tokens = torch.randint(20, 60, (len(rows), TOKENS), generator=torch.Generator().manual_seed(0))
    found = []
    for place in range(TOKENS):
        column = tokens[:, place : place + 1]
        expected, theirs = extend(model, theirs, text_piece(column, torch.ones_like(column)))
        ours = one_token(column[:, 0], slots, slots.columns)
        slots.next_column += 1
        slots.next_position += 1
        slots.window += 1
        if int(slots.window) == WINDOW:
            slots.fold(len(rows))
        difference = (ours.float() - expected[:, 0].float()).abs().max() / expected.abs().max()
        found.append(float(difference))
    return found


def test_hidden_states_are_the_librarys(folder: Path):
    assert max(differences(loaded(folder))) < 1e-5


def test_with_adapters_too(folder: Path):
    model = loaded(folder)
    add_adapters(model, rank=2, alpha=8)
    with torch.no_grad():
        for name, weight in model.network.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.05, generator=torch.Generator().manual_seed(len(name)))
    assert max(differences(model)) < 1e-5


def test_in_bf16_they_differ_by_its_rounding(folder: Path):
    found = differences(loaded(folder, precision="bf16"))
    # What differs by a rounding may be sent to other experts, and is another number then.
    assert (statistics.median if folder.name.endswith("moe") else max)(found) < 0.1


class CastWeights(TorchDispatchMode):
    """Matrices of a network that are cast while this is entered."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__()
        self.weights = {weight.data_ptr(): name for name, weight in model.network.named_parameters()}
        self.cast: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function._schema.name == "aten::_to_copy" and args[0].data_ptr() in self.weights:
            self.cast.append(self.weights[args[0].data_ptr()])
        return function(*args, **(kwargs or {}))


@torch.no_grad()
def test_a_step_casts_no_weight_again(folder: Path):
    model = loaded(folder, precision="bf16")
    with computing(model):
        slots = decoding(model, 8, 40)
        slots.step()
        with CastWeights(model) as again:
            slots.step()
    assert again.weights
    # Norms and the like are as wide as a token; of what they multiply the library casts nothing either.
    assert [name for name in again.cast if model.network.get_parameter(name).ndim > 1] == []


@torch.no_grad()
def test_caches_stay_where_they_are(folder: Path):
    model = loaded(folder)
    slots = decoding(model, 8, 100)
    assert slots.slots is not None
    before = [tensor.data_ptr() for tensor in slots.slots.tensors]
    for _ in range(100):
        slots.step()
    assert [tensor.data_ptr() for tensor in slots.slots.tensors] == before


@pytest.mark.parametrize(
    "family", [FAMILIES[0], *(pytest.param(family, marks=pytest.mark.long) for family in FAMILIES[1:])]
)
@torch.no_grad()
def test_a_step_is_one_graph(family: str, tmp_path: Path):
    """Not with experts, which are chosen by values."""
    folder = save_tiny(tmp_path / family, family)
    compiled, plain = (decoding(loaded(folder), 8, 40) for _ in range(2))
    torch._dynamo.reset()
    step = torch.compile(compiled.decode, fullgraph=True, backend="eager")
    for _ in range(3):
        step(8, 128)
        plain.decode(8, 128)
    # Compiled in the same operations, so the same tokens.
    assert list(compiled.answers()) == list(plain.answers())
