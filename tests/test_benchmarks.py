"""Tests that the benchmark of the data layer runs; its figures mean nothing at this size."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchmarks.data import SECTIONS, main


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The benchmark measures one thread, and other tests take all."""
    number = torch.get_num_threads()
    yield
    torch.set_num_threads(number)


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_runs_and_names_its_targets(
    section: str, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = main([section, "--quick"]).missed
    printed = capsys.readouterr().out
    assert f"\n{section}: " in printed and "(target: " in printed
    assert all(f"MISSED   {text}" in printed for text in missed)
    # What doesn't hang on speed holds at any size.
    assert not [text for text in missed if "broken" in text or "files open" in text]


def test_an_unknown_section_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["everything"])
    assert "no section everything" in capsys.readouterr().err
