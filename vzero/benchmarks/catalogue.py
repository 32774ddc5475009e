"""Every benchmark by its name."""

from vzero.benchmarks.blink import BLINK
from vzero.benchmarks.cv_bench import CV_BENCH_2D, CV_BENCH_3D
from vzero.benchmarks.declaration import Benchmark
from vzero.benchmarks.hrbench import HRBENCH_4K, HRBENCH_8K
from vzero.benchmarks.logicvista import LOGICVISTA
from vzero.benchmarks.mathverse import MATHVERSE
from vzero.benchmarks.mathvision import MATHVISION
from vzero.benchmarks.mathvista import MATHVISTA
from vzero.benchmarks.mme_realworld import MME_REALWORLD, MME_REALWORLD_CN, MME_REALWORLD_LITE
from vzero.benchmarks.mmmu import MMMU
from vzero.benchmarks.mmstar import MMSTAR
from vzero.benchmarks.needle import CHAIN, CHAIN_COARSE, CHAIN_UNSEEN, COARSE, CYCLIC, SEARCH, ZOOM
from vzero.benchmarks.realworldqa import REALWORLDQA
from vzero.benchmarks.treebench import TREEBENCH
from vzero.benchmarks.vstar import VSTAR
from vzero.benchmarks.zoombench import ZOOMBENCH

UNNAMED = "unnamed"  # stands for the benchmark of stored replies that do not tell theirs

CATALOGUE: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        SEARCH,
        CYCLIC,
        ZOOM,
        COARSE,
        CHAIN,
        CHAIN_UNSEEN,
        CHAIN_COARSE,
        VSTAR,
        HRBENCH_4K,
        HRBENCH_8K,
        ZOOMBENCH,
        MMSTAR,
        MME_REALWORLD,
        MME_REALWORLD_LITE,
        MME_REALWORLD_CN,
        CV_BENCH_2D,
        CV_BENCH_3D,
        REALWORLDQA,
        BLINK,
        MMMU,
        MATHVISTA,
        MATHVERSE,
        MATHVISION,
        LOGICVISTA,
        TREEBENCH,
    )
}
