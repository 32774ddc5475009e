"""MMStar: 18 sub-categories of 6 categories; here it shows what training damages.

VLMEvalKit averages over items, lmms-eval over sub-categories, so both are declared.
"""

from vzero.benchmarks.declaration import Benchmark, Form, Published

MMSTAR = Benchmark(
    name="mmstar",
    forms=(
        Form(files="*.tsv", item="index", category="category", l2_category="l2-category"),
        Form(
            files="*.parquet",
            item="index",
            options="text",
            prompt="question",
            category="category",
            l2_category="l2_category",
        ),
    ),
    wording="vlmevalkit",
    reader="vlmevalkit-exact",
    categories=(
        "coarse perception",
        "fine-grained perception",
        "instance reasoning",
        "logical reasoning",
        "math",
        "science & technology",
    ),
    aggregates=("micro", "l2_macro"),
    published_size=1500,
    published=Published("Lin-Chen/MMStar", ("mmstar.parquet",)),
    source="https://huggingface.co/datasets/Lin-Chen/MMStar",
)
