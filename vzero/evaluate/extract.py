"""Read the answer letter out of a model's reply, under a named policy.

Toolkits disagree on the same reply, so every number carries the name of the policy that made it. Nothing
is ever guessed: a reply that no rule can read is unresolved, which counts as wrong and is reported apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vzero.evaluate import vlmevalkit
from vzero.evaluate.extraction import Extraction

POLICIES: dict[str, Callable[[str, Mapping[str, str]], Extraction]] = {
    "vlmevalkit-exact": vlmevalkit.exact,
}


def extract(prediction: str, choices: Mapping[str, str], policy: str = "vlmevalkit-exact") -> Extraction:
    """The letter in `prediction` and the rule that found it; `choices` are option texts by letter."""
    if policy not in POLICIES:
        raise ValueError(f"unknown policy {policy!r}: allowed: {', '.join(POLICIES)}")
    return POLICIES[policy](prediction, choices)
