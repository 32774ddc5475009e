"""A path that one process holds at a time, of all that share the file system; freed when the process ends.

The lock is the system's (`flock`) on an empty hidden file beside the path, so a killed process never seems to
be alive. Network file systems pass it on to their server. One that has no such locks (Lustre without its
`flock` option, NFS without its lock service) gets a file that names its holder instead: a process of the same
machine takes it over from a dead one, but a machine that died leaves it for a person to remove, and messages
say which file that is. Where locks are kept to a machine (`nolock`, `localflock`), nobody can tell what the
other machines do: use one project from one machine there.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from vzero.errors import UserError

NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
SILENT = 5.0  # seconds of waiting without a word
DYING = 5.0  # seconds that a killed process may take to be gone: patience with one

log = logging.getLogger(__name__)


class AtWork(UserError):
    """Another process holds it."""


@contextlib.contextmanager
def held(target: Path, *, patience: float | None = None) -> Iterator[None]:
    """Nobody else holds `target`, which need not exist, while the block runs.

    Waits for others, and says so when it takes long. Raises AtWork when `patience`, in seconds, is over.
    Not for a block that holds the same path already: that would wait for itself.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.name}.lock.tmp")
    try:
        lock = _system_lock(path, target, patience)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        path.unlink(missing_ok=True)
        path = target.with_name(f".{target.name}.holder.tmp")
        _tell(error.strerror)
        lock = _acquired(SoftFileLock(path), target, patience)
    try:
        yield
    finally:
        # Still held: a process that waits for this very file finds it gone and makes a new one.
        path.unlink(missing_ok=True)
        lock.release()


class _Removed(Exception):
    """The file that was locked is no longer the one at its path."""


def _system_lock(path: Path, target: Path, patience: float | None) -> BaseFileLock:
    def check(descriptor: int) -> None:
        # NFS keeps a removed file under another name while it is open; to the library it then seems in place.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return
        raise _Removed

    while True:
        with contextlib.suppress(_Removed):
            return _acquired(FileLock(path, fallback_to_soft=False, on_acquired=check), target, patience)


@functools.cache
def _tell(reason: str) -> None:
    """Once a process."""
    log.warning("the file system has no locks (%s): hidden files that name the holder do instead", reason)


def _acquired(lock: BaseFileLock, target: Path, patience: float | None) -> BaseFileLock:
    holder = "another process"
    if isinstance(lock, SoftFileLock):
        holder += f" (if it died with its machine, remove {lock.lock_file})"
    try:
        lock.acquire(timeout=SILENT if patience is None else patience)
    except Timeout:
        if patience is not None:
            raise AtWork(
                f"{target}: {holder} is at work on this very run; wait until it is done, or end it"
            ) from None
        log.warning("%s: waiting for %s that writes there", target, holder)
        lock.acquire()
    return lock
