"""What cells may hold, case by case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vzero.untrusted.boxes import parse_boxes
from vzero.untrusted.cells import parse_answer, parse_options, parse_question, single_image, split_options
from vzero.untrusted.cleaning import clean
from vzero.untrusted.rejects import RejectCode, Rejected

ONE = [(1.0, 2.0, 3.0, 4.5)]


@pytest.mark.parametrize(
    "cell",
    [
        [1, 2, 3, 4.5],
        (1, 2, 3, 4.5),
        [[1, 2, 3, 4.5]],
        {"bbox": [1, 2, 3, 4.5]},
        [{"bbox": [1, 2, 3, 4.5], "name": "cup"}],
        "[1, 2, 3, 4.5]",
        "[[1, 2, 3, 4.5]]",
        "(1, 2, 3, 4.5)",
        "1, 2, 3, 4.5",
        '{"bbox": [1, 2, 3, 4.5]}',
        "[{'bbox': (1, 2, 3, 4.5)}]",
    ],
)
def test_one_box_in_every_notation(cell):
    assert parse_boxes(cell) == ONE


def test_all_boxes_are_kept_in_order():
    cell = "[{'bbox': [1, 2, 3, 4.5]}, {'bbox': [5, 6, 7, 8]}]"
    assert parse_boxes(cell) == [*ONE, (5.0, 6.0, 7.0, 8.0)]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["bbox", "box", "A", "B"]), inner),
)


@given(json_like)
def test_whatever_a_cell_holds_the_worst_is_a_reject(cell):
    for parse in (parse_boxes, parse_options, parse_question, single_image, lambda c: parse_answer(c, [])):
        try:
            parse(cell)
        except Rejected as rejected:
            assert rejected.code in RejectCode and rejected.detail


@pytest.mark.parametrize(
    "cell", [["K", "M"], {"A": "K", "B": "M"}, '["K", "M"]', "['K', 'M']", '{"A": "K", "B": "M"}']
)
def test_options_in_every_notation(cell):
    assert parse_options(cell) == ["K", "M"]


@pytest.mark.parametrize("cell", [None, float("nan"), "", "  ", [], "[]"])
def test_no_options_means_an_open_question(cell):
    assert parse_options(cell) == []


def test_numbers_among_the_options_become_text():
    assert parse_options([1, 2.5]) == ["1", "2.5"]


@pytest.mark.parametrize(
    ("cell", "letter"),
    [("B", "B"), ("b", "B"), ("(B)", "B"), ("B.", "B"), ("red", "A"), ("A", "A"), (None, None), ("", None)],
)
def test_answers_name_an_option_by_letter_or_text(cell, letter):
    assert parse_answer(cell, ["red", "A"]) == letter, "a letter is a letter even when an option reads so"


def test_open_answers_stay_as_they_are():
    assert parse_answer(" 12 m ", []) == "12 m"
    assert parse_answer(12, []) == "12"


@pytest.mark.parametrize("text", ["<image>\n What is it? ", "What is it?\n<image>"])
def test_the_image_marker_is_no_part_of_the_question(text):
    assert parse_question(text) == "What is it?"


def test_more_image_markers_than_the_one_image_are_refused():
    for read in (
        lambda: parse_question("<image>What is it?<image>"),
        lambda: parse_question("Is <image> it?"),
        lambda: parse_options(["this", "that <image>"]),
    ):
        with pytest.raises(Rejected, match="image_marker"):
            read()


@pytest.mark.parametrize("style", ["{}. {}", "({}) {}", "{}) {}", "  {}: {}  "])
def test_option_lines_are_split_off(style):
    lines = [
        style.format(letter, text) for letter, text in zip("ABC", ["red", "dark blue", "3.5"], strict=True)
    ]
    text = "\n".join(["Which colour?", "Options:", *lines])
    assert split_options(text) == ("Which colour?", ["red", "dark blue", "3.5"])


def test_blank_lines_are_no_part_of_a_question():
    # As ZwZ writes its problems (data_synthesis/create_vqa.py).
    text = "Which?\n\nOptions:\n\nA. red\n\nB. blue\n\nAnswer with the option letter."
    question, options = split_options(text)
    assert options == ["red", "blue"]
    assert clean(question, options)[0] == "Which?"


def test_text_after_the_options_stays_in_the_question():
    text = "Which?\nA. red\nB. blue\nLook closely."
    assert split_options(text) == ("Which?\nLook closely.", ["red", "blue"])


@pytest.mark.parametrize(
    "text",
    ["Which?", "Which?\nA. red", "Which?\nB. red\nC. blue", "Which?\nA. red\nthen\nB. blue", "A red\nB blue"],
)
def test_text_without_a_clean_run_of_options_is_left_open(text):
    assert split_options(text) == (text, [])


@pytest.mark.parametrize("cell", ["a.png", ["a.png"], {"path": "a.png", "bytes": None}, [{"path": "a.png"}]])
def test_an_image_is_named_in_every_notation(cell):
    assert single_image(cell) == "a.png"


def test_embedded_bytes_come_before_the_path():
    assert single_image({"bytes": b"png", "path": "a.png"}) == b"png"
