"""What becomes of a written question by its votes: a label for the Solver to learn, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vzero.answers.questions import WrittenQuestion
from vzero.config.voting import Keep
from vzero.signals.votes import Vote
from vzero.voting.honesty import names_the_answer, tells_what_to_answer
from vzero.voting.voters import UNBOXED, Voter

KEPT = "kept"
REASONS = (
    KEPT,
    "unread",
    "tells_what_to_answer",
    "names_the_answer",
    "views_disagree",
    "no_lead",
    "too_few",
    "too_sure",
    "answered_blind",
)
"""The first that holds. unread: most votes could not be read. views_disagree: image and window, where the
label is of both. no_lead, too_few: the label's votes against those of the next answer, and their share.
too_sure: so much of the votes of the whole image that nothing is left to learn. answered_blind: the same
answer without the image."""


@dataclass(frozen=True)
class Fate:
    reason: str
    label: str | None
    """The option's text; also of a question that is not kept, where there is one."""
    confidence: float
    """Share of the label's votes."""

    @property
    def kept(self) -> bool:
        return self.reason == KEPT


def fate(question: WrittenQuestion, votes: Mapping[Voter, Vote], keep: Keep) -> Fate:
    """By the votes of the image (slow or permuted), and of blind and region where there are such."""
    whole = votes["permuted"] if "permuted" in votes else votes["slow"]
    labelling = votes["region"] if keep.label != "full" and "region" in votes else whole
    label = None if labelling.answer == UNBOXED else labelling.answer
    if label is None:
        return Fate("unread", None, labelling.confidence)
    reasons: dict[str, Callable[[], bool]] = {
        "tells_what_to_answer": lambda: keep.honest and tells_what_to_answer(question),
        "names_the_answer": lambda: keep.honest and names_the_answer(question, label),
        "views_disagree": lambda: keep.label == "agreement" and whole.answer != label,
        "no_lead": lambda: labelling.by_chance >= keep.by_chance,
        "too_few": lambda: _below(labelling.confidence, keep.least),
        "too_sure": lambda: whole.answer == label and _below(keep.most, whole.confidence),
        "answered_blind": lambda: _answered_blind(votes.get("blind"), label, keep.blind),
    }
    reason = next((name for name, holds in reasons.items() if holds()), KEPT)
    return Fate(reason, label, labelling.confidence)


def _answered_blind(blind: Vote | None, label: str, bound: float) -> bool:
    return blind is not None and blind.answer == label and not _below(blind.confidence, bound)


def _below(one: float, other: float) -> bool:
    """Of shares of votes; 3 / 10 is not below 0.3."""
    return one < other - 1e-9
