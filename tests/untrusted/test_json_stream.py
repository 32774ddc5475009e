"""Large JSON documents: the items of plain parsing, in bounded memory, whatever stands in them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vzero.errors import SourceError
from vzero.untrusted import json_stream
from vzero.untrusted.json_stream import entries, list_items, parse_json

SLOW = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
PIECES = [*'ab"\\,[]{}:é\n', "NaN", "Infinity", "-"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(-1e12, 1e12) | st.just(math.nan) | st.just(-math.inf)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def without_nan(value: Any) -> Any:
    """What is read of a value: null for what is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return {key: without_nan(item) for key, item in value.items()} if isinstance(value, dict) else value


@SLOW
@given(items=st.lists(VALUES, max_size=6), block=st.integers(1, 40), plain=st.booleans())
def test_items_are_those_of_plain_parsing_wherever_blocks_end(items, block, plain, tmp_path):
    path = tmp_path / "x.json"
    document = {"first": {"items": 1}, "items": items, "last": items}
    path.write_text(json.dumps(document, ensure_ascii=plain))
    with pytest.MonkeyPatch.context() as patch:
        reader = json_stream._Guarded._next_block
        patch.setattr(json_stream._Guarded, "_next_block", lambda self, _: reader(self, block))
        assert list(list_items(path, "items")) == without_nan(items)
        assert dict(entries(path)) == without_nan(document)


def test_a_document_without_the_list_has_no_items(tmp_path):
    (tmp_path / "x.json").write_text('{"items": {"a": 1}}')
    assert list(list_items(tmp_path / "x.json", "items")) == list(list_items(tmp_path / "x.json", "b")) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"items": [1, 2',
        b'{"items": [1]} x',
        b'{"items": ["\xff"]}',
        b'{"items": ' + b"[" * 10**6 + b"]" * 10**6 + b"}",
        b'{"items": ["' + b'[\\",' * 10**5,
    ],
    ids=["empty", "cut", "more", "utf-8", "deep", "open string"],
)
def test_what_is_no_json_is_an_error_that_names_the_file(content: bytes, tmp_path: Path):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.json: not readable JSON"):
        list(list_items(tmp_path / "x.json", "items"))


@pytest.mark.parametrize("number", ["1e999", "-1E+400", "9" * 5000, str(2**63), str(-(2**70)), "-Infinity"])
def test_numbers_that_cannot_be_held_are_null_and_spoil_no_other(number, tmp_path):
    held = [1e300, 2**60, -1.2345678901234567890123, "1e999, 99999999999999999999"]
    (tmp_path / "x.json").write_text(f"[{json.dumps(held)[1:-1]}, {number}, [{number}]]")
    assert list(list_items(tmp_path / "x.json")) == [*held, None, [None]]


@pytest.mark.parametrize(
    ("text", "place"),
    [(b'{"a": 1,, "b": 2}\n', "at character 9"), (b'{"a": 1,\n"b" 2}\n', "at line 2, character 5")],
)
def test_where_json_breaks_is_told_within_the_row(text: bytes, place: str):
    with pytest.raises(ValueError, match=rf"^not JSON: .* {place}$"):
        parse_json(text)


def test_brackets_inside_strings_are_not_counted(tmp_path):
    text = '[{"\\"' * 1000
    (tmp_path / "x.json").write_text(json.dumps({"items": [text, [text]]}))
    assert list(list_items(tmp_path / "x.json", "items")) == [text, [text]]
