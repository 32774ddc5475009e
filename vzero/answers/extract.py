"""Read the answer letter out of a model's reply, by a named reader.

Toolkits disagree on the same reply, so every number carries the name of the reader that made it. Nothing
is ever guessed: a reply that no rule can read is unresolved, which counts as wrong and is reported apart.

| reader | reads like |
|---|---|
| vlmevalkit-exact | VLMEvalKit without a judge (`exact_matching`), every benchmark |
| lmms-eval | lmms-eval: the extractor of the benchmark, `lmms-eval-mcq` where it has none |
| lmms-eval-vstar, -hrbench, -mcq, -terse, -mmmu | its extractors: V*; HR-Bench; MMStar and RealWorldQA; \
CV-Bench and BLINK; MMMU |
| lmms-eval-stripped | lmms-eval told to take the thinking out first (`--reasoning_tags`) |
| lmms-eval-reasoning | its `*_reasoning` tasks: the letter in the `<answer>` tag, else in the last box |
| mme-realworld | VLMEvalKit's own rule for MME-RealWorld |
| mmstar-official | MMStar's own script |
| zoombench | ZoomBench's script, before it asks a model |
| vzero | a careful person, who does not guess |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vzero.answers.extraction import Extraction
from vzero.answers.readers import (
    careful,
    lmms_eval,
    lmms_hrbench,
    lmms_mcq,
    lmms_mmmu,
    lmms_reasoning,
    lmms_terse,
    lmms_vstar,
    mme_realworld,
    mmstar,
    vlmevalkit,
    zoombench,
)

Read = Callable[[str, Mapping[str, str]], Extraction]
BY_BENCHMARK: dict[str, Callable[[str | None], Read]] = {
    "lmms-eval": lmms_eval.extractor,
    "lmms-eval-stripped": lmms_eval.stripped_extractor,
}
READERS: dict[str, Read] = {
    "vlmevalkit-exact": vlmevalkit.exact,
    **{name: of_benchmark(None) for name, of_benchmark in BY_BENCHMARK.items()},
    "lmms-eval-vstar": lmms_vstar.read,
    "lmms-eval-hrbench": lmms_hrbench.read,
    "lmms-eval-mcq": lmms_mcq.read,
    "lmms-eval-terse": lmms_terse.read,
    "lmms-eval-mmmu": lmms_mmmu.read,
    "lmms-eval-reasoning": lmms_reasoning.read,
    "mme-realworld": mme_realworld.read,
    "mmstar-official": mmstar.read,
    "zoombench": zoombench.read,
    "vzero": careful.read,
}


def extract(
    prediction: object,
    choices: Mapping[str, object],
    reader: str = "vlmevalkit-exact",
    *,
    benchmark: str | None = None,
) -> Extraction:
    """The letter in `prediction` and the rule that found it; `choices` are option texts by letter.

    A prediction or an option that is not text is read as Python prints it, as the toolkits do: a missing
    prediction is "nan" or "None". `benchmark` matters to `lmms-eval` and `lmms-eval-stripped` alone. Raises
    ValueError for an unknown reader.
    """
    read = find_reader(reader, benchmark)
    return read(str(prediction), {letter: str(text) for letter, text in choices.items()})


def find_reader(reader: str, benchmark: str | None = None) -> Read:
    """The function of a reader. Raises ValueError for an unknown reader."""
    if reader not in READERS:
        raise ValueError(f"unknown reader {reader!r}: allowed: {', '.join(READERS)}")
    return BY_BENCHMARK[reader](benchmark) if reader in BY_BENCHMARK else READERS[reader]
