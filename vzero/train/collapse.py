"""Signs that a student is collapsing, read from the train_log: most compare the last steps with the first.

On-policy distillation can shorten answers to a bare letter, make all of them alike, or never end them
(arXiv 2606.25319 peaks and falls; others report sudden collapse). Accuracy shows it late, these at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

WINDOW = 5  # steps at the start and at the end that are averaged
SHRUNK = 1 / 3  # of the length at the start
DEAD_ENTROPY, WILD_ENTROPY = 0.02, 5.0  # times the entropy at the start
ONE_OPENING = 0.98  # share of answers with the same first token, where it was below VARIED
VARIED = 0.8
ENDLESS = 0.5  # share of truncated answers, where it was below half of that
# Of written questions.
MALFORMED = 0.2  # share of texts that are none
ONE_LETTER = 0.6  # share of quick answers that are the same letter
FEW_KEPT = 0.1  # share that the Solver would learn from, while its votes agree more and more
FEW_DIFFERENT = 0.5  # share of questions that differ


class TrainingCollapsed(RuntimeError):
    """`train.on_collapse: stop` stopped a run. Its checkpoints stay."""


def collapse_signs(log: pl.DataFrame) -> list[str]:
    """One sentence for each sign of collapse after the last step of a train_log.

    None before a window of steps, and none that compares before two.
    """
    if log.height < WINDOW:
        return []
    ordered = log.sort("step")
    first = ordered.head(WINDOW).mean().row(0, named=True)
    last = ordered.tail(WINDOW).mean().row(0, named=True)
    found = [] if last["malformed"] is None else [*_of_questions(last)]
    if log.height >= 2 * WINDOW:
        found += _signs(first, last)
        found += [] if last["malformed"] is None else _of_easier_questions(first, last)
    return found


def _signs(first: Mapping[str, float], last: Mapping[str, float]) -> Iterator[str]:
    length, entropy = "response_tokens", "entropy"
    if last[length] < SHRUNK * first[length]:
        yield f"answers shrank from {first[length]:.1f} to {last[length]:.1f} tokens"
    if last[entropy] < DEAD_ENTROPY * first[entropy]:
        yield f"answers lost variety: entropy fell from {first[entropy]:.3f} to {last[entropy]:.3f} nats"
    if last[entropy] > WILD_ENTROPY * first[entropy]:
        yield f"answers became noise: entropy rose from {first[entropy]:.3f} to {last[entropy]:.3f} nats"
    if last["first_token_share"] > ONE_OPENING and first["first_token_share"] < VARIED:
        yield f"{last['first_token_share']:.0%} of answers begin with the same token"
    if last["truncated"] > ENDLESS and first["truncated"] < ENDLESS / 2:
        yield f"{last['truncated']:.0%} of answers are cut off before they end"


def _of_questions(last: Mapping[str, float]) -> Iterator[str]:
    """What is bad wherever it began."""
    if last["malformed"] > MALFORMED:
        yield f"{last['malformed']:.0%} of texts are no question"
    if (last["commonest_letter"] or 0) > ONE_LETTER:
        yield f"{last['commonest_letter']:.0%} of quick answers are the same letter"
    if (last["distinct"] or 1) < FEW_DIFFERENT:
        yield f"{last['distinct']:.0%} of questions differ from each other"


def _of_easier_questions(first: Mapping[str, float], last: Mapping[str, float]) -> Iterator[str]:
    agreement = "confidence"
    if last["kept"] < FEW_KEPT and (last[agreement] or 0) > (first[agreement] or 0):
        yield (
            f"{last['kept']:.0%} of questions are worth learning, while votes on them agree more: "
            f"{first[agreement]:.2f} to {last[agreement]:.2f}"
        )
