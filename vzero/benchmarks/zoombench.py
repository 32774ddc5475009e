"""ZoomBench: the same questions about the full image and about the crop that holds the answer.

Copies name the two text columns `query` and `response`, or `prompt` and `answer`. A question counts as a
choice when options stand in its text and the answer is one of their letters.
"""

from vzero.benchmarks.declaration import Benchmark, Form, Published


def _form(query: str, response: str) -> Form:
    return Form(
        files="*.parquet",
        item="id",
        question=query,
        answer=response,
        options="text",
        prompt=query,
        crop_image="crop_image",
        boxes="bbox",
        answer_type="question_type",
        optional=("bbox", "question_type"),
    )


ZOOMBENCH = Benchmark(
    name="zoombench",
    forms=(_form("query", "response"), _form("prompt", "answer")),
    wording="zoombench",
    reader="zoombench",
    open_reader="zoombench",
    crop_view=True,
    published_size=845,
    published=Published("inclusionAI/ZoomBench", ("data/test.parquet",)),
    source="https://huggingface.co/datasets/inclusionAI/ZoomBench",
    licence="Apache-2.0",
)
