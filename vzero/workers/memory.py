"""Memory of worker processes that decode one large image after the other."""

from __future__ import annotations

import contextlib
import ctypes

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of mallopt(3)
KEPT = 2**30  # bytes


def keep_freed_memory() -> None:
    """Use freed memory again instead of giving it back; only with the GNU C library.

    Otherwise every photo's pixels are mapped, filled with zeros and unmapped anew, which takes almost half as
    long again as decoding.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_MAX, 0)
        library.mallopt(TRIM_THRESHOLD, KEPT)
