"""The audit looks truths up afterwards: which votes and labels are right, and what people are shown of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from example_run import prediction_rows, score_rows
from playwright.sync_api import Browser
from two_iterations import settings

from tests.in_browser import CHECKS, WIDTHS, opened
from vzero.commands import audit as auditing
from vzero.errors import ProjectError
from vzero.experiments.audits import audit_table, cell_audits
from vzero.experiments.tables import IN_WINDOW
from vzero.needle.scenes import Scene, SceneObject
from vzero.paths import Paths
from vzero.selfplay.audit import audit
from vzero.selfplay.gathering import drawn as drawn_of
from vzero.selfplay.played import Played
from vzero.selfplay.signs import conflict_sign, view_conflict
from vzero.selfplay.truths import Truth, drawn_scenes, truths
from vzero.shards import frame_of, read, shard_path, write_table
from vzero.tables import (
    Audit,
    Photographs,
    Predictions,
    Questions,
    Scores,
    SolverSet,
    TrainLog,
    Votes,
)

# The two iterations are played in one process.
pytestmark = [pytest.mark.xdist_group("selfplay"), pytest.mark.usefixtures("charts_drawn_once")]
SCENE = Scene(
    112,
    "grey",
    (
        SceneObject("red", "circle", "L", x=24, y=24, radius=12),
        SceneObject("blue", "square", "T", x=88, y=88, radius=12),
    ),
)


def asked(*rows: tuple[str, str, list[str], list[int] | None]) -> pl.DataFrame:
    """Questions about one image: id, stem, options, window."""
    named = [
        {
            "question_id": name,
            "image_id": "scene",
            "window": window,
            "description": "",
            "question": stem,
            "options": options,
            "fast": "A",
            "status": "ok",
            "text": "",
            "finish_reason": "stop",
            "prompt_hash": "",
            "model_hash": "",
        }
        for name, stem, options, window in rows
    ]
    return frame_of(named, Questions)


def test_truth_is_of_the_whole_image_and_only_where_the_words_are_known():
    found = truths(
        asked(
            ("offered", "What letter is on the red circle?", ["H", "L", "S", "T"], None),
            ("not offered", "What letter is on the red circle?", ["H", "M", "S", "T"], None),
            ("not there", "What letter is on the green circle?", ["H", "L", "S", "T"], None),
            ("other words", "Which sign does the circle have?", ["H", "L", "S", "T"], None),
            ("inside", "What letter is on the red circle?", ["H", "L", "S", "T"], [0, 0, 64, 64]),
            ("outside", "What letter is on the red circle?", ["H", "L", "S", "T"], [48, 48, 112, 112]),
            ("names nothing", "How many objects are there?", ["1", "2", "3", "4"], [0, 0, 64, 64]),
        ),
        {"scene": SCENE},
    )
    assert found == {
        "offered": Truth("L", None),
        "not offered": Truth(None, None),
        "not there": Truth(None, None),
        "inside": Truth("L", True),
        "outside": Truth("L", False),
        "names nothing": Truth("2", None),
    }
    assert truths(asked(("offered", "What letter is on the red circle?", [], None)), {}) == {}


def vote(question_id: str, voter: str, majority: str | None, confidence: float) -> dict:
    return {
        "question_id": question_id,
        "voter": voter,
        "letters": ["A"],
        "replies": ["A"],
        "counts": [],
        "unread": 0,
        "majority": majority,
        "confidence": confidence,
        "tie": False,
        "prompt_hash": "",
        "model_hash": "",
    }


def learnt(question_id: str, label: str | None, confidence: float, *, kept: bool) -> dict:
    return {
        "question_id": question_id,
        "image_id": "scene",
        "question": "",
        "options": ["H", "L", "S", "T"],
        "label": label,
        "confidence": confidence,
        "weight": 1.0,
        "kept": kept,
        "reason": "kept" if kept else "no_lead",
    }


def test_shares_of_right_votes_and_of_kept_labels_by_confidence():
    options = ["H", "L", "S", "T"]
    one = Played(
        "1",
        asked(*((name, "", options, None) for name in "abcde")),
        frame_of(
            [
                vote("a", "slow", "L", 0.75),
                vote("b", "slow", "H", 0.75),
                vote("c", "slow", "B", 0.75),  # the letter in a box: L
                vote("d", "slow", None, 0.25),
                vote("e", "slow", "L", 0.75),  # nothing is known of it
                vote("a", "fast", "S", 1.0),
            ],
            Votes,
        ),
        frame_of(
            [
                learnt("a", "B", 0.75, kept=True),
                learnt("b", "A", 0.75, kept=True),
                learnt("c", "B", 0.75, kept=False),
                learnt("e", "B", 0.75, kept=True),
            ],
            SolverSet,
        ),
        {"questioner": TrainLog.create_empty(), "solver": TrainLog.create_empty()},
        {"questioner": None, "solver": None},
    )
    found = Audit.validate(audit(one, {name: Truth("L", None) for name in "abcd"}), cast=True)
    rows = {(row["voter"], row["confidence"]): row for row in found.iter_rows(named=True)}
    assert {key: (row["n"], row["right"]) for key, row in rows.items()} == {
        ("slow", 0.25): (1, 0),
        ("slow", 0.75): (3, 2),
        ("fast", 1.0): (1, 0),
        ("label", 0.75): (2, 1),
    }
    half = rows["label", 0.75]  # Wilson's interval of 1 of 2
    assert (half["share"], half["low"], half["high"]) == pytest.approx((0.5, 0.0945, 0.9055), abs=1e-4)


def test_scenes_are_found_again_by_their_images(drawn: Path):
    images = read(Paths(drawn).photographs_of("drawn"), Photographs)
    scenes = drawn_scenes(settings().selfplay.photographs.values())
    assert set(scenes) == set(images["image_id"])
    assert list(scenes.values()) == [scene for scene, _ in drawn_of(12)]


@pytest.fixture(scope="module")
def audited(played: Paths) -> Paths:
    auditing.run(settings(), played)
    return played


def test_the_page_says_what_it_was_made_of_and_shows_every_reason(audited: Paths):
    page = audited.audit_page.read_text()
    assert "2 iterations, repaired mode" in page
    assert "no number of theirs is a score on V*" in page
    assert "A vote cannot correct what all answers get wrong." in page
    assert "Published, not reproduced" in page
    assert "Base and Solvers have not been asked the same benchmark" in page
    for iteration in ("1", "2"):
        labelled = read(audited.selfplay("solver", iteration) / "solver_set", SolverSet)
        for reason in set(labelled["reason"]):
            assert f'<th scope="row">{reason.replace("_", " ")}</th>' in page
    assert page.count('class="card sample"') == 2 * min(12, labelled.height)


@pytest.mark.parametrize("device", WIDTHS)
def test_the_page_is_whole_on_every_width(browser: Browser, audited: Paths, device: str):
    page, fetched, errors = opened(browser, audited.audit_page, WIDTHS[device])
    assert page.locator("h2").all_inner_texts() == [
        "What the Solvers can do",
        "Which labels are right",
        "What became of what was written",
        "How the roles learnt",
        "Questions",
        "Published, not reproduced",
    ]
    assert page.locator(".chart svg:visible").count() > 10
    assert page.evaluate(CHECKS) == []
    assert (fetched, errors) == ([], [])
    page.close()


def test_the_table_counts_each_question_once_a_voter(audited: Paths):
    table = read(audited.audit, Audit)
    for iteration in ("1", "2"):
        votes = read(audited.selfplay("votes", iteration) / "votes", Votes)
        counts = dict(table.filter(iteration=iteration).group_by("voter").agg(pl.col("n").sum()).iter_rows())
        kept = read(audited.selfplay("solver", iteration) / "solver_set", SolverSet)["kept"].sum()
        assert counts.pop("label") == kept
        assert counts == dict(votes.group_by("voter").len().iter_rows())


def test_solvers_are_compared_with_the_base_on_what_all_have_answered(played: Paths, tmp_path: Path):
    shutil.copytree(played.root / "data/selfplay", tmp_path / "data/selfplay")
    paths = Paths(tmp_path)
    for model, right in (("base", 10), ("solver-2", 16)):
        for benchmark in ("search", *(["zoom"] if model == "base" else [])):
            hits = [item < right for item in range(24)]
            predictions = pl.DataFrame(prediction_rows(model, benchmark, "full", hits))
            scores = pl.DataFrame(score_rows(model, benchmark, "full", hits))
            write_table(shard_path(paths.predictions(model, benchmark), 0), predictions, Predictions)
            write_table(shard_path(paths.scores(model, benchmark), 0), scores, Scores)
    params = settings(evaluated=["solver-2"])
    auditing.run(params, paths)
    page = paths.audit_page.read_text()
    assert '<th scope="row">solver-2</th>' in page and "+25.0 points" in page
    assert "needle-search" in page and "needle-zoom" not in page


def test_of_photographs_nothing_is_known_and_the_page_says_so(played: Paths, tmp_path: Path):
    shutil.copytree(played.root / "data/selfplay", tmp_path / "data/selfplay")
    paths = Paths(tmp_path)
    said = auditing.run(settings(photographs={"drawn": {"kind": "folder"}}), paths)
    assert (said["labels"], said["right"]) == (0, 0)
    assert read(paths.audit, Audit).is_empty()
    page = paths.audit_page.read_text()
    assert "none known" in page and "No option is right" not in page


def test_no_stage_before_it_can_be_audited(tmp_path: Path):
    with pytest.raises(ProjectError, match="no iteration of self-play has run"):
        auditing.run(settings(), Paths(tmp_path))


def test_views_in_conflict_are_a_sign():
    def votes(differing: int) -> pl.DataFrame:
        rows = [vote(str(number), "permuted", "H", 1.0) for number in range(10)]
        rows += [vote(str(number), "region", "L" if number < differing else "H", 1.0) for number in range(10)]
        return frame_of(rows, Votes)

    assert view_conflict(votes(3)) == pytest.approx(0.3)
    assert conflict_sign(votes(6)) is None
    assert conflict_sign(votes(7)) == "votes on the window and on the whole image differ on 70% of questions"
    assert view_conflict(votes(3).filter(voter="permuted")) is None


def test_a_cell_of_an_experiment_stores_the_same_counts_beside_what_windows_held(audited: Paths):
    found = audit_table(cell_audits(settings().selfplay, audited), "arm", 3)
    assert found.select("arm", "seed").unique().rows() == [("arm", 3)]
    of_answers = found.filter(pl.col("voter") != IN_WINDOW).drop("arm", "seed")
    expected = read(audited.audit, Audit).select(of_answers.columns)
    assert (
        of_answers.cast(expected.schema)
        .sort(expected.columns[:3])
        .equals(expected.sort(expected.columns[:3]))
    )
    scenes = drawn_scenes(settings().selfplay.photographs.values())
    for iteration in ("1", "2"):
        questions = read(audited.selfplay("questions", iteration) / "questions", Questions)
        told = [
            truth.in_window for truth in truths(questions, scenes).values() if truth.in_window is not None
        ]
        rows = found.filter(voter=IN_WINDOW, iteration=iteration).select("n", "right").rows()
        assert rows == ([(len(told), sum(told))] if told else [])
