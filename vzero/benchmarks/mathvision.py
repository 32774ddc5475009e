"""MathVision: competition problems; a choice where the row has options, else a formula or a number."""

from vzero.benchmarks.declaration import Benchmark, Form, Published

MATHVISION = Benchmark(
    name="mathvision",
    forms=(
        Form(files="*.tsv", item="index", options="column", prompt="question", category="category"),
        Form(
            files="test-*.parquet",
            item="id",
            images=("decoded_image",),
            options="column",
            options_column="options",
            category="subject",
        ),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    open_reader="vzero",
    published_size=3_040,
    published=Published("MathLLMs/MathVision", ("data/test-*.parquet",)),
    source="https://huggingface.co/datasets/MathLLMs/MathVision",
    licence="MIT",
)
