"""Puts the tests that take longest first, as one worker would wait for the other at the end."""

from __future__ import annotations

import pytest

_LONG = ("training", "launch")  # folders whose tests start processes that train


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first, else in the old order."""
    items.sort(key=lambda item: not item.path.parent.name.startswith(_LONG))
