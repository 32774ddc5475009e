"""Answers under way in slots: token by token, and who has ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from vzero.models.loading import LoadedModel
from vzero.rollout.delta_rule import WINDOW
from vzero.rollout.graphs import Graphs, recorder
from vzero.rollout.one_token import OneToken
from vzero.rollout.prefix import Prefix
from vzero.rollout.sampling import NextToken, Sampling
from vzero.rollout.slots import Slots

COLUMNS = 128
"""Attention spans a multiple of so many, so that few lengths have a graph of their own."""
ROWS = 8
"""As do the rows that are computed."""


def _whole(number: int, unit: int) -> int:
    """The next multiple of the unit."""
    return -(-number // unit) * unit


def look_every(device: torch.device) -> int:
    """Tokens until it is seen who has ended: a GPU would have to be waited for."""
    return 1 if device.type == "cpu" else WINDOW


class Decoding:
    """Answers by their numbers, of which as many are under way as there are slots."""

    def __init__(
        self, model: LoadedModel, sampling: Sampling, uniforms: np.ndarray, *, slots: int, columns: int
    ) -> None:
        """`uniforms` (answers, tokens): what tokens are drawn by. `columns`: of a prompt with its answer."""
        answers, self._most = uniforms.shape
        self._model, self._count, self._columns = model, slots, _whole(columns, COLUMNS)
        self._network, self._next_token = OneToken(model), NextToken(model, sampling)
        self.slots: Slots | None = None
        device = model.device
        # An answer that has ended runs on until that is seen, and slots without one are computed with the
        # others: a last column and a last row take what they say.
        self._uniforms = torch.from_numpy(np.pad(uniforms, (0, 1))).to(device)
        self._tokens = torch.zeros(answers + 1, self._most + 1, dtype=torch.int64, device=device)
        self._logprobs = torch.zeros(answers + 1, self._most + 1, device=device)
        # Of each slot: which answer it holds, its last token, how many it has, and whether it has ended.
        self._answer, self._token, self._said = torch.zeros(3, slots, dtype=torch.int64, device=device)
        self._nobody = answers
        self._answer.fill_(self._nobody)
        self._ended = torch.ones(slots, dtype=torch.bool, device=device)
        self.span = 0
        """Columns that are in use, of the slot that has most."""
        self._until_fold = WINDOW
        self._decode = Graphs(self.decode, recorder(device))
        self._look_every = look_every(device)
        self.under_way = 0

    @property
    def free(self) -> int:
        return self._count - self.under_way

    @property
    def wants_more(self) -> bool:
        """Whether a quarter of the slots is free: prompts are encoded several at a time."""
        return 4 * self.free >= self._count

    def put(self, prefix: Prefix, rows: Sequence[int], answers: Sequence[int]) -> None:
        """Begin answers, each behind a row of the prefix."""
        if self.slots is None:
            self.slots = Slots(prefix, self._count, self._columns, self._network.precision)
        self.fold()
        start, stop = self.under_way, self.under_way + len(rows)
        self.slots.put(start, prefix, rows)
        self._answer[start:stop] = torch.tensor(answers, device=self._answer.device)
        self._said[start:stop] = 0
        self._ended[start:stop] = False
        self.under_way = stop
        self.span = max(self.span, int(prefix.mask.sum(dim=1).max()))
        self._model.work.count_read_out(len(rows))
        self._draw(slice(start, stop), prefix.last_hidden[torch.tensor(rows, device=self._answer.device)])

    def go_on(self) -> None:
        """Decode until it is time to see who has ended, and leave those behind."""
        for _ in range(self._look_every):
            self.step()
        left = self.left()
        # To leave slots behind moves others, so it waits until they are a quarter.
        if 4 * sum(left) <= 3 * self.under_way:
            self.keep(left)

    def answers(self) -> Iterator[tuple[list[int], list[float]]]:
        """Tokens and log-probs of every answer; what stands behind an end token says nothing."""
        return zip(self._tokens[:-1, :-1].tolist(), self._logprobs[:-1, :-1].tolist(), strict=True)

    def left(self) -> list[bool]:
        """Of each answer under way, whether it goes on."""
        return (~self._ended[: self.under_way]).tolist()

    def step(self) -> None:
        """A token more for each."""
        rows = min(self._count, _whole(self.under_way, ROWS))
        self.span = min(self.span + 1, self._columns)
        columns = _whole(self.span, COLUMNS)
        # Counted here: what is replayed by a graph runs no code of ours.
        self._model.work.count_token(rows, columns, WINDOW)
        self._model.work.count_read_out(rows)
        self._decode(rows, columns)
        self._until_fold -= 1
        if not self._until_fold:
            self.fold()

    def decode(self, rows: int, columns: int) -> None:
        """A token for each of the first slots, by tensors that stay where they are: it can be a graph."""
        slots = self.slots
        assert slots is not None
        hidden = self._network(self._token[:rows], slots, columns)
        going = (~self._ended[:rows]).long()
        slots.next_column[:rows] += going
        slots.next_position[:rows] += going
        slots.window += 1
        self._draw(slice(rows), hidden)

    def _draw(self, slots: slice, hidden: torch.Tensor) -> None:
        answer, said = self._answer[slots], self._said[slots]
        tokens, logprobs, ends = self._next_token.drawn(hidden, self._uniforms[answer, said])
        self._tokens[answer, said] = tokens
        self._logprobs[answer, said] = logprobs
        self._token[slots] = tokens
        ended = self._ended[slots]
        said += ~ended
        ended |= ends | (said == self._most)

    def fold(self) -> None:
        """Begin new windows in linear attention."""
        assert self.slots is not None
        if self._until_fold < WINDOW:
            self._model.work.count_fold(self.under_way, WINDOW)
            self.slots.fold(self.under_way)
        self._until_fold = WINDOW

    def keep(self, left: Sequence[bool]) -> None:
        """Move those that are left into the first slots, and forget the others."""
        slots = self.slots
        assert slots is not None
        kept = sum(left)
        late = [slot for slot in range(kept, self.under_way) if left[slot]]
        if late:
            holes = [slot for slot in range(kept) if not left[slot]]
            slots.move(late, holes)
            for tensor in (self._answer, self._token, self._said, self._ended):
                tensor[holes] = tensor[late]
        self._answer[kept : self.under_way] = self._nobody
        self._ended[kept : self.under_way] = True
        self.under_way = kept
        if kept:
            self.span = int(slots.next_column[:kept].max())
