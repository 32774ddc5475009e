"""Named method settings. A recipe is data: the step loop never asks which one runs.

`paper` is the text of arXiv 2606.25319, `released` its authors' launcher; where they differ is written here.
`needle` is the default for the embedded world: with a teacher as sharp as its, the sampled-token form is
mostly noise at small batches, and the full distribution of the same gated objective learns at once.
The others are baselines on the same engine: `opd` is needle without the gate (privileged on-policy
distillation), `grpo` rewards right answers and compares siblings as verl and TRL do (arXiv 2402.03300; the
only one that reads labels), `sft` fits the answers that the teacher gives when it sees the right crop.

`released` has the launcher's settings, not the slips of the code behind them. It does not reproduce, on
purpose:

- The shift of the teacher's log-probs by a token: an answer's first token is learnt from as if the teacher
  had given it log-prob 0, and the gate never sees it. Here each token, first and end included, has its own.
- The lag of the normaliser: the first micro-batch of a mini-batch is divided by the token count of the
  mini-batch before (a run's first: by its own). Here all are divided by the count of their mini-batch.
- The packed forward that leaks: linear-attention layers are not told where the sequences packed into a row
  begin, so all but the first see the ones before. Here no answer sees what it is computed beside.
- Group means in float32, by which siblings with equal scores can weigh other than 1; k3 below 0 by rounding.
- Siblings spread over mini-batches, so that half a group moves the policy before the other half; here groups
  stay whole. Sampled vision tokens, which a replay takes for images; here they are never sampled.
- The teacher's prompt rendered by the student's processor; here by the teacher's own.
- Student logits divided by the rollout temperature (1 in the launcher) and the teacher's not; here both are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from vzero.signals.aggregation import Aggregation
from vzero.signals.divergence import Divergence
from vzero.signals.evidence import GateConstants
from vzero.signals.groups import GroupOfOne
from vzero.signals.policy import Estimator


@dataclass(frozen=True)
class Gate(GateConstants):
    enabled: bool = True
    """Whether the teacher also sees wrong crops, and answers are weighed by what that changes."""


@dataclass(frozen=True)
class Advantage:
    """Keyword arguments of `signals.groups.group_normalise` for rewards: verl's, but for `group_of_one`."""

    ddof: int = 1
    eps: float = 1e-6
    group_of_one: GroupOfOne = "zero"


@dataclass(frozen=True)
class Objective:
    divergence: Divergence | Estimator | Literal["reward", "likelihood"]
    aggregation: Aggregation
    surrogate: Literal["clipped", "plain"] = "clipped"
    top_k: int = 0
    tail: bool = True
    jsd_beta: float = 0.5
    clamp: float = math.inf
    tilt: float = 0.0
    tilt_clip: float = 10.0
    ratio_clip: float = 0.2
    dual_clip: float = 3.0
    logprob_temperature: float = 1.0
    """What the student's and the teacher's logits are divided by; `train.resolve` fills it in."""


@dataclass(frozen=True)
class Recipe:
    gate: Gate
    objective: Objective
    advantage: Advantage = Advantage()
    """Only where labels are needed."""
    writer: Literal["student", "teacher"] = "student"
    """Who writes the answers that the student learns from; the teacher writes with the right crop in view."""
    logprob_temperature: Literal["one", "rollout"] = "one"
    """At which temperature log-probs are taken: 1, or the one that answers are sampled at."""

    @property
    def needs_labels(self) -> bool:
        """Only such a recipe ever loads the samples' answers."""
        return self.objective.divergence == "reward"

    @property
    def needs_replay(self) -> bool:
        """The teacher scores the student's answers."""
        return self.objective.divergence not in ("reward", "likelihood")

    @property
    def needs_teacher(self) -> bool:
        return self.needs_replay or self.writer == "teacher"

    @property
    def needs_distributions(self) -> bool:
        """More of the teacher is used than its log-probs of the sampled tokens."""
        return self.objective.divergence in ("forward_kl", "reverse_kl", "jsd") or self.objective.tilt > 0


UNGATED = Gate(enabled=False)
RECIPES = {
    "needle": Recipe(Gate(), Objective("forward_kl", "sequence_mean")),
    "paper": Recipe(Gate(alpha=1.0), Objective("k1", "sequence_mean")),
    "released": Recipe(
        Gate(alpha=0.5), Objective("k1", "token_mean", clamp=10.0), logprob_temperature="rollout"
    ),
    "opd": Recipe(UNGATED, Objective("forward_kl", "sequence_mean")),
    "grpo": Recipe(UNGATED, Objective("reward", "sequence_mean"), logprob_temperature="rollout"),
    "sft": Recipe(UNGATED, Objective("likelihood", "token_mean"), writer="teacher"),
}
