"""HR-Bench 4K and 8K: every question in four cyclic orders of its options.

Copies that lack the cycle are read without one: it is never guessed from the order of the rows.
"""

from dataclasses import replace

from vzero.benchmarks.declaration import Benchmark, Form, Published


def _hrbench(resolution: str, md5: str) -> Benchmark:
    tsv = Form(
        files="*.tsv",
        item="index",
        category="category",
        cycle="cycle_category",
        optional=("cycle_category",),
    )
    return Benchmark(
        name=f"hrbench_{resolution}",
        forms=(tsv, replace(tsv, files="*.parquet")),
        wording="vlmevalkit",
        reader="vlmevalkit-exact",
        categories=("single", "cross"),
        aggregates=("cyclic",),
        published_size=800,
        published=Published("DreamMr/HR-Bench", (f"hr_bench_{resolution}.tsv",), md5=md5),
        source="https://huggingface.co/datasets/DreamMr/HR-Bench",
    )


HRBENCH_4K = _hrbench("4k", "f6b041b03d49543494b8a56d2e35be65")
HRBENCH_8K = _hrbench("8k", "274c9c7f89329b804a4723178a00219c")
