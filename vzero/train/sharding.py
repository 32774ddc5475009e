"""A student spread over processes by FSDP2: each keeps a slice of every weight and of its optimizer state.

Where it computes in bf16, matrices are gathered in bf16: every pass would cast them, and nothing else reads
them. What learns is the slices, in fp32, and so are sums of gradients.

The weights are gathered for a step's rollouts and passes, and sliced again when an update's gradients are
summed. In between no pass communicates: answers differ in length, so processes run different numbers of
passes, and a layer that gathered its weights in the middle of one would wait for a process that has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import parse_flag_from_env
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from vzero.errors import ConfigError
from vzero.models.loading import LoadedModel


def sharding_wanted() -> bool:
    """Whether accelerate was launched for FSDP. Raises ConfigError for settings that would not be honoured.

    `Accelerator` itself says so on GPUs only, and this works on CPUs as well.
    """
    if not parse_flag_from_env("ACCELERATE_USE_FSDP"):
        return False
    # Settings of accelerate's config file, under the names that its launcher gives them.
    if parse_flag_from_env("FSDP_CPU_RAM_EFFICIENT_LOADING"):
        raise ConfigError(
            "fsdp_cpu_ram_efficient_loading must be false: every process reads the weights itself"
        )
    return True


def shard(accelerator: Accelerator, student: LoadedModel) -> None:
    """Slice the student's weights over all processes, in place. Before its optimizer is made.

    A layer is gathered and summed as one message, or as two: its matrices, and the rest.
    """
    network: Any = student.network
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    layers = layers_of(network)
    if student.autocast is not None:
        policy = MixedPrecisionPolicy(student.autocast, torch.float32, cast_forward_inputs=False)
        for layer in layers:
            fully_shard(matrices_of(layer), mesh=mesh, reshard_after_forward=False, mp_policy=policy)
    for unit in [*layers, network]:
        fully_shard(unit, mesh=mesh, reshard_after_forward=False)
    for unit in _units(network):
        unit.set_gradient_divide_factor(1.0)
        # A plain sum is what every backend has.
        unit.set_force_sum_reduction_for_comms(True)
    # What FSDP does as a whole it does when the root is called; passes call the parts of the network only.
    network.forward = _run
    _sum_in_backward(network, False)


def layers_of(network: Any) -> list[torch.nn.Module]:
    """Of the language model and the vision tower."""
    return [*network.model.language_model.layers, *network.model.visual.blocks]


def matrices_of(layer: torch.nn.Module) -> list[torch.nn.Module]:
    """What a sharded student gathers in the precision that it computes in."""
    return [module for module in layer.modules() if isinstance(module, torch.nn.Linear)]


def _run(function: Callable[[], Any]) -> Any:
    return function()


def gather(student: LoadedModel) -> None:
    """Make every weight whole on every process, if it is not. Without sharding nothing happens."""
    if not isinstance(student.network, FSDPModule):
        return
    student.network(lambda: None)
    for unit in _units(student.network):
        unit.unshard()


def _units(network: torch.nn.Module) -> Iterator[FSDPModule]:
    """What is gathered together, by a module each; where it has several they all stand for it."""
    return (module for module in network.modules() if isinstance(module, FSDPModule))


def sum_gradients(network: FSDPModule) -> None:
    """Sum the gradients that the passes have left on each process, and slice them and the weights again."""
    root: Any = network
    _sum_in_backward(root, True)
    # A backward pass of nothing: every process makes just one, however many passes it had.
    root(lambda: torch.zeros((), requires_grad=True)).backward()
    _sum_in_backward(root, False)


def _sum_in_backward(root: Any, wanted: bool) -> None:
    root.set_requires_gradient_sync(wanted)
    root.set_reshard_after_backward(wanted)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor with all its slices; every process has to ask for it. Others are returned as they are."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def sliced_like(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """This process's slice of a whole tensor, if `like` is sliced and of the same shape."""
    if not isinstance(like, DTensor) or tensor.shape != like.shape:
        return tensor
    # Every process has the whole tensor, so none has to send anything.
    mine = distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
    # Until it is a copy it keeps the whole tensor in memory.
    return mine.clone()
