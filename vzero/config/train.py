"""Parameters of `train`. What means nothing to the method is refused.

A setting of `train` itself counts as set where it differs from its default, which `params.yaml` spells out
for all. What only says how much a machine holds (`max_teacher_tokens`, `teacher.offload`) is of no method: an
overlay for a card serves them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, model_validator

from vzero.config.base import NonNegative, Positive, Reach, Section
from vzero.config.methods import over_recipe
from vzero.config.methods.base import MethodSettings
from vzero.config.recipes import RECIPES

TrackerName = Literal["tensorboard", "wandb", "trackio", "dvclive"]


class Teacher(Section):
    """Whose judgement the student learns from."""

    kind: Literal["frozen", "initial", "ema"] = "frozen"
    """frozen: `models.teacher`. initial: the student as it was before training. ema: a moving average of the
    student, kept in fp32."""
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """Share of the average that is kept at every step; of ema."""
    offload: Annotated[bool, Reach.MACHINE] = False
    """Keep the teacher in main memory while it has nothing to do, so that one device serves both models."""


class Lora(Section):
    """Low-rank adapters on the language model's linear layers; the saved model has them merged in."""

    rank: Positive = 16
    alpha: Positive = 32
    """Adapters are scaled by alpha / rank."""


class Train(Section):
    recipe: Literal["needle", "paper", "released", "opd", "grpo", "sft"] | None = "paper"
    """Named settings of a method (`vzero.config.recipes`); null: `method` says everything, its kind too."""
    method: SerializeAsAny[MethodSettings] = Field(default_factory=lambda: over_recipe("paper", {}, group=4))
    """What the student learns from: settings over the recipe's, of the classes in `vzero.config.methods`. In
    `params.yaml` null is the recipe's value."""
    teacher: Teacher = Teacher()
    lora: Lora | None = None
    """`None`: all weights are trained."""
    steps: Annotated[Positive, Reach.END] = 100
    """A run with more of them goes on where one with fewer ended, to the same bytes as in one go."""
    prompts: Positive = 16
    """Prompts a step (over all processes)."""
    group: Positive = 4
    """Rollouts a prompt."""
    mini_batches: Positive = 1
    """Optimizer updates a step; groups stay whole."""
    micro_tokens: Positive = 16_384
    """Tokens a pass through a model, prompts and answers with their padding; bounds memory, changes nothing
    else. A single prompt with its group may pass it."""
    decode_tokens: Positive = 262_144
    """Tokens of the answers that are decoded together, each with its prompt; bounds memory, changes nothing
    else. As they end, others take their places. A group may pass it."""
    temperature: float = Field(default=1.0, gt=0)
    """Of sampling."""
    max_new_tokens: Positive = 16
    max_prompt_tokens: Positive = 25_000
    """Longer student prompts are left out before training, with a count."""
    max_teacher_tokens: Positive = 32_768
    """Bound on the teacher's prompt (full image and crop) plus answer."""
    learning_rate: float = Field(default=3e-4, gt=0)
    warmup_steps: NonNegative = 0
    weight_decay: float = Field(default=0.01, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    gradient_checkpointing: bool = False
    checkpoint_every: Annotated[Positive, Reach.MACHINE] = 20
    """Steps between checkpoints; an interrupted run goes on from the last one."""
    save_precision: Annotated[Literal["source", "fp32"], Reach.END] = "source"
    """Of the trained model's weights. source: each tensor's as in `models.student`. fp32: as they were
    trained, which a bfloat16 folder rounds to two or three digits; twice its size."""
    on_collapse: Annotated[Literal["warn", "stop"], Reach.END] = "warn"
    """What to do when answers lose their length, their variety or their end (`vzero.train.collapse`)."""
    trackers: Annotated[list[TrackerName], Reach.MACHINE] = Field(default=[])
    """Where training is shown as it goes, by the names of the packages. One that is not installed, or fails,
    is left out with a warning; none asks the network unless its own settings say so."""
    seed: NonNegative = 0

    @model_validator(mode="before")
    @classmethod
    def _method_over_the_recipe(cls, data: Any) -> Any:
        if not isinstance(data, dict) or isinstance(data.get("method"), MethodSettings):
            return data
        given = data.get("method")
        if not (given is None or isinstance(given, dict)):
            raise ValueError(f"train.method: expected a section of keys and values, got {given!r}")
        recipe, group = (data.get(name, cls.model_fields[name].default) for name in ("recipe", "group"))
        if recipe not in (*RECIPES, None) or type(group) is not int:
            return {key: value for key, value in data.items() if key != "method"}  # refused below
        return data | {"method": over_recipe(recipe, given or {}, group=group)}

    @model_validator(mode="after")
    def _batches_divide(self) -> Train:
        if self.prompts % self.mini_batches:
            raise ValueError(f"mini_batches ({self.mini_batches}) must divide prompts ({self.prompts})")
        return self

    @model_validator(mode="after")
    def _trackers_differ(self) -> Train:
        if len(set(self.trackers)) < len(self.trackers):
            raise ValueError(f"trackers {self.trackers} must differ from each other")
        return self

    @model_validator(mode="after")
    def _settings_mean_something(self) -> Train:
        if problems := [*self._teachers_part(), *self._unused()]:
            named = f"train.recipe {self.recipe}" if self.recipe else f"train.method.kind {self.method.kind}"
            raise ValueError("; ".join(f"with {named}: {problem}" for problem in problems))
        return self

    @property
    def logprob_temperature(self) -> float:
        """What logits are divided by before log-probs are taken."""
        return self.temperature if self.method.logprob_temperature == "rollout" else 1.0

    def _teachers_part(self) -> Iterator[str]:
        if self.method.teacher == "writes" and self.teacher.kind != "frozen":
            yield (f"train.teacher.kind must be frozen, not {self.teacher.kind}: a student would copy itself")

    def _unused(self) -> Iterator[str]:
        untouched = Teacher()
        if self.method.teacher == "none":
            for name in ("kind", "decay"):
                if getattr(self.teacher, name) != (default := getattr(untouched, name)):
                    yield f"train.teacher.{name} means nothing, no teacher takes part: leave it at {default}"
        elif self.teacher.kind != "ema" and self.teacher.decay != untouched.decay:
            yield (
                f"train.teacher.decay means nothing, train.teacher.kind is {self.teacher.kind}, not ema: "
                f"leave it at {untouched.decay}"
            )
        if self.method.teacher == "writes" and self.on_collapse != "warn":
            yield "train.on_collapse means nothing, the answers are a frozen teacher's: leave it at warn"
