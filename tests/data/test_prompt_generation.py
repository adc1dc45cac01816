"""Phrasings from the paper's meta prompt: asked of a real local server, reviewed, taken over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from lynx.config.errors import LynxError
from lynx.config.files import read_mapping
from lynx.config.prompt_pools import load_pool
from lynx.data.prompt_generation import META_PROMPT, generate_prompts, meta_prompt
from lynx.data.prompt_review import accept_review
from tests.chat_server import Server, running_server

PAPER = (
    "Here are some instructions that define a visual-language task. Continue to write 15 "
    "instructions with the same meaning: 1) PROMPT1; 2) PROMPT2; 3) PROMPT3;"
)
POOLS = """\
# by hand
pools:
  short:
    fields: [question]
    single: "{question} Be brief."
    plain:
      - "{question} Be brief."
      - "In short: {question}"
    rich:
      - "Concisely, {question}"
      - "{question} One word will do."
    generated: []  # none yet
    held_out:
      - "{question} Answer in a few words."
  bare:
    fields: []
    single: Look.
    plain: ["Look."]
    held_out: []
"""
REPLY = """\
4) {question} Give your answer in a word.;
5) in short, {question};
6) What is it? Answer: (B) {question};
7) Tell me briefly what you see.;
8) {question} Please answer in a few words!;
9) Reply to “{question}” with a phrase.;
10) 5e96;
"""
FIT = ["{question} Give your answer in a word.", 'Reply to "{question}" with a phrase.']
Generate = Callable[..., Path]


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server(REPLY) as server:
        yield server


@pytest.fixture
def generate(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generate:
    """`generate_prompts` for a repository with the pools above."""
    (tmp_path / "data_recipes/prompts").mkdir(parents=True)
    (tmp_path / "data_recipes/prompts/mine.yaml").write_text(POOLS)
    monkeypatch.setenv("LYNX_ROOT", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    url = f"http://127.0.0.1:{server.server_port}/v1"

    def run(pool: str = "short", **changes: Any) -> Path:
        settings = {"model": "gpt-x", "base_url": url, "out_dir": tmp_path / "out"}
        return generate_prompts(pool, **(settings | changes))

    return run


def pools_text(tmp_path: Path) -> str:
    return (tmp_path / "data_recipes/prompts/mine.yaml").read_text()


def phrasings(review: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(review.read_text())["phrasings"]
    return found


def test_the_papers_meta_prompt_is_sent_word_for_word(generate: Generate, server: Server) -> None:
    generate()
    (request,) = server.requests
    assert META_PROMPT == PAPER
    assert (request["path"], request["model"]) == ("/v1/chat/completions", "gpt-x")
    assert request["key"] == "Bearer secret"
    (message,) = request["messages"]
    head, _, shown = message["content"].partition(" 1) ")
    assert (message["role"], head) == ("user", PAPER.partition(" 1) ")[0])
    first, rest = shown.removesuffix(";").split("; 2) ")
    texts = [first, *rest.split("; 3) ")]
    assert len(set(texts)) == 3 and set(texts) <= set(load_pool("short").hand_written)


def test_what_is_shown_depends_on_seed_and_call_alone(generate: Generate) -> None:
    pool = load_pool("short")
    prompts = {
        (seed, call): meta_prompt(pool, seed=seed, call=call)
        for seed in range(4)
        for call in range(4)
    }
    assert len(set(prompts.values())) > 4
    assert prompts[1, 2] == meta_prompt(pool, seed=1, call=2)


def test_the_review_keeps_what_fits_and_says_why_the_rest_does_not(generate: Generate) -> None:
    review = generate()
    found = phrasings(review)
    assert [one["text"] for one in found if one["keep"]] == FIT
    assert [one.get("reason", "").split(" '")[0] for one in found] == [
        "",
        "is a duplicate of",
        "states an answer",
        "must have {question} exactly once and no other braces",
        "is nearly the held-out",
        "",
        "must have {question} exactly once and no other braces",
    ]
    assert review.read_text().startswith("# Phrasings that a language model wrote")
    assert review.parts[-2:] == ("prompts_review", "short.yaml")
    content = read_mapping(review)  # which takes 5e96 for a number
    names = [content["run"], *content["replies"]]
    assert [name.split("_")[0] for name in names] == ["run", "call"]


def test_a_second_run_asks_nothing_and_needs_no_key(
    generate: Generate, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = generate(calls=2).read_bytes()
    assert len(server.requests) == 2
    monkeypatch.delenv("OPENAI_API_KEY")
    server.shutdown()
    assert generate(calls=2).read_bytes() == first
    assert len(server.requests) == 2
    kept = "".join(file.read_text() for file in (tmp_path / "out").rglob("*.*"))
    assert "secret" not in kept


@pytest.mark.parametrize("change", [{"seed": 1}, {"model": "gpt-y"}, {"calls": 2}])
def test_another_seed_model_or_call_is_asked_anew(
    generate: Generate, server: Server, change: dict[str, Any]
) -> None:
    generate().unlink()
    generate(**change)
    assert len(server.requests) == 2


def test_what_two_calls_have_in_common_is_kept_once(generate: Generate, server: Server) -> None:
    server.replies = [REPLY, "4) {question} give your answer in a WORD\n5) Shortly put: {question}"]
    found = phrasings(generate(calls=2))
    kept = [one["text"] for one in found if one["keep"]]
    assert kept == [*FIT, "Shortly put: {question}"]
    assert found[-2]["reason"] == "is a duplicate of '{question} Give your answer in a word.'"


def test_accepted_phrasings_stand_in_the_pool_and_the_rest_of_the_file_is_untouched(
    generate: Generate, tmp_path: Path
) -> None:
    review = generate()
    review.write_text(review.read_text().replace("keep: true", "keep: false", 1))
    assert accept_review(review) == ("short", 1)
    run, today = yaml.safe_load(review.read_text())["run"], datetime.now(UTC).date().isoformat()
    line = (
        f'      - {{text: "Reply to \\"{{question}}\\" with a phrase.", model: "gpt-x-0613", '
        f'date: "{today}", run: "{run}"}}\n'
    )
    assert pools_text(tmp_path) == POOLS.replace(
        "    generated: []  # none yet\n", "    generated:  # none yet\n" + line
    )
    pool = load_pool("short")
    assert pool.diverse[-1] == FIT[1]
    assert pool.origin_of(FIT[1]) == "generated"
    assert pool.restricted("plain").diverse == pool.plain


def test_a_review_can_not_be_accepted_twice(generate: Generate, tmp_path: Path) -> None:
    review = generate()
    accept_review(review)
    after = pools_text(tmp_path)
    with pytest.raises(LynxError, match=r"short\.yaml: was accepted already: .*mine\.yaml has"):
        accept_review(review)
    assert pools_text(tmp_path) == after


def test_a_phrasing_of_another_pool_is_neither_kept_nor_accepted(
    generate: Generate, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "data_recipes/prompts/mine.yaml"
    other = "  long:\n    fields: [question]\n    single: &s 'At length: {question}'\n"
    path.write_text(f"{POOLS}{other}    plain: [*s]\n    held_out: []\n")
    server.replies = ["4) at length, {question}\n5) Shortly put: {question}"]
    review = generate()
    first, second = phrasings(review)
    assert first["reason"] == "is 'At length: {question}' of the pool `long`"
    assert (first["keep"], second["keep"]) == (False, True)
    review.write_text(review.read_text().replace("keep: false", "keep: true"))
    with pytest.raises(LynxError, match=r"of the pool `long`; set its `keep` to false"):
        accept_review(review)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("Give your answer in", "Put it into", r"stands in no reply of the run.*under `rich`"),
        (
            "{question}\n  keep: false",
            "{question}\n  keep: true",
            r"'in short, .*is a duplicate of.*set its `keep` to false",
        ),
        ("keep: true", "keep: false", r"no phrasing has `keep: true`"),
        ("keep: true", "keep: maybe", r"phrasings\[0\]: must be a mapping with `keep` true or"),
        ("- text: ", "- txt: ", r"phrasings\[0\]: must have its `text`"),
        ("pool: short", "pool: shrt", r"no prompt pool `shrt`.*nearest is `short`"),
        ("run: run_", "run: 5  # run_", r"`run` must be the name that was written there"),
        ("run: ", "ran: ", r"unknown key `ran`; nearest is `run`"),
        ("replies:\n- call_", "replies:\n- call_0", r"no readable reply of a model"),
    ],
)
def test_a_review_that_is_wrong_changes_nothing(
    generate: Generate, tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    review = generate()
    text = review.read_text()
    assert old in text
    review.write_text(text.replace(old, new))
    with pytest.raises(LynxError, match=complaint):
        accept_review(review)
    assert pools_text(tmp_path) == POOLS


def test_a_review_that_a_person_edited_is_not_overwritten(generate: Generate) -> None:
    review = generate()
    edited = review.read_text().replace("keep: true", "keep: false", 1)
    review.write_text(edited)
    with pytest.raises(LynxError, match=r"short\.yaml: this review is of another run, or a person"):
        generate()
    assert review.read_text() == edited


def test_a_reply_without_a_list_is_shown(generate: Generate, server: Server) -> None:
    server.replies = ["I am sorry, but no."]
    with pytest.raises(LynxError, match=r"no reply has a numbered list; .*'I am sorry, but no\.'"):
        generate()


@pytest.mark.parametrize(
    ("pool", "changes", "complaint"),
    [
        ("shrt", {}, r"no prompt pool `shrt`.*nearest is `short`"),
        ("bare", {}, r"`bare` has 1 hand-written phrasing.*the meta prompt shows 3"),
        ("short", {"calls": 0}, r"--calls: 0 is not at least 1"),
    ],
)
def test_what_can_not_be_asked_is_told_before_any_request(
    generate: Generate, server: Server, pool: str, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LynxError, match=complaint):
        generate(pool, **changes)
    assert server.requests == []


def test_a_run_that_a_server_broke_off_keeps_what_it_paid_for(
    generate: Generate, server: Server, tmp_path: Path
) -> None:
    server.replies = [REPLY, None, REPLY]
    with pytest.raises(LynxError, match="sent an empty reply"):
        generate(calls=2)
    assert len(list(tmp_path.rglob("call_*.json"))) == 1
    generate(calls=2)
    assert len(server.requests) == 3
