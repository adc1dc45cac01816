"""Recipes on top of recipes: weights multiply and add up, cycles and contradictions are named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.recipe_files import load_recipe
from lynx.data.weights import sample_weights
from tests.data.test_recipe import write_recipe


def test_included_weights_are_multiplied_and_a_source_named_twice_is_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path, monkeypatch, "{cats: {weight: 3}, dogs: {weight: 1}}", name="one")
    write_recipe(tmp_path, monkeypatch, "{dogs: {weight: 2}}", name="two")
    write_recipe(
        tmp_path,
        monkeypatch,
        "{cows: {weight: 0.1}}",
        more="include: {one: 0.5, two: 2}\n",
    )
    recipe = load_recipe("mine")
    weights = {name: source.weight for name, source in recipe.sources.items()}
    assert list(weights) == ["cows", "cats", "dogs"]
    assert weights == {"cats": Fraction(3, 2), "dogs": Fraction(9, 2), "cows": Fraction(1, 10)}


def test_a_recipes_own_source_replaces_the_included_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path, monkeypatch, "{cats: {weight: 3}, dogs: {weight: 1}}", name="one")
    own = "{cats: {repeat: 2, prompts: see}}"
    write_recipe(tmp_path, monkeypatch, own, more="include: {one: 1}\n")
    cats = load_recipe("mine").sources["cats"]
    assert (cats.weight, cats.repeat, cats.prompts) == (None, 2, "see")
    assert list(load_recipe("mine").sources) == ["cats", "dogs"]


def test_parameters_have_defaults_and_can_be_given_with_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = "{cats: {weight: 10 * (1 - share)}, dogs: {weight: 10 * share / 2 + -0.5 + 0.5}}"
    write_recipe(tmp_path, monkeypatch, sources, more="parameters: {share: 0.3}\n")
    assert load_recipe("mine").weights == {"cats": 7, "dogs": 1.5}
    given = load_recipe("mine:share=0.1")
    assert given.weights == {"cats": 9, "dogs": 0.5} and given.name == "mine:share=0.1"
    assert load_recipe("mine:share=1").weights == {"dogs": 5}  # what comes to 0 is left out
    for reference, complaint in (
        ("mine:shar=0.1", r"no parameter `shar`; nearest is `share`"),
        ("mine:share=lots", r"parameters.share: 'lots' is no number"),
        ("mine:share=inf", r"mine.yaml: parameters.share: 'inf' is no number"),
        ("mine:share=0.1,share=0.1", r"mine.yaml: parameters.share: is given twice"),
        ("mine:share=2", r"sources.cats.weight: 10 \* \(1 - share\) is not a number above 0"),
    ):
        with pytest.raises(LynxError, match=complaint):
            load_recipe(reference)
    write_recipe(tmp_path, monkeypatch, "{cats: {weight: shar}}", more="parameters: {share: 1}\n")
    with pytest.raises(LynxError, match="no parameter `shar` of the recipe; nearest is `share`"):
        load_recipe("mine")


def test_recipes_that_include_each_other_are_named_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path, monkeypatch, "{}", more="include: {two: 1}\n", name="one")
    write_recipe(tmp_path, monkeypatch, "{}", more="include: {mine: 1}\n", name="two")
    write_recipe(tmp_path, monkeypatch, "{cats: {weight: 1}}", more="include: {one: 1}\n")
    with pytest.raises(LynxError, match=r"include each other: mine > one > two > mine"):
        load_recipe("mine")


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ("{cats: {weight: 1, prompts: see}}", r"source `cats` comes twice, with the prompts"),
        ("{cats: {repeat: 1}}", r"source `cats` comes with a weight and with a repeat"),
    ],
)
def test_two_included_recipes_that_contradict_each_other_are_refused(
    other: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path, monkeypatch, "{cats: {weight: 3}}", name="one")
    write_recipe(tmp_path, monkeypatch, other, name="two")
    write_recipe(tmp_path, monkeypatch, "{}", more="include: {one: 1, two: 1}\n")
    with pytest.raises(LynxError, match=r"mine.yaml: include.two: .*" + complaint):
        load_recipe("mine")


@pytest.mark.parametrize(
    ("include", "complaint"),
    [
        ("{one: 1e300}", r"include.one: source `cats`: its value is too small or too large"),
        ("{one: 1e-320}", r"include.one: its value is too small or too large"),
        ("{one: 1, two: 1}", r"include.two: source `cats`: its value is too small or too large"),
    ],
)
def test_weights_that_no_float_holds_are_named_where_they_come_about(
    include: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        write_recipe(tmp_path, monkeypatch, "{cats: {weight: 1.5e308}}", name=name)
    write_recipe(tmp_path, monkeypatch, "{}", more=f"include: {include}\n")
    with pytest.raises(LynxError, match=r"data_recipes/mine.yaml: " + complaint):
        load_recipe("mine")


def test_units_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_recipe(tmp_path, monkeypatch, "{cats: {weight: 3}}", more="unit: tokens\n", name="one")
    write_recipe(tmp_path, monkeypatch, "{}", more="include: {one: 1}\n")
    with pytest.raises(LynxError, match=r"include.one: its unit is tokens, not samples"):
        load_recipe("mine")


def test_passes_take_their_samples_and_weights_share_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = "{cats: {weight: 3}, dogs: {repeat: 1.5}, cows: {weight: 1}}"
    write_recipe(tmp_path, monkeypatch, sources)
    sizes = {"cats": 10, "dogs": 40, "cows": 5}
    recipe = load_recipe("mine")

    def weights(num_samples: int) -> dict[str, Fraction]:
        return sample_weights(
            recipe, sizes=sizes, num_samples=num_samples, mean_tokens=lambda _: 1.0
        )

    assert weights(100) == {"cats": 30, "dogs": 60, "cows": 10}
    with pytest.raises(LynxError, match=r"`repeat` asks for 60 of the stage's 60 samples \(dogs"):
        weights(60)


def test_passes_alone_must_fill_the_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_recipe(tmp_path, monkeypatch, "{cats: {repeat: 2}, dogs: {repeat: 1}}")
    settings = {"sizes": {"cats": 30, "dogs": 40}, "mean_tokens": lambda _: 1.0}
    recipe = load_recipe("mine")
    filled = sample_weights(recipe, num_samples=101, **settings)  # type: ignore[arg-type]
    assert filled == {"cats": 60, "dogs": 40}
    with pytest.raises(
        LynxError, match=r"`repeat`, which takes 100 samples, and the stage has 500"
    ):
        sample_weights(recipe, num_samples=500, **settings)  # type: ignore[arg-type]


def test_shares_of_tokens_become_shares_of_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = "{cats: {weight: 1}, dogs: {weight: 1}}"
    write_recipe(tmp_path, monkeypatch, sources, more="unit: tokens\n")
    lengths = {"cats": 10.0, "dogs": 40.0}
    weights = sample_weights(
        load_recipe("mine"),
        sizes={"cats": 10, "dogs": 10},
        num_samples=100,
        mean_tokens=lambda name: lengths[name],
    )
    assert weights["cats"] == 4 * weights["dogs"]
