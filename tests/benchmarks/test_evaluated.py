"""Every published benchmark from its file to its scores, with a real tiny model."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from published_files import write_rows
from published_rows import FORMS
from tiny_models import save_tiny

from vzero import shards
from vzero.benchmarks.catalogue import CATALOGUE
from vzero.config import Params, parse_params
from vzero.errors import ConfigError, ModelError
from vzero.paths import Paths
from vzero.stages import evaluate, ingest
from vzero.tables import Predictions, Scores

# One form of each benchmark: the last of the list, a Parquet file mostly.
CHOSEN = {benchmark: form for form, (benchmark, *_) in FORMS.items()}


def write_form(root: Path, form: str) -> Path:
    """A folder with one published file of one row."""
    _, file, row, _ = FORMS[form]
    root.mkdir()
    write_rows(root / file, [row])
    return root


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Params, Paths]:
    root = tmp_path_factory.mktemp("published")
    files = {name: str(write_form(root / name, form)) for name, form in CHOSEN.items()}
    save_tiny(root / "student", seed=0)
    save_tiny(root / "teacher", seed=1)
    params = parse_params(
        {
            "ingest": {
                "needle": {"samples": 6, "dev_samples": 0, "benchmark_questions": 2},
                "benchmarks": files,
            },
            "models": {"student": "student", "teacher": "teacher"},
            "evaluate": {"benchmarks": list(files), "max_new_tokens": 2, "resamples": 50},
        }
    )
    ingest.run(params, Paths(root), processes=1)
    return params, Paths(root)


@pytest.mark.parametrize("model", ["base", "teacher"])
@pytest.mark.parametrize("benchmark", sorted(CHOSEN))
def test_a_benchmark_is_asked_and_scored_as_it_declares(
    project: tuple[Params, Paths], benchmark: str, model: str
):
    params, paths = project
    summary = evaluate.run(params, paths, model, benchmark)
    rows = shards.read(paths.predictions(model, benchmark), Predictions)
    Predictions.validate(rows)
    declared = CATALOGUE[benchmark]
    assert set(rows["wording"]) == {declared.wording}
    assert set(rows["reader"]) <= {declared.reader, declared.open_reader}
    scores = shards.read(paths.scores(model, benchmark), Scores)
    Scores.validate(scores)
    assert set(scores["aggregate"].cast(pl.String)) == set(declared.aggregates)
    assert all(view["n"] >= 1 for view in summary["views"].values())


@pytest.mark.parametrize(
    "benchmark", ["logicvista", "mathverse", "mathvision", "mathvista", "mmmu", "mmstar"]
)
def test_a_solver_of_self_play_answers_the_six_that_it_is_published_on(
    project: tuple[Params, Paths], benchmark: str
):
    params, paths = project
    if not paths.solver_model("solver-2").is_dir():
        save_tiny(paths.solver_model("solver-2"), seed=2)
    evaluate.run(params, paths, "solver-2", benchmark)
    rows = shards.read(paths.predictions("solver-2", benchmark), Predictions)
    assert set(rows["model"]) == {"solver-2"}
    with pytest.raises(ModelError, match="solver-3/model: no folder there to load the solver-3 model from"):
        evaluate.run(params, paths, "solver-3", benchmark)
    with pytest.raises(ConfigError, match="allowed: base, trained, teacher, solver-1 to solver-20"):
        evaluate.run(params, paths, "solver-21", benchmark)


def test_every_published_benchmark_is_among_them():
    assert set(CHOSEN) == {name for name, benchmark in CATALOGUE.items() if benchmark.forms}


def test_zoombench_is_asked_in_full_and_about_the_crop_where_there_is_one(tmp_path: Path):
    written = write_form(tmp_path / "zoom", "ZoomBench choice")
    save_tiny(tmp_path / "student", seed=0)
    params = parse_params(
        {
            "ingest": {
                "needle": {"samples": 6, "dev_samples": 0, "benchmark_questions": 2},
                "benchmarks": {"zoombench": str(written)},
            },
            "models": {"student": "student"},
            "evaluate": {"benchmarks": ["zoombench"], "max_new_tokens": 2, "frozen": ["base"]},
        }
    )
    ingest.run(params, Paths(tmp_path), processes=1)
    summary = evaluate.run(params, Paths(tmp_path), "base", "zoombench")
    assert {view: found["n"] for view, found in summary["views"].items()} == {"full": 1, "crop": 1}
