"""What linear attention's rule costs, traced once for each shape.

It is hundreds of operations long, and the same in all layers: to trace it in each took most of a plan's time.
Where it has been traced it leaves its counts and its memory behind, and computes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch

from vzero.models.gated_delta_rule import gated_delta_rule
from vzero.models.linear_attention import linear_attention_of, replace_rule
from vzero.models.loading import LoadedModel
from vzero.plan.fake import fake_zeros
from vzero.plan.tracing import Counts, Tally

FEW = 8  # chunks; with fewer a pass has its peak elsewhere
NAMES = ("query", "key", "value", "g", "beta", "initial_state")


@dataclass(frozen=True)
class _Shape:
    sizes: tuple[int, ...]
    order: tuple[int, ...]
    """Its axes as they lie in memory: what lies otherwise than it is used is copied."""
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: torch.Tensor) -> _Shape:
        strides = tensor.stride()
        order = sorted(range(tensor.ndim), key=lambda axis: (-strides[axis], axis))
        return cls(tuple(tensor.shape), tuple(order), tensor.dtype)

    def longer(self, tokens: int) -> _Shape:
        rows, length, *rest = self.sizes
        return replace(self, sizes=(rows, length + tokens, *rest))

    def made(self) -> torch.Tensor:
        """One without values."""
        back = [self.order.index(axis) for axis in range(len(self.order))]
        return fake_zeros(*(self.sizes[axis] for axis in self.order), dtype=self.dtype).permute(back)


@dataclass(frozen=True)
class _Run:
    """Of the rule: all that its cost depends on, and its length."""

    given: tuple[_Shape | None, ...]
    """By `NAMES`; None: there is none."""
    chunk_size: int
    autocast: torch.dtype | None
    differentiated: bool

    @property
    def chunks(self) -> int:
        [query, *_] = self.given
        assert query is not None
        return -(-query.sizes[1] // self.chunk_size)

    def shortened(self, chunks: int) -> _Run:
        """The same with so many chunks; what lacks of the last one is as much."""
        return replace(self, given=_longer(self.given, (chunks - self.chunks) * self.chunk_size))

    @classmethod
    def of(cls, given: tuple[torch.Tensor | None, ...], chunk_size: int) -> _Run:
        there = [tensor for tensor in given if tensor is not None]
        return cls(
            _shapes(given),
            chunk_size,
            torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None,
            torch.is_grad_enabled() and any(tensor.requires_grad for tensor in there),
        )


def _shapes(tensors: Iterable[torch.Tensor | None]) -> tuple[_Shape | None, ...]:
    return tuple(None if tensor is None else _Shape.of(tensor) for tensor in tensors)


def _longer(shapes: tuple[_Shape | None, ...], tokens: int) -> tuple[_Shape | None, ...]:
    """Those of so many tokens more; the last shape is that of a state, which has none."""
    *pieces, state = shapes
    longer = (None if piece is None else piece.longer(tokens) for piece in pieces)
    return *longer, state


@dataclass(frozen=True)
class _Cost:
    counts: Counts
    peak: int
    """Bytes above those that were there at its beginning."""
    made: tuple[_Shape | None, ...]
    """What comes out; of a backward pass the gradients of what was given."""
    held: int
    """Bytes that a backward pass needs of it, beside what comes out."""


def remember_rule(model: LoadedModel, tally: Tally) -> None:
    """Layers of a model on tensors without values run the rule by its remembered costs, in a tally."""
    for layer in linear_attention_of(model.network):
        replace_rule(layer, _Remembered(tally))


@dataclass(frozen=True)
class _Remembered:
    tally: Tally

    def __call__(
        self, *heads: torch.Tensor, chunk_size: int = 64, **named: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        given = (*heads, *(named.get(name) for name in NAMES[len(heads) :]))
        run = _Run.of(given, chunk_size)
        if run.differentiated:
            return _Rule.apply(self.tally, run, *given)
        return _forward(self.tally, run)[0]


class _Rule(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, tally: Tally, run: _Run, *given: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        made, held = _forward(tally, run)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(held)
        ctx.tally, ctx.run = tally, run
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        [held] = ctx.saved_tensors
        tally, run = ctx.tally, ctx.run
        with tally.apart():
            cost = _backward_cost(run, _shapes(gradients))
            found = [None if shape is None else shape.made() for shape in cost.made]
        tally.add(cost.counts, above=cost.peak)
        for gradient in found:
            if gradient is not None:
                tally.keep(gradient)
        del held
        return None, None, *found


def _forward(tally: Tally, run: _Run) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
    """What comes out, and something as large as what a backward pass needs.

    Where layers are computed again nothing is held in the first pass, whose peak comes out too high; that of
    the second is higher.
    """
    with tally.apart():
        cost = _forward_cost(run)
        output, state = (shape.made() for shape in cost.made if shape is not None)
        held = fake_zeros(cost.held, dtype=torch.uint8)
    tally.add(cost.counts, above=cost.peak)
    for tensor in (output, state, held):
        tally.keep(tensor)
    return (output, state), held


def _of_any_length(measured: Callable[[_Run], _Cost], run: _Run) -> _Cost:
    """A few chunks stand for all: each after them costs what the last of them does."""
    if run.chunks <= FEW + 1:
        return measured(run)
    few, more = (measured(run.shortened(chunks)) for chunks in (FEW, FEW + 1))
    times = run.chunks - FEW
    return _Cost(
        few.counts + (more.counts + few.counts * -1) * times,
        few.peak + (more.peak - few.peak) * times,
        _longer(few.made, times * run.chunk_size),
        few.held + (more.held - few.held) * times,
    )


@cache
def _forward_cost(run: _Run) -> _Cost:
    return _of_any_length(_measured_forward, run)


@cache
def _backward_cost(run: _Run, reached: tuple[_Shape | None, ...]) -> _Cost:
    """`reached`: the gradients of what came out."""

    def measured(short: _Run) -> _Cost:
        return _measured_backward(short, _longer(reached, (short.chunks - run.chunks) * run.chunk_size))

    return _of_any_length(measured, run)


def _measured_forward(run: _Run) -> _Cost:
    with _traced(run) as (tally, _, made):
        shapes = _shapes(made)
        graph = [tensor.grad_fn for tensor in made]
        made.clear()
        held = tally.live
        del graph
        return _Cost(tally.counts(), max(tally.peaks.values()), shapes, held)


def _measured_backward(run: _Run, reached: tuple[_Shape | None, ...]) -> _Cost:
    with _traced(run) as (tally, leaves, made):
        ends = [tensor for tensor, shape in zip(made, reached, strict=True) if shape is not None]
        gradients = [shape.made() for shape in reached if shape is not None]
        before, live = tally.counts(), tally.live
        tally.peaks = {"": live}
        of_leaves = torch.autograd.grad(ends, list(leaves.values()), gradients, allow_unused=True)
        found = dict(zip(leaves, of_leaves, strict=True))
        shapes = _shapes(found.get(name) for name in NAMES)
        return _Cost(tally.counts() + before * -1, max(tally.peaks.values()) - live, shapes, 0)


@contextlib.contextmanager
def _traced(run: _Run) -> Iterator[tuple[Tally, dict[str, torch.Tensor], list[torch.Tensor]]]:
    """A tally of the rule's forward pass, what it was given and what came out, which nobody else keeps."""
    leaves: dict[str, torch.Tensor] = {}
    for name, shape in zip(NAMES, run.given, strict=True):
        if shape is not None:
            leaves[name] = shape.made().requires_grad_(run.differentiated)
    computing = torch.autocast("cpu", dtype=run.autocast, enabled=run.autocast is not None)
    # Nobody else is to see what this backward pass keeps.
    kept = torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor)
    tally = Tally()
    with torch.set_grad_enabled(run.differentiated), kept, tally:
        with computing:
            made = list(gated_delta_rule(**leaves, chunk_size=run.chunk_size))
        yield tally, leaves, made
