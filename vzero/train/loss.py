"""The loss of a method, a sum of terms, computed a bounded number of tokens at a time.

The vocabulary is never expanded for a whole batch: hidden states are kept, logits are made for a chunk of
tokens, and made again in the backward pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import torch

from vzero.config.loss import Divergence, Likelihood, PolicyGradient, Reference, Surrogate, Term
from vzero.methods.base import Target
from vzero.models.loading import LoadedModel
from vzero.rollout.responses import ReadOut, by_chunks, response_logprobs, sampled_logprobs, vocabulary_logits
from vzero.signals.aggregation import aggregate
from vzero.signals.divergence import Divergence as Distributions
from vzero.signals.divergence import token_divergence
from vzero.signals.policy import clipped_surrogate, k1, k2, k3, plain_surrogate
from vzero.signals.tilt import tilted_logprobs

Present = TypeVar("Present")


@dataclass(frozen=True)
class Loss:
    """What is minimised."""

    terms: tuple[Term, ...]
    target: Target | None
    """What divergences are taken to."""
    temperature: float
    """What logits of the student and of the target are divided by."""

    @property
    def takes_ratio(self) -> bool:
        """Whether a term compares the student with itself when it sampled."""
        return any(isinstance(term, Surrogate) and term.takes_ratio for term in self.terms)

    @property
    def kept_roles(self) -> tuple[str, ...]:
        """Roles whose distributions are used, more than log-probs of the sampled tokens."""
        if self.target is None:
            return ()
        whole = any(isinstance(term, Divergence) and term.distribution for term in self.terms)
        return self.target.roles if whole or self.target.away_from is not None else ()


@dataclass(frozen=True)
class Scored:
    """Rollouts with what is to be learnt of them; rows are rollouts, siblings beside each other.

    `None`, or a role that is missing: no term of the loss has a use for it.
    """

    token_ids: torch.Tensor  # (rows, tokens)
    mask: torch.Tensor  # (rows, tokens)
    weights: torch.Tensor  # (rows,)
    counted: torch.Tensor  # (rows,), bool
    advantages: torch.Tensor | None = None  # (rows,) or (rows, tokens)
    old_logprobs: torch.Tensor | None = None  # (rows, tokens) of the student that sampled; None: the current
    reference_logprobs: torch.Tensor | None = None  # (rows, tokens) of the student at the start
    ratio: torch.Tensor | None = None  # (rows, tokens) what is learnt of a token is multiplied by; None: 1
    logprobs: Mapping[str, torch.Tensor] = field(default_factory=dict)  # (rows, tokens) of the teacher
    hidden: Mapping[str, torch.Tensor] = field(default_factory=dict)  # (rows, tokens, teacher width)

    @property
    def valid(self) -> torch.Tensor:
        """The mask of the tokens that enter the loss, (rows, tokens)."""
        return self.mask * self.counted[:, None]

    def select(self, rows: torch.Tensor) -> Scored:
        """The rows of these numbers (chosen,), cut to the longest answer among them."""
        longest = int(self.mask[rows].sum(dim=1).max())

        def cut(value):
            if isinstance(value, Mapping):
                return {role: cut(tensor) for role, tensor in value.items()}
            return value if value is None else value[rows] if value.ndim == 1 else value[rows, :longest]

        return replace(self, **{name: cut(value) for name, value in vars(self).items()})


def rollout_loss(
    student: LoadedModel,
    teacher: LoadedModel | None,
    student_hidden: torch.Tensor,
    scored: Scored,
    loss: Loss,
    totals: Mapping[str, torch.Tensor],
) -> torch.Tensor:
    """This part's share of the mini-batch loss, ().

    `student_hidden` (rows, tokens, student width) carries the gradient, `totals` are the whole mini-batch's
    denominators, () each, by aggregation. Log-probs that `scored` holds must be taken at the loss's
    temperature. Raises ValueError when `scored` lacks something that a term needs.
    """
    return Part(student, teacher, student_hidden, scored, loss).share(totals)


@dataclass(frozen=True)
class Part:
    """Some rollouts on their way through the loss; see `rollout_loss`."""

    student: LoadedModel
    teacher: LoadedModel | None
    student_hidden: torch.Tensor
    scored: Scored
    loss: Loss

    def share(self, totals: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Of the mini-batch's loss, ()."""
        shares = []
        for term in self.loss.terms:
            losses = self._token_losses(term)
            if self.scored.ratio is not None:
                losses = losses * self.scored.ratio
            share = aggregate(term.aggregation, losses, self.scored.valid, totals[term.aggregation])
            shares.append(share if term.coefficient == 1.0 else term.coefficient * share)
        return shares[0] if len(shares) == 1 else torch.stack(shares).sum()

    def clipped(self) -> torch.Tensor:
        """How many tokens rewards teach nothing, for their ratio has gone far enough, ().

        Raises ValueError where nothing was rewarded, or the student not scored when it sampled.
        """
        [term] = [term for term in self.loss.terms if isinstance(term, PolicyGradient)]
        advantages = _present(self.scored.advantages).view(len(self.scored.weights), -1)
        gone = (self.current.detach() - _present(self.scored.old_logprobs)).exp()
        beyond = torch.where(advantages > 0, gone > 1.0 + term.ratio_clip, gone < 1.0 - term.ratio_clip)
        return (beyond & (advantages != 0) & self.scored.valid.bool()).sum()

    def _token_losses(self, term: Term) -> torch.Tensor:
        """A term's losses (rows, tokens), weighed."""
        weights = self.scored.weights[:, None]
        if isinstance(term, Divergence):
            return self._divergence(term, weights)
        if isinstance(term, PolicyGradient):
            advantages = _present(self.scored.advantages)
            return self._policy_gradient(term, weights * advantages.view(len(advantages), -1))
        if isinstance(term, Likelihood):
            return -self.current * weights
        assert isinstance(term, Reference)
        estimate = {"k2": k2, "k3": k3}[term.kind]
        return estimate(self.current, _present(self.scored.reference_logprobs), clamp=torch.inf)

    @cached_property
    def current(self) -> torch.Tensor:
        """The student's log-probs (rows, tokens) of the answers, with their gradient."""
        scored, temperature = self.scored, self.loss.temperature
        return response_logprobs(
            self.student, self.student_hidden, scored.token_ids, scored.valid, temperature
        )

    def _divergence(self, term: Divergence, weights: torch.Tensor) -> torch.Tensor:
        """Of a sampled token's estimates clamp first, weight after."""
        if term.distribution is not None:
            return self._of_distributions(term.distribution, term) * weights
        target = self._target_logprobs()
        if term.kind == "k2":
            return weights * k2(self.current, target, clamp=term.bound)
        if term.kind == "k3":
            return weights * k3(self.current, target, clamp=term.bound)
        return self._policy_gradient(term, -weights * k1(self.current, target, clamp=term.bound))

    def _policy_gradient(self, term: Surrogate, advantage: torch.Tensor) -> torch.Tensor:
        """Token losses (rows, tokens) whose gradient raises log-probs by their advantage (it broadcasts)."""
        if term.surrogate == "plain":
            return plain_surrogate(self.current, advantage)
        old = self.scored.old_logprobs
        old = self.current.detach() if old is None else old
        return clipped_surrogate(
            self.current, old, advantage, ratio_clip=term.ratio_clip, dual_clip=term.dual_clip
        )

    def _of_distributions(self, kind: Distributions, term: Divergence) -> torch.Tensor:
        """Token divergences (rows, tokens) of the student from the target, before weighting."""

        def chunk_divergence(ours: torch.Tensor, *views: torch.Tensor) -> torch.Tensor:
            return token_divergence(
                kind,
                vocabulary_logits(self.student, ours, self.loss.temperature),
                self._target_logits(*views),
                top_k=term.top_k,
                tail=term.tail,
                jsd_beta=term.jsd_beta,
            )

        views = self._target_views()
        read_out = [(self.student, self.student_hidden), *self._read_out_of_target(views)]
        return by_chunks(chunk_divergence, read_out, self.scored.valid, self.student_hidden, *views)

    @torch.no_grad()
    def _target_logprobs(self) -> torch.Tensor:
        """The target's log-probs (rows, tokens) of the sampled tokens."""
        target, scored = _present(self.loss.target), self.scored
        if target.away_from is None:
            return _present(scored.logprobs.get(target.role))

        def chunk_logprobs(ids: torch.Tensor, *views: torch.Tensor) -> torch.Tensor:
            return sampled_logprobs(self._target_logits(*views), ids)

        views = self._target_views()
        read_out = self._read_out_of_target(views)
        return by_chunks(chunk_logprobs, read_out, scored.valid, scored.token_ids, *views)

    def _target_views(self) -> list[torch.Tensor]:
        """Hidden states (rows, tokens, width) of the target's views."""
        return [_present(self.scored.hidden.get(role)) for role in _present(self.loss.target).roles]

    def _read_out_of_target(self, views: Sequence[torch.Tensor]) -> list[ReadOut]:
        return [(_present(self.teacher), view) for view in views]

    def _target_logits(self, hidden: torch.Tensor, away_from: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (tokens, vocabulary) of the distribution to learn, from hidden states (tokens, width)."""
        teacher, target = _present(self.teacher), _present(self.loss.target)
        logits = vocabulary_logits(teacher, hidden, self.loss.temperature)
        if away_from is None:
            return logits
        contrasted = vocabulary_logits(teacher, away_from, self.loss.temperature)
        return tilted_logprobs(
            logits, contrasted, tilt=target.tilt, clip=target.clip, adaptive=target.adaptive
        )


def _present(value: Present | None) -> Present:
    if value is None:
        raise ValueError("the rollouts were scored for another loss: what this one needs is missing")
    return value
