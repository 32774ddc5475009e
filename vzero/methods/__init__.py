"""What a student learns from: one method a file.

A file NAME.py has the class Name, a `Method`, which is made of its settings: those of the file of the same
name in `vzero/config/methods`. Nothing lists the files.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from vzero.config.methods.base import MethodSettings
from vzero.methods.base import Method


def method_of(settings: MethodSettings) -> Method[Any]:
    """The method that these settings are of."""
    module = import_module(f"{__name__}.{settings.kind}")
    return getattr(module, "".join(part.title() for part in settings.kind.split("_")))(settings)
