"""The gated delta rule for one token a row: its state is read at every token and written once in a window.

With decay a_t, strength b_t, key k_t, value v_t and query q_t (arXiv 2412.06464, equation 10) the state of
a head is

    S_t = a_t S_{t-1} + k_t d_t^T,   d_t = b_t (v_t - a_t S_{t-1}^T k_t),   o_t = S_t^T q_t.

A state is a hundred times what a token adds to it, and to write it back at every token would take more time
than to read it. So the keys and differences d of the last few tokens wait beside the state of the window's
begin, S_0, each with what the decay has left of it:

    S_t^T x = A_t S_0^T x + sum_i (A_t / A_i) (k_i . x) d_i,   A_t = a_1 ... a_t,

and every `WINDOW` tokens they are folded into it. The quotients are at most 1, so nothing can overflow.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

WINDOW = 16  # tokens


@dataclass(frozen=True)
class DeltaStates:
    """Of a layer, float32. Changed in place."""

    state: torch.Tensor  # (rows, heads, key, value), at the window's begin
    keys: torch.Tensor  # (rows, heads, WINDOW, key)
    differences: torch.Tensor  # (rows, heads, WINDOW, value)
    left: torch.Tensor  # (rows, heads, WINDOW + 1), A_t / A_i of each, 0 where none has come; the last is A_t

    @classmethod
    def of(cls, state: torch.Tensor) -> DeltaStates:
        """Windows that begin with `state`, which is taken over."""
        rows, heads, key, value = state.shape
        made = cls(
            state,
            state.new_zeros(rows, heads, WINDOW, key),
            state.new_zeros(rows, heads, WINDOW, value),
            state.new_zeros(rows, heads, WINDOW + 1),
        )
        made.left[..., WINDOW] = 1
        return made

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        return self.state, self.keys, self.differences, self.left

    def first(self, rows: int) -> DeltaStates:
        """A view of the first rows."""
        return DeltaStates(*(tensor[:rows] for tensor in self.tensors))

    def next_output(
        self,
        place: torch.Tensor,
        query_key: torch.Tensor,
        value: torch.Tensor,
        decay: torch.Tensor,
        strength: torch.Tensor,
    ) -> torch.Tensor:
        """o_t (rows * heads, value), and the token noted at `place` (1,) of the window.

        `query_key` is (rows * heads, 2, key), `value` (rows, heads, value), `strength` and `decay`, log a_t,
        are (rows, heads).
        """
        state, keys, differences, left = (tensor.flatten(0, 1) for tensor in self.tensors)
        keys.index_copy_(1, place, query_key[:, 1:])
        self.left.mul_(decay.exp()[:, :, None])
        meets = torch.bmm(query_key, keys.mT)  # (rows * heads, 2, WINDOW)
        weights = meets * left[:, None, :WINDOW]
        read = torch.bmm(query_key, state).mul_(left[:, WINDOW:, None])
        read.baddbmm_(weights, differences)
        difference = (value - read[:, 1].view_as(value)).mul_(strength[:, :, None]).flatten(0, 1)
        differences.index_copy_(1, place, difference[:, None])
        left.index_fill_(1, place, 1.0)
        return torch.addcmul(read[:, 0], meets[:, 0].index_select(1, place), difference)

    def fold(self) -> None:
        """Begin new windows with the states as they are now."""
        state, keys, differences, left = (tensor.flatten(0, 1) for tensor in self.tensors)
        state.mul_(left[:, WINDOW:, None])
        state.baddbmm_((keys * left[:, :WINDOW, None]).mT, differences)
        self._empty(slice(None))

    def begin(self, rows: slice, state: torch.Tensor) -> None:
        """Begin some rows' windows with other states."""
        self.state[rows] = state
        self._empty(rows)

    def _empty(self, rows: slice) -> None:
        self.left[rows, :, :WINDOW] = 0
        self.left[rows, :, WINDOW:] = 1
