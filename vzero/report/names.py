"""What the page calls benchmarks and models, and the order in which it lists them."""

from __future__ import annotations

from collections.abc import Sequence

from vzero.benchmarks.catalogue import CATALOGUE
from vzero.benchmarks.declaration import Aggregate
from vzero.config import BENCHMARKS

REGION_BENCHMARKS = ("search", "cyclic", "zoom")
REGIONS = "regions"
MODEL_NAMES = {
    "base": "base student",
    "trained": "trained student",
    "teacher": "teacher with the right crop",
}
LABELS = {
    "search": "needle-search",
    "cyclic": "needle-cyclic",
    "zoom": "needle-zoom",
    "coarse": "needle-coarse",
    "chain": "chain",
    "chain_unseen": "chain, unseen looks",
    "chain_coarse": "chain, coarse",
    REGIONS: "needle regions, mean",
    "vstar": "V*",
    "hrbench_4k": "HR-Bench 4K",
    "hrbench_8k": "HR-Bench 8K",
    "zoombench": "ZoomBench",
    "mmstar": "MMStar",
    "mme_realworld": "MME-RealWorld",
    "mme_realworld_lite": "MME-RealWorld-Lite",
    "mme_realworld_cn": "MME-RealWorld-CN",
    "cv_bench_2d": "CV-Bench 2D",
    "cv_bench_3d": "CV-Bench 3D",
    "realworldqa": "RealWorldQA",
    "blink": "BLINK",
    "mmmu": "MMMU",
    "mathvista": "MathVista",
    "mathverse": "MathVerse",
    "mathvision": "MathVision",
    "logicvista": "LogicVista",
    "treebench": "TreeBench",
}
EMBEDDED_DESCRIPTIONS = {
    "search": "attribute and relative position of small objects; the format of V*, drawn scenes",
    "cyclic": "single and cross instance, four option orders; the format of HR-Bench, drawn scenes",
    "zoom": "full view against crop view; the format of ZoomBench, drawn scenes",
    "coarse": "no region to look at; the place of MMStar: what training damages",
    "chain": "several small places to read one after the other; drawn scenes",
    "chain_unseen": "the same with letters and grounds that nobody was shown before",
    "chain_coarse": "no region to look at: what training damages",
    REGIONS: "mean of the drawn region benchmarks",
}
AGGREGATE_NAMES: dict[Aggregate, str] = {
    "micro": "mean of all items",
    "cyclic": "mean over option orders",
    "source_mean": "mean over sources",
    "l2_macro": "mean over sub-categories",
}


def embedded(benchmarks: Sequence[str]) -> list[str]:
    """Those that the program draws itself."""
    return [name for name in benchmarks if name in BENCHMARKS]


def published(benchmarks: Sequence[str]) -> list[str]:
    """Those that were read from published files."""
    return [name for name in benchmarks if name not in BENCHMARKS]


def headline_aggregate(benchmark: str) -> Aggregate:
    return CATALOGUE[benchmark].aggregates[0]


def description(benchmark: str) -> str:
    """What a benchmark asks, or for a published one its size and what its number is."""
    if benchmark in EMBEDDED_DESCRIPTIONS:
        return EMBEDDED_DESCRIPTIONS[benchmark]
    size = CATALOGUE[benchmark].published_size
    number = AGGREGATE_NAMES[headline_aggregate(benchmark)]
    return f"published benchmark{f' of {size:,} items' if size else ''}; {number}"


def listed(benchmarks: Sequence[str]) -> list[str]:
    """The evaluated benchmarks in their order, with `REGIONS` after the last that it is the mean of."""
    regions = [index for index, name in enumerate(benchmarks) if name in REGION_BENCHMARKS]
    order = list(benchmarks)
    if regions:
        order.insert(regions[-1] + 1, REGIONS)
    return order
