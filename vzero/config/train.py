"""Parameters of `train`. `None` on a method field means what the recipe says (`vzero.train.recipes`).

A value that differs from its default and means nothing to the recipe is refused (`vzero.train.resolve`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from vzero.config.base import NonNegative, Positive, Reach, Section
from vzero.errors import ConfigError

OBJECTIVE_SETTINGS = {
    "surrogate": ("k1", "reward"),
    "clamp": ("k1", "k2", "k3"),
    "top_k": ("forward_kl", "reverse_kl", "jsd"),
    "tail": ("forward_kl", "reverse_kl", "jsd"),
    "jsd_beta": ("jsd",),
    "tilt": ("k1", "k2", "k3", "forward_kl", "reverse_kl", "jsd"),
}
"""Which divergences an objective's setting belongs to."""


class Gate(Section):
    """The contrastive evidence gate (arXiv 2606.25319, eqs 14-24). `None`: the recipe's value."""

    enabled: bool | None = None
    """Off: every weight is 1, which is plain privileged on-policy distillation."""
    gamma: Annotated[float, Field(ge=0)] | None = None
    """How much counter-evidence (negative token gaps) counts."""
    alpha: Annotated[float, Field(ge=0)] | None = None
    """Strength: weight = clip(1 + alpha * z, w_min, w_max)."""
    w_min: Annotated[float, Field(ge=0)] | None = None
    w_max: Annotated[float, Field(ge=0)] | None = None
    eps: Annotated[float, Field(gt=0)] | None = None
    """Added to the group's population standard deviation (that over n), nats a token."""
    shrinkage: Annotated[float, Field(ge=0)] | None = None
    """tau, nats a token: z = (score - mean) / sqrt(deviation^2 + tau^2), so that groups that hardly differ
    stay near weight 1; 0: off."""
    margin: float | None = None
    """An answer whose score (nats a token) is not above this never gets a weight above 1, best of its group
    or not."""
    renormalise: bool | None = None
    """Scale the clipped weights of a group to mean 1. The margin comes after it and has the last word."""
    top_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """The score is the mean over this share of an answer's tokens, those with the largest absolute gaps."""
    skip_first: bool | None = None
    """Leave an answer's first token out of its score; an answer of one token then scores 0."""

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Gate:
        if self.w_min is not None and self.w_max is not None and self.w_max < self.w_min:
            raise ValueError(f"w_max ({self.w_max}) must be at least w_min ({self.w_min})")
        return self


class Advantage(Section):
    """How rewards are compared among siblings, by recipes that have rewards. `None`: the recipe's value.

    An answer's advantage is (reward - mean) / (deviation + eps) over its group.
    """

    ddof: Literal[0, 1] | None = None
    """The deviation of n rewards is taken over n - ddof: 1 in verl and TRL, 0 is the population's."""
    eps: Annotated[float, Field(gt=0)] | None = None
    """Added to the deviation: 1e-6 in verl, 1e-4 in TRL."""
    group_of_one: Literal["zero", "reward"] | None = None
    """Advantage of an answer without siblings (`group` 1): 0 as in TRL, which learns nothing, or its reward
    as in verl (which divides it by 1 + eps)."""


