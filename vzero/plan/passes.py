"""The engine's passes over prompts and answers of given lengths, counted stage by stage.

Each function runs what training runs: the sampler's steps, the replays, the loss, the optimizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vzero.config import Train
from vzero.models.encoding import encode
from vzero.models.loading import DTYPES, LoadedModel
from vzero.models.recompute import recompute_layers
from vzero.models.shapes import config_of
from vzero.plan.depth import FULL, extrapolated, fewest, with_layers
from vzero.plan.fake import Precision, Shown, answers, fake_model, fake_prompt, fake_zeros
from vzero.plan.remembered import remember_rule
from vzero.plan.tracing import Stages, Stopwatch, folded
from vzero.rollout.decoding import Decoding
from vzero.rollout.delta_rule import WINDOW
from vzero.rollout.generate import prefilled
from vzero.rollout.prefix import begin, computing
from vzero.rollout.replay import replay
from vzero.rollout.responses import CHUNK_LOGITS, vocabulary_logits
from vzero.rollout.sampling import Sampling
from vzero.train.loss import Loss, Part, Scored
from vzero.train.replays import GivenAnswers, own_logprobs, replay_views
from vzero.train.sharding import layers_of, matrices_of
from vzero.train.update import optimizer_of


@dataclass(frozen=True)
class Pass:
    """Prompts that go through a model together, with their answers."""

    prompts: tuple[tuple[Shown, ...], ...]
    """Those of a task: several where a task's answers are scored under several views."""
    group: int
    tokens: int
    """Of each answer."""

    @property
    def rows(self) -> int:
        return len(self.prompts) * self.group


@dataclass(frozen=True)
class Subject:
    """A model whose passes are counted."""

    folder: Path
    precision: Precision
    trained: bool
    naive: bool
    recomputes: bool = False
    lora: tuple[int, int] | None = None
    """Rank and alpha of adapters."""
    sharded: bool = False
    """Its matrices are gathered in the precision that it computes in."""

    @property
    def config(self) -> Any:
        return config_of(self.folder)

    def load(self, config: Any) -> LoadedModel:
        """With the layers that `config` has."""
        model = fake_model(
            config, trainable=self.trained, precision=self.precision, naive=self.naive, lora=self.lora
        )
        if self.recomputes:
            recompute_layers(model)
        if self.sharded:
            _gather_matrices(model, DTYPES[self.precision])
        return model


@cache
def prefilling(subject: Subject, shape: Pass) -> Stages:
    """Prompts encoded, and each forked into the slots of its answers, with their first tokens."""

    @torch.no_grad()
    def trace(config: Any) -> Stages:
        model = subject.load(config)
        watch = _watch(model)
        prompts = _prompts(model, shape)
        with watch.running(), computing(model):
            decoding = _decoding(model, shape)
            with watch.stage("prefill"):
                prefix, rows = prefilled(model, prompts, shape.group)
                decoding.put(prefix, rows, range(shape.rows))
        return watch.stages

    return extrapolated(subject.config, trace)


@cache
def decoding(subject: Subject, shape: Pass) -> Stages:
    """All tokens of answers but the first, in slots that are all in use from begin to end."""
    if shape.tokens == 1:
        return {}

    @torch.no_grad()
    def trace(config: Any) -> Stages:
        model = subject.load(config)
        watch = _watch(model)
        with watch.running(), computing(model):
            slots = _decoding(model, shape)
            # What they hold does not matter, only how much.
            short = fake_prompt(model, Shown((), 2), "short")
            prefix = begin(model, encode(model, [short]))
            slots.put(prefix, [0] * shape.rows, range(shape.rows))
            del prefix
            longest = max(shown.length for task in shape.prompts for shown in task)
            for stage, said in (("first", 0), ("last", shape.tokens - 2)):
                slots.span = longest + said
                with watch.stage(stage):
                    slots.step()
            with watch.stage("window"):
                slots.fold()
                slots.left()
        return watch.stages

    stages = extrapolated(subject.config, trace)
    # Token by token the columns in use grow by one, and with them what a token costs.
    steps = shape.tokens - 1
    graphs = (stages["first"] + stages["last"]) * (steps / 2)
    total = replace(graphs, graphed=graphs.kernels) + stages["window"] * (steps / WINDOW)
    return {"decode": replace(total, peak=stages["last"].peak, held=stages["last"].held)}


@cache
def scoring(subject: Subject, shape: Pass) -> Stages:
    """Log-probs of given answers under every view."""

    def trace(config: Any) -> Stages:
        model = subject.load(config)
        watch = _watch(model)
        given = _given(shape)
        views = [_prompts_of(model, task, place) for place, task in enumerate(shape.prompts)]
        with watch.running(), watch.stage("replay"):
            if len(shape.prompts[0]) == 1:
                own_logprobs(model, [prompt for task in views for prompt in task], given)
            else:
                roles = [{f"view {number}": [each] for number, each in enumerate(task)} for task in views]
                replay_views(model, roles, given, kept=[])
        return watch.stages

    return extrapolated(subject.config, trace)


@cache
def learning(subject: Subject, shape: Pass) -> Stages:
    """A pass with gradients, `forward` and `backward`, without the loss between them."""

    def trace(config: Any) -> Stages:
        model = subject.load(config)
        _add_up_gradients(model)
        watch = _watch(model)
        prompts = _prompts(model, shape)
        ids, mask = answers(shape.rows, shape.tokens)
        with watch.running():
            with watch.stage("forward"):
                hidden = replay(model, prompts, ids, mask)
            with watch.stage("backward"):
                # A tied embedding's gradient of the read-out waits until that of the texts is there.
                logits = vocabulary_logits(model, hidden[:, :1])
                torch.autograd.backward(
                    [hidden, logits], [torch.zeros_like(hidden), torch.zeros_like(logits)]
                )
        return watch.stages

    return extrapolated(subject.config, trace)


