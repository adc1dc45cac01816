"""Finds a real browser for the tests of pages; they are skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

# A test's module that imports this one is skipped with it.
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is missing: pip install -e '.[dev]'"
)
SECONDS = 60.0  # at most; a busy machine is slow
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PATH = next((path for name in _NAMES if (path := shutil.which(name))), None)

needs_browser = pytest.mark.skipif(_PATH is None, reason=f"no browser on PATH: {', '.join(_NAMES)}")


@contextmanager
def running_browser() -> Iterator[Any]:
    """The browser, for the length of a block."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PATH, args=["--no-sandbox"])
        yield browser
        browser.close()
