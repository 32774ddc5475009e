"""Two iterations from images to a Solver: what each stage leaves, and what it must not open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from two_iterations import BASE, SELFPLAY, play, scripted, settings

from vzero.errors import ConfigError
from vzero.models.hashing import folder_hash
from vzero.paths import Paths
from vzero.shards import read
from vzero.stages import solver
from vzero.tables import Photographs, Questions, Rollouts, SolverSet, Stems, TrainLog, Votes

# The two iterations are played in one process.
pytestmark = pytest.mark.xdist_group("selfplay")


def summary(paths: Paths, stage: str, iteration: str) -> dict:
    return json.loads((paths.selfplay(stage, iteration) / "summary.json").read_text())


def test_images_are_all_that_there_is(played: Paths):
    assert not (played.root / "data/ingest").exists() and not (played.root / "data/crops").exists()
    images = read(played.photographs_of("drawn"), Photographs)
    assert images.height == 12 and set(images["split"]) == {"train", "dev"}


@pytest.mark.parametrize("iteration", ["1", "2"])
def test_a_question_an_image_is_followed_to_its_label(played: Paths, iteration: str):
    images = read(played.photographs_of("drawn"), Photographs).filter(split="train")
    questions = read(played.selfplay("questions", iteration) / "questions", Questions)
    assert set(questions["image_id"]) == set(images["image_id"])
    written = questions.filter(status="ok")
    assert 0 < written.height < questions.height
    votes = read(played.selfplay("votes", iteration) / "votes", Votes)
    assert votes.group_by("question_id").len()["len"].to_list() == [3] * written.height
    labelled = read(played.selfplay("solver", iteration) / "solver_set", SolverSet)
    assert labelled["question_id"].to_list() == sorted(written["question_id"])
    by_votes = dict(votes.filter(voter="permuted").select("question_id", "majority").iter_rows())
    for row in labelled.filter("kept").iter_rows(named=True):
        assert row["options"]["ABCD".index(row["label"])] == by_votes[row["question_id"]]
    rollouts = read(played.selfplay("solver", iteration) / "rollouts", Rollouts)
    assert set(rollouts["sample_id"]) <= set(labelled.filter("kept")["question_id"])


def test_roles_learn_and_hand_over(played: Paths):
    hashes = {
        (role, iteration): folder_hash(played.selfplay(role, iteration) / "model")
        for role in ("questioner", "solver")
        for iteration in ("1", "2")
    }
    assert len(set(hashes.values())) == 4
    questions = read(played.selfplay("questions", "2") / "questions", Questions)
    assert set(questions["model_hash"]) == {hashes["questioner", "2"]}
    votes = read(played.selfplay("votes", "2") / "votes", Votes)
    assert set(votes["model_hash"]) == {hashes["solver", "1"]}


def test_the_log_tells_of_questions_and_of_the_reference(played: Paths):
    log = read(played.selfplay("questioner", "1") / "train_log", TrainLog)
    assert log["votes"].to_list() == [9 * each for each in log["votes"] // 9]
    assert log.select(pl.col("malformed", "reference_kl", "clipped", "alike").is_null().any()).row(0) == (
        (False,) * 4
    )
    logs = [log, read(played.selfplay("solver", "1") / "train_log", TrainLog)]
    assert [each["labels"].sum() for each in logs] == [0, 0], "votes are nobody's labels"


def test_too_little_to_learn_from_hands_the_last_model_on_and_says_so(played: Paths, tmp_path: Path):
    shutil.copytree(played.root / "data", tmp_path / "data")
    paths, nothing = Paths(tmp_path), settings(keep={"by_chance": 1e-9})
    said = solver.run(nothing, paths, "1")
    assert said["stopped"].startswith("0 questions are worth learning, fewer than a step's 2")
    assert folder_hash(paths.selfplay("solver", "1") / "model") == folder_hash(Path(BASE))
    labelled = read(paths.selfplay("solver", "1") / "solver_set", SolverSet)
    assert set(labelled["reason"]) == {"no_lead"}
    play(nothing, paths, ["2"])
    assert all(paths.selfplay_timings(role, "2").is_dir() for role in ("questioner", "solver"))
    for stage in ("questioner", "questions", "votes", "solver"):
        assert summary(paths, stage, "2")["stopped"] == said["stopped"]
    handed_on = folder_hash(paths.selfplay("questioner", "2") / "model")
    assert handed_on == folder_hash(paths.selfplay("questioner", "1") / "model")


def test_another_choice_of_questions_is_learnt_anew(played: Paths, tmp_path: Path):
    """Not found finished: the same questions and votes, and other labels to learn from."""
    shutil.copytree(played.root, tmp_path / "project")
    paths = Paths(tmp_path / "project")
    solver.run(settings(keep=SELFPLAY["keep"] | {"most": 0.99}), paths, "1")
    known = {path.parent.name for path in (paths.scratch / "solver-1").glob("*/finished")}
    assert len(known) == 2


def test_the_same_command_again_takes_no_step(played: Paths, capsys: pytest.CaptureFixture[str]):
    before = folder_hash(played.selfplay("solver", "2") / "model")
    solver.run(settings(), played, "2")
    assert "continuing from step-000002" in capsys.readouterr().out
    assert folder_hash(played.selfplay("solver", "2") / "model") == before


def test_labels_of_a_window_are_learnt_from_the_whole_image(played: Paths, tmp_path: Path):
    shutil.copytree(played.photographs, tmp_path / "data/selfplay/photographs")
    paths = Paths(tmp_path)
    region = settings(
        keep=SELFPLAY["keep"] | {"label": "region"},
        windows={"side": 64, "grid": 16},
        questioner=SELFPLAY["questioner"] | {"steps": 1},
        solver=SELFPLAY["solver"] | {"steps": 1},
    )
    with scripted():
        play(region, paths, ["1"])
    questions = read(paths.selfplay("questions", "1") / "questions", Questions)
    assert all(left % 16 == top % 16 == 0 for left, top, *_ in questions["window"])
    votes = read(paths.selfplay("votes", "1") / "votes", Votes)
    by_window = dict(votes.filter(voter="region").select("question_id", "majority").iter_rows())
    labelled = read(paths.selfplay("solver", "1") / "solver_set", SolverSet)
    for row in labelled.filter("kept").iter_rows(named=True):
        assert row["options"]["ABCD".index(row["label"])] == by_window[row["question_id"]]
    rollouts = read(paths.selfplay("solver", "1") / "rollouts", Rollouts)
    assert {view for views in rollouts["logprobs"] for view in {each["view"] for each in views}} == {"full"}


@pytest.mark.parametrize(("reference", "moved"), [("start", False), ("base", True)])
def test_later_iterations_are_held_to_their_start_or_to_the_base(
    played: Paths, tmp_path: Path, reference: str, moved: bool
):
    """Before the first update a Solver is its start, which an iteration before has moved from the base."""
    shutil.copytree(played.root / "data", tmp_path / "data")
    paths = Paths(tmp_path)
    solver.run(settings(solver=SELFPLAY["solver"] | {"steps": 1, "kl_to": reference}), paths, "2")
    [divergence] = read(paths.selfplay("solver", "2") / "train_log", TrainLog)["reference_kl"]
    assert (divergence > 1e-6) == moved


def test_what_has_been_asked_is_handed_on(played: Paths):
    stems = [read(played.selfplay("solver", iteration) / "stems", Stems) for iteration in ("1", "2")]
    labelled = read(played.selfplay("solver", "2") / "solver_set", SolverSet)
    assert stems[1].height == stems[0].height + labelled.height > labelled.height


def test_an_iteration_that_there_is_not_is_an_error(played: Paths):
    with pytest.raises(ConfigError, match="allowed: 1, 2, got '3'"):
        solver.run(settings(), played, "3")
