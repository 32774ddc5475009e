"""The judge is asked once a prompt, answers offline from its file, and is unresolved without a reply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.judge_endpoint import Endpoint, serving
from vzero.errors import SourceError
from vzero.evaluate.judge import BATCH, Judge, judged_letter, judged_same

CHOICES = {"A": "rubber", "B": "cotton"}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving() as server:
        yield server


def test_a_prompt_is_sent_once_and_answered_from_the_file_ever_after(endpoint: Endpoint, tmp_path: Path):
    file = tmp_path / "judge" / "replies.parquet"
    judge = Judge(file, "judge-1", endpoint.address, api_key="key")
    assert [judge("Which?"), judge("Which?"), judge("And?")] == ["B", "B", "B"]
    assert [asked["messages"][0]["content"] for asked in endpoint.asked] == ["Which?", "And?"]
    assert (endpoint.asked[0]["model"], endpoint.asked[0]["temperature"]) == ("judge-1", 0)
    assert endpoint.keys == ["Bearer key"] * 2

    offline = Judge(file, "judge-1")
    assert [offline("Which?"), offline("And?"), offline("Else?")] == ["B", "B", None]
    assert Judge(file, "judge-2")("Which?") is None
    assert len(endpoint.asked) == 2


def test_a_failure_is_no_reply_and_is_asked_again(endpoint: Endpoint, tmp_path: Path):
    judge = Judge(tmp_path / "replies.parquet", "judge-1", endpoint.address)
    endpoint.says = None
    assert judge("Which?") is None
    endpoint.says = "A"
    assert judge("Which?") == "A"


def test_an_endpoint_that_is_not_there_is_no_reply(tmp_path: Path):
    assert Judge(tmp_path / "replies.parquet", "judge-1", "http://127.0.0.1:9/v1")("Which?") is None


def test_replies_are_kept_as_they_come_and_one_row_a_prompt(endpoint: Endpoint, tmp_path: Path):
    file = tmp_path / "replies.parquet"
    Judge(file, "judge-1", endpoint.address).ask([f"prompt {number % 100}" for number in range(200)])
    assert len(endpoint.asked) == 100
    rows = pl.read_parquet(file)
    assert rows.columns == ["key", "model", "prompt", "reply"]
    assert rows["prompt"].to_list() == [f"prompt {number}" for number in range(100)]
    assert rows["key"].n_unique() == 100
    # A second model's replies go beside the first one's.
    Judge(file, "judge-2", endpoint.address)("prompt 0")
    assert pl.read_parquet(file)["model"].value_counts(sort=True).rows() == [("judge-1", 100), ("judge-2", 1)]


def test_two_that_keep_replies_in_one_file_keep_those_of_both(endpoint: Endpoint, tmp_path: Path):
    file = tmp_path / "replies.parquet"
    one, other = (Judge(file, "judge-1", endpoint.address) for _ in range(2))
    one("asked by one")
    other("asked by the other")
    assert pl.read_parquet(file)["prompt"].to_list() == ["asked by one", "asked by the other"]


def test_a_judge_that_gives_no_reply_to_a_batch_is_asked_no_further(endpoint: Endpoint, tmp_path: Path):
    endpoint.says = None
    Judge(tmp_path / "replies.parquet", "judge-1", endpoint.address).ask(map(str, range(1_000)))
    assert len(endpoint.asked) == BATCH


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "replies.parquet")
    with pytest.raises(SourceError, match="no file of a judge's replies"):
        Judge(tmp_path / "replies.parquet", "judge-1")


@pytest.mark.parametrize(("says", "letter"), [("B", "B"), ("Z", "Z"), ("I cannot tell", None)])
def test_the_judges_letter_is_read_by_rules(
    endpoint: Endpoint, tmp_path: Path, says: str, letter: str | None
):
    endpoint.says = says
    judge = Judge(tmp_path / "replies.parquet", "judge-1", endpoint.address)
    assert judged_letter(judge, "Of what?", CHOICES, "It looks soft").letter == letter
    assert "B. cotton" in endpoint.asked[0]["messages"][0]["content"]


@pytest.mark.parametrize(("says", "hit"), [("Yes", True), ("no.", False), ("Yes and no", None)])
def test_the_judges_verdict_is_yes_or_no_and_nothing_more(
    endpoint: Endpoint, tmp_path: Path, says: str, hit: bool | None
):
    endpoint.says = says
    judge = Judge(tmp_path / "replies.parquet", "judge-1", endpoint.address)
    assert judged_same(judge, "Which colour?", "red", "crimson").hit is hit


def test_without_a_reply_everything_is_unresolved(tmp_path: Path):
    offline = Judge(tmp_path / "replies.parquet", "judge-1")
    assert judged_letter(offline, "Of what?", CHOICES, "soft").letter is None
    assert judged_same(offline, "Which colour?", "red", "crimson").hit is None
