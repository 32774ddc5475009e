"""Three updates through a real vLLM server, of a tied and an untied model, and an evaluation.

`python tests/vllm_updates.py ENVIRONMENT RESULTS` starts servers of `vllm_environment.sh` on random tiny
models in bf16, and writes how far their log-probs are from ours. On a CPU they have hybrid layers with linear
heads of 64 only, so the embedded world's own models cannot be served so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import httpx
import polars as pl
import small_project
import torch
from tiny_models import TEXTS

from vzero.config import Params, parse_params
from vzero.config.rollout import MISMATCH
from vzero.errors import SamplerError
from vzero.needle import architecture
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import evaluate, train
from vzero.tables import Predictions, TrainLog

PORT = 8765
STARTS = 300  # seconds
SERVER = [
    "--host",
    "127.0.0.1",
    "--dtype",
    "bfloat16",
    "--max-model-len",
    "2048",
    "--enable-scale-out",
    "--no-mm-device-do-normalize",
    # On a CPU seeds and a prefill in pieces do not go together, and caches of prefixes need pieces.
    "--no-enable-chunked-prefill",
    "--no-enable-prefix-caching",
    "--max-num-batched-tokens",
    "8192",
    "--enforce-eager",
]


def save_model(folder: Path, *, seed: int, tied: bool) -> None:
    """A random `qwen3_5` model in bf16, with linear heads of 64."""
    torch.manual_seed(seed)
    words = architecture.train_tokenizer(TEXTS * 20)
    text_config, whole_config = architecture._text_config, architecture.Qwen3_5Config

    def text(size: architecture.TinySize, number: Any) -> dict[str, Any]:
        wide = {"linear_key_head_dim": 64, "linear_value_head_dim": 64, "tie_word_embeddings": tied}
        return text_config(size, number) | wide

    def whole(**settings: Any) -> Any:
        return whole_config(**settings | {"tie_word_embeddings": tied})

    with mock.patch.multiple(architecture, _text_config=text, Qwen3_5Config=whole):
        size = architecture.TinySize(hidden=256, layers=4, vision_hidden=256, vision_depth=2)
        model = architecture.build_model(size, words)
    with torch.no_grad():
        # Large enough for distributions that differ from token to token.
        model.get_input_embeddings().weight.mul_(3)
    architecture.save(folder, model.to(torch.bfloat16), words)


@contextmanager
def serving(environment: Path, folder: Path) -> Iterator[str]:
    """The address of a vLLM server that has the model in a folder."""
    url = f"http://127.0.0.1:{PORT}"
    command = [str(environment / "bin" / "vllm"), "serve", str(folder), "--port", str(PORT)]
    settings = {
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "VLLM_SERVER_DEV_MODE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    log = folder.with_suffix(".log")
    with log.open("w") as said:
        process = subprocess.Popen(
            [*command, *SERVER], env=os.environ | settings, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            start = time.monotonic()
            while not _is_up(url):
                if process.poll() is not None or time.monotonic() - start > STARTS:
                    raise RuntimeError(f"the server did not start:\n{log.read_text()[-5000:]}")
                time.sleep(1)
            yield url
        finally:
            process.terminate()
            process.wait(60)


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


def settings(url: str) -> Params:
    tree = small_project.SETTINGS | {
        "models": {"student": "student", "teacher": "teacher", "precision": "bf16"},
        "train": small_project.SETTINGS["train"] | {"steps": 3, "prompts": 8, "max_new_tokens": 24},
        "rollout": {"sampler": {"kind": "server", "urls": [url]}},
        "evaluate": {"max_new_tokens": 8},
    }
    return parse_params(tree)


def three_updates(root: Path, environment: Path, *, tied: bool) -> pl.DataFrame:
    """The log of training, in a new project in `root`; then the trained model answers a benchmark there."""
    small_project.make_project(root)
    for seed, name in enumerate(("student", "teacher")):
        save_model(root / name, seed=seed, tied=tied)
    paths, name = Paths(root), "tied" if tied else "untied"
    with serving(environment, root / "student") as url:
        train.run(settings(url), paths)
        evaluate.run(settings(url), paths, "trained", "search")
        if tied:
            print(f"read from its folder as it is: {caught(settings(url), paths)}")
    log = read(paths.train_log, TrainLog)
    answers = read(paths.predictions("trained", "search"), Predictions)
    print(f"{name}: {answers.height} questions answered with the trained weights")
    figures = log.select("step", "rollout_tokens", "mismatch", "mismatch_largest", "ratio_mean", "ratio_cut")
    return figures.select(pl.lit(name).alias("model"), pl.all())


def caught(params: Params, paths: Paths) -> str:
    """What is said where a server reads a tied model's folder, which does not name its output layer."""
    with mock.patch("vzero.rollout.samplers.is_tied", return_value=False):
        try:
            evaluate.run(params, paths, "teacher", "search")
        except SamplerError as error:
            return str(error)
    raise AssertionError("weights that were not read were not noticed")


def main() -> None:
    environment, results = (Path(each).resolve() for each in sys.argv[1:3])
    with TemporaryDirectory() as folder:
        logs = []
        for name in ("untied", "tied"):
            root = Path(folder, name)
            root.mkdir()
            logs.append(three_updates(root, environment, tied=name == "tied"))
    table = pl.concat(logs)
    print(table)
    assert table["mismatch"].max() < MISMATCH["bf16"]
    table.write_parquet(results)


if __name__ == "__main__":
    main()
