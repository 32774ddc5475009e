"""The method that docs/extending.md writes from scratch: its two files are all that it takes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_project import SETTINGS

from vzero.config import parse_params
from vzero.errors import ConfigError
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import train
from vzero.tables import Rollouts, TrainLog

PAGE = Path(__file__).parents[2] / "docs/extending.md"
MOST_LINES = 60


def written_files() -> dict[Path, str]:
    """The page's files of a method by their path."""
    text, found = PAGE.read_text(), {}
    for part in text.split("```python file=")[1:]:
        path, _, rest = part.partition("\n")
        found[Path(path)] = rest.partition("```")[0]
    return found


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The method's name, with its files where the package finds its own."""
    for path, text in written_files().items():
        own = tmp_path / "own" / path
        own.parent.mkdir(parents=True)
        own.write_text(text)
        package = importlib.import_module(".".join(path.parent.parts))
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(own.parent)])
    name = path.stem
    yield name
    for module in [module for module in sys.modules if module.endswith(f".methods.{name}")]:
        del sys.modules[module]


def trained(project: Paths, student: Path, **changed) -> tuple[Rollouts, TrainLog]:
    tree = SETTINGS | {
        "models": {"student": str(student), "teacher": "nowhere"},
        "train": SETTINGS["train"] | {"steps": 1} | changed,
    }
    train.run(parse_params(tree), project)
    return read(project.rollouts, Rollouts), read(project.train_log, TrainLog)


def test_it_is_short():
    files = written_files()
    assert len(files) == 2
    assert sum(len(text.splitlines()) for text in files.values()) < MOST_LINES


def test_it_learns_what_siblings_agree_on(project: Paths, documented: str, letter_model):
    """A model that always says B agrees with itself: every answer counts and weighs 1."""
    settings = {"recipe": None, "method": {"kind": documented}}
    rollouts, log = trained(project, letter_model("B"), **settings)
    assert rollouts.select("weight", "counted").unique().rows() == [(1.0, True)]
    assert log["uncounted"].to_list() == [0]
    assert log["loss"][0] > 0.0


def test_answers_that_nobody_can_read_enter_no_loss_and_no_statistic(project: Paths, documented: str):
    student = project.root / "student"
    rollouts, log = trained(project, student, recipe=None, method={"kind": documented, "least_share": 1.0})
    assert rollouts["counted"].any() is False
    row = log.row(0, named=True)
    assert (row["loss"], row["grad_norm"], row["uncounted"]) == (0.0, 0.0, rollouts.height)
    assert row["entropy"] is row["response_tokens"] is row["weight_mean"] is None


def test_its_settings_are_checked_like_any_others(documented: str):
    with pytest.raises(ConfigError, match=r"'train\.method\.leastshare': did you mean 'least_share'"):
        parse_params({"train": {"recipe": None, "method": {"kind": documented, "leastshare": 0.5}}})


def test_without_its_files_it_is_not_there():
    with pytest.raises(
        ConfigError, match=r"train\.method\.kind.*: allowed: gated, grpo, sft, got 'majority'"
    ):
        parse_params({"train": {"recipe": None, "method": {"kind": "majority"}}})
