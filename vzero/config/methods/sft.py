"""Supervised fine-tuning on the answers that the teacher gives when it sees the right crop."""

from __future__ import annotations

from typing import ClassVar, Literal

from vzero.config.loss import Likelihood
from vzero.config.methods.base import MethodSettings


class Settings(MethodSettings):
    kind: Literal["sft"] = "sft"
    likelihood: Likelihood = Likelihood()

    teacher: ClassVar = "writes"
