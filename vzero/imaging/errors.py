"""Why bytes cannot be used as an image."""

from __future__ import annotations

from typing import Literal

DamageCode = Literal["unreadable_image", "truncated_image"]


class ImageError(ValueError):
    """Bytes that cannot be used as an image; `code` is one word for it, `detail` the reason."""

    def __init__(self, code: DamageCode | Literal["huge_image"], detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
