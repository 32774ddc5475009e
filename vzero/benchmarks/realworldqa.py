"""RealWorldQA: photographs from vehicles; in the hub's form the options, if any, stand in the question."""

from vzero.benchmarks.declaration import Benchmark, Form, Published

REALWORLDQA = Benchmark(
    name="realworldqa",
    forms=(
        Form(files="*.tsv", item="index"),
        Form(
            files="*.parquet",
            item="image_path",
            options="text",
            prompt="question",
        ),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    open_reader="vzero",
    published_size=765,
    published=Published("lmms-lab-encoder/RealWorldQA", ("data/*.parquet",)),
    source="https://huggingface.co/datasets/xai-org/RealworldQA",
    licence="CC BY-ND 4.0",
)