def loss(subject: Subject, teacher: Subject | None, shape: Pass, objective: Loss) -> Stages:
    """The loss of a pass and its gradient down to the hidden states: no layer takes part.

    It is computed chunk by chunk, each at the same cost: two chunks are traced, and three.
    """
    model = _without_layers(subject)
    _add_up_gradients(model)
    frozen = _without_layers(teacher) if teacher is not None else None
    tokens, chunk = shape.rows * shape.tokens, CHUNK_LOGITS // model.vocabulary
    more = max(0, -(-tokens // chunk) - 3)
    if not more:
        return _loss(model, frozen, tokens, objective)
    two, three = (_loss(model, frozen, tokens - (more + less) * chunk, objective) for less in (1, 0))
    return {name: three[name] + (three[name] + two[name] * -1) * more for name in three}


def _loss(model: LoadedModel, frozen: LoadedModel | None, tokens: int, objective: Loss) -> Stages:
    """Of a single answer of so many tokens."""
    watch = _watch(*(each for each in (model, frozen) if each is not None))
    ids, mask = answers(1, tokens)
    like = torch.zeros(ids.shape)
    roles = objective.target.roles if objective.target is not None else ()
    hidden = _hidden(model, tokens).requires_grad_()
    scored = Scored(
        ids,
        mask,
        torch.ones(1),
        torch.ones(1, dtype=torch.bool),
        advantages=torch.ones(1),
        old_logprobs=like if objective.takes_ratio else None,
        reference_logprobs=like,
        logprobs=dict.fromkeys(roles, like),
        hidden={role: _hidden(frozen, tokens) for role in objective.kept_roles if frozen is not None},
    )
    totals = {term.aggregation: torch.tensor(1.0) for term in objective.terms}
    with watch.running(), watch.stage("loss"):
        Part(model, frozen, hidden, scored, objective).share(totals).backward()
    return folded(watch.stages)


@cache
def optimizing(subject: Subject) -> Stages:
    """Clipping the gradients and the optimizer's step, once its moments are there."""
    train = Train()  # nothing of it makes a difference

    def trace(config: Any) -> Stages:
        model = subject.load(config)
        weights = [weight for weight in model.network.parameters() if weight.requires_grad]
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        optimizer = optimizer_of(model, train, fused=True)
        optimizer.step()
        watch = _watch(model)
        with watch.running(), watch.stage("step"):
            torch.nn.utils.clip_grad_norm_(weights, train.max_grad_norm)
            optimizer.step()
        return watch.stages

    return extrapolated(subject.config, trace)


def _gather_matrices(model: LoadedModel, precision: torch.dtype) -> None:
    for layer in layers_of(model.network):
        for matrix in matrices_of(layer):
            for name, weight in list(matrix.named_parameters(recurse=False)):
                gathered = torch.nn.Parameter(weight.detach().to(precision), weight.requires_grad)
                matrix.register_parameter(name, gathered)


def _watch(*models: LoadedModel) -> Stopwatch:
    network: Any = models[0].network.model
    layers = network.language_model.layers
    kinds = getattr(network.language_model.config, "layer_types", None) or [FULL] * len(layers)
    places = {"tower": [network.visual], "texts": [network.language_model.embed_tokens]}
    for layer, kind in zip(layers, kinds, strict=True):
        places.setdefault(kind, []).append(layer)
    watch = Stopwatch(lambda: sum(model.work.flops for model in models), places)
    for model in models:
        remember_rule(model, watch.tally)
    return watch


def _without_layers(subject: Subject) -> LoadedModel:
    """What of a model reads out its vocabulary."""
    return subject.load(with_layers(subject.config, fewest(subject.config)))


def _hidden(model: LoadedModel, tokens: int) -> torch.Tensor:
    width = model.network.config.get_text_config().hidden_size
    dtype = model.autocast or model.network.dtype
    return fake_zeros(1, tokens, width, dtype=dtype)


def _prompts(model: LoadedModel, shape: Pass) -> list:
    return [_prompts_of(model, task, place)[0] for place, task in enumerate(shape.prompts)]


def _prompts_of(model: LoadedModel, task: Sequence[Shown], place: int) -> list:
    return [fake_prompt(model, shown, f"{place}.{number}") for number, shown in enumerate(task)]


def _given(shape: Pass) -> GivenAnswers:
    ids, mask = answers(shape.rows, shape.tokens)
    whole = sum(shown.length for task in shape.prompts for shown in task) + 2 * shape.rows * shape.tokens
    return GivenAnswers(ids, mask, 2 * whole, 1.0)  # all in one pass


def _add_up_gradients(model: LoadedModel) -> None:
    """As in all passes of an update but its first: gradients are there, and new ones are added to them.

    PyTorch adds in place, but to fake tensors; those would seem to be held twice.
    """
    for weight in model.network.parameters():
        if weight.requires_grad:
            total = torch.zeros_like(weight, dtype=torch.float32)
            weight.register_post_accumulate_grad_hook(partial(_add, total))


def _add(total: torch.Tensor, weight: torch.Tensor) -> None:
    assert weight.grad is not None
    total += weight.grad
    weight.grad = None


def _decoding(model: LoadedModel, shape: Pass) -> Decoding:
    longest = max(shown.length for task in shape.prompts for shown in task)
    uniforms = np.zeros((shape.rows, shape.tokens))
    sampling = Sampling(1.0, shape.tokens)
    return Decoding(model, sampling, uniforms, slots=shape.rows, columns=longest + shape.tokens)
