"""Runs commands of vzero as often as asked, each time in a process of its own that ends where it is told to.

Every line of stdin is an order as JSON: the project's `folder`; the `command`, a list as in `["train"]`;
`call`, as in `vzero.train.loop.update:3` for the third call of that function; `ending`, what happens there;
`inside`, a call at which the counting starts; and `environments`, for a run of several processes what each of
them finds in its environment beside what is there. A list of orders is obeyed at once. The answer is a line
with the exit status, of several processes that of the first to fail, negative for a signal; what the run said
is in `said.txt`.

The processes are forks of this one, which has imported torch already: that would take most of the time.
"""

from __future__ import annotations

import itertools
import json
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers.models.qwen3_5.modeling_qwen3_5  # noqa: F401

import vzero.stages.evaluate
import vzero.stages.train  # noqa: F401
from vzero.cli import main


def on_call(call: str, then: Callable[..., Any]) -> None:
    """Make the n-th call of a function `then(function, *arguments)`."""
    name, number = call.split(":")
    place, attribute = name.rsplit(".", 1)
    owner = pkgutil.resolve_name(place)
    function, calls = getattr(owner, attribute), itertools.count(1)

    def counted(*arguments, **named):
        if next(calls) == int(number):
            return then(function, *arguments, **named)
        return function(*arguments, **named)

    setattr(owner, attribute, counted)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(function, *arguments, **named):
    die()


def after(function, *arguments, **named):
    function(*arguments, **named)
    die()


def half(function, content, path, *arguments, **named):
    """Killed when half of the file is there."""
    write_half(function, content, path, *arguments, **named)
    die()


def full(function, content, path, *arguments, **named):
    """The disk is full when half of the file is there; the words are those of safetensors and polars."""
    write_half(function, content, path, *arguments, **named)
    raise RuntimeError("I/O error: No space left on device (os error 28)")


def write_half(function, content, path, *arguments, **named):
    """The largest file of a folder stands for it."""
    function(content, path, *arguments, **named)
    written = max([Path(path), *Path(path).glob("*")], key=lambda each: each.is_file() * each.stat().st_size)
    os.truncate(written, written.stat().st_size // 2)


def meet(function, *arguments, **named):
    """No ending: goes on when another process of the same project meets it here, or after a minute."""
    Path(".vzero", f"met-{os.getpid()}").touch()
    waited = time.monotonic()
    while len(list(Path(".vzero").glob("met-*"))) < 2:
        assert time.monotonic() < waited + 60, "nobody came"
        time.sleep(0.01)
    return function(*arguments, **named)


ENDINGS = {ending.__name__: ending for ending in (before, after, half, full, meet)}


def run(
    folder: str,
    command: list[str],
    call: str | None = None,
    ending: str = "before",
    inside: str | None = None,
) -> None:
    os.chdir(folder)
    said = os.open("said.txt", os.O_WRONLY | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    if call and inside:

        def start_counting(function, *arguments, **named):
            on_call(call, ENDINGS[ending])
            return function(*arguments, **named)

        on_call(inside, start_counting)
    elif call:
        on_call(call, ENDINGS[ending])
    sys.argv = ["vzero", *command]
    main()


def obey(orders: list[dict[str, Any]]) -> int:
    """Exit status of the runs."""
    running = set()
    for order in orders:
        Path(order["folder"], "said.txt").write_text("")
        running |= {start(order, environment) for environment in order.pop("environments", [{}])}
    failed = 0
    while running:
        child, status = os.wait()
        running.remove(child)
        if not failed and (failed := os.waitstatus_to_exitcode(status)):
            for other in running:
                os.kill(other, signal.SIGKILL)
    return failed


def start(order: dict[str, Any], environment: dict[str, str]) -> int:
    """The id of the process that runs."""
    child = os.fork()
    if child == 0:
        os.environ.update(environment)
        try:
            run(**order)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)
    return child


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        print(obey(order if isinstance(order, list) else [order]), flush=True)
