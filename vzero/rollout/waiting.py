"""Prompts that wait for slots: in which order, and how many are encoded together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from vzero.models.prompt import Piece, Prompt
from vzero.rollout.packing import pack


class Waiting:
    """Prompts about one image stay together as far as the bound lets them: they share its encoding. Those
    without an image, which have nothing to share, go apart from them.
    """

    def __init__(self, prompts: Sequence[Prompt], tokens: int | None) -> None:
        """`tokens` bounds a pass, prompts with their padding; without it one pass takes all."""
        self._prompts = prompts
        self._tokens = tokens
        kinds = [
            [n for n, each in enumerate(prompts) if bool(each.pictures) is seen] for seen in (True, False)
        ]
        self._bundles = deque(bundle for kind in kinds for bundle in self._bundled(kind))

    def __bool__(self) -> bool:
        return bool(self._bundles)

    def take(self, most: int, *, all_are_free: bool) -> list[int]:
        """Numbers of the next prompts that are encoded together, at most so many.

        None while a bundle is too large for what is free; if all is free, what of it there is room for.
        """
        taken: list[int] = []
        while self._bundles and self._fits(taken, self._bundles[0], most):
            taken += self._bundles.popleft()
        if not taken and self._bundles and all_are_free:
            taken, left = self._bundles[0][:most], self._bundles[0][most:]
            self._bundles[0] = left
        return taken

    def _fits(self, taken: Sequence[int], bundle: Sequence[int], most: int) -> bool:
        together = [*taken, *bundle]
        if len(together) > most:
            return False
        if not taken:
            return True
        alike = bool(self._prompts[taken[0]].pictures) is bool(self._prompts[bundle[0]].pictures)
        padded = len(together) * max(self._length(number) for number in together)
        return alike and (self._tokens is None or padded <= self._tokens)

    def _bundled(self, numbers: Sequence[int]) -> list[list[int]]:
        """By image, within the bound, the shortest first."""
        if self._tokens is None:
            return [[number] for number in numbers]
        by_image: dict[Piece, list[int]] = {}
        for number in numbers:
            by_image.setdefault(self._prompts[number].halves[0], []).append(number)
        bundles = [
            [alike[place] for place in part]
            for alike in by_image.values()
            for part in pack([self._length(number) for number in alike], self._tokens)
        ]
        return sorted(bundles, key=lambda bundle: max(self._length(number) for number in bundle))

    def _length(self, number: int) -> int:
        return len(self._prompts[number].token_ids)
