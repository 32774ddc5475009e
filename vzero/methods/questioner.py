"""The Questioner of self-play (arXiv 2601.10094): its questions earn what the frozen Solver's votes say.

It is shown an image and writes questions about it; the Solver answers each of them many times. Rewards are
compared among the questions about one image. No answer label is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
from vzero.voting.fate import KEPT
from vzero.voting.reading import read_written
from vzero.voting.reward import judged
from vzero.voting.voters import Ask, Ballot, Voter, asks_of, ballot, voters, votes_of

Asked = tuple[int, str, tuple[str, ...]]
"""Number of a task, stem and options: siblings that wrote the same are one to the Solver."""
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
        """Every different question about an image once; what is no question is not asked."""
        return [
            ask for by_voter in self._asks(answers).values() for asks in by_voter.values() for ask in asks
        ]

    def credit(self, answers: Answers) -> Credit:
        ballots = self._ballots(answers)
        repeats = self._repeats(answers)
        rows = [
            self._row(row // answers.group, rollout_question, ballots, repeats)
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
        read = rollouts.filter(pl.col("confidence").is_not_null())
        rows = zip(read["sample_id"], read["text"], strict=True)
        written = [(sample_id, self._read(text, truncated=False)) for sample_id, text in rows]
        questions = [(i, each) for i, each in written if isinstance(each, WrittenQuestion)]
        different = {(sample_id, each.stem, each.options) for sample_id, each in questions}
        letters = Counter(each.fast for _, each in questions)
        cost = votes_of(self.settings.voting, window=REGION in self.roles)
        return {
            "malformed": 1 - read.height / rollouts.height,
            "kept": (rollouts["status"] == KEPT).mean(),
            "agree": read["agree"].mean(),
            "confidence": read["confidence"].mean(),
            "penalty": read["penalty"].mean(),
            "commonest_letter": max(letters.values()) / read.height if letters else None,
            "distinct": len({each.stem for _, each in questions}) / read.height if questions else None,
            "votes": cost * len(different),
            "votes_saved": cost * (rollouts.height - len(different)),
        }

    def _written(self, answers: Answers) -> list[WrittenQuestion | Fault]:
        return [self._read(each.text, each.finish_reason == "length") for each in answers.rollouts]

    def _read(self, text: str, truncated: bool) -> WrittenQuestion | Fault:
        return read_written(text, self.settings.reward, truncated=truncated)

    def _asks(self, answers: Answers) -> dict[Asked, dict[Voter, list[Ask]]]:
        asks: dict[Asked, dict[Voter, list[Ask]]] = {}
        for row, question in enumerate(self._written(answers)):
            if isinstance(question, WrittenQuestion):
                number = row // answers.group
                asked = number, question.stem, question.options
                if asked not in asks:
                    asks[asked] = self._asks_of(question, answers.tasks[number].sample)
        return asks

    def _asks_of(self, question: WrittenQuestion, sample: Sample) -> dict[Voter, list[Ask]]:
        voting, found = self.settings.voting, {}
        for voter in voters(voting, window=REGION in self.roles):
            [picture] = sample.view(REGION if voter == "region" else FULL).pictures
            found[voter] = asks_of(voter, question, picture, voting, row=sample.sample_id)
        return found

    def _ballots(self, answers: Answers) -> dict[Asked, dict[Voter, Ballot]]:
        """Of the questions that could be put to the Solver."""
        replies = iter(answers.replies)
        found: dict[Asked, dict[Voter, Ballot]] = {}
        for asked, by_voter in self._asks(answers).items():
            said = {voter: [next(replies) for _ in asks] for voter, asks in by_voter.items()}
            if all(reply for heard in said.values() for reply in heard):
                question = WrittenQuestion("", asked[1], asked[2], "")
                found[asked] = {
                    voter: ballot(asks, said[voter], question, self.settings.voting)
                    for voter, asks in by_voter.items()
                }
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
        ballots: Mapping[Asked, Mapping[Voter, Ballot]],
        repeats: Mapping[str, float],
    ) -> Row:
        """Columns of `tables.Rollouts`."""
        unknown = {"agree": None, "confidence": None, "penalty": None}
        settings = self.settings
        if not isinstance(written, WrittenQuestion):
            return {"status": written, "reward": settings.reward.malformed, **unknown}
        heard = ballots.get((number, written.stem, written.options))
        if heard is None:
            return {"status": NOT_ASKED, "reward": 0.0, **unknown}
        verdict = judged(written, heard, settings.reward, settings.voting, settings.keep)
        penalty = repeats[written.stem]
        return {
            "status": verdict.fate.reason,
            "reward": verdict.earned - penalty,
            "agree": verdict.agrees,
            "confidence": verdict.fate.confidence,
            "penalty": penalty,
        }
