"""The page in a real browser, on a laptop and on a phone: nothing broken, nothing cut off, nothing fetched.

Needs a Chromium on the machine. Without one the tests are skipped, unless VZERO_REQUIRE_BROWSER is set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from example_run import picture, write_example
from experiment_rows import EXPERIMENT, audits, curves, runs
from playwright.sync_api import Browser

from tests.in_browser import CHECKS, WIDTHS, opened
from vzero.config import parse_params
from vzero.experiments import page as experiment_page
from vzero.experiments.settings import Goal
from vzero.stages import quality, report

# What is made once for the module is made in one process.
pytestmark = pytest.mark.xdist_group("browser")

PUBLISHED = ("vstar", "hrbench_4k", "hrbench_8k", "zoombench", "mme_realworld", "mmstar", "cv_bench_2d")
RUNS: dict[str, dict[str, Any]] = {
    "embedded benchmarks": {},
    "published benchmarks, two seeds": {
        "params": {
            "ingest": {"benchmarks": {name: f"data/raw/{name}" for name in PUBLISHED}},
            "evaluate": {"benchmarks": [*PUBLISHED, "search"], "temperature": 0.7, "seeds": [0, 1]},
        }
    },
    "hardly anything": {"negatives": False, "steps": 1, "params": {"evaluate": {"frozen": []}}},
}


@pytest.fixture(scope="module", params=RUNS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run."""
    params, paths = write_example(tmp_path_factory.mktemp("run"), **RUNS[request.param])
    report.run(params, paths)
    return paths.report_page


@pytest.mark.parametrize("device", WIDTHS)
def test_the_page_is_whole_and_fetches_nothing(browser: Browser, written: Path, device: str) -> None:
    page, fetched, errors = opened(browser, written, WIDTHS[device])
    assert page.locator("h2").count() == 7
    assert page.locator(".chart svg:visible").count() > 5
    assert page.locator("img").count() == 12 or page.locator(".frame.empty").count() > 0
    assert page.evaluate(CHECKS) == []
    assert (fetched, errors) == ([], [])
    page.close()


@pytest.mark.parametrize("device", WIDTHS)
def test_what_is_folded_is_out_of_the_way(browser: Browser, written: Path, device: str) -> None:
    page = browser.new_page(viewport={"width": WIDTHS[device], "height": 900}, offline=True)
    page.goto(written.as_uri())
    page_is_wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(page_is_wider)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.locator("details[open] table:visible").count() == page.locator("details").count()
    page.close()


@pytest.mark.parametrize("device", WIDTHS)
def test_the_page_of_an_experiment_is_whole(browser: Browser, device: str, tmp_path: Path) -> None:
    params = parse_params({"evaluate": {"benchmarks": EXPERIMENT.benchmarks}})
    goal = Goal(accuracy=0.45, baseline="slow", on="search")
    file = tmp_path / "one.html"
    experiment = EXPERIMENT.model_copy(update={"goal": goal})
    text = experiment_page.render("one", experiment, params, runs(), curves(), audits())
    file.write_text(text, encoding="utf-8")
    page, fetched, errors = opened(browser, file, WIDTHS[device])
    assert page.locator("h2").all_inner_texts() == [
        "Claims",
        "After 2 steps",
        "Labels that are right",
        "Curves",
        "Until 45.0% on needle-search",
        "What a cell cost",
    ]
    assert page.locator(".chart svg:visible").count() == 6
    assert page.evaluate(CHECKS) == []
    assert (fetched, errors) == ([], [])
    page.close()


