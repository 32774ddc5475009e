"""Who answers for the models of a run: samplers as `rollout.sampler` asks for them."""

from __future__ import annotations

from pathlib import Path

from vzero.config import Models, SamplerSettings
from vzero.models.hashing import folder_hash
from vzero.models.loading import LoadedModel
from vzero.models.served import is_tied
from vzero.paths import Paths
from vzero.rollout.generate import UNBOUNDED, Bounds
from vzero.rollout.sampler import Decoder, Sampler
from vzero.rollout.server.client import Weights
from vzero.rollout.server.handover import Handover
from vzero.rollout.server.sampler import FrozenServerSampler, ServerSampler
from vzero.rollout.server.servers import Servers


class Samplers:
    """All of a run share the servers, where there are any."""

    def __init__(self, settings: SamplerSettings, models: Models, paths: Paths) -> None:
        self._settings, self._bound = settings, settings.bound(models.precision)
        if settings.kind == "server":
            self._servers = Servers(settings.urls, timeout=settings.timeout, patience=settings.patience)
            self._handover = Handover(paths.resolve(settings.weights))

    def of_learning(self, model: LoadedModel, bounds: Bounds = UNBOUNDED) -> Sampler:
        """For a model whose weights change."""
        if self._settings.kind == "local":
            return Decoder(model, bounds)
        return ServerSampler(model, self._servers, self._handover)

    def of_frozen(self, model: LoadedModel, folder: Path, bounds: Bounds = UNBOUNDED) -> Sampler:
        """For a model that stays as it is in its folder."""
        if self._settings.kind == "local":
            return Decoder(model, bounds)
        # Servers find a folder by its whole path.
        weights = None if is_tied(folder) else Weights(folder.resolve(), folder_hash(folder)[:16])
        return FrozenServerSampler(
            model, self._servers, self._handover, weights=weights, max_mismatch=self._bound
        )
