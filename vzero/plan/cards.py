"""Cards by name: what their makers say of them, and how much of it is counted on."""

from __future__ import annotations

from dataclasses import dataclass

from vzero.config import CardName
from vzero.plan.tracing import Counts

UTILISATION = 0.4  # of the rate of products, which dense training reaches on one machine
BANDWIDTH = 0.85  # of the stated one; measured: 3.0 TB/s on an H100, 4.3 on an H200
LAUNCH = 11e-6  # seconds of a processor's time for a kernel, one after the other; measured: 33.9 ms for 2,983
IN_GRAPH = 2e-6  # seconds from one small kernel of a graph to the next; assumed, no card was at hand


@dataclass(frozen=True)
class Card:
    memory: float
    """GB."""
    bf16: float
    """TFLOP/s of dense products."""
    fp32: float
    """TFLOP/s without TF32; with it half of bf16."""
    bandwidth: float
    """TB/s."""

    def seconds(self, counts: Counts, *, tf32: bool) -> float:
        """What bounds it: products, bytes, or launching kernels one by one."""
        slow = self.bf16 / 2 if tf32 else self.fp32
        fast = max(counts.flops - counts.fp32_flops, 0)
        products = (fast / self.bf16 + counts.fp32_flops / slow) / (UTILISATION * 1e12)
        moved = counts.bytes / (BANDWIDTH * self.bandwidth * 1e12)
        launched = (counts.kernels - counts.graphed) * LAUNCH + counts.graphed * IN_GRAPH
        return max(products, moved, launched)


CARDS: dict[CardName, Card] = {
    "A100-80": Card(80, 312, 19.5, 2.04),
    "H100": Card(80, 989, 67, 3.35),
    "H200": Card(141, 989, 67, 4.8),
    "B200": Card(180, 2250, 75, 8.0),
    "RTX-PRO-6000": Card(96, 504, 126, 1.79),
    "L40S": Card(48, 362, 91.6, 0.864),
    "RTX-4090": Card(24, 165, 82.6, 1.01),
}
