"""lmms-eval reads each benchmark with an extractor of its own; this reader picks the one of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from vzero.answers.extraction import Extraction
from vzero.answers.readers import lmms_hrbench, lmms_mcq, lmms_mmmu, lmms_terse, lmms_vstar, mme_realworld
from vzero.answers.readers.lmms_thinking import without_thinking

# Beginnings of benchmark names, in lower case and without signs: "HR-Bench 4K" begins with "hrbench".
EXTRACTORS: dict[str, Callable[[str, Mapping[str, str]], Extraction]] = {
    "vstar": lmms_vstar.read,
    "hrbench": lmms_hrbench.read,
    "cvbench": lmms_terse.read,
    "blink": lmms_terse.read,
    "mmmu": lmms_mmmu.read,
    "mmerealworld": mme_realworld.read_without_tag,
}


@cache
def extractor(benchmark: str | None) -> Callable[[str, Mapping[str, str]], Extraction]:
    """The extractor of `benchmark`.

    MMStar, RealWorldQA, benchmarks the toolkit does not have, and None get the one its tasks share. "V*" is
    written as in "vstar".
    """
    plain = "".join(sign for sign in (benchmark or "").lower().replace("*", "star") if sign.isalnum())
    for name, read in EXTRACTORS.items():
        if plain.startswith(name):
            return read
    return lmms_mcq.read


def stripped_extractor(benchmark: str | None) -> Callable[[str, Mapping[str, str]], Extraction]:
    """The extractor of `benchmark`, reading what is left of a reply without its thinking."""
    read = extractor(benchmark)
    return lambda prediction, choices: read(without_thinking(prediction), choices)
