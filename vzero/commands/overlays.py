"""Merge an overlay of `configs/` into `params.yaml`, keeping its order and comments."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from vzero.config import parse_params, read_yaml
from vzero.overlays import Change, merge
from vzero.shards import atomic_path


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
