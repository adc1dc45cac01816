"""Reading prompt pools: phrasings have an origin, a malformed pool is named with file and key."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from lynx.config.compose import compose
from lynx.config.errors import LynxError
from lynx.config.prompt_pools import Generated, PromptPool, load_pool, load_pools, pool_path
from lynx.training.backbones.text import prompt_phrases

GOOD = {
    "fields": ["question"],
    "single": "{question} be brief.",
    "plain": ["{question} be brief.", "in short: {question}"],
    "held_out": ["briefly: {question}"],
}

MADE = {"text": "{question} quickly", "model": "m-1", "date": "2024-05-06", "run": "ab12"}


def write_pools(root: Path, monkeypatch: pytest.MonkeyPatch, **pools: object) -> None:
    folder = root / "data_recipes/prompts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump({"pools": pools}))
    monkeypatch.setenv("LYNX_ROOT", str(root))


def test_the_papers_prompt_for_short_answers_is_verbatim() -> None:
    assert load_pool("vqa_short").single == "{question} Give a short answer."


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PromptPool:
    write_pools(
        tmp_path, monkeypatch, short=GOOD | {"rich": ["concisely: {question}"], "generated": [MADE]}
    )
    return load_pool("short")


def test_training_draws_the_papers_first_then_plain_rich_and_generated(pool: PromptPool) -> None:
    plain = ("{question} be brief.", "in short: {question}")
    assert pool.diverse == (*plain, "concisely: {question}", "{question} quickly")
    assert pool.phrasings("diverse") == pool.phrasings("diverse", "all") == pool.diverse
    assert pool.phrasings("diverse", "plain") == pool.plain == plain
    assert pool.phrasings("single", "plain") == pool.phrasings("single") == plain[:1]


def test_a_pool_of_plain_phrasings_has_those_alone(pool: PromptPool) -> None:
    plain = load_pools("plain")["short"]
    assert plain.diverse == pool.plain
    assert (plain.single, plain.held_out) == (pool.single, pool.held_out)


def test_every_phrasing_tells_its_origin(pool: PromptPool) -> None:
    texts = (*pool.diverse, *pool.held_out)
    assert [pool.origin_of(text) for text in texts] == [
        "paper", "plain", "rich", "generated", "held_out",
    ]  # fmt: skip
    assert pool.generated == (Generated(**MADE),)
    with pytest.raises(LynxError, match="'say it' is no phrasing of the prompt pool `short`"):
        pool.origin_of("say it")


def test_a_pool_is_found_in_its_file(pool: PromptPool, tmp_path: Path) -> None:
    assert pool_path("short") == tmp_path / "data_recipes/prompts/mine.yaml"
    with pytest.raises(LynxError, match=r"no prompt pool `shrt`.*nearest is `short`"):
        pool_path("shrt")


def test_the_desk_keeps_to_plain_phrasings_and_the_paper_does_not() -> None:
    assert compose(scale="desk").data.phrasings == "plain"
    assert compose(scale="paper").data.phrasings == "all"


def test_the_texts_of_the_desks_backbones_have_plain_phrasings_alone() -> None:
    # The backbones that ship were trained on these; other texts would make other tokens.
    digest = hashlib.sha256("\n".join(prompt_phrases()).encode()).hexdigest()
    assert digest == "b0993ed482679198a8f1b421b7b1f657fd2abdaf1571e3d4a4a055ed72da4c5b"


def test_an_unknown_pool_names_the_nearest() -> None:
    with pytest.raises(LynxError, match=r"`vqa_shrt`.*nearest is `vqa_short`"):
        load_pool("vqa_shrt")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"plain": ["{question} be brief.", "in short:"]}, r"'in short:' must have.*question"),
        ({"held_out": ["{hypothesis} {question}"]}, r"hypothesis.*must have.*question"),
        ({"plain": ["in short: {question}"]}, r"plain: must contain the phrasing of `single`"),
        ({"singel": "{question}"}, r"unknown key `singel`; nearest is `single`"),
        ({"held_out": 3}, r"\.held_out: must be a list of texts, not 3"),
        ({"held_out": [True]}, r"\.held_out: True is no text; quote it"),
        ({"plain": "{question} be brief."}, r"\.plain: must be a list of texts"),
        ({"rich": "{question}"}, r"\.rich: must be a list of texts"),
        ({"rich": ["shortly"]}, r"'shortly' must have.*question"),
        ({"rich": ["IN SHORT,  {question}"]}, r"'IN SHORT,  .*' is the same as 'in short: "),
        ({"rich": ["Briefly, {question}"]}, r"'Briefly, .*' is the same as 'briefly: "),
        ({"answers": "yes"}, r"\.answers: must be a list of texts"),
        ({"generated": ["{question}"]}, r"\.generated\[0\] must be a mapping of text, model, date"),
        ({"generated": [MADE | {"run": 5}]}, r"\.generated\[0\]\.run: 5 is no text"),
        ({"generated": [MADE | {"mode": "x"}]}, r"unknown key `mode`; nearest is `model`"),
        ({"generated": [MADE, MADE]}, r"is the same as .*; take one out"),
        ({"generated": {}}, r"\.generated: must be a list of mappings"),
        ({"diverse": []}, r"unknown key `diverse`"),
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
