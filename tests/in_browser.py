"""A page in a real browser, on a laptop and on a phone; the fixture `browser` is in conftest.

Needs a Chromium on the machine. Without one the tests are skipped, unless VZERO_REQUIRE_BROWSER is set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WIDTHS = {"laptop": 1280, "phone": 390}
CHECKS = (Path(__file__).parent / "report/page_checks.js").read_text(encoding="utf-8")


@contextmanager
def started_browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        reason = f"no browser on this machine: none of {', '.join(BROWSERS)} is on the PATH"
        if os.environ.get("VZERO_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield launched
        launched.close()


def opened(browser: Browser, file: Path, width: int) -> tuple[Page, list[str], list[str]]:
    """The page with everything unfolded, what it fetched beside itself, and its script errors."""
    page = browser.new_page(viewport={"width": width, "height": 900}, offline=True)
    fetched: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((folded) => (folded.open = true))")
    beside = [url for url in fetched if url != file.as_uri() and not url.startswith("data:")]
    return page, beside, errors
