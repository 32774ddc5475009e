"""Merge an overlay of `configs/` into `params.yaml`, keeping its order and comments."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter

from vzero.config import parse_params, read_yaml
from vzero.overlays import Change, merge
from vzero.shards import atomic_path


class _SpelledOutNull(RoundTripRepresenter):
    """Writes `null` where ruamel would leave the value empty."""


_SpelledOutNull.add_representer(
    type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
)


def _in_one_line(tree: CommentedMap) -> None:
    """Lists of the overlay, and sections that lost their last entry, are written `[a, b]` and `{}`.

    On lines of their own, after a comment behind the key, ruamel would write what is not YAML. Lists that
    were there stay as they are, with their comments.
    """
    for name, value in tree.items():
        if isinstance(value, CommentedMap) and value:
            _in_one_line(value)
        elif value == {} or (isinstance(value, list) and not isinstance(value, CommentedSeq)):
            tree[name] = CommentedSeq(value) if isinstance(value, list) else CommentedMap()
            tree[name].fa.set_flow_style()


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
    _in_one_line(tree)
    if changes:
        with atomic_path(params) as temporary:
            yaml.dump(tree, temporary)
    return changes