class Objective(Section):
    """What the gated token loss is. `None`: the recipe's value."""

    divergence: Literal["k1", "k2", "k3", "forward_kl", "reverse_kl", "jsd"] | None = None
    """k1, k2 and k3 see the sampled tokens (k1 as a policy gradient, the others propagated); the rest
    compare distributions."""
    surrogate: Literal["clipped", "plain"] | None = None
    """Policy gradient of k1: dual-clip PPO, or REINFORCE."""
    top_k: NonNegative | None = None
    """Size of the teacher's support kept for the distribution forms; 0: the whole vocabulary."""
    tail: bool | None = None
    """Everything outside the support in one bucket; false leaves it out, which only forward_kl may."""
    jsd_beta: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Weight of the teacher in the mixture of the generalised JSD."""
    clamp: Annotated[float, Field(gt=0)] | None = None
    """Bound on a sampled token's k1, k2 or k3, before weighting."""
    tilt: Annotated[float, Field(ge=0)] | None = None
    """Target (1 + tilt) log p+ - tilt log p-, renormalised, from the teacher's two views; 0: log p+."""
    tilt_clip: Annotated[float, Field(gt=0)] | None = None
    """Bound on log p+ - log p- of a token before the tilt, nats."""
    aggregation: Literal["token_mean", "sequence_mean", "sequence_sum", "sequence_sum_norm"] | None = None
    """The paper averages each answer first; the released code averages over all tokens. sequence_sum adds
    up each answer; sequence_sum_norm divides that by max_new_tokens."""

    @field_validator("surrogate", mode="before")
    @classmethod
    def _k1_is_not_propagated(cls, surrogate: Any) -> Any:
        if surrogate == "direct":
            raise ValueError(
                "k1 cannot be back-propagated directly, its gradient does not see the teacher; allowed: "
                "clipped, plain (or divergence k2, which is propagated)"
            )
        return surrogate

    @model_validator(mode="after")
    def _settings_belong_to_the_divergence(self) -> Objective:
        if self.divergence:
            self.check_settings(self.divergence, top_k=self.top_k, tilt=self.tilt)
        return self

    def check_settings(self, divergence: str, *, top_k: int | None, tilt: float | None) -> None:
        """Raises ConfigError when a setting given here means nothing to the divergence that will run.

        `top_k` and `tilt` are those that will run, `None` while the recipe's are not known.
        """
        for name, divergences in OBJECTIVE_SETTINGS.items():
            if getattr(self, name) is not None and divergence not in divergences:
                raise ConfigError(f"{name} belongs to {' / '.join(divergences)}, not to {divergence}")
        if self.tail is False and divergence != "forward_kl":
            raise ConfigError(
                f"tail: false is for forward_kl only, not for {divergence}: mass outside the teacher's top-k "
                "would be invisible, and the student could put all of its own there for free"
            )
        if self.tail is not None and top_k == 0:
            raise ConfigError("tail has no meaning without a support: top_k must be above 0")
        if self.tilt_clip is not None and tilt == 0:
            raise ConfigError("tilt_clip has no meaning without a tilt: tilt must be above 0")


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
    recipe: Literal["needle", "paper", "released", "opd", "grpo", "sft"] = "needle"
    """Named method settings (`vzero.train.recipes`): views, divergence, gate constants, aggregation."""
    gate: Gate = Gate()
    advantage: Advantage = Advantage()
    objective: Objective = Objective()
    teacher: Teacher = Teacher()
    lora: Lora | None = None
    """`None`: all weights are trained."""
    steps: Positive = 100
    prompts: Positive = 16
    """Prompts a step (over all processes)."""
    group: Positive = 4
    """Rollouts a prompt."""
    mini_batches: Positive = 1
    """Optimizer updates a step; groups stay whole."""
    micro_tokens: Positive = 16_384
    """Tokens a pass through a model, prompts and answers with their padding; bounds memory, changes nothing
    else. A single prompt with its group may pass it."""
    temperature: float = Field(default=1.0, gt=0)
    """Of sampling."""
    logprob_temperature: Literal["one", "rollout"] | None = None
    """What logits are divided by before log-probs are taken: 1, or `temperature`, as verl and TRL do, so that
    they are those of the policy that samples. For everything alike: current and old log-probs, the teacher's
    replay and with it the gate, distributions, the `rollouts` table. `None`: as the recipe does."""
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
    seed: NonNegative = 0

    @model_validator(mode="after")
    def _batches_divide(self) -> Train:
        if self.prompts % self.mini_batches:
            raise ValueError(f"mini_batches ({self.mini_batches}) must divide prompts ({self.prompts})")
        return self
