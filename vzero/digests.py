"""Hashes of files: several at once, and of a large one only if it has changed since it was last hashed.

A model of 27 billion parameters takes some forty seconds to hash, and every start asks for it. So the hash of
a large file is remembered on this machine by its place, size, time of change and number; as in DVC, none of a
file that was changed just now, for it may change again within the clock's grain.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from diskcache import Cache
from platformdirs import user_cache_path

LARGE = 64 * 2**20  # bytes; what is smaller is hashed faster than looked up and written down
SETTLED = 2.0  # seconds
AT_ONCE = min(8, os.cpu_count() or 1)  # files; more would wait for the disk


def digests(files: Sequence[Path]) -> Iterator[bytes]:
    """SHA-256 of each file's bytes, in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(_digest, files)


def _digest(file: Path) -> bytes:
    status = file.stat()
    if status.st_size < LARGE:
        return _computed(file)
    key = str(file.resolve()), status.st_size, status.st_mtime_ns, status.st_ino
    known = _remembered().get(key)
    if isinstance(known, bytes):
        return known
    found = _computed(file)
    after = file.stat()
    same = (after.st_size, after.st_mtime_ns, after.st_ino) == key[1:]
    if same and time.time() - status.st_mtime > SETTLED:
        _remembered().set(key, found)
    return found


def _computed(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


@cache
def _remembered() -> Cache:
    """In the user's cache folder; `XDG_CACHE_HOME` moves it."""
    return Cache(user_cache_path("vzero") / "digests")
