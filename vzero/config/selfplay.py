"""Self-play in two modes: named settings of how Solvers vote, what is kept and what questions earn.

What is given beside the mode lies over it.

`reference` is the released code (arXiv 2601.10094) to the constant: one track is the letter that the
Questioner itself writes, a question is paid whether or not it is kept, and labels are kept by the band of
their share alone. `repaired`, the default, closes what examples/questioner_rewards.py shows.

`reference` does not reproduce, on purpose: three prompts for one Solver and two for one Questioner (here one
a role), three samplers for one vote, faults of the service that are charged to the Questioner, a divisor of 10
whatever the votes, and a grader of formulas where letters are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vzero.config.base import Section
from vzero.config.loss import Reference
from vzero.config.methods.questioner import Reward
from vzero.config.methods.questioner import Settings as QuestionerSettings
from vzero.config.methods.solver import Settings as SolverSettings
from vzero.config.voting import Keep, Voting

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
        "keep": {"least": 0.3, "most": 0.8, "by_chance": None, "blind": None, "honest": False},
        "reward": {"reading": "lenient", "only_kept": False, "repeats": 0.0},
    },
    "repaired": {"voting": {}, "keep": {}, "reward": {}},
}


class SelfPlay(Section):
    mode: Literal["reference", "repaired"] = "repaired"
    voting: Voting = Voting()
    keep: Keep = Keep()
    reward: Reward = Reward()
    kl: Annotated[float, Field(gt=0)] | None = 0.01
    """Coefficient of k3 to what either role was at its start; null: none."""

    @model_validator(mode="before")
    @classmethod
    def _over_the_mode(cls, data: Any) -> Any:
        mode = data.get("mode", "repaired") if isinstance(data, dict) else None
        if mode not in MODES:
            return data  # refused below
        preset: Mapping[str, Any] = MODES[mode]
        given = {name: data.get(name, {}) for name in preset}
        if not all(isinstance(tree, dict) for tree in given.values()):
            return data
        return data | {name: {**preset[name], **tree} for name, tree in given.items()}

    def questioner(self) -> QuestionerSettings:
        """What the Questioner learns from."""
        return QuestionerSettings(
            logprob_temperature="rollout",
            reference=self._reference,
            reward=self.reward,
            voting=self.voting,
            keep=self.keep,
        )

    def solver(self) -> SolverSettings:
        """What the Solver learns from."""
        return SolverSettings(
            logprob_temperature="rollout", reference=self._reference, words=self.voting.words
        )

    @property
    def _reference(self) -> Reference | None:
        return None if self.kl is None else Reference(coefficient=self.kl, aggregation="token_mean")
