"""Published benchmarks through the stage: one table with the embedded ones, rejects beside the source's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from published_files import base64_of, picture, write_tsv

from vzero import shards
from vzero.benchmarks import store
from vzero.config import EMBEDDED, Crops, Params, parse_params
from vzero.errors import ConfigError, SourceError
from vzero.needle.benchmarks import benchmark_items
from vzero.paths import Paths
from vzero.prompts.parts import question_of
from vzero.prompts.wordings import worded
from vzero.stages import ingest
from vzero.tables import BenchmarkItems, Rejects


def params(root: Path, **benchmarks: str) -> Params:
    needle = {"samples": 6, "dev_samples": 0, "benchmark_questions": 2}
    return parse_params({"ingest": {"needle": needle, "benchmarks": benchmarks}})


def rows(count: int) -> list[dict[str, Any]]:
    start = {"question": "Q?", "A": "x", "B": "y", "answer": "A", "category": "direct_attributes"}
    return [{"index": number, "image": base64_of(picture(number))} | start for number in range(count)]


def test_published_items_stand_beside_the_embedded_ones(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(store, "ITEMS_TOGETHER", 2)
    write_tsv(tmp_path / "VStarBench.tsv", [*rows(5), rows(1)[0] | {"index": 9, "image": "!" * 99}])
    summary = ingest.run(params(tmp_path, vstar="VStarBench.tsv"), Paths(tmp_path), processes=1)
    assert summary["benchmarks"] == {"vstar": {"items": 5, "rejects": 1}}
    assert "ingest: vstar: 5 items, the published benchmark has 191" in " ".join(
        capsys.readouterr().out.split()
    )
    paths = Paths(tmp_path)
    items = shards.read(paths.benchmark_items, BenchmarkItems)
    BenchmarkItems.validate(items)
    assert [len(pl.read_parquet(file)) for file in shards.files(paths.items_of("vstar"))] == [2, 2, 1]
    published = items.filter(benchmark="vstar")
    assert published["image"].to_list() == [picture(number) for number in range(5)]
    assert published["version"].n_unique() == 1
    assert set(items["benchmark"]) == {"search", "cyclic", "zoom", "coarse", "vstar"}
    rejects = shards.read(paths.rejects, Rejects).filter(source="vstar")
    assert rejects.select("row", "sample_id", "code").rows() == [(5, "9", "unreadable_image")]


def test_every_benchmark_has_its_own_files_that_another_one_leaves_as_they_are(tmp_path):
    write_tsv(tmp_path / "a.tsv", rows(2))
    paths = Paths(tmp_path)
    ingest.run(params(tmp_path), paths, processes=1)
    alone = {file: file.read_bytes() for file in shards.files(paths.benchmark_items)}
    assert [file.parent.name for file in alone] == sorted(EMBEDDED["needle"])
    summary = ingest.run(params(tmp_path, vstar="a.tsv"), paths, processes=1)
    both = {file: file.read_bytes() for file in shards.files(paths.benchmark_items)}
    assert both.items() > alone.items()
    assert {file.parent.name for file in both.keys() - alone.keys()} == {"vstar"}
    assert "benchmarks" in summary


def test_the_version_is_of_the_content_not_of_the_file(tmp_path):
    versions = []
    for name, content in (("a", rows(3)), ("b", rows(3)[::-1]), ("c", [*rows(2), rows(3)[2] | {"A": "z"}])):
        root = tmp_path / name
        root.mkdir()
        write_tsv(root / f"{name}.tsv", content)
        ingest.run(params(root, vstar=f"{name}.tsv"), Paths(root), processes=1)
        items = shards.read(Paths(root).benchmark_items, BenchmarkItems).filter(benchmark="vstar")
        versions.append(items["version"][0])
        shutil.rmtree(root)
    assert versions[0] == versions[1] != versions[2]


def test_a_changed_file_is_read_again(tmp_path):
    paths = Paths(tmp_path)
    for content in (rows(2), rows(3)):
        write_tsv(tmp_path / "a.tsv", content)
        ingest.run(params(tmp_path, vstar="a.tsv"), paths, processes=1)
    items = shards.read(paths.benchmark_items, BenchmarkItems)
    assert len(items.filter(benchmark="vstar")) == 3


def test_a_benchmark_without_a_usable_row_is_an_error_that_says_why(tmp_path):
    write_tsv(tmp_path / "a.tsv", [row | {"image": "!" * 99} for row in rows(2)])
    with pytest.raises(
        SourceError, match=r"vstar: .*a\.tsv: none of 2 rows can be used \(the first: unreadable"
    ):
        ingest.run(params(tmp_path, vstar="a.tsv"), Paths(tmp_path), processes=1)
    assert not Paths(tmp_path).benchmark_items.exists()


def test_a_name_that_is_no_benchmark_is_refused_with_the_list():
    with pytest.raises(ConfigError, match=r"ingest\.benchmarks\.vstr.*'vstar', 'hrbench_4k'"):
        parse_params({"ingest": {"benchmarks": {"vstr": "x"}}})


def test_the_embedded_items_carry_a_version_and_are_asked_in_the_words_of_training():
    items = benchmark_items(params(Path()).ingest.needle, Crops())
    versions = items.group_by("benchmark").agg(pl.col("version").n_unique())["version"].to_list()
    assert versions == [1, 1, 1, 1] and items["version"].n_unique() == 4
    item = items.filter(benchmark="search").row(0, named=True)
    letters = [f"{letter}. {option}" for letter, option in zip("ABCD", item["options"], strict=False)]
    text = "\n".join([item["question"], *letters, "Reason briefly, then answer with the option letter."])
    assert worded(question_of(item, images=1), "vzero").text == f"<image 1>{text}"
