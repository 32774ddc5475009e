"""Several servers as one: whoever is free takes the next prompt, who is lost is waited for.

What was answered is kept whatever happens to its server afterwards; only the rest is asked again, by whoever
is there. A server that comes back has the weights it was started with, so it reads the current ones first.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from vzero.errors import SamplerError
from vzero.rollout.server.client import Lost, Server, Weights
from vzero.rollout.server.wire import Answered, Request

AT_ONCE = 32  # requests under way at a server; each has its pixels in main memory
TRIES = 5  # of a request at servers that are well
LOOKS = 1.0  # seconds between two looks at a lost server

log = logging.getLogger(__name__)


class Servers:
    """Of one process; several processes may share servers."""

    def __init__(self, urls: Sequence[str], *, timeout: float, patience: float) -> None:
        self._servers = [Server(url, timeout) for url in urls]
        self._patience = patience
        self._loads = 0
        self.given: Weights | None = None
        """What they answer with, as it was given to them."""
        self._weights = Weights(Path(), "")
        """The same by a version that no earlier reading had: caches are told apart by it."""

    def load(self, weights: Weights) -> None:
        """Have all of them read weights, waiting for those that are lost."""
        self._expect(weights)
        with ThreadPoolExecutor(len(self._servers)) as threads:
            never = threading.Event()
            list(threads.map(lambda server: self._recover(server, "not there yet", never), self._servers))

    def believe(self, weights: Weights) -> None:
        """They have these weights: another process had them read."""
        self._expect(weights)
        for server in self._servers:
            server.holds = self._weights.version

    def _expect(self, weights: Weights) -> None:
        self._loads += 1
        self.given = weights
        self._weights = replace(weights, version=f"{weights.version}-{self._loads}")

    def answers(self, requests: Sequence[Request]) -> list[list[Answered]]:
        """The answers to all requests, in their order. Raises SamplerError when a server cannot give them."""
        board = _Board(requests)
        workers = min(AT_ONCE, math.ceil(len(requests) / len(self._servers)))
        for server in self._servers:
            for _ in range(workers):
                # One that hangs on a server must not keep an interrupted run from ending.
                threading.Thread(target=self._work, args=(server, board), daemon=True).start()
        return board.result()

    def _work(self, server: Server, board: _Board) -> None:
        try:
            while (number := board.take()) is not None:
                readings = server.readings
                try:
                    found = server.answers(board.requests[number], self._weights, board.tries(number))
                except Lost as lost:
                    board.put_back(number)
                    self._recover(server, str(lost), board.over)
                    if server.readings == readings:  # it was well all the time
                        board.failed(number, server.url, str(lost))
                else:
                    board.answered(number, found)
        except BaseException as error:
            board.give_up(error)

    def _recover(self, server: Server, reason: str, over: threading.Event) -> None:
        """Wait until the server is well and has the current weights.

        Raises SamplerError when patience is over, or it cannot read them; returns as soon as nobody waits.
        """
        with server.recovery:
            start, tries, told = time.monotonic(), 0, ""
            while not (over.is_set() or (server.holds == self._weights.version and server.is_well())):
                if tries >= TRIES or time.monotonic() - start > self._patience:
                    raise SamplerError(
                        f"{server.url}: lost, and not back with the weights it is to have: {reason} (waited "
                        f"{time.monotonic() - start:.0f} s; rollout.sampler.patience is {self._patience:g})"
                    )
                try:
                    if server.is_well():
                        tries += 1
                        server.check()
                        server.load(self._weights)
                        continue
                    server.holds = None  # it may come back with others
                except Lost as lost:
                    reason = str(lost)
                if reason != told:
                    log.warning("%s: %s; waiting for it", server.url, reason)
                    told = reason
                over.wait(LOOKS)


class _Board:
    """Which requests wait, are under way, and have been answered."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = requests
        self.over = threading.Event()
        """All are answered, or it makes no sense to go on."""
        self._found: dict[int, list[Answered]] = {}
        self._waiting = deque(range(len(requests)))
        self._tries: Counter[int] = Counter()
        self._failures: Counter[int] = Counter()
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def take(self) -> int | None:
        """The number of a request to be asked; waits while others are under way. None: nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.over.is_set())
            if self.over.is_set():
                return None
            number = self._waiting.popleft()
            self._tries[number] += 1
            return number

    def tries(self, number: int) -> int:
        return self._tries[number]

    def put_back(self, number: int) -> None:
        with self._changed:
            self._waiting.append(number)
            self._changed.notify()

    def failed(self, number: int, url: str, reason: str) -> None:
        """A server that is well did not answer it."""
        self._failures[number] += 1
        if self._failures[number] >= TRIES:
            name = self.requests[number].prompt.row or self.requests[number].name
            self.give_up(SamplerError(f"{url}: {name} was asked {TRIES} times in vain: {reason}"))

    def answered(self, number: int, found: list[Answered]) -> None:
        with self._changed:
            self._found[number] = found
            if len(self._found) == len(self.requests):
                self._end()

    def give_up(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._end()

    def result(self) -> list[list[Answered]]:
        """Waits for all answers."""
        self.over.wait()
        if self._error is not None:
            raise self._error
        return [self._found[number] for number in range(len(self.requests))]

    def _end(self) -> None:
        self.over.set()
        self._changed.notify_all()
