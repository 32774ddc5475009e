"""V*: small attributes and relative positions in large photographs.

The original folders put the right option first in every item; asked like that, a model that likes A scores
well (DeepEyes' evaluation did). Their `test_questions.jsonl` has an order of its own and is taken where it
is there; without it the order is drawn from the item's name.
"""

from dataclasses import replace

from vzero.benchmarks.declaration import Benchmark, Form, Published

IN_ONE_TEXT = Form(
    files="*.parquet",
    item="question_id",
    question="text",
    answer="label",
    options="text",
    prompt="text",
    category="category",
)
VSTAR = Benchmark(
    name="vstar",
    forms=(
        Form(files="*.tsv", item="index", category="category"),
        IN_ONE_TEXT,
        replace(
            IN_ONE_TEXT, files="test_questions.jsonl", boxes="bbox", box_order="xywh", optional=("bbox",)
        ),
        Form(
            files="*/*.json",
            item="item",
            options="column",
            options_column="options",
            boxes="bbox",
            box_order="xywh",
            category="folder",
            right_first=True,
        ),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    categories=("direct_attributes", "relative_position"),
    published_size=191,
    published=Published("xjtupanda/VStar_Bench", ("VStarBench.tsv",), md5="b18854d7075574be06b631cd5f7d2d6a"),
    source="https://huggingface.co/datasets/craigwu/vstar_bench",
)
