"""Answers are the same in any batch, order and number of slots; ended ones make room for others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from rollout_passes import views
from tiny_models import save_tiny

from vzero.config import Models
from vzero.models.encoding import pad_rows
from vzero.models.loading import LoadedModel, load_model
from vzero.models.prompt import Prompt
from vzero.rollout import decoding
from vzero.rollout.decoding import Decoding
from vzero.rollout.generate import UNBOUNDED, Bounds, generate, prefilled, uniforms_of
from vzero.rollout.graphs import Graphs
from vzero.rollout.replay import replay
from vzero.rollout.responses import vocabulary_logits
from vzero.rollout.sampling import Rollout, Sampling

MOST = 24
HOT = 3.0  # a temperature at which a random model says this and that
NEAR = 1e-5  # a draw that is as near to the next token's may turn with the last digits


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    torch.set_num_threads(1)
    loaded = load_model(save_tiny(tmp_path_factory.mktemp("model"), layers=2), Models())
    # Many tokens end an answer, so that lengths differ.
    loaded.network.generation_config.eos_token_id = list(range(20, 120))
    return loaded


def distance_to_the_next(
    model: LoadedModel, prompt: Prompt, answer: Rollout, place: int, drawn: float
) -> float:
    """How far the number that a token was drawn by is from one that draws another token."""
    ids, mask = pad_rows([answer.token_ids], pad=0, device=model.device)
    logits = vocabulary_logits(model, replay(model, [prompt], ids, mask))[0, place].double() / HOT
    logits[model.banned_tokens] = -torch.inf
    shares = logits.softmax(dim=-1).cumsum(dim=-1)
    token = answer.token_ids[place]
    return min(abs(drawn - float(shares[token])), abs(drawn - float(shares[token - 1])))


class Call(NamedTuple):
    order: list[int]
    count: int
    group: int
    seed: int
    bounds: Bounds
    look_every: int


CALLS = st.builds(
    Call,
    order=st.permutations(range(4)),
    count=st.integers(1, 4),
    group=st.integers(1, 4),
    seed=st.integers(0, 50),
    bounds=st.builds(Bounds, st.sampled_from([None, 1, 150]), st.sampled_from([None, 1, 300, 700])),
    look_every=st.sampled_from([1, 5]),
)


@settings(deadline=None, max_examples=25)
@given(call=CALLS)
@torch.no_grad()
def test_an_answer_is_the_same_however_it_is_decoded(model: LoadedModel, call: Call):
    prompts, sampling = views(model), Sampling(HOT, max_new_tokens=MOST)
    asked = [prompts[number] for number in call.order[: call.count]]
    group, seed = call.group, call.seed
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoding, "look_every", lambda device: call.look_every)
        together = generate(model, asked, sampling, group=group, seed=seed, bounds=call.bounds)
    for prompt, answers in zip(asked, together, strict=True):
        alone = generate(model, [prompt], sampling, group=4, seed=seed)[0][:group]
        for ours, theirs in zip(answers, alone, strict=True):
            if ours.token_ids == theirs.token_ids:
                assert np.allclose(ours.logprobs, theirs.logprobs, atol=1e-5)
                assert (ours.text, ours.finish_reason) == (theirs.text, theirs.finish_reason)
                continue
            pairs = zip(ours.token_ids, theirs.token_ids, strict=False)
            first = next(number for number, (a, b) in enumerate(pairs) if a != b)
            row = [answer.token_ids for answer in alone].index(theirs.token_ids)
            drawn = uniforms_of(prompt, 4, MOST, seed)[row, first]
            assert distance_to_the_next(model, prompt, theirs, first, drawn) < NEAR
            event("a draw beside another token's turned")


@torch.no_grad()
def steps_of(
    model: LoadedModel, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch, bounds: Bounds = UNBOUNDED
) -> int:
    steps = []
    step = Decoding.step
    monkeypatch.setattr(Decoding, "step", lambda self: steps.append(self.under_way) or step(self))
    answers = generate(model, prompts, Sampling(HOT, max_new_tokens=MOST), group=4, seed=2, bounds=bounds)
    monkeypatch.undo()
    lengths = [len(one.token_ids) for group in answers for one in group]
    assert len(set(lengths)) > 3
    return len(steps)


def test_four_prompts_take_the_steps_of_the_longest_answer(model, monkeypatch):
    """Its first token comes with the prompts."""
    answers = generate(model, views(model), Sampling(HOT, max_new_tokens=MOST), group=4, seed=2)
    longest = max(len(one.token_ids) for group in answers for one in group)
    assert steps_of(model, views(model), monkeypatch) == longest - 1


def test_fewer_slots_are_filled_again_as_answers_end(model, monkeypatch):
    """Three groups at once, of twelve: fewer steps than three after three would take."""
    prompts = views(model) * 3
    columns = max(len(prompt.token_ids) for prompt in prompts) + MOST
    refilled = steps_of(model, prompts, monkeypatch, Bounds(decode_tokens=12 * columns))
    waves = sum(steps_of(model, prompts[first : first + 3], monkeypatch) for first in range(0, 12, 3))
    assert steps_of(model, prompts, monkeypatch) < refilled < waves


@torch.no_grad()
def test_those_left_move_into_the_first_slots(model):
    prefix, rows = prefilled(model, views(model), 3)
    answers = Decoding(model, Sampling(1.0, MOST), np.zeros((12, MOST)), slots=12, columns=400)
    answers.put(prefix, rows, range(12))
    assert (answers.under_way, answers.free, answers.wants_more) == (12, 0, False)
    slots = answers.slots
    assert slots is not None
    before = [tensor[[9, 1, 2]].clone() for tensor in slots.tensors]
    answers.keep([number in (1, 2, 9) for number in range(12)])
    assert (answers.under_way, answers.free, answers.wants_more) == (3, 9, True)
    assert all(torch.equal(tensor[:3], old) for tensor, old in zip(slots.tensors, before, strict=True))


@torch.no_grad()
def test_slots_without_an_answer_say_nothing(model):
    """They are computed with the others; what was moved away from one must not be written twice."""
    prefix, rows = prefilled(model, views(model), 2)
    pair = [
        Decoding(model, Sampling(1.0, MOST), np.full((8, MOST), 0.3), slots=8, columns=400) for _ in range(2)
    ]
    for answers in pair:
        answers.put(prefix, rows, range(8))
        answers.step()
    pair[0].keep([number == 7 for number in range(8)])
    for answers in pair:
        for _ in range(5):
            answers.step()
    ours, theirs = (list(answers.answers()) for answers in pair)
    assert ours[7] == theirs[7]
    assert all(tokens[2:] == [0] * (MOST - 2) for tokens, _ in ours[:7])


def test_a_graph_is_recorded_at_a_shapes_second_run():
    done: list[tuple[str, tuple[int, int]]] = []

    def record(run):
        shape = done_shape(run)
        done.append(("recorded", shape))
        return lambda: done.append(("replayed", shape))

    def done_shape(run) -> tuple[int, int]:
        run()
        return done.pop()[1]

    graphs = Graphs(lambda rows, columns: done.append(("run", (rows, columns))), record)
    for shape in [(8, 128), (8, 128), (8, 256), (8, 128)]:
        graphs(*shape)
    assert done == [
        ("run", (8, 128)),
        ("recorded", (8, 128)),
        ("replayed", (8, 128)),
        ("run", (8, 256)),
        ("replayed", (8, 128)),
    ]


def test_shapes_are_few(model, monkeypatch):
    shapes = set()
    monkeypatch.setattr(
        decoding, "Graphs", lambda work, record: lambda *shape: shapes.add(shape) or work(*shape)
    )
    generate(model, views(model), Sampling(1.0, max_new_tokens=60), group=6, seed=0)
    assert {columns % decoding.COLUMNS for _, columns in shapes} == {0}
    assert {rows % decoding.ROWS for rows, _ in shapes} == {0}
