"""MathVista, testmini: choices, and open questions whose answer is a number, a text or a list."""

from vzero.benchmarks.declaration import Benchmark, Form, Published

MATHVISTA = Benchmark(
    name="mathvista",
    forms=(
        Form(
            files="*.tsv",
            item="index",
            options="column",
            prompt="question",
            category="task",
            answer_type="answer_type",
        ),
        Form(
            files="testmini-*.parquet",
            item="pid",
            images=("decoded_image",),
            options="column",
            prompt="query",
            category="metadata.task",
            answer_type="answer_type",
        ),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    open_reader="vzero",
    published_size=1_000,
    published=Published("AI4Math/MathVista", ("data/testmini-*.parquet",)),
    source="https://huggingface.co/datasets/AI4Math/MathVista",
    licence="CC BY-SA 4.0",
)
