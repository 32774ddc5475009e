"""Work of few shapes, recorded as CUDA graphs: replayed, it costs one launch instead of a thousand."""

from __future__ import annotations

from collections.abc import Callable

import torch

Run = Callable[[], None]


class Graphs:
    """Work on tensors that stay where they are, by its shape.

    The first run of a shape is run as it is, which makes what is made once, such as casts of weights; the
    second is recorded, and from then on it is replayed.
    """

    def __init__(self, work: Callable[[int, int], None], record: Callable[[Run], Run] | None) -> None:
        """`record` makes of a run, without running it, what repeats it; None: nothing is recorded."""
        self._work, self._record = work, record
        self._seen: set[tuple[int, int]] = set()
        self._recorded: dict[tuple[int, int], Run] = {}

    def __call__(self, rows: int, columns: int) -> None:
        shape = rows, columns
        if self._record is None or shape not in self._seen:
            self._seen.add(shape)
            self._work(rows, columns)
            return
        if shape not in self._recorded:
            self._recorded[shape] = self._record(lambda: self._work(rows, columns))
        self._recorded[shape]()


def recorder(device: torch.device) -> Callable[[Run], Run] | None:
    """What records on a device, if that can be done there. Its graphs share their memory."""
    if device.type != "cuda":
        return None
    pool = torch.cuda.graph_pool_handle()

    def record(run: Run) -> Run:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            run()
        return graph.replay

    return record
