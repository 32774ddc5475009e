"""Where the work of `ingest` and `crops` is done. No stage depends on it: the bytes are the same."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from vzero.config.base import Section

CardName = Literal["A100-80", "H100", "H200", "B200", "RTX-PRO-6000", "L40S", "RTX-4090"]
"""What `vzero plan` knows the figures of (`vzero.plan.cards`)."""


class Compute(Section):
    engine: Literal["local", "ray"] = "local"
    """`local`: processes of this machine, one a processor. `ray`: those of a Ray cluster, whose machines must
    share the project's folder at one path."""
    address: str | None = None
    """Of a Ray cluster that is up, host:port or auto, given on one of its machines. `None`: a cluster of this
    machine alone is started and ended with the stage."""

    @model_validator(mode="after")
    def _only_ray_has_an_address(self) -> Compute:
        if self.address is not None and self.engine != "ray":
            raise ValueError(f"address must be null with engine {self.engine}; it is of engine ray")
        if self.address is not None and "://" in self.address:
            raise ValueError("address must be host:port or auto, on a machine of the cluster")
        return self