@pytest.fixture(scope="module")
def data_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data page of three sources, with a very tall image, a very wide one, and rejects with a picture."""
    root = tmp_path_factory.mktemp("data")
    several = {"order": ["gqa", "table", "visual_cot_llava"], "table": {"images": "images"}}
    params = {"ingest": {"source": "several", "several": several}}
    checked, paths = write_example(root, params=params)
    (root / "images").mkdir()
    (root / "images/a.png").write_bytes(picture(0))
    ids = pl.concat(map(pl.read_parquet, paths.samples.glob("*.parquet"))).sort("sample_id")["image_id"]
    sources = {name: checked.ingest.sources[index % 3] for index, name in enumerate(ids)}
    shapes = {ids[0]: (64, 900), ids[1]: (1800, 64)}
    for shard in [*paths.samples.glob("*.parquet"), *paths.images.glob("*.parquet")]:
        frame = pl.read_parquet(shard)
        changed = frame.with_columns(source=frame["image_id"].replace_strict(sources))
        if "bytes" in frame.columns:
            rows = [
                row | dict(zip(("width", "height"), shape, strict=True)) | {"bytes": picture(0, *shape)}
                if (shape := shapes.get(row["image_id"]))
                else row
                for row in changed.iter_rows(named=True)
            ]
            changed = pl.DataFrame(rows, schema=changed.schema)
        changed.write_parquet(shard)
    for shard in paths.rejects.glob("*.parquet"):
        pl.read_parquet(shard).with_columns(
            source=pl.lit("table"), detail=pl.lit("https://example.org/" + "a" * 200)
        ).write_parquet(shard)
    quality.run(checked, paths)
    return paths.quality_page


@pytest.mark.parametrize("device", WIDTHS)
def test_the_data_page_is_whole_and_fetches_nothing(browser: Browser, data_page: Path, device: str) -> None:
    page, fetched, errors = opened(browser, data_page, WIDTHS[device])
    sources = [f"{name}: boxes and rejects" for name in ("gqa", "table", "visual_cot_llava")]
    figures = ["From rows to samples", "Rows and images", "Evidence", "Questions"]
    assert page.locator("h2").all_inner_texts() == [*figures, *sources]
    links = page.locator("nav a").evaluate_all("links => links.map(link => link.hash)")
    assert [page.locator(link).inner_text() for link in links] == [*figures, *sources]
    assert page.locator(".chart svg:visible").count() > 5
    assert page.locator("details img:visible").count() == 2, "an image once a reason"
    heights = page.locator(".frame").evaluate_all("frames => frames.map(frame => frame.clientHeight)")
    assert max(heights) < 400
    assert page.evaluate(CHECKS) == []
    assert (fetched, errors) == ([], [])
    page.close()


SVG = (
    '<svg width="{width}" viewBox="0 0 100 50"><text x="{x}" y="20" font-size="{size}">accuracy</text></svg>'
)
BROKEN = {
    "wide": ('<div style="width: 3000px">x</div>', "the page is"),
    "hidden heading": ('<h2 style="display: none">Result</h2>', "heading out of sight: Result"),
    "heading beside the screen": ('<h2 style="margin-left: -5000px; width: 9px">R</h2>', "heading out"),
    "broken image": ('<img alt="a" src="data:image/png;base64,AAAA">', "broken image: a"),
    "no chart": ('<figure>f<div class="chart"></div></figure>', "0 charts in sight, not 1: f"),
    "small text": (SVG.format(width=100, x=10, size=8), "text of 8.0 pixels in a chart: accuracy"),
    "shrunk text": (SVG.format(width=50, x=10, size=12), "text of 6.0 pixels in a chart: accuracy"),
    "cut text": (SVG.format(width=100, x=320, size=10), "text cut off in a chart: accuracy"),
    "missing cell": ("<table><tr><th>a<th>b<tr><td>1</table>", "rows of 2 and 1 cells in a table"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_the_checks_see_what_is_broken(browser: Browser, case: str) -> None:
    body, complaint = BROKEN[case]
    if body.startswith("<svg"):
        body = f'<figure><div class="chart">{body}</div></figure>'
    page = browser.new_page(viewport={"width": 390, "height": 900}, offline=True)
    page.set_content(f"<!doctype html><title>t</title>{body}")
    complaints = page.evaluate(CHECKS)
    assert complaints and all(said.startswith(complaint) for said in complaints)
    page.close()


def test_scripts_and_requests_are_noticed(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><title>t</title><img src='http://127.0.0.1:9/a.png'><script>x()</script>")
    page, fetched, errors = opened(browser, file, 390)
    assert fetched == ["http://127.0.0.1:9/a.png"]
    assert any("x is not defined" in error for error in errors)
    page.close()
