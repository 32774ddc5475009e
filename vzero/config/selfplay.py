"""Self-play in two modes: named settings of how Solvers vote, what is kept and what questions earn.

What is given beside the mode lies over it; null is the mode's value.

`reference` is the released code (arXiv 2601.10094) to the constant: one track is the letter that the
Questioner itself writes, a question is paid whether or not it is kept, and labels are kept by the band of
their share alone. `repaired`, the default, closes what examples/questioner_rewards.py shows.

`reference` does not reproduce, on purpose: three prompts for one Solver and two for one Questioner (here one
a role), three samplers for one vote, faults of the service that are charged to the Questioner, a divisor of
10 whatever the votes, and a grader of formulas where letters are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vzero.config.base import NonNegative, Positive, Reach, Section
from vzero.config.evaluate import SOLVERS
from vzero.config.loss import PolicyGradient, Reference
from vzero.config.methods.base import MethodSettings
from vzero.config.methods.questioner import Reward
from vzero.config.methods.questioner import Settings as QuestionerSettings
from vzero.config.methods.solver import Settings as SolverSettings
from vzero.config.train import Teacher, Train
from vzero.config.voting import Keep, Voting

TOKEN_MEAN = PolicyGradient(aggregation="token_mean")
MODES: dict[str, dict[str, Any]] = {
    "reference": {
        "voting": {
            "votes": 10,
            "top_k": 40,
            "permuted": False,
            "fast": "questioner",
            "blind": False,
            "words": "boxed",
        },
        "keep": {"least": 0.3, "most": 0.8, "by_chance": 1.0, "honest": False},
        "reward": {"reading": "lenient", "only_kept": False, "repeats": 0.0},
    },
    "repaired": {"voting": {}, "keep": {}, "reward": {}},
}


class Photographs(Section):
    """A place of images."""

    kind: Literal["folder", "tar", "table", "needle"]
    """A folder of image files; tar files in a folder; Parquet files with a column of images; or scenes of
    the embedded world, which are drawn."""
    path: Path = Path("data/raw")
    column: str = "image"
    """Of a table: encoded bytes, or a struct that has them as `bytes`."""
    scenes: Positive = 400
    """How many the embedded world draws."""


class Iteration(Section):
    """What an iteration starts from: models, or what the iteration before made."""

    questioner: Path
    solver: Path


class Windows(Section):
    """Which part of an image a Questioner is shown, where labels are of a part (`keep.label`)."""

    strategy: str = "contrast"
    """The name of a file in `vzero/windows`."""
    side: Positive = 64
    """Pixels; an image that is smaller is its own window."""
    grid: Positive = 1
    """Pixels; windows begin at multiples of it. With the side of a visual token a tower sees in a window what
    it sees in the whole image: small ones cannot read what lies across their tokens."""
    seed: NonNegative = 0


class Role(Section):
    """How a role is trained in every iteration, by GRPO. The settings of `train`, as far as they serve."""

    steps: Annotated[NonNegative, Reach.END] = 62
    """0: the role stays as it is."""
    prompts: Positive = 64
    """Images, or questions, a step."""
    group: Annotated[int, Field(ge=2)] = 4
    mini_batches: Positive = 2
    micro_tokens: Positive = 16_384
    decode_tokens: Positive = 262_144
    temperature: Annotated[float, Field(gt=0)] = 1.0
    max_new_tokens: Positive = 2_048
    max_prompt_tokens: Positive = 1_024
    learning_rate: Annotated[float, Field(gt=0)] = 1e-6
    kl: Annotated[float, Field(gt=0)] | None = 0.01
    """Coefficient of k3 to a reference, in the loss; null: none."""
    kl_to: Literal["start", "base"] = "start"
    """The reference: the model that the stage starts from, or the one that the first iteration did."""
    gradient_checkpointing: bool = False
    offload: Annotated[bool, Reach.MACHINE] = False
    """Keep frozen models in main memory while they have nothing to do."""
    checkpoint_every: Annotated[Positive, Reach.MACHINE] = 20
    on_collapse: Annotated[Literal["warn", "stop"], Reach.END] = "warn"
    seed: NonNegative = 0

    @model_validator(mode="after")
    def _batches_divide(self) -> Role:
        if self.prompts % self.mini_batches:
            raise ValueError(f"mini_batches ({self.mini_batches}) must divide prompts ({self.prompts})")
        return self

    def training(self, method: MethodSettings) -> Train:
        """The same as the loop takes it."""
        own = {"kl", "kl_to", "offload"}
        shared = {name: getattr(self, name) for name in type(self).model_fields if name not in own}
        return Train(recipe=None, method=method, teacher=Teacher(offload=self.offload), **shared)

    @property
    def reference(self) -> Reference | None:
        return None if self.kl is None else Reference(coefficient=self.kl, aggregation="token_mean")


class SolverRole(Role):
    steps: Annotated[Positive, Reach.END] = 46
    group: Annotated[int, Field(ge=2)] = 5
    max_new_tokens: Positive = 4_096


SECTIONS: dict[str, type[Section]] = {"voting": Voting, "keep": Keep, "reward": Reward}


def _said(tree: Mapping[str, Any], section: type[Section]) -> dict[str, Any]:
    """Without the nulls, which stand for the mode's values; unknown keys stay, to be refused."""
    return {key: value for key, value in tree.items() if value is not None or key not in section.model_fields}


