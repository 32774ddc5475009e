"""Who answers prompts, in every stage that lets a model answer: this process, or servers behind HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vzero.config.base import Reach, Section

SamplerKind = Literal["local", "server"]
MISMATCH = {"fp32": 0.002, "bf16": 0.1}
"""Nats a token. In fp32 an update of the embedded world that servers have not read is 0.005 and more; in bf16
vLLM 0.32 differs by 0.01 to 0.06 from the same weights, so what is less is not told from rounding."""
Seconds = Annotated[float, Field(gt=0)]


class SamplerSettings(Section):
    kind: SamplerKind = "local"
    """local: this process, with the weights that training changes. server: vLLM servers, which read the
    weights anew after every update (docs/samplers.md)."""
    urls: Annotated[list[str], Reach.MACHINE] = Field(default=[])
    """Of servers, such as http://127.0.0.1:8000; each takes as many prompts as it can."""
    weights: Annotated[Path, Reach.MACHINE] = Path(".vzero/served")
    """Folder that servers read weights from, which they must see at the same place."""
    max_mismatch: Annotated[float, Field(gt=0), Reach.END] | None = None
    """Nats a token, mean of the absolute differences between the servers' log-probs and our replay's. Beyond
    it the run stops: the servers have other weights, or compute otherwise. `None`: what rounding in
    `models.precision` leaves room for (`MISMATCH`)."""
    max_ratio: Annotated[float, Field(ge=1)] = 2.0
    """Bound on the ratio of our probability of a token to the servers', which what is learnt of the token is
    multiplied by."""
    timeout: Annotated[Seconds, Reach.MACHINE] = 600.0
    """For the answer to one request."""
    patience: Annotated[Seconds, Reach.MACHINE] = 900.0
    """How long a lost server is waited for; processes wait for each other twice as long."""

    def bound(self, precision: str) -> float:
        """The mismatch, nats a token, beyond which a run in this precision stops."""
        return MISMATCH[precision] if self.max_mismatch is None else self.max_mismatch

    @model_validator(mode="after")
    def _servers_have_addresses(self) -> SamplerSettings:
        if self.kind == "server" and not self.urls:
            raise ValueError("urls must name a server at least, with kind server")
        if self.kind != "server" and self.urls:
            raise ValueError(f"urls must be [] with kind {self.kind}; they are of kind server")
        if wrong := [url for url in self.urls if not url.startswith(("http://", "https://"))]:
            raise ValueError(f"urls {wrong} must begin with http:// or https://")
        if len(set(self.urls)) < len(self.urls):
            raise ValueError(f"urls {self.urls} must differ from each other")
        return self


class Rollout(Section):
    sampler: SamplerSettings = SamplerSettings()
