"""MathVerse, testmini: each problem in several versions that move text into the picture.

It is published with a judge only; a rule is a lower bound.
"""

from vzero.benchmarks.declaration import Benchmark, Form, Published

MATHVERSE = Benchmark(
    name="mathverse",
    forms=(
        Form(
            files="*.tsv",
            item="index",
            options="none",
            prompt="question",
            category="problem_version",
            answer_type="question_type",
        ),
        Form(
            files="testmini*.parquet",
            item="sample_index",
            options="none",
            prompt="query_wo",
            category="problem_version",
            answer_type="question_type",
        ),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    open_reader="vzero",
    published=Published("AI4Math/MathVerse", ("testmini.parquet",)),
    source="https://huggingface.co/datasets/AI4Math/MathVerse",
    licence="MIT",
)
