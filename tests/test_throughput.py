"""Tests that the benchmark of training steps runs; its figures mean nothing at this size."""

from __future__ import annotations

import re

import pytest

from benchmarks.throughput import DIVIDED, main


def test_packed_and_padded_steps_are_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.throughput.DIVIDED", (*DIVIDED, "num_hidden_layers"))
    size = ["--device", "cpu", "--steps", "1", "--width-divisor", "128", "--samples", "2"]
    report = main([*size, "--stage", "pretrain"])
    printed = capsys.readouterr().out
    assert not report.missed  # a target is for the scale itself
    assert "NOT the scale paper: widths divided by 128" in printed
    useful = {
        rows: int(share)
        for rows, share in re.findall(r"(packed|padded): .* (\d+) % of positions useful", printed)
    }
    assert useful["packed"] > useful["padded"]
    rates = re.findall(r"([\d.]+) samples/s, (\d+) tokens/s .* ([\d.]+) GiB", printed)
    assert len(rates) == 2 and all(float(number) > 0 for row in rates for number in row)
