"""Every benchmark by its name."""

from vzero.evaluate.benchmarks.blink import BLINK
from vzero.evaluate.benchmarks.cv_bench import CV_BENCH_2D, CV_BENCH_3D
from vzero.evaluate.benchmarks.declaration import Benchmark
from vzero.evaluate.benchmarks.hrbench import HRBENCH_4K, HRBENCH_8K
from vzero.evaluate.benchmarks.logicvista import LOGICVISTA
from vzero.evaluate.benchmarks.mathverse import MATHVERSE
from vzero.evaluate.benchmarks.mathvision import MATHVISION
from vzero.evaluate.benchmarks.mathvista import MATHVISTA
from vzero.evaluate.benchmarks.mme_realworld import MME_REALWORLD, MME_REALWORLD_CN, MME_REALWORLD_LITE
from vzero.evaluate.benchmarks.mmmu import MMMU
from vzero.evaluate.benchmarks.mmstar import MMSTAR
from vzero.evaluate.benchmarks.needle import COARSE, CYCLIC, SEARCH, ZOOM
from vzero.evaluate.benchmarks.realworldqa import REALWORLDQA
from vzero.evaluate.benchmarks.treebench import TREEBENCH
from vzero.evaluate.benchmarks.vstar import VSTAR
from vzero.evaluate.benchmarks.zoombench import ZOOMBENCH

UNNAMED = "unnamed"  # stands for the benchmark of stored replies that do not tell theirs

CATALOGUE: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        SEARCH,
        CYCLIC,
        ZOOM,
        COARSE,
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
