"""Merge an overlay of `configs/` into `params.yaml`, keeping its order and comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from vzero.config import parse_params, read_yaml
from vzero.shards import atomic_path


@dataclass(frozen=True)
class Change:
    key: str  # dotted
    old: Any
    new: Any


class _SpelledOutNull(RoundTripRepresenter):
    """Writes `null` where ruamel would leave the value empty."""


_SpelledOutNull.add_representer(
    type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
)


def use(overlay: Path, params: Path) -> list[Change]:
    """Merge `overlay` into the file `params`, checked before a byte is written; returns what changed.

    Raises ConfigError when a file is no mapping or the result cannot be run; `params` is then untouched.
    """
    values = read_yaml(overlay)
    read_yaml(params)
    yaml = YAML()
    yaml.Representer = _SpelledOutNull
    yaml.width = 1_000
    tree = yaml.load(params)
    changes = list(merge(tree, values))
    parse_params(tree, origin=f"{overlay} merged into {params}")
    if changes:
        with atomic_path(params) as temporary:
            yaml.dump(tree, temporary)
    return changes


def merge(tree: Any, values: dict[Any, Any], prefix: str = "") -> Iterator[Change]:
    """Set every value of a nested mapping in `tree`, section by section, yielding what differed."""
    for name, new in values.items():
        old = tree.get(name)
        key = f"{prefix}{name}"
        if isinstance(old, dict) and isinstance(new, dict):
            yield from merge(old, new, f"{key}.")
        elif old != new or name not in tree:
            tree[name] = new
            yield Change(key, old, new)
