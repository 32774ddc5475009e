"""What params do not say of a run that is planned: how long things are, and where it would run."""

from __future__ import annotations

from dataclasses import dataclass

from vzero.config import CardName


@dataclass(frozen=True)
class PlannedRun:
    """Of `vzero plan`.

    Parameters
    ----------
    prompt_tokens
        Of a student's prompt, its image included.
    answer_tokens
        Of each answer.
    crop_tokens
        Of the crop that a teacher is shown.
    processes
        That train together, a card each.
    sharded
        The student and frozen models that only score are sharded over them (FSDP2).
    card
        By whose memory and rates the plan is judged.
    """

    prompt_tokens: int
    answer_tokens: int
    crop_tokens: int = 256
    processes: int = 1
    sharded: bool = False
    card: CardName = "H100"
