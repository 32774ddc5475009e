"""Small files of stored predictions, in the shapes of each toolkit and of our own tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from tests.checked_tables import write_items
from tests.example_run import item_row, prediction_rows
from vzero import tables
from vzero.paths import Paths
from vzero.shards import shard_path, write_table

OWN_TEXTS = {
    "base": ["Answer: A", "Answer: B", "blue", "Answer: A"],
    "trained": ["Answer: A", "Answer: A", "red", "Answer: A"],
}


def vlmevalkit_rows(predictions: list[str]) -> list[dict[str, Any]]:
    """HR-Bench's columns: every question in two orders; the right answer is cotton."""
    rows = []
    for index, prediction in enumerate(predictions):
        cycle = index % 2
        options = ["rubber", "cotton"] if cycle == 0 else ["cotton", "rubber"]
        rows.append(
            {
                "index": index,
                "Question": f"Of what is jacket {index // 2}?",
                "A": options[0],
                "B": options[1],
                "answer": "BA"[cycle],
                "category": "single",
                "cycle_category": cycle,
                "prediction": prediction,
            }
        )
    return rows


def lmms_eval_samples(replies: list[str], *, with_doc: bool) -> list[dict[str, Any]]:
    """V*'s log; without documents the category is in a metric and the options in the prompt."""
    instruction = "Answer with the option's letter from the given choices directly."
    text = f"Of what is the jacket?\n(A) rubber\n(B) cotton\n{instruction}"
    samples = []
    for number, reply in enumerate(replies):
        sample: dict[str, Any] = {"doc_id": number, "target": "B", "filtered_resps": [reply], "input": text}
        sample["vstar_overall_acc"] = {"category": "direct_attributes", "score": 1.0}
        if with_doc:
            sample["doc"] = {"text": text, "label": "B", "category": "direct_attributes"}
            sample["resps"] = [[reply]]
        samples.append(sample)
    return samples


def own_predictions(root: Path, model: str) -> Path:
    """Folder of one cell of the benchmark search with its items; the right answer is always A, red."""
    paths = Paths(root)
    texts = OWN_TEXTS[model]
    predictions = prediction_rows(model, "search", "full", [True] * len(texts))
    rows = [row | {"text": text} for row, text in zip(predictions, texts, strict=True)]
    write_table(shard_path(paths.predictions(model, "search"), 0), pl.DataFrame(rows), tables.Predictions)
    asked = {"question": "Which colour?", "options": ["red", "blue"], "answer": "A"}
    items = pl.DataFrame([item_row("search", number) | asked for number in range(len(rows))])
    write_items(paths.benchmark_items, items)
    return paths.evaluation(model, "search")
