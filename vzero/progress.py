"""How far long work is: a bar in a terminal, and a line now and then in a log, where a bar cannot be seen."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

EVERY = 30  # seconds between lines


class LoggedProgress(Progress):
    """rich's bars; on a console that is no terminal, such as that of a batch job, also a line every `EVERY`
    seconds."""

    def __init__(
        self, *columns: str | ProgressColumn, console: Console | None = None, disable: bool = False
    ) -> None:
        super().__init__(*columns, console=console, disable=disable)
        self._last_line = time.monotonic()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        if self.disable or self.console.is_terminal or time.monotonic() - self._last_line < EVERY:
            return
        self._last_line = time.monotonic()
        task = self._tasks[task_id]
        total = f" of {task.total:,.0f}" if task.total is not None else ""
        self.console.print(f"{task.description}: {task.completed:,.0f}{total}", markup=False, highlight=False)


def counted_columns(unit: str) -> tuple[str | ProgressColumn, ...]:
    """Columns of a bar for things that nobody has counted: by itself such a bar only says that it moves."""
    narrow = BarColumn(bar_width=20)  # all fits into 80 characters
    counted = f"{{task.completed:,}} {unit} in"
    return (
        "{task.description}",
        narrow,
        TaskProgressColumn(),
        TimeRemainingColumn(),
        counted,
        TimeElapsedColumn(),
    )
