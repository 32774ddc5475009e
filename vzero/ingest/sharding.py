"""Which images share a file: neighbours, parted where the images themselves say.

Files of a fixed number of images would all change when one image is added in front; files by a hash of the
image nearly all change when one in a hundred is new. Here a new image changes the file it falls into, and
sometimes the next; so 1 % more images, added together, change about 1 % of the files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass
class ShardEnds:
    """Says of images that come one after the other where a shard ends.

    It may end at an image whose key is a multiple of half of `mean`, once it has half of `mean` images, and
    ends with twice `mean` at the latest: where it ends depends on the images near the end only.
    """

    mean: int
    size: int = 0
    """Images of the shard that is open."""

    def after(self, image_id: str) -> bool:
        """Whether the shard ends with this image. An id is a hash: its first digits are as good as random."""
        self.size += 1
        least = max(self.mean // 2, 1)
        marked = int(image_id[:16], 16) % max(self.mean - least, 1) == 0
        ended = self.size == 2 * self.mean or (self.size >= least and marked)
        if ended:
            self.size = 0
        return ended


def assign_shards(image_ids: Iterable[str], mean: int) -> np.ndarray:
    """The shard of each image in their order, (N,) int64, ascending from 0 without gaps."""
    ends = ShardEnds(mean)
    ended = np.array([ends.after(image_id) for image_id in image_ids], np.int64)
    return np.cumsum(ended) - ended
