"""Reading prompt pools: the configuration sees the same ones, and a malformed one is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lynx.config.errors import LynxError
from lynx.config.validate import prompt_pools
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


def test_the_configuration_sees_the_same_pools() -> None:
    assert prompt_pools() == frozenset(load_pools())


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
        ({"singel": "{question}"}, r"must have exactly the keys fields, single, diverse, held_out"),
    ],
)
def test_a_malformed_pool_is_named_with_its_file(
    change: dict[str, object], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pools(tmp_path, monkeypatch, short=GOOD | change)
    with pytest.raises(LynxError, match=r"prompts/mine.yaml: pools.short.*" + complaint):
        load_pools()


def test_two_files_can_not_share_a_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pools(tmp_path, monkeypatch, short=GOOD)
    folder = tmp_path / "data_recipes/prompts"
    (folder / "other.yaml").write_text((folder / "mine.yaml").read_text())
    with pytest.raises(LynxError, match=r"other.yaml: pools.short: another file"):
        load_pools()
