"""Training goes the way that it went when the lock was made (`locked_run.py`): no change of the engine may
move it, unless it says so and makes the lock anew."""

from __future__ import annotations

import json

import pytest
from trajectory.locked_run import LOCK, RECIPES, STEPS, machine, make_data, trajectory

from vzero.paths import Paths

LOCKED = json.loads(LOCK.read_text())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return make_data(tmp_path_factory.mktemp("locked"))


def assert_on_track(paths: Paths, recipe: str, steps: int) -> None:
    """Equal to the bit on the lock's machine. Another one sums in another order: losses, and nearly."""
    found, locked = trajectory(paths, recipe, steps), LOCKED["runs"][recipe][:steps]
    if machine() == LOCKED["machine"]:
        assert found == locked
    else:
        losses = [step["loss"] for step in locked[:2]]
        assert [step["loss"] for step in found[:2]] == pytest.approx(losses, rel=1e-3)


@pytest.mark.xdist_group("trajectory")
@pytest.mark.parametrize("recipe", [pytest.param("needle", marks=pytest.mark.long), "paper"])
def test_the_first_steps_are_those_of_the_lock(data: Paths, recipe: str):
    assert_on_track(data, recipe, 2)


@pytest.mark.long
@pytest.mark.skipif(machine() != LOCKED["machine"], reason="another machine than the lock's rounds otherwise")
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("trajectory")
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_step_is_that_of_the_lock(data: Paths, recipe: str):
    assert_on_track(data, recipe, STEPS)
