"""The chunks that a PNG consists of."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LAST = b"IEND"
PIXELS = b"IDAT"


def chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Kind and end of each chunk, up to the last one or to where the data end."""
    place, kind = len(SIGNATURE), b""
    while kind != LAST and place + 12 <= len(data):
        kind = data[place + 4 : place + 8]
        place += 12 + int.from_bytes(data[place : place + 4], "big")
        yield kind, place


def is_whole(data: bytes) -> bool:
    """Whether it does not end before its last chunk does."""
    return any(kind == LAST and end <= len(data) for kind, end in chunks(data))


def sums_agree(data: bytes) -> bool:
    """Whether the pixels' chunks have the checksums that they say; decoders leave out some of them."""
    start = len(SIGNATURE)
    for kind, end in chunks(data):
        if kind == PIXELS and zlib.crc32(memoryview(data)[start + 4 : end - 4]) != int.from_bytes(
            data[end - 4 : end], "big"
        ):
            return False
        start = end
    return True
