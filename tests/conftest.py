"""Deals the tests out to workers: a file's tests stay together, and what takes longest begins."""

from __future__ import annotations

import pytest

# Folders whose tests start processes that train; begun last, one worker would wait for the other.
_LONG = ("training", "launch")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's fixtures are made once, and those of the trained strategies once for all files."""
    for item in items:
        is_of_strategies = "strategies" in getattr(item, "fixturenames", ())
        group = "strategies" if is_of_strategies else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not item.path.parent.name.startswith(_LONG))
