"""`params.yaml`: what it says by default, and that every wrong key or value is named with what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vzero.config import Params, load_params, parse_params, read_yaml
from vzero.config.loss import Reference
from vzero.config.methods import kinds
from vzero.config.recipes import RECIPES
from vzero.errors import ConfigError

ROOT = Path(__file__).parent.parent


def error_of(tree: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_params(tree, origin="params.yaml")
    return str(caught.value)


def test_params_yaml_spells_out_the_defaults():
    tree = read_yaml(ROOT / "params.yaml")
    assert parse_params(tree) == Params()
    defaults = Params().model_dump()
    # Sources of several are read as those that stand alone: spelled out, they would fill another page.
    defaults["ingest"]["several"] = {"order": []}
    # What any recipe's method has, since null means nothing to the others.
    methods = {kinds()[recipe["kind"]] for recipe in RECIPES.values()}
    defaults["train"]["method"] = {
        name: value
        for method in methods
        for name, value in method(reference=Reference()).model_dump().items()
    }
    assert sorted(keys_of(tree)) == sorted(keys_of(defaults))
    assert all(
        value is None for part in ("voting", "keep", "reward") for value in tree["selfplay"][part].values()
    )


def test_no_key_has_a_name_that_the_run_cache_ignores():
    names = {key.split(".")[-1] for key in keys_of(Params().model_dump())}
    assert not names & {"size", "nfiles"}


def keys_of(tree: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of all sections and values."""
    found = []
    for name, value in tree.items():
        found.append(f"{prefix}{name}")
        if isinstance(value, dict):
            found += keys_of(value, f"{prefix}{name}.")
    return found


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            {"train": {"method": {"gate": {"alhpa": 1.0}}}},
            "train: unknown key 'train.method.gate.alhpa': did you mean 'alpha'? allowed: alpha, enabled,",
        ),
        ({"trian": {}}, "unknown key 'trian': did you mean 'train'? allowed: compute, crops, evaluate,"),
        ({"ingest": {"table": {"columns": {"zz": "x"}}}}, "'ingest.table.columns.zz': allowed: answer, box"),
        ({3: {}}, "unknown key '3': allowed: compute, crops"),
        ({"train": {"steps": "5"}}, "train.steps: Input should be a valid integer, got '5'"),
        ({"train": {"steps": True}}, "train.steps: Input should be a valid integer, got True"),
        ({"train": {"steps": 2.5}}, "train.steps: Input should be a valid integer, got 2.5"),
        ({"train": {"steps": 0}}, "train.steps: Input should be greater than 0, got 0"),
        ({"train": {"learning_rate": "fast"}}, "train.learning_rate: Input should be a valid number"),
        ({"train": {"learning_rate": float("inf")}}, "train.learning_rate: Input should be a finite number"),
        (
            {"train": {"method": {"gate": {"enabled": "yes"}}}},
            "train: train.method.gate.enabled: Input should be a valid boolean",
        ),
        ({"train": {"recipe": "papers"}}, "train.recipe: Input should be 'needle', 'paper', 'released',"),
        ({"train": {"lora": {"rnak": 4}}}, "unknown key 'train.lora.rnak': did you mean 'rank'?"),
        (
            {"ingest": {"source": "tabel"}},
            "ingest.source: unknown source 'tabel': did you mean 'table'? allowed",
        ),
        (
            {"ingest": {"source": "several", "several": {"order": ["zwz", "gqaa"]}}},
            "ingest.several.order: unknown source 'gqaa': did you mean 'gqa'",
        ),
        ({"crops": {"upscale": 3}}, "crops.upscale: Input should be 1 or 2, got 3"),
        ({"crops": {"max_overlap": 1.5}}, "crops.max_overlap: Input should be less than or equal to 1, got"),
        ({"models": {"student": 5}}, "models.student: Input should be a valid string, got 5"),
        ({"evaluate": {"benchmarks": ["zoom", "mmlu"]}}, "evaluate.benchmarks.1: Input should be 'search',"),
        ({"evaluate": {"benchmarks": []}}, "evaluate.benchmarks: Tuple should have at least 1 item"),
        ({"evaluate": {"frozen": ["trained"]}}, "evaluate.frozen.0: Input should be 'base' or 'teacher'"),
        ({"train": None}, "train: expected a section of keys and values, got None"),
        (
            {"train": {"method": {"gate": [1]}}},
            "train: train.method.gate: expected a section of keys and values, got [1]",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(tree: Any, expected: str):
    message = error_of(tree)
    assert message.startswith("params.yaml: ")
    assert expected in message


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            {"train": {"method": {"gate": {"w_min": 2.0, "w_max": 1.0}}}},
            "train: with train.recipe paper: gate.w_max (1) must be at least gate.w_min (2)",
        ),
        ({"train": {"prompts": 10, "mini_batches": 3}}, "train: mini_batches (3) must divide prompts (10)"),
        (
            {"train": {"method": {"divergence": {"kind": "k1", "top_k": 64}}}},
            "train.method.divergence.top_k means nothing, belongs to forward_kl / reverse_kl / jsd, not",
        ),
        (
            {"train": {"method": {"divergence": {"kind": "jsd", "clamp": 10.0}}}},
            "clamp means nothing, belongs to k1 / k2 / k3, not to jsd",
        ),
        (
            {"train": {"method": {"divergence": {"kind": "forward_kl", "jsd_beta": 0.5}}}},
            "jsd_beta means nothing, belongs to jsd, not to forward_kl",
        ),
        (
            {"ingest": {"source": "table", "table": {"columns": {"box": None}}}},
            "ingest: table.columns.box is null, so every row is without a box and rejected: name the column, "
            "or set missing_box: keep",
        ),
        (
            {
                "ingest": {
                    "source": "several",
                    "several": {"order": ["gqa", "table"], "table": {"columns": {"box": None}}},
                }
            },
            "ingest: several.table.columns.box is null",
        ),
        (
            {"models": {"min_pixels": 4096, "max_pixels": 1024}},
            "models: max_pixels (1024) is below min_pixels (4096)",
        ),
    ],
)
def test_a_combination_that_makes_no_sense_is_refused_with_the_reason(tree: Any, expected: str):
    assert expected in error_of(tree)


