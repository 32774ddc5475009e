"""A step's prompts: every view as a model reads it, made once, its pixels ahead of time on other threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from vzero.methods.base import Sample, Task
from vzero.models.loading import LoadedModel
from vzero.models.pixels import PixelStore
from vzero.models.prompt import Prompt, prompt_of
from vzero.prompts.views import View
from vzero.train.training_run import TrainingRun

# That decode and resize; more would only fill the memory sooner. NumPy and Pillow let go of Python meanwhile:
# on two cores two threads made pictures of 4 and 12 megapixels 2.2 and 2.4 times as fast as one.
THREADS = min(8, max(4, os.cpu_count() or 1))


@dataclass(frozen=True)
class Batch:
    """A process's share of a step, before anybody has answered."""

    tasks: list[Task]
    asked: list[Prompt]
    """What is answered, by the writer."""
    learnt: list[Prompt]
    """What the student is shown when it learns, a task each."""
    scored: Sequence[Mapping[str, list[Prompt]]]
    """What the teacher is shown when it scores a task's answers, by role."""


def prepare(run: TrainingRun, samples: Sequence[Sample], ahead: Executor | None = None) -> Batch:
    """The prompts of a step's tasks, with pixels made on the threads of `ahead`, or when they are needed."""
    store = PixelStore(ahead)
    known: dict[tuple[int, View], Prompt] = {}

    def shown(model: LoadedModel | None, view: View) -> Prompt:
        assert model is not None  # loaded for every method that has a use for it
        key = id(model), view
        if key not in known:
            known[key] = prompt_of(model, view, store)
        return known[key]

    tasks = run.method.tasks(samples)
    asked = [shown(run.writer, task.asked) for task in tasks]
    learnt = [shown(run.student, task.learnt) for task in tasks]
    scored = [
        {role: [shown(run.teacher, view) for view in views] for role, views in task.scored.items()}
        for task in tasks
    ]
    return Batch(tasks, asked, learnt, scored)


@contextmanager
def prepared_ahead(make: Callable[[int, Executor], Batch], steps: range) -> Iterator[Iterator[Batch]]:
    """The batches of some steps in turn; while one is worked on, the next is made on another thread."""
    with ThreadPoolExecutor(1) as loader, ThreadPoolExecutor(THREADS) as pool:
        waiting: list[Future[Batch]] = []

        def batches() -> Iterator[Batch]:
            for step in steps:
                mine = waiting.pop() if waiting else loader.submit(make, step, pool)
                if step + 1 in steps:
                    waiting.append(loader.submit(make, step + 1, pool))
                yield mine.result()

        try:
            yield batches()
        finally:
            loader.shutdown(wait=False, cancel_futures=True)
            pool.shutdown(wait=False, cancel_futures=True)
