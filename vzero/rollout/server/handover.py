"""The folder that servers read weights from: one folder a version."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import uuid
from pathlib import Path

from vzero.launched import is_first, once
from vzero.locks import AtWork, held
from vzero.models.loading import LoadedModel
from vzero.models.served import write_weights
from vzero.rollout.server.client import Weights
from vzero.shards import discard


class Handover:
    """A run's part of the folder; those that killed runs have left there go when it begins."""

    def __init__(self, folder: Path) -> None:
        # Servers do not know from where this process runs.
        self._root = folder.resolve()
        self._numbers = itertools.count(1)
        self._held = contextlib.ExitStack()
        self._own = once(self._begin)

    def write(self, model: LoadedModel) -> Weights:
        """The model's weights as they are now. All processes have to call it together."""
        number = next(self._numbers)
        target = self._own / f"{number:06d}"

        def written() -> None:
            # Nobody is told of it before it is complete, and a power cut ends its use: no waiting for the
            # disk, which would take longer than all else.
            target.mkdir()
            write_weights(model, target)

        once(written)
        return Weights(target, f"{self._own.name}-{number}")

    def forget(self, weights: Weights) -> None:
        """Remove what no server is to read again."""
        if is_first():
            discard(weights.folder)

    def _begin(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        for other in [path for path in self._root.iterdir() if path.is_dir() and path.name[0] != "."]:
            with contextlib.suppress(AtWork), held(other, patience=0):
                discard(other)
        own = self._root / uuid.uuid4().hex[:8]
        # As long as this process lives.
        self._held.enter_context(held(own))
        self._held.callback(discard, own)
        atexit.register(self._held.close)
        own.mkdir()
        return own
