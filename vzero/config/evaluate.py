"""Parameters of `evaluate` and `report`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vzero.config.base import NonNegative, Positive, Reach, Section
from vzero.config.data import BenchmarkName, WorldName
from vzero.errors import ConfigError

EVALUATED_MODELS = ("base", "trained", "teacher")
SOLVERS = tuple(f"solver-{iteration}" for iteration in range(1, 21))
"""Of iterations of self-play."""
MODELS = (*EVALUATED_MODELS, *SOLVERS)
"""The untouched student, the trained one, the teacher, and Solvers."""


def check_model(name: str) -> None:
    """Raises ConfigError for one that is not among `MODELS`."""
    if name not in MODELS:
        allowed = ", ".join(EVALUATED_MODELS)
        raise ConfigError(f"unknown model {name!r}: allowed: {allowed}, {SOLVERS[0]} to {SOLVERS[-1]}")


WordingName = Literal["vzero", "vlmevalkit", "qwen", "lmms-eval", "zoombench"]
ReaderName = Literal[
    "vlmevalkit-exact",
    "lmms-eval",
    "lmms-eval-stripped",
    "lmms-eval-vstar",
    "lmms-eval-hrbench",
    "lmms-eval-mcq",
    "lmms-eval-terse",
    "lmms-eval-mmmu",
    "lmms-eval-reasoning",
    "mme-realworld",
    "mmstar-official",
    "zoombench",
    "vzero",
]
EmbeddedName = Literal["search", "cyclic", "zoom", "coarse", "chain", "chain_unseen", "chain_coarse"]
EMBEDDED: dict[WorldName, tuple[EmbeddedName, ...]] = {
    "needle": ("search", "cyclic", "zoom", "coarse"),
    "chain": ("chain", "chain_unseen", "chain_coarse"),
}
"""The benchmarks that each embedded world draws."""
BENCHMARKS: tuple[EmbeddedName, ...] = tuple(name for names in EMBEDDED.values() for name in names)
"""Those of all embedded worlds."""
EvaluatedName = Literal[EmbeddedName, BenchmarkName]


class Evaluate(Section):
    frozen: Annotated[tuple[Literal["base", "teacher"], ...], Reach.CELLS] = ("base", "teacher")
    """Models beside the trained one: the untouched student, and the teacher with the right crop. Their
    cells do not depend on training, so a changed recipe leaves them alone."""
    benchmarks: Annotated[tuple[EvaluatedName, ...], Field(min_length=1), Reach.CELLS] = EMBEDDED["needle"]
    """Those of the embedded world that is drawn, and published ones that `ingest.benchmarks` names the files
    of."""
    wording: WordingName | None = None
    """How questions are worded; `None`: as each benchmark says in its file (vzero/benchmarks)."""
    reader: ReaderName | None = None
    """How an answer letter is read out of the text; `None`: as each benchmark says, most of them
    vlmevalkit-exact. vzero/answers/extract.py tells what each reader reads like."""
    temperature: float = Field(default=0.0, ge=0)
    """0: greedy."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Sample from the likeliest tokens that together have this probability."""
    top_k: NonNegative = 0
    """Sample from this many of the likeliest tokens; 0: from all."""
    seeds: Annotated[tuple[NonNegative, ...], Field(min_length=1)] = (0,)
    """One sampled answer to every question for each; scores are pooled over them."""
    max_new_tokens: Positive = 16
    batch_tokens: Positive = 16_384
    """Tokens of prompts and answers that are decoded together; bounds memory."""
    batch_pixels: Positive = 16_777_216
    """Pixels of different images that are encoded together, after resizing; bounds memory."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    resamples: Positive = 2_000
    """Bootstrap resamples of the paired comparison."""
    seed: NonNegative = 0
    """Of the bootstrap."""

    @model_validator(mode="after")
    def _only_sampled_answers_differ(self) -> Evaluate:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must differ from each other")
        if self.temperature == 0.0 and self.seeds != (0,):
            raise ValueError("seeds must be [0] with temperature 0: greedy answers do not depend on a seed")
        if self.temperature == 0.0 and (self.top_p < 1.0 or self.top_k > 0):
            raise ValueError("top_p and top_k must be 1.0 and 0 with temperature 0, which is greedy")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """Every evaluated model, in the order of the report."""
        return tuple(model for model in EVALUATED_MODELS if model == "trained" or model in self.frozen)


class Report(Section):
    gallery: Positive = 12
    """Samples shown with their views, answers and weights."""
    seed: NonNegative = 0
