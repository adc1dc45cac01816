"""A printed report goes to W&B."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.reporting.wandb_report import log_report
from lynx.tracking.run_dir import RunDir
from tests.fabricated import clear_wandb
from tests.tiny import tiny_config


def test_the_report_and_the_diff_become_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear_wandb(monkeypatch)
    run_dir = RunDir(tmp_path / "desk/low_resolution/seed0")
    run_dir.path.mkdir(parents=True)
    run_dir.diff_path.write_text("stages.instruct.image_size: 112 -> 56\n")
    log_report(run_dir, tiny_config(tmp_path), name="table 5", text="Ours < others")
    pages = [path.read_text() for path in run_dir.wandb_dir.rglob("*.html")]
    assert any("<pre>Ours &lt; others</pre>" in page for page in pages)
    assert any("image_size: 112 -&gt; 56" in page for page in pages)
