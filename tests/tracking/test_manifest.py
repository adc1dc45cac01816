"""A manifest names the code, the packages and the data of a run."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from lynx.tracking.manifest import git_state, write_manifest
from lynx.tracking.run_dir import RunDir


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_manifest_says_what_a_run_was_made_of(tmp_path: Path) -> None:
    write_manifest(RunDir(tmp_path), command=["lynx", "train"], fingerprints={"gqa": "ab12"})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["command"] == ["lynx", "train"]
    assert manifest["fingerprints"] == {"gqa": "ab12"}
    assert manifest["packages"]["torch"] == version("torch")
    assert {"time", "git", "python", "device"} <= set(manifest)


def test_a_changed_file_makes_the_code_dirty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYNX_ROOT", str(tmp_path))
    assert git_state() == {"commit": None, "dirty": None}
    (tmp_path / "a").write_text("1")
    _git(tmp_path, "init")
    _git(tmp_path, "add", "a")
    _git(tmp_path, "commit", "-m", "a")
    clean = git_state()
    assert len(clean["commit"]) == 40 and clean["dirty"] is False
    (tmp_path / "a").write_text("2")
    assert git_state() == {"commit": clean["commit"], "dirty": True}
