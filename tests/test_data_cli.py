"""The commands about data, as a person types them: from a folder of pictures to verified shards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lynx import cli

Lynx = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lynx(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lynx:
    def run(*arguments: object) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        monkeypatch.setattr(sys, "argv", ["lynx", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(30):
        pixels = rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"thing{number}.png")
        if number != 7:
            (folder / f"thing{number}.txt").write_text(f"A red thing{'s' * (number % 3)}.\n")
    return folder


def test_pictures_become_shards_that_verify_until_a_byte_changes(
    lynx: Lynx, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shards"
    code, said, _ = lynx("data", "build", "tuxpaint_caption", "--from", pictures, "--out", out)
    assert code == 0 and f"{out}: " in said
    assert "skipped: 1 pictures without a .txt beside them" in said
    code, said, _ = lynx("data", "verify", out)
    assert code == 0 and "every byte is as it was written" in said
    tar = next(out.glob("*.tar"))
    content = bytearray(tar.read_bytes())
    content[len(content) // 3] ^= 1
    tar.write_bytes(content)
    code, _, error = lynx("data", "verify", out)
    assert code == 2 and tar.name in error and "sample" in error and "thing" in error


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["tuxpaint_captoin"], "no source `tuxpaint_captoin` in data_recipes/sources/; nearest is"),
        (["tuxpaint_caption", "--option", "plian=true"], "no option `plian`; nearest is `plain`"),
        (["tuxpaint_caption", "--option", "plain"], "--option plain: must be KEY=VALUE"),
        (["cc3m"], "`lynx data import {root} --source cc3m`"),
        (["vqav2"], "{root}: has no"),
    ],
)
def test_a_mistake_in_building_is_one_message(
    lynx: Lynx, pictures: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    out = tmp_path / "shards"
    code, _, error = lynx("data", "build", *arguments, "--from", pictures, "--out", out)
    assert code == 2 and complaint.format(root=pictures) in error
    assert error.startswith("error: ") and not out.exists()


def test_recipes_are_shown_for_a_stage_and_a_scale(lynx: Lynx) -> None:
    _, paper, _ = lynx("recipe", "show", "instruct")
    assert "stage instruct at scale paper" in paper and "100.000 %" in paper
    row = next(line.split() for line in paper.splitlines() if line.startswith("vln_caption"))
    assert row[:8] == ["vln_caption", "5", "5.000", "%", "5000", "480005", "17600", "27.27"]
    _, desk, _ = lynx("recipe", "show", "instruct", "--scale", "desk")
    assert "?" not in desk.split("(n)")[0].split("sources;")[0].replace("size, ?", "")
    code, _, error = lynx("recipe", "show", "instruct", "--stage", "instrct")
    assert code == 2 and "nearest is `instruct`" in error


def test_every_source_is_printed_with_its_licence(lynx: Lynx) -> None:
    _, said, _ = lynx("data", "sources")
    assert "| `vqav2` | VQAv2 | VQA | 443,800 | `vqa_json` |" in said and "CC BY 4.0" in said
