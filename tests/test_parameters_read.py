"""What the stages read of the parameters while they run, held against what `dvc.yaml` lists."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.example_run import write_example
from tests.stage_params import DECLARED, fields_of, leaves, listed
from vzero.config import Params, Reach, Section, parse_params, reach_of
from vzero.paths import Paths

TINY = {"ingest": {"needle": {"samples": 8, "dev_samples": 1, "benchmark_questions": 1}, "shard_images": 4}}

Field = tuple[type[Section], str]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Field]]:
    """Fields that anything takes a value from, but for sections, whose own fields count."""
    found: set[Field] = set()
    plain = Section.__getattribute__

    def recorded(self: Section, name: str) -> object:
        value = plain(self, name)
        if name in type(self).model_fields and not isinstance(value, Section):
            found.add((type(self), name))
        return value

    monkeypatch.setattr(Section, "__getattribute__", recorded)
    monkeypatch.setattr("vzero.workers.local.available_processors", lambda: 1)
    return found


def unlisted(stage: str, read: set[Field]) -> set[Field]:
    """What a stage read without listing it, but for what changes no byte or says which cells there are."""
    allowed = {field for key in listed(stage) for field in fields_of(key)}
    return {
        (section, name)
        for section, name in read - allowed
        if reach_of(section, name) not in (Reach.MACHINE, Reach.CELLS) and section.__name__ != "Compute"
    }


def test_ingest_and_crops_read_what_they_list(read: set[Field], tmp_path: Path):
    from vzero.stages import crops, ingest

    params = parse_params(TINY)
    read.clear()
    ingest.run(params, Paths(tmp_path))
    assert unlisted("ingest", read) == set()
    read.clear()
    crops.run(params, Paths(tmp_path))
    assert unlisted("crops", read) == set()


def test_report_reads_what_it_lists_and_lists_no_more(read: set[Field], tmp_path: Path):
    from vzero.stages import report

    params, paths = write_example(
        tmp_path, params={"evaluate": {"benchmarks": ["search"]}}, samples=4, steps=2, items=4
    )
    read.clear()
    report.run(params, paths)
    assert unlisted("report", read) == set()
    unread = {key for key in listed("report") if not read & set(fields_of(key))}
    assert {key.rpartition(".")[0] for key in unread} <= {"ingest.several"}


def test_quality_and_train_read_what_they_list(read: set[Field], project: Paths):
    from small_project import settings

    from vzero.stages import quality, train

    params = settings(steps=1)
    params = params.model_copy(
        update={
            "models": params.models.model_copy(
                update={name: project.root / name for name in ("student", "teacher")}
            )
        }
    )
    read.clear()
    quality.run(params, project)
    folders = {(type(params.models), name) for name in ("student", "teacher")}  # files that it depends on
    assert unlisted("quality", read) - folders == set()
    read.clear()
    train.run(params, project)
    assert (type(params.train), "steps") in read
    assert unlisted("train", read) - folders == set()


def test_a_cell_reads_what_it_lists(read: set[Field], letter_model, tmp_path: Path):
    from tests.checked_tables import write_items
    from vzero.config import Crops, NeedleSource
    from vzero.needle.benchmarks import benchmark_items
    from vzero.stages import evaluate

    write_items(
        Paths(tmp_path).benchmark_items, benchmark_items(NeedleSource(benchmark_questions=1), Crops())
    )
    models = {"student": str(letter_model("A")), "teacher": str(letter_model("A"))}
    tree = {"models": models, "evaluate": {"max_new_tokens": 2, "resamples": 10}}
    written = []
    for more in ({}, {"benchmarks": ["search", "zoom"], "frozen": ["base"]}):
        params: Params = parse_params(tree | {"evaluate": tree["evaluate"] | more})
        read.clear()
        evaluate.run(params, Paths(tmp_path), "base", "search")
        folders = {(type(params.models), name) for name in models}
        assert unlisted("evaluate-frozen", read) - folders == set()
        cell = Paths(tmp_path).evaluation("base", "search")
        written.append({path.name: path.read_bytes() for path in cell.rglob("*.parquet")})
        shutil.rmtree(Paths(tmp_path).scratch)
    assert written[0] == written[1]


@pytest.mark.parametrize("stage", DECLARED)
def test_a_stage_lists_its_own_section_but_for_what_its_fields_say(stage: str):
    """From both sides: what is missing in dvc.yaml, and what is too much."""
    section, left_out = DECLARED[stage]
    assert {key for key in listed(stage) if key.startswith(f"{section}.")} == leaves(section) - left_out


def test_what_leaves_no_trace_does_not_name_a_run():
    from vzero.config import decisive

    changed = parse_params(
        {
            "train": {
                "checkpoint_every": 3,
                "teacher": {"offload": True},
                "on_collapse": "stop",
                "trackers": ["wandb"],
            }
        }
    )
    assert decisive(changed.train) == decisive(Params().train)
    other = parse_params({"ingest": {"gqa": {"images": "elsewhere"}, "verify_boxes": False}})
    assert other.ingest.decisive() == Params().ingest.decisive()
    for section in ({"micro_tokens": 9}, {"teacher": {"kind": "initial"}}):
        assert decisive(parse_params({"train": section}).train) != decisive(Params().train)
    assert parse_params({"ingest": {"needle": {"seed": 2}}}).ingest.decisive() != Params().ingest.decisive()
