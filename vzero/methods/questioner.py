"""The Questioner of self-play (arXiv 2601.10094): its questions earn what the frozen Solver's votes say.

It is shown an image and writes questions about it; the Solver answers each of them many times. Rewards are
compared among the questions about one image. No answer label is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl
import torch

from vzero.answers.questions import Fault, WrittenQuestion
from vzero.config.methods.questioner import Settings
from vzero.methods.base import Answers, Credit, Method, Sample, Task
from vzero.prompts.roles import REGION
from vzero.prompts.views import FULL
from vzero.signals.diversity import repeated_shares
from vzero.signals.groups import group_normalise
from vzero.voting.ballots import Asks, DistinctQuestion, asks_about, ballots, in_order
from vzero.voting.figures import question_figures
from vzero.voting.reading import read_written
from vzero.voting.reward import judged
from vzero.voting.voters import Ask, Ballot, Voter, asks_of, voters

Row = dict[str, Any]
NOT_ASKED = "not_asked"
"""Status of a question that could not be put to the Solver: it enters nothing."""


class Questioner(Method[Settings]):
    def __init__(self, settings: Settings, earlier: Sequence[str] = ()) -> None:
        """`earlier`: stems of earlier iterations' questions, which are not to be asked again."""
        super().__init__(settings)
        self._earlier = earlier

    @property
    def roles(self) -> frozenset[str]:
        return frozenset({FULL, REGION} if self.settings.keep.label != "full" else {FULL})

    def tasks(self, samples: Sequence[Sample]) -> list[Task]:
        """A question about each image, or about its window where there is one."""
        shown = [sample.view(REGION if REGION in self.roles else FULL) for sample in samples]
        return [Task(sample, view, view) for sample, view in zip(samples, shown, strict=True)]

    def asks(self, answers: Answers) -> list[Ask]:
        return in_order(self._asks(answers))

    def credit(self, answers: Answers) -> Credit:
        heard = ballots(self._asks(answers), answers.replies, self.settings.voting)
        repeats = self._repeats(answers)
        rows = [
            self._row(row // answers.group, rollout_question, heard, repeats)
            for row, rollout_question in enumerate(self._written(answers))
        ]
        device = answers.mask.device
        rewards = torch.tensor([row["reward"] for row in rows], device=device)
        counted = torch.tensor([row["status"] != NOT_ASKED for row in rows], device=device)
        advantages = torch.zeros_like(rewards)
        if counted.any():
            advantages[counted] = group_normalise(
                rewards[counted], answers.groups[counted.cpu()], **self.settings.advantage.model_dump()
            )
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        shown = {**columns, "evidence_score": rewards, "advantage": advantages}
        return Credit(torch.ones_like(rewards), counted, advantages, shown)

    def figures(self, rollouts: pl.DataFrame) -> Mapping[str, Any]:
        return question_figures(rollouts, self.settings, window=REGION in self.roles)

    def _written(self, answers: Answers) -> list[WrittenQuestion | Fault]:
        return [self._read(each.text, each.finish_reason == "length") for each in answers.rollouts]

    def _read(self, text: str, truncated: bool) -> WrittenQuestion | Fault:
        return read_written(text, self.settings.reward, truncated=truncated)

    def _asks(self, answers: Answers) -> Asks:
        """Every different question about an image once; what is no question is not asked."""
        numbered = ((row // answers.group, each) for row, each in enumerate(self._written(answers)))
        written = ((number, each) for number, each in numbered if isinstance(each, WrittenQuestion))
        return asks_about(written, partial(self._asks_of, answers.tasks))

    def _asks_of(
        self, tasks: Sequence[Task], number: int, question: WrittenQuestion
    ) -> dict[Voter, list[Ask]]:
        voting, sample, found = self.settings.voting, tasks[number].sample, {}
        for voter in voters(voting, window=REGION in self.roles):
            [picture] = sample.view(REGION if voter == "region" else FULL).pictures
            found[voter] = asks_of(voter, question, picture, voting, row=sample.sample_id)
        return found

    def _repeats(self, answers: Answers) -> dict[str, float]:
        """What repeats take off, by stem, among what all processes wrote."""
        reward = self.settings.reward
        everyone = [self._read(text, truncated=False) for text in answers.everyone]
        stems = [written.stem for written in everyone if isinstance(written, WrittenQuestion)]
        if not reward.repeats:
            return dict.fromkeys(stems, 0.0)
        shares = repeated_shares(stems, self._earlier, similar=reward.similar)
        return {stem: reward.repeats * share for stem, share in zip(stems, shares, strict=True)}

    def _row(
        self,
        number: int,
        written: WrittenQuestion | Fault,
        heard: Mapping[DistinctQuestion, Mapping[Voter, Ballot]],
        repeats: Mapping[str, float],
    ) -> Row:
        """Columns of `tables.Rollouts`."""
        unknown = {"agree": None, "confidence": None, "penalty": None}
        settings = self.settings
        if not isinstance(written, WrittenQuestion):
            return {"status": written, "reward": settings.reward.malformed, **unknown}
        by_voter = heard.get((number, written.stem, written.options))
        if by_voter is None:
            return {"status": NOT_ASKED, "reward": 0.0, **unknown}
        verdict = judged(written, by_voter, settings.reward, settings.voting, settings.keep)
        penalty = repeats[written.stem]
        return {
            "status": verdict.fate.reason,
            "reward": verdict.earned - penalty,
            "agree": verdict.agrees,
            "confidence": verdict.fate.confidence,
            "penalty": penalty,
        }
