"""BLINK: 14 perception tasks about one to four images, validation split."""

from vzero.benchmarks.declaration import Benchmark, Form, Published

BLINK = Benchmark(
    name="blink",
    forms=(
        Form(files="*.tsv", item="index", category="category"),
        Form(
            files="val-*.parquet",
            item="idx",
            images=("image_1", "image_2", "image_3", "image_4"),
            options="column",
            prompt="prompt",
            category="sub_task",
        ),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    published_size=1_901,
    published=Published("BLINK-Benchmark/BLINK", ("*/val-*.parquet",)),
    source="https://huggingface.co/datasets/BLINK-Benchmark/BLINK",
    licence="Apache-2.0",
)
