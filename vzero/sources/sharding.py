"""Which images share a file: neighbours, parted where the images themselves say.

Files of a fixed number of images would all change when one image is added in front; files by a hash of the
image nearly all change when one in a hundred is new. Here a new image changes the file it falls into, and
sometimes the next; so 1 % more images, added together, change about 1 % of the files.
"""

from __future__ import annotations

import numpy as np


def assign_shards(keys: np.ndarray, mean: int) -> np.ndarray:
    """The shard of each image, (N,) int64, ascending from 0 without gaps.

    `keys` (N,) uint64 stand for the images, in their order, and are as good as random. A shard may end at an
    image whose key is a multiple of half of `mean`, once it has half of `mean` images, and ends with twice
    `mean` at the latest: where it ends depends on the images near the end only.
    """
    least, most = max(mean // 2, 1), 2 * mean
    marked = np.flatnonzero(keys % np.uint64(max(mean - least, 1)) == 0)
    shards = np.empty(len(keys), np.int64)
    start = number = 0
    while start < len(keys):
        following = np.searchsorted(marked, start + least - 1)
        last = marked[following] if following < len(marked) else len(keys) - 1
        end = min(int(last) + 1, start + most)
        shards[start:end] = number
        start, number = end, number + 1
    return shards
