"""The embedded benchmarks. Those of the world `needle` are in the shapes of real ones:

`search` mirrors V*: one fine-grained attribute (four options) or a relative position (two). `cyclic` mirrors
HR-Bench: single- and cross-instance questions at two resolutions, each asked in four cyclic option orders.
`zoom` mirrors ZoomBench: every item also has the crop that holds the evidence. `coarse` mirrors MMStar's
part: questions that rest on no region, to see what training damages.

Those of the world `chain`: `chain` asks what its samples ask, `chain_unseen` the same of scenes whose letters
and grounds look like none that any model was taught or trained with, `chain_coarse` what rests on no region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from vzero.benchmarks.items import item_digest, picture_facts, version_of
from vzero.config import BENCHMARKS, EMBEDDED, Crops, NeedleSource
from vzero.crops.positive import positive_view
from vzero.geometry import union
from vzero.imaging import encode, encode_png
from vzero.needle.chain.questions import COARSE_FAMILIES as CHAIN_COARSE_FAMILIES
from vzero.needle.chain.scenes import draw_chain_scene
from vzero.needle.dataset import STREAMS, ask
from vzero.needle.questions import (
    COARSE_FAMILIES,
    OPTION_LETTERS,
    Asker,
    Question,
    corner_question,
    letter_question,
    side_question,
)
from vzero.needle.scenes import SIDES, Scene, draw_scene, render
from vzero.needle.worlds import WORLDS
from vzero.tables import BenchmarkItems

Row = dict[str, Any]
Draw = Callable[[np.random.Generator], Scene]


def benchmark_items(source: NeedleSource, crops: Crops) -> pl.DataFrame:
    """All items of the world's benchmarks, as `tables.BenchmarkItems`; crops are cut as those of training."""
    return BenchmarkItems.validate(_drawn(source, crops).drop("lured"), cast=True)


def lures(source: NeedleSource) -> pl.DataFrame:
    """Which items have a salient object that gives a wrong answer: columns benchmark, item, lured."""
    return _drawn(source, Crops()).select("benchmark", "item", "lured")


def _drawn(source: NeedleSource, crops: Crops) -> pl.DataFrame:
    # Each draws from a stream of its own, numbered by its place among all.
    numbered = ((WRITERS[name], BENCHMARKS.index(name)) for name in EMBEDDED[source.world])
    rows = [row for writer, code in numbered for row in _versioned(writer(source, crops, code))]
    return pl.DataFrame(rows, infer_schema_length=None)


def _versioned(items: Iterator[Row]) -> list[Row]:
    rows = list(items)
    version = version_of(map(item_digest, rows))
    return [row | {"version": version} for row in rows]


def _search(source: NeedleSource, crops: Crops, code: int) -> Iterator[Row]:
    families = {"direct_attributes": (letter_question, 0.6), "relative_position": (side_question, 0.4)}
    return _in_shares("search", source, crops, code, families, partial(draw_scene, side=SIDES["standard"]))


