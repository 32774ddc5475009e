"""MMMU, validation split: images stand where the text has their marks `<image 1>`, `<image 2>`, ...

Some questions have no options; their answer is text.
"""

from vzero.benchmarks.declaration import Benchmark, Form, Published

MMMU = Benchmark(
    name="mmmu",
    forms=(
        Form(files="*.tsv", item="index", category="category", keep=("split", "validation")),
        Form(
            files="validation-*.parquet",
            item="id",
            images=tuple(f"image_{number}" for number in range(1, 8)),
            options="column",
            options_column="options",
            category="subfield",
        ),
    ),
    wording="vlmevalkit",
    marks_images=True,
    reader="vlmevalkit-exact",
    open_reader="vzero",
    published_size=900,
    published=Published("lmms-lab-encoder/MMMU", ("data/validation-*.parquet",)),
    source="https://huggingface.co/datasets/MMMU/MMMU",
    licence="Apache-2.0",
)
