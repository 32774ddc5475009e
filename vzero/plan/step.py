"""A training step of a recipe, and what goes with it, as passes of given lengths; what each phase costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vzero.config import Params, Train
from vzero.methods.base import Method, Sample, Task
from vzero.plan import passes
from vzero.plan.fake import Shown, image_tokens
from vzero.plan.passes import Pass, Subject
from vzero.plan.planned import PlannedRun
from vzero.plan.tracing import Counts, Stages
from vzero.prompts.views import FULL, NEGATIVE, POSITIVE, Picture, View, full_view, with_crop
from vzero.rollout.packing import pack
from vzero.train.loss import Loss
from vzero.train.memory import Memory, memory_of

TEXT = 72  # tokens of a prompt that are no image's: a question with options in a chat template
NOTICE = 14  # further ones where a crop is shown


@dataclass(frozen=True)
class Cost:
    """Of a phase, on one process."""

    counts: Counts
    stages: tuple[Counts, ...]
    """What it consists of, one after the other; a card's time is theirs."""
    peak: float
    """Bytes on the device, with all that lies there."""
    host: float = 0
    disk: float = 0


class Step:
    """What one of several processes does in a step."""

    def __init__(
        self,
        params: Params,
        method: Method[Any],
        planned: PlannedRun,
        *,
        naive: bool,
    ) -> None:
        self._params, self._train, self._method = params, params.train, method
        self._planned, self._naive = planned, naive
        self._tasks = params.train.prompts // planned.processes
        self._memory: Memory = memory_of(
            params.train, method, params.models, processes=planned.processes, sharded=planned.sharded
        )
        self._slices = planned.processes if planned.sharded else 1
        self._loss = Loss(method.settings.terms(), method.target, params.train.logprob_temperature)
        self._task: Task = method.tasks([made_up_sample()])[0]
        models, train = params.models, params.train
        lora = (train.lora.rank, train.lora.alpha) if train.lora is not None else None
        self._student = Subject(
            models.student, models.precision, True, naive, train.gradient_checkpointing, lora, planned.sharded
        )
        self._frozen_student = Subject(models.student, models.precision, False, naive)
        teacher = models.teacher if train.teacher.kind == "frozen" else models.student
        self._teacher = Subject(teacher, models.precision, False, naive)

    def phases(self) -> Iterator[tuple[str, Cost]]:
        """In their order; those that a recipe does without are left out."""
        settings, memory = self._method.settings, self._memory
        scoring = memory.while_scoring + self._kept
        yield "sampling", self._sampled()
        if settings.teacher == "scores":
            yield "teacher_replay", self._replayed(scoring)
        if self._train.mini_batches > 1 and self._loss.takes_ratio:
            yield "old_logprobs", self._scored(self._student, scoring)
        if settings.reference is not None:
            yield "reference_logprobs", self._scored(self._frozen_student, scoring)
        yield "update", self._updated()
        if not self._naive:  # nothing of these depends on it
            yield "optimizer_step", self._optimized()
            yield "checkpoint", self._checkpoint()
            yield "evaluate", self._evaluated()

    def _sampled(self) -> Cost:
        writes = self._method.settings.teacher == "writes"
        asked = _shown(self._task.asked, self._planned)
        writer = self._teacher if writes else self._student
        found = _answered(writer, self._pass([asked], self._tasks), self._train)
        return _cost(found, self._memory.while_answering, host=self._memory.host)

    def _replayed(self, resident: float) -> Cost:
        views = list(dict.fromkeys(view for role in self._task.scored.values() for view in role))
        shown = [_shown(view, self._planned) for view in views]
        found = (
            passes.scoring(self._teacher, self._pass(shown, size)) for size in self._parts(self._tasks, shown)
        )
        return _cost(found, resident, host=self._memory.host)

    def _scored(self, subject: Subject, resident: float) -> Cost:
        learnt = _shown(self._task.learnt, self._planned)
        parts = self._parts(self._tasks, [learnt])
        found = (passes.scoring(subject, self._pass([learnt], size)) for size in parts)
        return _cost(found, resident)

    def _updated(self) -> Cost:
        learnt = _shown(self._task.learnt, self._planned)
        teacher = self._teacher if self._loss.kept_roles else None
        found: dict[int, Stages] = {}
        sizes = self._parts(self._tasks // self._train.mini_batches, [learnt])
        for size in dict.fromkeys(sizes):
            shape = self._pass([learnt], size)
            forward, backward = passes.learning(self._student, shape).values()
            loss = passes.loss(self._student, teacher, shape, self._loss)["loss"]
            # The engine counts what a backward pass will compute when it runs the forward one.
            body = replace(forward + backward, peak=max(forward.peak, backward.peak))
            found[size] = {"body": body, "loss": replace(loss, peak=loss.peak + forward.held)}
        whole = [found[size] for size in sizes * self._train.mini_batches]
        return _cost(whole, self._memory.while_learning + self._kept)

    def _optimized(self) -> Cost:
        whole = replace(self._student, sharded=False)
        one = passes.optimizing(whole)["step"] * (1 / self._slices)
        resident = self._memory.while_learning + self._kept
        return _cost([{"step": one}] * self._train.mini_batches, resident)

    def _checkpoint(self) -> Cost:
        """The one before goes when it is written."""
        memory = self._memory
        return Cost(Counts(), (), memory.while_answering, host=memory.written, disk=2 * memory.checkpoint)

    def _evaluated(self) -> Cost:
        """A batch of the stage `evaluate`, which holds one model."""
        settings = self._params.evaluate
        shown = _shown(_views()[FULL], self._planned)
        rows = max(1, settings.batch_tokens // (shown.length + settings.max_new_tokens))
        shape = Pass(((shown,),) * rows, 1, settings.max_new_tokens)
        size = self._memory.parameters * _bytes_of(self._params)
        subject = self._frozen_student
        return _cost([passes.prefilling(subject, shape), passes.decoding(subject, shape)], size)

    @property
    def _kept(self) -> float:
        """Hidden states of the teacher that wait for the loss."""
        width = self._teacher.config.get_text_config().hidden_size
        numbers = self._tasks * self._train.group * self._planned.answer_tokens * width
        return len(self._loss.kept_roles) * numbers * _bytes_of(self._params)

    def _parts(self, tasks: int, shown: Sequence[Shown]) -> list[int]:
        """How many tasks go through a model together, pass by pass."""
        answers = self._train.group * self._planned.answer_tokens
        length = len(shown) * (max(each.length for each in shown) + answers)
        return [len(part) for part in pack([length] * tasks, self._train.micro_tokens)]

    def _pass(self, shown: Sequence[Shown], tasks: int) -> Pass:
        return Pass((tuple(shown),) * tasks, self._train.group, self._planned.answer_tokens)


def _answered(writer: Subject, asked: Pass, train: Train) -> list[Stages]:
    """Prompts encoded in passes, and their answers decoded in as many slots as the bound allows."""
    [[shown], *_] = asked.prompts
    count = len(asked.prompts)
    each = shown.length * (asked.group if writer.naive else 1)
    parts = [len(part) for part in pack([each] * count, train.micro_tokens)]
    at_once = min(count, max(1, train.decode_tokens // (shown.length + asked.tokens) // asked.group))
    waves = [at_once] * (count // at_once) + ([count % at_once] if count % at_once else [])
    decoded = [passes.decoding(writer, replace(asked, prompts=asked.prompts[:size])) for size in waves]
    slots = max((stages["decode"].held for stages in decoded if stages), default=0)
    encoded = [
        passes.prefilling(writer, replace(asked, prompts=asked.prompts[:size]))["prefill"] for size in parts
    ]
    return [{"prefill": replace(counts, peak=counts.peak + slots)} for counts in encoded] + decoded


def _cost(found: Iterator[Stages] | Sequence[Stages], resident: float, *, host: float = 0) -> Cost:
    """Of several passes, one after the other."""
    stages = [counts for each in found for counts in each.values()]
    peak = max(counts.peak for counts in stages)
    return Cost(sum(stages, Counts()), tuple(stages), resident + peak, host)


def _bytes_of(params: Params) -> int:
    return 4 if params.models.precision == "fp32" else 2


def _views() -> dict[str, View]:
    full = full_view("", (), [Picture("image", 1, 1)])
    crops = {role: Picture(role, 1, 1) for role in (POSITIVE, NEGATIVE)}
    return {FULL: full} | {role: with_crop(full, crop, role) for role, crop in crops.items()}


def made_up_sample() -> Sample:
    """A sample with every view, of pictures without pixels."""
    return Sample("made up", {role: (view,) for role, view in _views().items()})


def _shown(view: View, planned: PlannedRun) -> Shown:
    visual = image_tokens(planned.prompt_tokens - TEXT)
    text = planned.prompt_tokens - visual
    if view.role == FULL:
        return Shown((visual,), text)
    return Shown((visual, image_tokens(planned.crop_tokens)), text + NOTICE)
