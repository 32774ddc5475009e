"""Counts of what is computed, taken from the engine's own code while it runs on tensors without values.

What the words mean here:

- kernel: an operation of PyTorch's that makes or changes a tensor. Views make none (`VIEWS`). An operation
  that a card runs as several launches counts once, and so does one that only a CPU takes apart (`FUSED`).
- bytes: what its inputs and outputs take. A gather reads as much as it writes, and what puts values into
  places of a tensor writes as much as it reads. What a cache of the card saves is not taken off.
- sync: an operation that waits for values of the device: `item`, `tolist`, `nonzero` and their kind.
- peak: the most bytes of fake tensors alive at once, above those that were there before, that is above the
  weights. The allocator's own slack is not in it; it comes on top.
- FLOPs are counted by the engine itself, by shapes (`vzero.models.work`). Those of products of float32
  matrices are counted here too: a card computes them at another rate.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from functools import cache, partial
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

VIEWS = frozenset(
    {"view", "_unsafe_view", "reshape", "_reshape_alias", "expand", "transpose", "permute", "t", "slice"}
    | {"select", "unsqueeze", "squeeze", "detach", "alias", "as_strided", "split", "split_with_sizes"}
    | {"unbind", "lift_fresh", "chunk", "diagonal", "unfold", "view_as"}
)
GATHERS = frozenset({"index", "embedding", "index_select", "gather"})
SCATTERS = {"index_put_": 2, "index_copy_": 3, "scatter_": 3}
"""What puts values into places of a tensor, and which of its inputs they are."""
FUSED = frozenset({torch.nn.functional.rms_norm})
SYNCS = frozenset({"_local_scalar_dense", "item", "nonzero"})
PRODUCTS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1}
"""Products of matrices, and which of their inputs is the first factor."""


@dataclass(frozen=True)
class Counts:
    """Of a stage of the work. They add up over layers, and so they can be subtracted and multiplied."""

    flops: float = 0
    fp32_flops: float = 0
    """Of `flops`: products of float32 matrices."""
    bytes: float = 0
    kernels: float = 0
    graphed: float = 0
    """Of `kernels`: those of a recorded graph, which a processor does not launch one by one."""
    syncs: float = 0
    peak: float = 0
    """Bytes."""
    held: float = 0
    """Bytes alive at its end."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, factor: float) -> Counts:
        return Counts(*(factor * value for value in astuple(self)))


Stages = dict[str, Counts]
"""By name."""
AT = " at "