class SelfPlay(Section):
    mode: Literal["reference", "repaired"] = "repaired"
    photographs: dict[str, Photographs] = Field(default={})
    """Places of images, by names of yours; all of them are learnt from."""
    dev_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the images that no role learns from."""
    iterations: dict[str, Iteration] = Field(default={})
    """By number, from 1. The first starts from models, each other from what the one before made."""
    evaluated: list[str] = Field(default=[])
    """Solvers that answer `evaluate.benchmarks`, by the names of their folders: solver-1, solver-2, ..."""
    voting: Voting = Voting()
    keep: Keep = Keep()
    reward: Reward = Reward()
    windows: Windows = Windows()
    questioner: Role = Role()
    solver: SolverRole = SolverRole()

    @model_validator(mode="before")
    @classmethod
    def _over_the_mode(cls, data: Any) -> Any:
        mode = data.get("mode", "repaired") if isinstance(data, dict) else None
        if mode not in MODES:
            return data  # refused below
        preset: Mapping[str, Any] = MODES[mode]
        given = {name: data.get(name) or {} for name in preset}
        if not all(isinstance(tree, dict) for tree in given.values()):
            return data
        return data | {name: {**preset[name], **_said(tree, SECTIONS[name])} for name, tree in given.items()}

    @model_validator(mode="after")
    def _fits_together(self) -> SelfPlay:
        if problems := [*self._problems()]:
            raise ValueError("; ".join(problems))
        return self

    @property
    def solvers(self) -> dict[str, str]:
        """Iterations by the names of their Solvers."""
        return {f"solver-{iteration}": iteration for iteration in self.iterations}

    def questioner_method(self) -> QuestionerSettings:
        """What the Questioner learns from."""
        return QuestionerSettings(
            logprob_temperature="rollout",
            policy_gradient=TOKEN_MEAN,
            reference=self.questioner.reference,
            reward=self.reward,
            voting=self.voting,
            keep=self.keep,
        )

    def solver_method(self) -> SolverSettings:
        """What the Solver learns from."""
        return SolverSettings(
            logprob_temperature="rollout",
            policy_gradient=TOKEN_MEAN,
            reference=self.solver.reference,
            words=self.voting.words,
        )

    def _problems(self) -> Iterator[str]:
        for number, (name, start) in enumerate(self.iterations.items(), start=1):
            if number > len(SOLVERS):
                yield f"selfplay.iterations: at most {len(SOLVERS)}, got {len(self.iterations)}"
                break
            if name != str(number):
                yield f"selfplay.iterations.{name}: iterations count from 1, and this is number {number}"
            elif number > 1:
                for role in ("questioner", "solver"):
                    before = Path(f"data/selfplay/{role}-{number - 1}")
                    if getattr(start, role) != before:
                        yield f"selfplay.iterations.{name}.{role} must be {before}"
        for name in self.evaluated:
            if name not in self.solvers:
                allowed = ", ".join(self.solvers) or "none, since there are no iterations"
                yield f"selfplay.evaluated: {name!r} is none of the Solvers; allowed: {allowed}"
        if self.iterations and not self.photographs:
            yield "selfplay.photographs: iterations need images"
        yield from self.questioner_method().problems(group=self.questioner.group)
