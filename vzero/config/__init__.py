"""Typed, frozen model of `params.yaml`: one class a stage, every knob documented where it is defined.

An unknown key, a wrong type or an impossible combination raises ConfigError, which names the key and what
is allowed there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from vzero.config.base import Reach, Section, decisive, dotted, reach_of
from vzero.config.compute import CardName, Compute
from vzero.config.data import (
    BenchmarkName,
    Crops,
    Ingest,
    NaCells,
    NeedleSource,
    Several,
    SourceName,
    Sources,
    TrainingSetName,
    VerlSource,
    VisualCotSource,
    WorldName,
)
from vzero.config.errors import explain
from vzero.config.evaluate import (
    BENCHMARKS,
    EMBEDDED,
    EVALUATED_MODELS,
    SOLVERS,
    Evaluate,
    EvaluatedName,
    Report,
    WordingName,
    check_model,
)
from vzero.config.filters import Filters, PromptTokens
from vzero.config.models import Models
from vzero.config.object_sources import (
    BoxesSource,
    CocoSource,
    GqaSource,
    LabelStudioSource,
    ObjectSource,
    ObjectsSource,
    PhrasesSource,
    VocSource,
    VstarSource,
    YoloSource,
)
from vzero.config.public_sources import (
    SealSource,
    TreeVgrSource,
    VgrColumns,
    VgrSource,
    VisionOpdSource,
    VisualCotLlavaSource,
    ZwzSource,
)
from vzero.config.rollout import Rollout, SamplerKind, SamplerSettings
from vzero.config.selfplay import SelfPlay
from vzero.config.table_source import ChatsSource, Resized, TableColumns, TableSource
from vzero.config.train import Lora, Teacher, Train
from vzero.errors import ConfigError

__all__ = [
    "BENCHMARKS",
    "EMBEDDED",
    "EVALUATED_MODELS",
    "SOLVERS",
    "BenchmarkName",
    "BoxesSource",
    "CardName",
    "ChatsSource",
    "CocoSource",
    "Compute",
    "Crops",
    "Evaluate",
    "EvaluatedName",
    "Filters",
    "GqaSource",
    "Ingest",
    "LabelStudioSource",
    "Lora",
    "Models",
    "NaCells",
    "NeedleSource",
    "ObjectSource",
    "ObjectsSource",
    "Params",
    "PhrasesSource",
    "PromptTokens",
    "Reach",
    "Report",
    "Resized",
    "Rollout",
    "SamplerKind",
    "SamplerSettings",
    "SealSource",
    "Section",
    "SelfPlay",
    "Several",
    "SourceName",
    "Sources",
    "TableColumns",
    "TableSource",
    "Teacher",
    "Train",
    "TrainingSetName",
    "TreeVgrSource",
    "VerlSource",
    "VgrColumns",
    "VgrSource",
    "VisionOpdSource",
    "VisualCotLlavaSource",
    "VisualCotSource",
    "VocSource",
    "VstarSource",
    "WordingName",
    "WorldName",
    "YoloSource",
    "ZwzSource",
    "check_model",
    "decisive",
    "dotted",
    "load_params",
    "parse_params",
    "reach_of",
    "read_yaml",
]


class Params(Section):
    ingest: Ingest = Ingest()
    crops: Crops = Crops()
    models: Models = Models()
    rollout: Rollout = Rollout()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    report: Report = Report()
    selfplay: SelfPlay = SelfPlay()
    compute: Compute = Compute()

    @model_validator(mode="after")
    def _evaluated_benchmarks_have_files(self) -> Params:
        known = (*EMBEDDED[self.ingest.needle.world], *self.ingest.benchmarks)
        if missing := [name for name in self.evaluate.benchmarks if name not in known]:
            raise ValueError(
                f"evaluate.benchmarks: {', '.join(missing)}: ingest.needle.world "
                f"{self.ingest.needle.world} has none of it and ingest.benchmarks names no files of it; "
                f"allowed: {', '.join(known)}"
            )
        return self


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises ConfigError when it is missing or not a mapping."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    try:
        # ruamel reads 3e-06 as a float, as DVC does; PyYAML would make it a string.
        tree = YAML(typ="safe").load(path)
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected sections, found {type(tree).__name__}")
    return tree


def load_params(path: Path) -> Params:
    """Read and check `params.yaml`."""
    return parse_params(read_yaml(path), origin=str(path))


def parse_params(tree: dict[str, Any], *, origin: str = "params") -> Params:
    """Check a parameter tree. Raises ConfigError, which lists every wrong key with what is allowed there."""
    try:
        # JSON mode is strict about numbers ("5" and true are no integers) and still reads paths and lists.
        return Params.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        lines = [explain(problem, Params) for problem in error.errors()]
        raise ConfigError(f"{origin}: " + "; ".join(lines)) from error
