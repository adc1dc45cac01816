"""The recipes and prompt pools that ship: the paper's ratios and examples, rules for wordings."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from lynx.config.files import names_in, read_mapping
from lynx.config.paths import from_root
from lynx.config.prompt_pools import PromptPool, load_pools
from lynx.config.recipe_files import load_recipe
from lynx.config.source_facts import load_sources
from lynx.data.recipe import describe_recipe

RECIPES = ("pretrain", "resolution", "instruct", "pretrain_noisy", "tuxpaint")
BARE = ("instruction", "question")  # Table 13 adds no words of its own
# Sums by type as Table 12's columns give them, in percent.
PRETRAIN_CLASSIFICATION = {
    "places365": 10.921,
    "imagenet1k": 7.887,
    "snli_ve": 3.213,
    "visual7w_multi_choice": 0.849,
    "air_crowd_food": 0.609,
    "nlvr2": 0.518,
    "wikiart": 0.264,
    "har": 0.078,
    "time_classification": 0.072,
    "hateful_memes": 0.026,
}
WEB_PAIRS = ("blip_cap_filt", "cc12m")
NOISY = ("coyo700m", "datacomp1b")


def words(phrasings: Iterable[str]) -> set[str]:
    return {w for text in phrasings for w in re.findall(r"[a-z]+", text_without_slots(text))}


def text_without_slots(phrasing: str) -> str:
    return re.sub(r"\{\w+\}", " ", phrasing).lower()


def pools_with_words() -> list[PromptPool]:
    return [pool for pool in load_pools().values() if pool.name not in BARE]


def test_the_columns_of_table_12_have_its_sizes_and_sums() -> None:
    pretrain, instruct = load_recipe("pretrain").weights, load_recipe("instruct").weights
    assert (len(pretrain), len(instruct)) == (30, 32)
    assert sum(pretrain.values()) == pytest.approx(100)
    assert sum(instruct.values()) == pytest.approx(99.999)  # as printed
    assert {name: pretrain[name] for name in PRETRAIN_CLASSIFICATION} == PRETRAIN_CLASSIFICATION
    assert len(set(pretrain) | set(instruct)) == 50
    text_only = ("flan_v2", "laion_oig_small", "alpaca_gpt4", "unnatural_instruction", "baize")
    assert sum(instruct[name] for name in text_only) == pytest.approx(30)


def test_the_second_stage_has_no_web_pairs_and_reads_more() -> None:
    pretrain, resolution = load_recipe("pretrain").weights, load_recipe("resolution").weights
    assert set(pretrain) - set(resolution) == {*WEB_PAIRS, "cc3m", "sbu"}
    assert set(resolution) - set(pretrain) == {"websrc", "textvqa", "stvqa"}
    assert sum(resolution.values()) == pytest.approx(100)
    assert resolution["ocrvqa"] > 3 * pretrain["ocrvqa"]


def test_the_noisy_mix_differs_in_half_of_the_web_pairs_alone() -> None:
    clean, noisy = load_recipe("pretrain").weights, load_recipe("pretrain_noisy").weights
    same = set(clean) - set(WEB_PAIRS)
    assert {name: noisy[name] for name in same} == {name: clean[name] for name in same}
    half = sum(clean[name] for name in WEB_PAIRS) / 2
    assert sum(noisy[name] for name in WEB_PAIRS) == pytest.approx(half)
    assert sum(noisy[name] for name in NOISY) == pytest.approx(half)
    assert set(noisy) - set(clean) == set(NOISY)


def test_a_source_is_asked_for_alike_in_every_recipe() -> None:
    asked: dict[str, set[str]] = {}
    for recipe in RECIPES:
        for name, source in load_recipe(recipe).sources.items():
            asked.setdefault(name, set()).add(source.prompts)
    assert [name for name, pools in asked.items() if len(pools) > 1] == []


def test_the_catalog_of_the_paper_has_every_source() -> None:
    known = read_mapping(from_root("data_recipes/catalogs/paper.yaml"))["sources"]
    for recipe in ("pretrain", "resolution", "instruct", "pretrain_noisy"):
        assert set(load_recipe(recipe).sources) <= set(known)


def test_no_recipe_and_no_pool_is_left_unused_or_untested() -> None:
    assert set(names_in("data_recipes")) == set(RECIPES)
    used = {s.prompts for name in RECIPES for s in load_recipe(name).sources.values()}
    assert used == set(load_pools())


def test_every_pool_has_many_phrasings_and_others_held_out() -> None:
    for pool in pools_with_words():
        trained = {phrasing.lower() for phrasing in pool.diverse}
        held_out = {phrasing.lower() for phrasing in pool.held_out}
        assert len(trained) == len(pool.diverse) >= 12, pool.name
        assert len(held_out) == len(pool.held_out) >= 4, pool.name
        assert not trained & held_out, pool.name
        assert pool.single == pool.diverse[0], pool.name


def test_held_out_phrasings_use_no_word_that_training_lacks() -> None:
    pools = load_pools().values()
    trained = words(phrasing for pool in pools for phrasing in pool.plain)
    held_out = words(phrasing for pool in pools for phrasing in pool.held_out)
    assert held_out - trained == set()
    assert len(trained) < 260  # the desk's language models know few words


def test_a_pool_that_serves_videos_too_names_neither_images_nor_videos() -> None:
    pools = load_pools()
    assert not words(pools["vqa_short"].diverse + pools["vqa_short"].held_out) & {
        "image",
        "picture",
        "video",
        "clip",
    }


def test_the_description_of_a_recipe_names_sources_shares_and_examples() -> None:
    facts = load_sources()
    sizes = {one.name: one.rows for one in facts.values() if one.rows}
    recipe = load_recipe("pretrain_noisy")
    text = describe_recipe(recipe, num_samples=153_600_000, sizes=sizes, facts=facts)
    cells = [line.split() for line in text.splitlines()]
    rows = {line[0]: line for line in cells if line}
    assert rows["coyo700m"][1:7] == ["8.2475", "8.248", "%", "16495", "12668160", "?"]
    assert rows["vqav2"][-2:] == ["vqa_short", f"({len(load_pools()['vqa_short'].diverse)})"]
    assert rows["cc3m"][6:8] == ["2900000", "5.34"]
    assert rows["sum"][1:3] == ["100", "100.000"]
    assert "parameters: noisy_share = 0.5" in text


@pytest.mark.parametrize(("share", "left_out"), [(0, NOISY), (1, WEB_PAIRS)])
def test_the_ends_of_the_noise_sweep_are_all_clean_and_all_noisy(
    share: int, left_out: tuple[str, ...]
) -> None:
    recipe = load_recipe(f"pretrain_noisy:noisy_share={share}")
    assert set(left_out).isdisjoint(recipe.sources)
    assert sum(recipe.weights.values()) == pytest.approx(100)