@dataclass
class Tally(TorchDispatchMode):
    """Counts all that is computed while it is entered."""

    kernels: int = 0
    bytes: int = 0
    syncs: int = 0
    fp32_flops: int = 0
    live: int = 0
    peaks: dict[str, int] = field(default_factory=dict)
    """By the place where they were reached."""
    place: str = ""
    _apart: bool = False
    _sizes: dict[int, int] = field(default_factory=dict)
    _alive: dict[int, weakref.ref] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """What is computed within the block is counted elsewhere."""
        before, self._apart = self._apart, True
        try:
            yield
        finally:
            self._apart = before

    def counts(self) -> Counts:
        return Counts(0, self.fp32_flops, self.bytes, kernels=self.kernels, syncs=self.syncs)

    def add(self, counts: Counts, *, above: int) -> None:
        """What was counted apart, with its peak above what is there."""
        self.kernels += int(counts.kernels)
        self.bytes += int(counts.bytes)
        self.syncs += int(counts.syncs)
        self.fp32_flops += int(counts.fp32_flops)
        self._reach(self.live + above)

    def keep(self, tensor: torch.Tensor) -> None:
        """Count a tensor without values among those that are alive, as long as it is."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        self.live -= self._sizes.get(key, 0)
        self._sizes[key] = storage.nbytes()
        self.live += self._sizes[key]
        self._reach(self.live)
        self._alive[key] = weakref.ref(storage, partial(self._drop, key))

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = _name(func)
        if name.startswith("index"):
            args = _by_numbers(args)
        made = func(*args, **(kwargs or {}))
        if self._apart:
            return made
        plain = name.rstrip("_")
        self.syncs += name in SYNCS
        outputs = list(_tensors([made]))
        if not outputs or plain in VIEWS or name in VIEWS:
            return made
        inputs = [*_tensors(args), *(_tensors(kwargs.values()) if kwargs else ())]
        self.kernels += 1
        if plain in PRODUCTS and outputs[0].dtype == torch.float32:
            self.fp32_flops += 2 * outputs[0].numel() * args[PRODUCTS[plain]].shape[-1]
        self.bytes += _moved(name, args, inputs, outputs)
        there = {leaf.untyped_storage()._cdata for leaf in inputs if isinstance(leaf, FakeTensor)}
        for output in outputs:
            # What is written in place may have been there before, and does not count then.
            if isinstance(output, FakeTensor) and output.untyped_storage()._cdata not in there:
                self.keep(output)
        return made

    def count_fused(self, given: Iterable[Any], made: torch.Tensor) -> None:
        """One kernel, whose inputs may be no tensors too."""
        self.kernels += 1
        self.bytes += _size([*_tensors(given), made])
        if isinstance(made, FakeTensor):
            self.keep(made)

    def _reach(self, peak: int) -> None:
        self.peaks[self.place] = max(self.peaks.get(self.place, 0), peak)

    def _drop(self, key: int, reference: weakref.ref) -> None:
        if self._alive.get(key) is reference:
            del self._alive[key]
            self.live -= self._sizes.pop(key)


@dataclass
class Functions(TorchFunctionMode):
    """What has to be seen before it is taken apart: fused functions, and values that are asked for."""

    tally: Tally

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.tally.syncs += func is torch.Tensor.tolist
        if func not in FUSED:
            return func(*args, **(kwargs or {}))
        with self.tally.apart():
            made = func(*args, **(kwargs or {}))
        self.tally.count_fused([*args, *(kwargs or {}).values()], made)
        return made


def _moved(name: str, args: Any, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> int:
    """Bytes."""
    if name in GATHERS:
        return 2 * _size(outputs)
    if name in SCATTERS:
        values = args[SCATTERS[name]]
        return 2 * _size([values]) if isinstance(values, torch.Tensor) else 0
    return _size(inputs) + _size(outputs)


def _by_numbers(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """An indexing by masks as the one by numbers that it amounts to: only that has a shape of its own."""
    if len(args) < 2 or not isinstance(args[1], list):
        return args
    numbers: list[torch.Tensor | None] = []
    for index in args[1]:
        if index is None or index.dtype != torch.bool or isinstance(index, FakeTensor):
            numbers.append(index)
        else:
            numbers += index.nonzero().unbind(1)
    return (args[0], numbers, *args[2:])


@cache
def _name(function) -> str:
    return function._schema.name.partition("::")[2]


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    """Those among an operation's arguments or results, in lists too."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _size(tensors: list[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class Stopwatch:
    """Tells the stages of some work apart. `flops` reads what the models say they have computed.

    A stage's peaks stand beside it, a place of the network each, until `folded`: in a deeper network another
    place may have the highest.
    """

    def __init__(self, flops: Callable[[], int], places: Mapping[str, Iterable[torch.nn.Module]]) -> None:
        self._flops = flops
        self.tally = Tally()
        self.stages: Stages = {}
        for place, modules in places.items():
            for module in modules:
                module.register_forward_pre_hook(partial(self._at, place))
                module.register_forward_hook(partial(self._leave, place))

    def _at(self, place: str, *_: Any) -> None:
        self.tally.place = place

    def _leave(self, place: str, module: torch.nn.Module, inputs: Any, output: Any) -> None:
        self._at("")
        tensor = output if isinstance(output, torch.Tensor) else output[0]
        if tensor.requires_grad:
            # The backward pass is there when it has come to this gradient.
            tensor.register_hook(partial(self._at, place))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with self.tally, Functions(self.tally):
            yield

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        tally = self.tally
        before = self._now()
        tally.peaks = {"": tally.live}
        yield
        self.stages[name] = self._now() + before * -1 + Counts(held=tally.live)
        for place, peak in tally.peaks.items():
            self.stages[f"{name}{AT}{place}"] = Counts(peak=peak)

    def _now(self) -> Counts:
        return replace(self.tally.counts(), flops=self._flops())


def folded(stages: Stages) -> Stages:
    """Each stage with the highest of its places' peaks."""
    whole = {name: counts for name, counts in stages.items() if AT not in name}
    for name, counts in stages.items():
        stage, _, _ = name.partition(AT)
        whole[stage] = replace(whole[stage], peak=max(whole[stage].peak, counts.peak))
    return whole
