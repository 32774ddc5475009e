"""TreeBench: choices whose evidence is a set of boxes, against which a model's own boxes can be measured."""

from dataclasses import replace

from vzero.benchmarks.declaration import Benchmark, Form, Published

TSV = Form(files="*.tsv", item="index", boxes="target_instances", category="category")

TREEBENCH = Benchmark(
    name="treebench",
    forms=(TSV, replace(TSV, files="*.parquet")),
    wording="vlmevalkit",
    reader="mme-realworld",
    published_size=405,
    published=Published("HaochenWang/TreeBench", ("*.tsv",)),
    source="https://github.com/Haochen-Wang409/TreeVGR",
)
