"""Reading prompt pools: a malformed one is named with its file and key."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lynx.config.errors import LynxError
from lynx.data.prompts import load_pool, load_pools

GOOD = {
    "fields": ["question"],
    "single": "{question} be brief.",
    "diverse": ["{question} be brief.", "in short: {question}"],
    "held_out": ["briefly: {question}"],
}


def write_pools(root: Path, monkeypatch: pytest.MonkeyPatch, **pools: object) -> None:
    folder = root / "data_recipes/prompts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump({"pools": pools}))
    monkeypatch.setenv("LYNX_ROOT", str(root))


def test_the_papers_prompt_for_short_answers_is_verbatim() -> None:
    assert load_pool("vqa_short").single == "{question} Give a short answer."


def test_an_unknown_pool_names_the_nearest() -> None:
    with pytest.raises(LynxError, match=r"`vqa_shrt`.*nearest is `vqa_short`"):
        load_pool("vqa_shrt")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"diverse": ["{question} be brief.", "in short:"]}, r"'in short:' must have.*question"),
        ({"held_out": ["{hypothesis} {question}"]}, r"hypothesis.*must have.*question"),
        ({"diverse": ["in short: {question}"]}, r"diverse: must contain the phrasing of `single`"),
        ({"singel": "{question}"}, r"unknown key `singel`; nearest is `single`"),
        ({"held_out": 3}, r"\.held_out: must be a list of texts, not 3"),
        ({"held_out": [True]}, r"\.held_out: True is no text; quote it"),
        ({"diverse": "{question} be brief."}, r"\.diverse: must be a list of texts"),
        ({"fields": "question"}, r"\.fields: must be a list of texts"),
        ({"single": 5}, r"\.single: 5 is no text"),
    ],
)
def test_a_malformed_pool_is_named_with_its_file(
    change: dict[str, object], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pools(tmp_path, monkeypatch, short=GOOD | change)
    with pytest.raises(LynxError, match=r"prompts/mine.yaml: pools.short.*" + complaint):
        load_pools()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pools: 5", r"`pools` must map names of pools to phrasings, not 5"),
        ("pools: {short: 5}", r"pools\.short must be a mapping of fields, .*not 5"),
        ("pols: {}", r"unknown key `pols`; nearest is `pools`"),
        ("", r"`pools` is missing"),
    ],
)
def test_a_file_without_pools_is_named(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pools(tmp_path, monkeypatch)
    (tmp_path / "data_recipes/prompts/mine.yaml").write_text(text + "\n")
    with pytest.raises(LynxError, match=r"data_recipes/prompts/mine\.yaml: " + complaint):
        load_pools()


def test_two_files_can_not_share_a_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pools(tmp_path, monkeypatch, short=GOOD)
    folder = tmp_path / "data_recipes/prompts"
    (folder / "other.yaml").write_text((folder / "mine.yaml").read_text())
    with pytest.raises(LynxError, match=r"other.yaml: pools.short: another file"):
        load_pools()
