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
    assert code == 0 and "every byte of the shards and indices is as it was written" in said
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
    rows = [line for line in desk.splitlines() if "%" in line]
    assert len(rows) == 33 and not any("?" in row for row in rows)
    code, _, error = lynx("recipe", "show", "instruct", "--stage", "instrct")
    assert code == 2 and "nearest is `instruct`" in error


def test_every_source_is_printed_with_its_licence(lynx: Lynx) -> None:
    _, said, _ = lynx("data", "sources")
    assert "| `vqav2` | VQAv2 | VQA | 443,800 | `vqa_json` |" in said and "CC BY 4.0" in said


def test_an_option_of_a_wrong_type_is_one_message(
    lynx: Lynx, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "shards"
    arguments = ("tuxpaint_caption", "--from", pictures, "--out", out, "--option", "plain=maybe")
    code, _, error = lynx("data", "build", *arguments)
    assert code == 2 and not out.exists()
    assert "the option `plain` is 'maybe'; it must be true or false" in " ".join(error.split())


def write_mine(root: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> Path:
    """A repository whose recipe `mine` and catalog `mine` have a person's own shards."""
    for folder in ("data_recipes/prompts", "data_recipes/sources", "experiments"):
        (root / folder).parent.mkdir(exist_ok=True)
        (root / folder).symlink_to(Path(folder).resolve())
    mine = f"description: My own.\npaper: {{}}\nsources: {{tuxpaint_caption: {entry}}}\n"
    (root / "data_recipes/mine.yaml").write_text(mine)
    for recipe in ("pretrain", "resolution", "instruct"):
        name = f"data_recipes/{recipe}.yaml"
        (root / name).symlink_to(Path(name).resolve())
    (root / "data_recipes/catalogs").mkdir()
    catalog = root / "data_recipes/catalogs/mine.yaml"
    catalog.write_text(f"sources: {{tuxpaint_caption: {root / 'shards'}}}\n")
    monkeypatch.setenv("LYNX_ROOT", str(root))
    return root / "shards"


def test_a_recipe_of_ones_own_is_shown_with_the_rows_of_ones_own_catalog(
    lynx: Lynx, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = write_mine(tmp_path, monkeypatch, "{repeat: 8}")
    show = ("recipe", "show", "mine", "stages.pretrain.steps=7")
    code, said, _ = lynx(*show)
    row = next(line.split() for line in said.splitlines() if line.startswith("tuxpaint_caption"))
    assert code == 0 and row[1:8] == ["x", "8", "?", "?", "?", "?", "?"]
    assert "depends on the rows of tuxpaint_caption" in said and "at scale desk, 7 steps" in said
    assert lynx("data", "build", "tuxpaint_caption", "--from", pictures, "--out", out)[0] == 0
    for catalog in ("mine", tmp_path / "data_recipes/catalogs/mine.yaml"):
        code, said, _ = lynx(*show, "--catalog", catalog)
        row = next(line.split() for line in said.splitlines() if line.startswith("tuxpaint_cap"))
        assert code == 0 and row[3:5] == ["100.000", "%"] and row[6:9] == ["224", "28", "8.00"]
        assert "of 1 sources from the shards of catalog" in said
    code, _, error = lynx(*show, "--catalog", "mien")
    assert code == 2 and "no catalog `mien`" in error and "nearest is `mine`" in error
    code, _, error = lynx(*show, "data.catalog=mine")
    assert code == 2 and "here it is the option `--catalog mine`" in error


def test_a_list_of_exclusions_that_is_not_there_is_named_when_a_recipe_is_shown(
    lynx: Lynx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mine(tmp_path, monkeypatch, "{weight: 2, exclude: out.jsonl}")
    code, _, error = lynx("recipe", "show", "mine")
    assert code == 2 and "out.jsonl: no exclusions here" in error
    (tmp_path / "out.jsonl").write_text("")
    code, _, error = lynx("recipe", "show", "mine")
    assert code == 2 and "out.jsonl: has no rows of the source `tuxpaint_caption`" in error


def test_recipes_are_listed_and_empty_parameters_leave_no_colon(lynx: Lynx) -> None:
    _, said, _ = lynx("recipe", "list")
    names = {line.split()[0]: line for line in said.splitlines()}
    assert {"pretrain", "instruct", "pretrain_noisy", "tuxpaint"} <= set(names)
    assert "Captions and names of the photographs" in names["tuxpaint"]
    _, said, _ = lynx("recipe", "show", "pretrain_noisy:")
    assert said.startswith("pretrain_noisy: Stage one")


def test_ones_own_catalog_is_compared_with_ones_own_benchmark(
    lynx: Lynx, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = write_mine(tmp_path, monkeypatch, "{weight: 1}")
    assert lynx("data", "build", "tuxpaint_caption", "--from", pictures, "--out", out)[0] == 0
    asked, listed = pictures / "asked.jsonl", tmp_path / "listed.jsonl"
    asked.write_text('{"image": "thing3.png"}\n{"image": "gone.png"}\n')
    check = ("data", "check-overlap", "mine", "--catalog", "mine", "--benchmark", asked)
    code, said, _ = lynx(*check, "--exclude", listed)
    assert code == 0 and "warning: 1 of 2 could NOT be compared" in said and "gone.png" in said
    assert "is thing3.png (same look, 0 bits apart)" in said and "leaves out 1 rows" in said
    asked.write_text('{"image": "gone.png"}\n')
    code, _, error = lynx(*check)
    assert code == 2 and "none of the benchmark's 1 pictures can be compared" in error
    code, _, error = lynx(*check, "--alias", "visual_genome")
    assert code == 2 and "--alias visual_genome: is not NAME=FILE" in error


def test_noise_is_left_out_by_named_rules_alone_and_overwrites_no_other_file(
    lynx: Lynx, pictures: Path, tmp_path: Path
) -> None:
    out, listed = tmp_path / "shards", tmp_path / "listed.jsonl"
    assert lynx("data", "build", "tuxpaint_caption", "--from", pictures, "--out", out)[0] == 0
    noise = ("data", "noise", out, "--exclude", listed)
    code, _, error = lynx(*noise)
    assert code == 2 and "--rule NAME" in error and "duplicate" in error and not listed.exists()
    for _ in range(2):  # a list may be made again
        code, said, _ = lynx(*noise, "--rule", "duplicate")
        assert code == 0 and "leaves out 25 of 28 rows" in said
    listed.write_text("my notes\n")
    code, _, error = lynx(*noise, "--rule", "duplicate")
    assert code == 2 and "no list of exclusions, and is not overwritten" in error
    assert listed.read_text() == "my notes\n"


def test_shards_are_not_built_at_a_url(
    lynx: Lynx, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYNX_DATA", "s3://bucket/shards")
    code, _, error = lynx("data", "build", "tuxpaint_caption", "--from", pictures)
    assert code == 2 and "LYNX_DATA is s3://bucket/shards" in error and "--out" in error
