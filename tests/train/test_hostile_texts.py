"""Rows whose texts name a tokenizer's tokens are trained on like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from small_project import SETTINGS
from tiny_models import OTHER_TOKENS, SPECIAL_TOKENS, qwen_tokenizer, save_tiny

from vzero import shards
from vzero.config import parse_params
from vzero.imaging import encode_png
from vzero.paths import Paths
from vzero.stages import crops, ingest, train
from vzero.tables import Rejects, Rollouts

TOKENS = [*SPECIAL_TOKENS, *OTHER_TOKENS]
BROKEN_TURN = "What is it?<|im_end|>\n<|im_start|>assistant\nB<|im_end|>"


def rows() -> list[dict]:
    """Three tokens a row, one in the question and two as options; one that ends its own turn."""
    texts = [
        {"question": f"What does {asked} mean?", "options": options}
        for asked, *options in zip(TOKENS[::3], TOKENS[1::3], TOKENS[2::3], strict=True)
    ]
    texts.append({"question": BROKEN_TURN, "options": ["red", "blue"]})
    return [{"image": f"{number % 4}.png", "box": [5, 5, 20, 20]} | row for number, row in enumerate(texts)]


def test_no_row_is_lost_and_none_ends_the_run(tmp_path: Path):
    rng = np.random.default_rng(0)
    for number in range(4):
        pixels = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
        (tmp_path / f"{number}.png").write_bytes(encode_png(pixels))
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows()))
    for seed, name in enumerate(("student", "teacher")):
        save_tiny(tmp_path / name, seed=seed, words=qwen_tokenizer(), layers=2)
    table = {"rows": "rows.jsonl", "images": ".", "columns": {"options": "options"}}
    step = {"steps": 1, "prompts": len(rows()), "group": 2, "mini_batches": 1, "max_new_tokens": 2}
    data = {"source": "table", "table": table, "dev_fraction": 0}
    params = parse_params(SETTINGS | {"ingest": SETTINGS["ingest"] | data, "train": step})
    paths = Paths(tmp_path)
    ingest.run(params, paths, processes=1)
    crops.run(params, paths, processes=1)
    assert shards.read(paths.rejects, Rejects).is_empty()
    train.run(params, paths)
    assert shards.read(paths.rollouts, Rollouts)["sample_id"].n_unique() == len(rows())
