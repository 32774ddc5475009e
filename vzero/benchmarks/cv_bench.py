"""CV-Bench 2D and 3D. The 2D number is the mean of its two sources' accuracies, ADE20K and COCO."""

from dataclasses import replace

from vzero.benchmarks.declaration import Aggregate, Benchmark, Form, Published


def _cv_bench(kind: str, items: int, categories: tuple[str, ...], *aggregates: Aggregate) -> Benchmark:
    tsv = Form(files="*.tsv", item="index", prompt="prompt", category="task", source="source")
    parquet = replace(tsv, files="*.parquet", item="idx", options="column", keep=("type", kind))
    return Benchmark(
        name=f"cv_bench_{kind.lower()}",
        forms=(tsv, parquet),
        wording="vlmevalkit",
        reader="vlmevalkit-exact",
        categories=categories,
        aggregates=aggregates,
        published_size=items,
        published=Published("nyu-visionx/CV-Bench", (f"test_{kind.lower()}.parquet",)),
        source="https://huggingface.co/datasets/nyu-visionx/CV-Bench",
    )


CV_BENCH_2D = _cv_bench("2D", 1_438, ("Count", "Relation"), "source_mean", "micro")
CV_BENCH_3D = _cv_bench("3D", 1_200, ("Depth", "Distance"), "micro")
