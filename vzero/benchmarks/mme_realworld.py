"""MME-RealWorld, its Lite selection and its Chinese part. Categories read `Task/Subtask`.

The options stand as lines `(A) ...` in one column, under a heading in some files.
"""

from dataclasses import replace

from vzero.benchmarks.declaration import Benchmark, Form, Published


def _realworld(name: str, items: int, published: Published) -> Benchmark:
    tsv = Form(
        files="*.tsv",
        item="index",
        options="column",
        options_column="multi-choice options",
        category="category",
        l2_category="l2-category",
    )
    return Benchmark(
        name=name,
        forms=(tsv, replace(tsv, files="*.parquet", images=("bytes",))),
        wording="vlmevalkit",
        reader="mme-realworld",
        published_size=items,
        published=published,
        source="https://huggingface.co/datasets/yifanzhang114/MME-RealWorld",
    )


MME_REALWORLD = _realworld(
    "mme_realworld", 23_609, Published("yifanzhang114/MME-RealWorld-Lmms-eval", ("*.parquet",))
)
MME_REALWORLD_LITE = _realworld(
    "mme_realworld_lite",
    1_919,
    Published(
        "yifanzhang114/MME-RealWorld-Base64",
        ("mme_realworld_lite.tsv",),
        md5="4c17057d7d3b6c4a0d4397c3dae0881c",
    ),
)
MME_REALWORLD_CN = _realworld(
    "mme_realworld_cn", 5_462, Published("yifanzhang114/MME-RealWorld-CN-Lmms-eval", ("*.parquet",))
)