def _cyclic(source: NeedleSource, crops: Crops, code: int) -> Iterator[Row]:
    families: dict[str, Asker] = {"single": letter_question, "cross": corner_question}
    for number in range(source.benchmark_questions):
        rng = _stream(code, number)
        category = list(families)[number % 2]
        resolution = list(SIDES)[number // 2 % 2]
        scene, question = _asked(rng, families[category], partial(draw_scene, side=SIDES[resolution]))
        row = _row("cyclic", number, category, scene, question, crops) | {"resolution": resolution}
        for cycle in range(len(question.options)):
            options = question.options[cycle:] + question.options[:cycle]
            letter = OPTION_LETTERS[options.index(question.truth)]
            yield row | {
                "item": f"{number:05d}-{cycle}",
                "options": list(options),
                "answer": letter,
                "cycle": cycle,
            }


def _zoom(source: NeedleSource, crops: Crops, code: int) -> Iterator[Row]:
    families = {"letter": (letter_question, 0.7), "corner": (corner_question, 0.3)}
    return _in_shares("zoom", source, crops, code, families, partial(draw_scene, side=SIDES["large"]))


def _coarse(source: NeedleSource, crops: Crops, code: int) -> Iterator[Row]:
    return _in_turn("coarse", source, crops, code, COARSE_FAMILIES)


def _chain(source: NeedleSource, crops: Crops, code: int) -> Iterator[Row]:
    return _in_shares("chain", source, crops, code, _chain_families(), WORLDS["chain"].draw)


def _chain_unseen(source: NeedleSource, crops: Crops, code: int) -> Iterator[Row]:
    draw = partial(draw_chain_scene, appearance="unseen")
    return _in_shares("chain_unseen", source, crops, code, _chain_families(), draw)


def _chain_families() -> dict[str, tuple[Asker, float]]:
    world = WORLDS["chain"]
    return {name: (asker, world.shares[name]) for name, asker in world.families.items()}


def _chain_coarse(source: NeedleSource, crops: Crops, code: int) -> Iterator[Row]:
    return _in_turn("chain_coarse", source, crops, code, CHAIN_COARSE_FAMILIES)


WRITERS: dict[str, Callable[[NeedleSource, Crops, int], Iterator[Row]]] = {
    "search": _search,
    "cyclic": _cyclic,
    "zoom": _zoom,
    "coarse": _coarse,
    "chain": _chain,
    "chain_unseen": _chain_unseen,
    "chain_coarse": _chain_coarse,
}


def _in_turn(
    benchmark: str, source: NeedleSource, crops: Crops, code: int, families: dict[str, Asker]
) -> Iterator[Row]:
    """One question an item, of one family after the other."""
    draw = WORLDS[source.world].draw
    for number in range(source.benchmark_questions):
        category = list(families)[number % len(families)]
        scene, question = _asked(_stream(code, number), families[category], draw)
        yield _row(benchmark, number, category, scene, question, crops)


def _in_shares(
    benchmark: str,
    source: NeedleSource,
    crops: Crops,
    code: int,
    families: dict[str, tuple[Asker, float]],
    draw: Draw,
) -> Iterator[Row]:
    """One question an item, of families in fixed shares, so that a benchmark of any size holds all."""
    edges = np.cumsum([share for _, share in families.values()])
    for number in range(source.benchmark_questions):
        category = list(families)[int(np.searchsorted(edges, (number % 10 + 0.5) / 10))]
        scene, question = _asked(_stream(code, number), families[category][0], draw)
        yield _row(benchmark, number, category, scene, question, crops)


def _stream(code: int, number: int) -> np.random.Generator:
    # Not the training seed: the benchmarks stay the same when other training data are drawn.
    return np.random.default_rng([0, STREAMS["test"], code, number])


def _asked(rng: np.random.Generator, asker: Asker, draw: Draw) -> tuple[Scene, Question]:
    while True:
        scene = draw(rng)
        question = ask(rng, scene, asker)
        if question is not None:
            return scene, question


def _row(benchmark: str, number: int, category: str, scene: Scene, question: Question, crops: Crops) -> Row:
    image = render(scene)
    encoded = encode_png(image)
    pictures = [picture_facts(encoded, image)]
    evidence = union([item.box for item in question.named]) if question.named else None
    crop = None
    if evidence is not None:
        pixels, _ = positive_view(image, evidence, crops)
        crop = encode(pixels, crops.format)
        pictures.append(picture_facts(crop, pixels, role="crop"))
    return {
        "benchmark": benchmark,
        "item": f"{number:05d}",
        "group": f"{benchmark}-{number:05d}",
        "question": question.text,
        "options": list(question.options),
        "answer": question.answer,
        "kind": "choice",
        "answer_type": "",
        "prompt": None,
        "hint": None,
        "category": category,
        "l2_category": "",
        "source": "",
        "cycle": None,
        "resolution": "",
        "image": encoded,
        "more_images": [],
        "crop_image": crop,
        "pictures": pictures,
        "boxes": [list(item.box) for item in question.named],
        "evidence_box": list(evidence) if evidence is not None else None,
        "lured": question.lured not in (None, question.truth),
    }
