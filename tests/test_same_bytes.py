"""Two runs of the same code and params write the same bytes, whenever and wherever: all but the timings."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from small_project import SETTINGS
from tiny_models import save_tiny

from vzero.config import EMBEDDED, EVALUATED_MODELS

PARAMS = SETTINGS | {"evaluate": {"resamples": 200, "max_new_tokens": 4}}

# One process for all stages: to import torch takes longer than they do.
STAGES = f"""
from vzero.config import load_params
from vzero.paths import Paths
from vzero.stages import crops, evaluate, ingest, quality, report, train

params, paths = load_params(Paths().params), Paths()
for stage in (ingest, crops, quality, train):
    stage.run(params, paths)
for model in {EVALUATED_MODELS}:
    for benchmark in {EMBEDDED["needle"]}:
        evaluate.run(params, paths, model, benchmark)
report.run(params, paths)
"""


def run_everything(root: Path, *, hash_seed: str) -> dict[str, str]:
    """Hashes of all files that a run of every stage leaves, by their place."""
    root.mkdir(parents=True)
    for seed, name in enumerate(("student", "teacher")):
        save_tiny(root / name, seed=seed, layers=2)
    YAML().dump(PARAMS, root / "params.yaml")
    script = root / "run.py"
    script.write_text(f"if __name__ == '__main__':{STAGES.replace(chr(10), chr(10) + '    ')}")
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, script.name], cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    files = sorted(path for path in (root / "data").rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.long
def test_every_stage_but_for_its_timings(tmp_path: Path):
    one = run_everything(tmp_path / "one", hash_seed="1")
    other = run_everything(tmp_path / "some/where/else", hash_seed="2")
    assert one.keys() == other.keys()
    differing = {name for name in one if one[name] != other[name]}
    assert differing
    assert not [name for name in differing if not name.startswith("data/timings/")]
