"""Tests that an answer depends on its own prompt, pictures and seed alone."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from lynx.config.paths import from_root
from lynx.model.build import build_model
from lynx.model.generation import GumbelNoise
from lynx.model.lynx import LynxModel
from tests.tiny import Document, document, tiny_config

END = 2
ROWS: dict[str, dict[str, Any]] = {
    "greedy": {"num_beams": 1, "top_k": 1, "length_penalty": 1.0, "do_sample": False},
    "beam": {"num_beams": 3, "top_k": 1, "length_penalty": -2.0, "do_sample": False},
    "sampled": {"num_beams": 1, "top_k": 5, "length_penalty": 1.0, "do_sample": True},
    "beam sampled": {"num_beams": 3, "top_k": 5, "length_penalty": 1.0, "do_sample": True},
}


def settings(name: str) -> dict[str, Any]:
    return {"max_new_tokens": 8, "top_p": 0.9, "no_repeat_ngram_size": 3, **ROWS[name]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LynxModel:
    config = tiny_config(tmp_path_factory.mktemp("backbones"), {"model.adapter.every_n_layers": 1})
    return build_model(config, seed=0).eval()


def ask(
    model: LynxModel, items: list[Document], row: dict[str, Any], seeds: list[int]
) -> list[list[int]]:
    frames = [item.frames for item in items if item.frames is not None]
    return model.generate(
        pixel_values=torch.cat(frames) if frames else None,
        num_frames=torch.tensor([len(f) for f in frames]) if frames else None,
        prompts=[item.prompt for item in items],
        has_vision=[item.frames is not None for item in items],
        settings=row,
        seeds=seeds,
    )


def questions() -> list[Document]:
    return [document(n, num_frames=f) for n, f in enumerate([1, 0, 3, 1, 0, 5])]


@pytest.mark.parametrize("name", list(ROWS))
def test_batch_size_and_neighbours_do_not_matter(model: LynxModel, name: str) -> None:
    items, row, seeds = questions(), settings(name), list(range(6))
    together = ask(model, items, row, seeds)
    alone = [ask(model, [item], row, [seed])[0] for item, seed in zip(items, seeds, strict=True)]
    turned = ask(model, items[::-1], row, seeds[::-1])[::-1]
    assert together == alone == turned
    assert len({tuple(answer) for answer in together}) > 1  # the comparison is not of constants


@pytest.mark.parametrize("name", ["sampled", "beam sampled"])
def test_sampled_answers_follow_the_seed(model: LynxModel, name: str) -> None:
    item, row = document(1, num_frames=1), settings(name)
    answers = [ask(model, [item], row, [seed])[0] for seed in (1, 1, 2, 3, 4, 5)]
    assert answers[0] == answers[1]
    assert len({tuple(answer) for answer in answers}) > 1


def test_sampling_leaves_the_global_random_state_alone(model: LynxModel) -> None:
    before = torch.get_rng_state()
    for name in ("sampled", "beam sampled"):
        ask(model, [document(1, num_frames=1)], settings(name), [7])
    assert torch.equal(before, torch.get_rng_state())


def test_greedy_answers_are_the_forward_passs_choices(model: LynxModel) -> None:
    """The cached, left-padded path and the training path are the same function."""
    items = questions()
    answers = ask(model, items, settings("greedy") | {"no_repeat_ngram_size": 0}, [0] * 6)
    for item, answer in zip(items, answers, strict=True):
        embed = model.language_model.get_input_embeddings()
        row = embed(torch.tensor([*item.prompt, *answer]))
        if item.frames is not None:
            vision = model.encode_vision(item.frames, torch.tensor([len(item.frames)]))[0]
            row = torch.cat([vision, row])
        logits = model.language_model(inputs_embeds=row[None]).logits[0, -len(answer) - 1 : -1]
        logits[0, END] = -torch.inf  # an answer has at least one token
        assert logits.argmax(dim=-1).tolist() == answer


def test_gumbel_noise_samples_from_the_softmax() -> None:
    logits = torch.tensor([[0.1, 0.2, 0.7]]).log()
    noise = GumbelNoise([3], logits.device)
    ids = torch.zeros(1, 0, dtype=torch.long)
    drawn = torch.stack([noise(ids, logits).argmax() for _ in range(4000)])
    shares = torch.bincount(drawn, minlength=3) / len(drawn)
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.2, 0.7]), atol=0.03, rtol=0)


def test_the_rows_are_those_of_table_9() -> None:
    """Columns: max_new_tokens, num_beams, top_p, top_k, length_penalty, n-gram, do_sample."""
    short, long = (64, 5, 1.0, 1, -2.0, 2, False), (256, 3, 0.9, 3, 1.0, 3, True)
    description = (128, 1, 0.9, 3, 1.0, 3, True)
    table = {
        "image_description": short,
        "open_vqa_image": short,
        "video_description": description,
        "open_vqa_video": (128, 3, 1.0, 1, -1.0, 3, False),
        "owleval_description": description,
        "owleval": long,
        "visit_bench_description": description,
        "visit_bench": long,
        "mme": short,
        "demo": long,
    }
    assert {name: tuple(row.values()) for name, row in PAPER_ROWS.items()} == table


TABLE_9 = OmegaConf.to_container(OmegaConf.load(from_root("experiments/lynx.yaml")))
PAPER_ROWS: dict[str, dict[str, Any]] = TABLE_9["evaluation"]["generation"]  # type: ignore[call-overload, index]


@pytest.mark.parametrize("name", list(PAPER_ROWS))
def test_every_setting_of_table_9_reaches_the_decoder(
    model: LynxModel, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    calls: list[dict[str, Any]] = []

    def generate(**options: Any) -> torch.Tensor:
        calls.append(options)
        return torch.full((len(options["inputs_embeds"]), 1), END)

    monkeypatch.setattr(model.language_model, "generate", generate)
    row = PAPER_ROWS[name]
    ask(model, questions(), row, list(range(6)))
    (got,) = calls
    for key in ("max_new_tokens", "num_beams", "no_repeat_ngram_size"):
        assert got[key] == row[key]
    if row["num_beams"] > 1:
        assert got["length_penalty"] == row["length_penalty"]
    assert got["do_sample"] == (row["do_sample"] and row["num_beams"] > 1)
    assert _top_k_and_p(got) == ((row["top_k"], row["top_p"]) if row["do_sample"] else None)


def _top_k_and_p(options: dict[str, Any]) -> tuple[int, float] | None:
    """As the sampler gets them: by name, or in the processors before the noise."""
    if options["do_sample"]:
        return options["top_k"], options["top_p"]
    if "logits_processor" not in options:
        return None
    top_k, top_p, noise = options["logits_processor"]
    assert isinstance(noise, GumbelNoise)
    return top_k.top_k, top_p.top_p


@pytest.mark.parametrize("name", list(ROWS))
def test_an_answer_ends_at_the_greatest_length(model: LynxModel, name: str) -> None:
    long, short = (
        ask(model, questions(), settings(name) | {"max_new_tokens": number}, [0] * 6)
        for number in (8, 3)
    )
    assert max(map(len, long)) == 8
    assert max(map(len, short)) == 3


@pytest.mark.parametrize("name", list(ROWS))
def test_no_pair_of_tokens_is_repeated_where_that_is_forbidden(model: LynxModel, name: str) -> None:
    def repeats(size: int) -> int:
        row = settings(name) | {"no_repeat_ngram_size": size, "max_new_tokens": 24, "top_k": 2}
        answers = ask(model, questions(), row, [0] * 6)
        pairs = [list(itertools.pairwise(answer)) for answer in answers]
        return sum(len(found) - len(set(found)) for found in pairs)

    assert repeats(0) > 0
    assert repeats(2) == 0


@pytest.mark.parametrize("change", [{"top_k": 1, "top_p": 1.0}, {"top_k": 0, "top_p": 1e-6}])
def test_sampling_from_the_likeliest_token_alone_is_greedy(
    model: LynxModel, change: dict[str, Any]
) -> None:
    sampled = ask(model, questions(), settings("sampled") | change, list(range(6)))
    assert sampled == ask(model, questions(), settings("greedy"), [0] * 6)


def test_more_beams_and_another_length_penalty_give_other_answers(model: LynxModel) -> None:
    row = settings("beam") | {"num_beams": 8, "max_new_tokens": 24, "no_repeat_ngram_size": 0}
    changes = ({}, {"num_beams": 1}, {"length_penalty": 4.0})
    one, alone, long = (ask(model, questions(), row | change, [0] * 6) for change in changes)
    assert one != alone
    assert sum(map(len, long)) > sum(map(len, one))


@pytest.mark.parametrize("name", list(ROWS))
@pytest.mark.parametrize("setting", ["temperature", "repetition_penalty", "length_penalty"])
def test_the_checkpoints_own_generation_settings_do_not_count(
    model: LynxModel, monkeypatch: pytest.MonkeyPatch, name: str, setting: str
) -> None:
    expected = ask(model, questions(), settings(name), list(range(6)))
    monkeypatch.setattr(model.language_model.generation_config, setting, 9.0)
    assert ask(model, questions(), settings(name), list(range(6))) == expected
