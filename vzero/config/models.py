"""Parameters of the two models, which every stage that loads them shares."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from vzero.config.base import Positive, Section


class Models(Section):
    student: Path = Path("vzero/needle/weights/student")
    """Hugging Face folder of the model to train (and of the base row in the report)."""
    teacher: Path = Path("vzero/needle/weights/teacher")
    """Hugging Face folder of the frozen teacher; it must share the student's vocabulary."""
    min_pixels: Positive | None = None
    """Lower bound on an image's pixels after resizing; `None`: the processor's own. With one of the two, it
    must agree with the other in the model's folder."""
    max_pixels: Positive | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    """Compute precision. Weights under training are kept in fp32; `train.save_precision` says how
    they are saved."""
    tf32: bool = False
    """Whether GPUs compute products of fp32 matrices in TF32: with bf16 those of a trained student's output
    layer and of linear attention. `python -m bench tf32` measures what it does to log-probs."""
    thinking: bool = False
    """Passed to the chat template as `enable_thinking`."""

    @model_validator(mode="after")
    def _pixels_are_a_range(self) -> Models:
        if self.min_pixels and self.max_pixels and self.max_pixels < self.min_pixels:
            raise ValueError(f"max_pixels ({self.max_pixels}) is below min_pixels ({self.min_pixels})")
        return self