@pytest.mark.parametrize("changes", [{"missing_box": "keep"}, {"source": "needle"}])
def test_a_table_without_a_column_of_boxes_is_fine_where_boxes_may_lack_or_it_is_not_read(changes: dict):
    tree = {"source": "table", "table": {"columns": {"box": None}}} | changes
    assert parse_params({"ingest": tree}).ingest.table.columns.box is None


def test_a_group_of_one_is_fine_without_the_gate():
    assert parse_params({"train": {"group": 1, "method": {"gate": {"enabled": False}}}}).train.group == 1


def test_every_problem_is_reported_at_once():
    message = error_of({"train": {"steps": -1}, "crops": {"margn": 0.1}})
    assert "train.steps" in message and "crops.margn" in message


def test_an_exponent_without_a_dot_is_a_number(tmp_path: Path):
    file = tmp_path / "params.yaml"
    file.write_text("train:\n  learning_rate: 3e-06\n")
    assert load_params(file).train.learning_rate == 3e-6


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"- a\n- b\n", "expected sections, found CommentedSeq|expected sections, found list"),
        (b"", "expected sections, found NoneType"),
        (b"just text", "expected sections, found str"),
        (b"train: {steps: 1", "not YAML"),
        (b"train: 1\ntrain: 2\n", "not YAML.*duplicate key"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"train:\n  started: 2026-01-01\n", "unknown key 'train.started'"),
    ],
)
def test_a_file_that_is_no_tree_of_sections_is_refused(tmp_path: Path, content: bytes, expected: str):
    file = tmp_path / "params.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"(?s){file}: .*({expected})"):
        load_params(file)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        load_params(tmp_path / "nowhere.yaml")


def test_the_evaluated_models_are_the_trained_one_and_the_frozen_ones():
    assert Params().evaluate.models == ("base", "trained", "teacher")
    assert parse_params({"evaluate": {"frozen": ["base"]}}).evaluate.models == ("base", "trained")


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        ({"address": "head:6379"}, "address must be null with engine local"),
        ({"engine": "ray", "address": "ray://head:10001"}, "must be host:port or auto"),
        ({"engine": "slurm"}, "compute.engine"),
    ],
)
def test_where_the_work_is_done_is_checked(compute, message):
    with pytest.raises(ConfigError, match=message):
        parse_params({"compute": compute})
