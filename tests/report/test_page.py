"""The page, read as a browser would: what it says, what it shows, and what it must not do."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from example_run import write_example

from vzero.stages import report

pytestmark = pytest.mark.usefixtures("charts_drawn_once")


class Reader(HTMLParser):
    """Collects text, headings, attributes and images."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.open = "", []
        self.headings: list[tuple[str, str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self.open):
            return
        self.text += f" {data}"
        if {"h1", "h2", "h3"} & set(self.open):
            tag, text = self.headings[-1]
            self.headings[-1] = (tag, text + data)

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(root: Path, **switches: Any) -> Reader:
    params, paths = write_example(root, **switches)
    report.run(params, paths)
    return Reader(paths.report_page.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return page(tmp_path_factory.mktemp("run"))


def test_the_sections_come_in_the_order_a_reader_needs(whole: Reader) -> None:
    assert [text for tag, text in whole.headings if tag == "h2"] == [
        "Result",
        "Beside published numbers",
        "How answers were read",
        "What was run",
        "Learning curves",
        "How the gate behaves",
        "Gallery",
    ]


def test_title_and_notice_say_that_the_world_is_synthetic(whole: Reader) -> None:
    assert "embedded synthetic world “needle”" in whole.headings[0][1]
    assert "no number of theirs is a score on V*, HR-Bench, ZoomBench or MMStar" in whole.text


def test_the_headline_numbers_are_there(tmp_path: Path) -> None:
    params, paths = write_example(tmp_path)
    metrics = report.run(params, paths)
    read = Reader(paths.report_page.read_text(encoding="utf-8"))
    assert f"{metrics['trained_regions_accuracy']:.1%}" in read.text
    delta = f"{metrics['trained_regions_delta']:+.1f}".replace("-", "−")
    assert f"{delta} points over needle-search, needle-cyclic, needle-zoom" in read.text


def test_what_was_run_is_told(whole: Reader) -> None:
    for fact in ("gate.alpha 0.5", "box_outside 2", "exact 5", "rollouts in all 96", "train samples 8"):
        assert fact in whole.text


def test_nothing_is_fetched_and_no_script_runs(whole: Reader) -> None:
    for _, attributes in whole.tags:
        for name in ("src", "href", "xlink:href", "data", "action", "srcset"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
    assert not whole.all("script") and not whole.all("link")


def test_every_picture_decodes_and_has_a_text(whole: Reader) -> None:
    pictures = whole.all("img")
    assert len(pictures) == 4 * 3  # gallery of four: image, positive and negative view
    for picture in pictures:
        kind, _, data = picture["src"].partition(";base64,")
        assert kind in ("data:image/png", "data:image/jpeg")
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR_BGR)
        assert pixels is not None
        assert picture["alt"]


def test_boxes_are_drawn_in_the_pixels_of_the_image(whole: Reader) -> None:
    evidence = [box for box in whole.all("rect") if box.get("class") == "evidence"]
    assert len(evidence) == 4
    assert {(box["x"], box["y"], box["width"], box["height"]) for box in evidence} == {
        ("40.0", "20.0", "16.0", "16.0")
    }


def test_questions_are_text_and_not_markup(whole: Reader) -> None:
    assert "Which sign is on the small <cyan> square?" in whole.text
    assert not whole.all("cyan")


def test_right_and_wrong_answers_are_marked(whole: Reader) -> None:
    marks = {attributes["title"] for attributes in whole.all("span") if "title" in attributes}
    assert marks == {"right", "wrong"}
    assert "the right one weighs more (chance: 50%)" in whole.text


def test_a_gate_that_params_leave_to_the_recipe_is_not_said_to_be_off(tmp_path: Path) -> None:
    read = page(tmp_path, params={"train": {"method": {"gate": {"enabled": None}}}})
    assert "The gate was off" not in read.text


DEGENERATE: dict[str, tuple[dict[str, Any], str]] = {
    "gate off": ({"gate": False}, "The gate was off"),
    "no negatives": ({"negatives": False}, "No sample has a negative view"),
    "open questions": ({"open_questions": True}, "Right and wrong cannot be told"),
    "no answers": ({"answers": False}, "Right and wrong cannot be told"),
    "two benchmarks": (
        {"params": {"evaluate": {"benchmarks": ["search", "coarse"]}}},
        "Not evaluated: needle-cyclic, needle-zoom.",
    ),
    "coarse alone": (
        {"params": {"evaluate": {"benchmarks": ["coarse"]}}},
        "Not evaluated: needle-search, needle-cyclic, needle-zoom.",
    ),
    "no base": ({"params": {"evaluate": {"frozen": ["teacher"]}}}, "Not evaluated: the base student."),
    "trained alone": (
        {"params": {"evaluate": {"frozen": []}}},
        "Not evaluated: the base student and the teacher with the right crop.",
    ),
    "one step": ({"steps": 1}, "The trained student is"),
    "other source": ({"params": {"ingest": {"source": "zwz"}}}, "Evidence-gated distillation on zwz"),
}


USUAL = ("one step", "no base", "gate off", "no answers")
"""Of the cases; the others are among the long tests."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=() if case in USUAL else pytest.mark.long) for case in DEGENERATE],
)
def test_a_page_that_lacks_something_says_so(case: str, tmp_path: Path) -> None:
    switches, sentence = DEGENERATE[case]
    read = page(tmp_path, **switches)
    assert sentence in read.text
    assert len([tag for tag, _ in read.headings if tag == "h2"]) == 7


PUBLISHED = ("vstar", "hrbench_4k", "zoombench", "mmstar")


def published(root: Path, *benchmarks: str, **evaluate: Any) -> Reader:
    files = {name: f"data/raw/{name}.tsv" for name in benchmarks if name in PUBLISHED}
    settings = {"benchmarks": list(benchmarks), **evaluate}
    return page(root, params={"evaluate": settings, "ingest": {"benchmarks": files}})


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    settings = {"temperature": 0.7, "seeds": [0, 1]}
    return published(tmp_path_factory.mktemp("mixed"), *PUBLISHED, "search", "coarse", **settings)


def test_benchmarks_stand_in_the_order_of_the_params(mixed: Reader) -> None:
    table = mixed.text.partition("teacher − base, points")[2]
    names = ["V*", "HR-Bench 4K", "ZoomBench", "MMStar", "needle-search", "needle regions, mean"]
    places = [table.index(f" {name} ") for name in (*names, "needle-coarse")]
    assert places == sorted(places)
    assert "published benchmark of 191 items; mean of all items" in table


def test_published_and_drawn_benchmarks_are_told_apart(mixed: Reader) -> None:
    assert "tested on 4 published benchmarks" in mixed.headings[0][1]
    assert "the benchmarks named needle are drawn by the program" in mixed.text
    assert "V*, HR-Bench 4K, ZoomBench, MMStar: read from published files" in mixed.text


def test_seeds_and_what_differs_between_them_are_shown(mixed: Reader, whole: Reader) -> None:
    assert "2 seeds, deviation" in mixed.text
    assert "deviation 0.0" not in whole.text and "seeds, deviation" not in whole.text


def test_our_rows_stand_beside_the_published_ones(mixed: Reader) -> None:
    part = mixed.text.partition("Beside published numbers")[2].partition("How answers were read")[0]
    assert "n 24 of 191" in part and "n 24 of 1,500" in part
    assert "V-Zero-4B 89.0 87.8 82.6 57.8 69.8 74.4 76.9 arXiv 2606.25319, table 1 run by the authors" in part
    assert "not evaluated in this run" in part, "HR-8K and MME-RW were not"
    assert "needle" not in part
    assert len(mixed.all("details")) == 1, "only the categories are folded"


def test_a_run_of_drawn_benchmarks_alone_keeps_the_table_folded_and_says_how_to_fill_it(
    whole: Reader,
) -> None:
    part = whole.text.partition("Beside published numbers")[2].partition("How answers were read")[0]
    assert "None of the paper’s benchmarks was evaluated in this run" in part
    for step in ("vzero fetch vstar", "ingest.benchmarks", "evaluate.benchmarks"):
        assert step in part
    assert part.count("not evaluated in this run") == 3 * 6
    assert len(whole.all("details")) == 2
    assert "needle" not in part


def test_other_numbers_of_the_same_answers(mixed: Reader) -> None:
    part = mixed.text.partition("Other numbers of the same answers")[2].partition("By category")[0]
    for number in ("HR-Bench 4K right in every option order", "MMStar mean over sub-categories"):
        assert number in part


def test_published_benchmarks_alone(tmp_path: Path) -> None:
    read = published(tmp_path, "vstar", "mmstar")
    for sentence in ("tested on V*, MMStar", "Training samples are drawn by the program"):
        assert sentence in read.text
    assert "The trained student is" in read.text.partition("Result")[2].partition("benchmark")[0]
    assert "Not evaluated: needle" not in read.text
    assert "needle regions" not in read.text
