"""Stage `crops` on real tables: every sample a row, the same bytes however it ran, resumable."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from vzero import cli, imaging, runs, shards, tables
from vzero.config import Crops, Params
from vzero.errors import ChangedError, ProjectError
from vzero.paths import Paths
from vzero.stages import crops, ingest

PARAMS = Params()


@pytest.fixture(scope="module")
def ingested(annotate, table_params, tmp_path_factory) -> Path:
    paths = annotate(tmp_path_factory.mktemp("ingested") / "project", 800)
    ingest.run(table_params, paths, processes=1)
    return paths.root


def project(ingested: Path, root: Path) -> Paths:
    """A project of its own on the same ingested tables."""
    (root / "data").mkdir(parents=True)
    (root / "data/ingest").symlink_to(ingested / "data/ingest")
    return Paths(root)


def contents(paths: Paths) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths.crops.glob("*")}


@pytest.fixture(scope="module")
def cut(ingested, tmp_path_factory) -> Paths:
    paths = project(ingested, tmp_path_factory.mktemp("cut") / "project")
    crops.run(PARAMS, paths, processes=1)
    return paths


def test_every_sample_has_its_crops_in_its_own_shard(cut):
    for shard in range(4):
        samples = pl.read_parquet(shards.shard_path(cut.samples, shard))
        made = pl.read_parquet(shards.shard_path(cut.crops, shard))
        tables.Crops.validate(made)
        assert made["sample_id"].to_list() == sorted(samples["sample_id"])


def test_both_views_of_every_sample_have_the_same_size(cut):
    for row in shards.read(cut.crops, tables.Crops).iter_rows(named=True):
        assert imaging.probe(row["positive"])[:2] == (row["width"], row["height"])
        if row["negative"] is not None:
            assert imaging.probe(row["negative"])[:2] == (row["width"], row["height"])


def test_the_summary_counts_the_fallbacks(cut):
    codes = Counter(shards.read(cut.crops, tables.Crops)["fallback"].cast(str))
    assert json.loads(cut.crops_summary.read_text()) == {
        "samples": codes.total(),
        "negatives": codes.total() - codes["none"],
        "fallback": {code: codes[code] for code in tables.FALLBACKS},
    }


def test_two_processes_write_the_same_bytes_as_one(cut, ingested, tmp_path):
    paths = project(ingested, tmp_path / "two")
    crops.run(PARAMS, paths, processes=2)
    assert contents(paths) == contents(cut)


def test_a_killed_run_goes_on_and_ends_the_same(cut, ingested, tmp_path, capsys):
    paths = project(ingested, tmp_path / "killed")
    script = (
        "import os; from vzero.config import Params; from vzero.paths import Paths\n"
        "from vzero.stages import crops\n"
        "os.nice(19)  # so that the test sees the first shard long before the last\n"
        f"crops.run(Params(), Paths({str(paths.root)!r}), processes=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": "."})
    while not list(paths.scratch.glob("crops/*/crops/part-*")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not paths.crops.exists(), "killed before the end"
    crops.run(PARAMS, paths, processes=1)
    assert "going on" in capsys.readouterr().out
    assert contents(paths) == contents(cut)


def test_finished_shards_of_an_interrupted_run_are_not_made_again(cut, ingested, tmp_path):
    paths = project(ingested, tmp_path / "seeded")
    inputs, config = [paths.images, paths.samples], PARAMS.crops.model_dump(mode="json")
    run = runs.run_folder(paths.scratch, "crops", code=crops.__name__, config=config, inputs=inputs)
    with run as folder:
        one_row = shards.read(cut.crops, tables.Crops).head(1)
        shards.write_table(shards.shard_path(folder / "crops", 0), one_row, tables.Crops)
    crops.run(PARAMS, paths, processes=1)
    assert len(pl.read_parquet(shards.shard_path(paths.crops, 0))) == 1
    assert len(pl.read_parquet(shards.shard_path(paths.crops, 1))) > 1
    assert not folder.exists(), "the scratch folder is cleared"


@pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens")
def test_the_same_run_twice_at_once_is_one_line_that_says_so(ingested, tmp_path, monkeypatch, capsys):
    paths = project(ingested, tmp_path / "twice")
    paths.params.write_text("{}")
    inputs, config = [paths.images, paths.samples], PARAMS.crops.model_dump(mode="json")
    monkeypatch.setattr(runs, "DYING", 0)
    monkeypatch.setattr(sys, "argv", ["vzero", "crops"])
    monkeypatch.chdir(paths.root)
    with (
        runs.run_folder(paths.scratch, "crops", code=crops.__name__, config=config, inputs=inputs),
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    assert ended.value.code == 2
    line = "another process is at work on this very run; wait until it is done, or end it\n"
    assert capsys.readouterr().err.endswith(line)


def test_tables_that_change_while_they_are_read_make_no_crops(ingested, tmp_path, monkeypatch):
    paths = Paths(tmp_path / "changed")
    shutil.copytree(ingested / "data/ingest", paths.images.parent)

    def changing(crops_made: Path) -> dict[str, int]:
        """Stands for another run that publishes meanwhile."""
        (paths.samples / "part-00000.parquet").write_bytes(b"others")
        return summarize(crops_made)

    summarize = crops._summarize
    monkeypatch.setattr(crops, "_summarize", changing)
    with pytest.raises(ChangedError, match="changed while this run was reading it"):
        crops.run(PARAMS, paths, processes=1)
    assert not paths.crops.exists()
    assert not list(paths.scratch.glob("crops/*")), "nothing is gone on with"


def test_another_margin_makes_other_crops_of_the_same_samples(cut, ingested, tmp_path):
    paths = project(ingested, tmp_path / "margin")
    crops.run(PARAMS.model_copy(update={"crops": Crops(margin=0.5)}), paths, processes=1)
    wide, narrow = (shards.read(p.crops, tables.Crops).sort("sample_id") for p in (paths, cut))
    assert wide["sample_id"].equals(narrow["sample_id"])
    assert (wide["width"] >= narrow["width"]).all() and (wide["width"] > narrow["width"]).any()


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(Crops(negative="other_image", negative_count=3), marks=pytest.mark.long),
        Crops(negative="downsampled", format="jpeg"),
    ],
)
def test_other_negatives_fill_the_columns_that_the_papers_leaves_empty(config, cut, ingested, tmp_path):
    paths = project(ingested, tmp_path / "other")
    summary = crops.run(PARAMS.model_copy(update={"crops": config}), paths, processes=1)
    made, usual = (shards.read(p.crops, tables.Crops).sort("sample_id") for p in (paths, cut))
    tables.Crops.validate(made)
    found = made.filter(pl.col("fallback") != "none")
    assert (made["strategy"] == config.negative).all() and len(found) > 0
    assert summary["negatives"] == len(found) * config.negative_count
    assert (found["more_negatives"].list.len() == config.negative_count - 1).all()
    assert found["negative_image"].is_null().all() == (config.negative != "downsampled")
    assert (usual["more_negatives"].list.len() == 0).all() and usual["negative_image"].is_null().all()


def test_the_answer_column_is_never_read(ingested, tmp_path):
    paths = Paths(tmp_path)
    for folder in ("images", "samples"):
        (tmp_path / "data/ingest" / folder).mkdir(parents=True)
    for file in (ingested / "data/ingest/images").iterdir():
        (paths.images / file.name).symlink_to(file)
    for file in (ingested / "data/ingest/samples").iterdir():
        pl.read_parquet(file).drop("answer").write_parquet(paths.samples / file.name)
    assert crops.run(PARAMS, paths, processes=1)["samples"] > 0


def test_without_ingested_tables_the_error_says_what_to_run(tmp_path):
    with pytest.raises(ProjectError, match="run ingest first"):
        crops.run(PARAMS, Paths(tmp_path), processes=1)
