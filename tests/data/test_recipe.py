"""Reading recipes and catalogs: what is malformed or missing is named with its file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from lynx.config.errors import LynxError
from lynx.config.files import names_in
from lynx.config.recipe_files import load_recipe
from lynx.config.schema import DataConfig
from lynx.config.source_facts import load_sources
from lynx.data.catalog import load_catalog
from lynx.data.recipe import describe_recipe

HEAD = "description: A test.\npaper: {}\n"


def write_recipe(
    root: Path, monkeypatch: pytest.MonkeyPatch, sources: str, *, more: str = "", name: str = "mine"
) -> None:
    """A repository with the recipe, sources cats, dogs and cows, and the prompt pool `look`."""
    prompts = root / "data_recipes/prompts"
    prompts.mkdir(parents=True, exist_ok=True)
    phrasing = '{fields: [], single: "Look.", plain: ["Look."], held_out: ["See."]}'
    (prompts / "all.yaml").write_text(f"pools: {{look: {phrasing}, see: {phrasing}}}\n")
    known = root / "data_recipes/sources"
    known.mkdir(exist_ok=True)
    facts = "{title: Animals, task: Image Caption, prompts: look, licence: none}"
    (known / "all.yaml").write_text(f"sources: {{cats: {facts}, dogs: {facts}, cows: {facts}}}\n")
    text = f"description: A test.\npaper: {{}}\n{more}sources: {sources}\n"
    (root / f"data_recipes/{name}.yaml").write_text(text)
    monkeypatch.setenv("LYNX_ROOT", str(root))


def test_cells_of_table_12_are_verbatim() -> None:
    pretrain, instruct = load_recipe("pretrain").weights, load_recipe("instruct").weights
    assert (pretrain["blip_cap_filt"], pretrain["cc12m"], pretrain["invig"]) == (
        30.525,
        2.465,
        0.31,
    )
    assert (instruct["flan_v2"], instruct["ocrvqa"], instruct["okvqa"]) == (15, 12.349, 0.038)
    assert "flan_v2" not in pretrain and "blip_cap_filt" not in instruct


def test_every_recipe_is_printed_with_shares_and_pools() -> None:
    for name in names_in("data_recipes"):
        recipe = load_recipe(name)
        text = describe_recipe(recipe, num_samples=10**6, sizes={}, facts=load_sources())
        rows = [line.split() for line in text.splitlines()]
        for source, one in recipe.sources.items():
            row = next(row for row in rows if row and row[0] == source)
            assert one.prompts in row and "%" in row


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(LynxError, match=r"`pretrian`.*nearest is `pretrain`"):
        load_recipe("pretrian")


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ("{cats: {weight: 0}}", r"sources.cats.weight: 0 is not a number above 0"),
        ("{cats: {weight: yes}}", r"sources.cats.weight: True is not a number"),
        ("{cats: {weight: .inf}}", r"sources.cats.weight: inf is not a number"),
        ("{cats: {weight: .nan}}", r"sources.cats.weight: nan is not a number"),
        ("{cats: {weight: much}}", r"sources.cats.weight: no parameter `much` of the recipe"),
        ("{cats: {weight: 1 - 2}}", r"weight: 1 - 2 is not a number above 0 \(it is -1\)"),
        ("{cats: {weight: 1 / 0}}", r"weight: 1 / 0 is not a number"),
        ("{cats: {weight: open('x')}}", r"weight: open\('x'\) is not a number"),
        ("{cats: {weight: 2 ** 9}}", r"weight: 2 \*\* 9 is not a number"),
        (
            "{cats: {weight: 1e308 * 1e308}}",
            r"sources.cats.weight: .* too small or too large; .*e-308",
        ),
        ("{cats: {repeat: 1e-308 * 1e-308}}", r"sources.cats.repeat: .* too small or too large"),
        ("{cats: {weight: -1e308 * 1e308}}", r"weight: -1e308 \* 1e308 is not a number above 0$"),
        (f"{{cats: {{weight: 1{'0' * 400}}}}}", r"sources.cats.weight: .* too small or too large"),
        (f"{{cats: {{weight: 1{' + 1' * 3000}}}}}", r"sources.cats.weight: 1 .*too many parts"),
        (f"{{cats: {{weight: {'-' * 9000}1}}}}", r"sources.cats.weight: --.*too many parts"),
        ("{cats: {repeat: 0}}", r"sources.cats.repeat: 0 is not a number above 0"),
        ("{cats: {weight: 1, repeat: 1}}", r"sources.cats: needs either `weight` or `repeat`"),
        ("{cats: {}}", r"sources.cats: needs either `weight` or `repeat`"),
        ("{cats: {weight: 1, prompts: lock}}", r"sources.cats.prompts: .*nearest is `look`"),
        ("{cats: {weigth: 1}}", r"unknown key `weigth`; nearest is `weight`"),
        ("{cats: {weight: 1, prompts: [look]}}", r"sources.cats.prompts: \['look'\] is no pool's"),
        ("{cats: {weight: 1, prompts: no}}", r"sources.cats.prompts: False is no .*quote it"),
        ("{cats: {weight: 1, exclude: 3}}", r"sources.cats.exclude: 3 is no file's path"),
        ("{cats: {weight: 1, exclude: ''}}", r"sources.cats.exclude: '' is no file's path"),
        ("{1: {weight: 1}}", r"sources.1: 1 is no text; quote it if a source is named so"),
        ("''", r"`sources` must be a mapping, not ''"),
        ("{cat: {weight: 1}}", r"sources.cat: no such source .*nearest is `cats`"),
        ("{cats: 5}", r"sources.cats must be a mapping of weight, repeat, .* not 5"),
        ("{}", r"`sources` must map"),
        ("[cats]", r"`sources` must be a mapping"),
    ],
)
def test_a_malformed_recipe_is_named_with_file_and_key(
    sources: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path, monkeypatch, sources)
    with pytest.raises(LynxError, match=r"data_recipes/mine.yaml: .*" + complaint):
        load_recipe("mine")


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ("descripton: A test.\npaper: {}", r"unknown key `descripton`; nearest is `description`"),
        ("description: A test.", r"`paper` is missing"),
        ("description: no\npaper: {}", r"`description` must be a text"),
        ("description: A test.\npaper: 12", r"`paper` must be a mapping, not 12"),
        (
            "description: A test.\npaper: {}\nunit: words",
            r"unit: 'words' is not one of",
        ),
        ("description: A test.\npaper: []", r"`paper` must be a mapping, not \[\]"),
        (f"{HEAD}include: []", r"`include` must be a mapping or left out, not \[\]"),
        (f"{HEAD}include: ''", r"`include` must be a mapping or left out, not ''"),
        (f"{HEAD}include:", r"`include` must be a mapping or left out, not None"),
        (f"{HEAD}parameters: []", r"`parameters` must be a mapping, not \[\]"),
        (f"{HEAD}parameters: {{a: .inf}}", r"parameters.a: inf is no finite number"),
        (f"{HEAD}parameters: {{a: .nan}}", r"parameters.a: nan is no finite number"),
        (f"{HEAD}parameters: {{a: 1{'0' * 400}}}", r"parameters.a: 10+ is no finite number"),
        (f"{HEAD}parameters: {{a b: 1}}", r"parameters.a b: is no name for a weight to use"),
        (f"{HEAD}parameters: {{lambda: 1}}", r"parameters.lambda: is no name for a weight to use"),
    ],
)
def test_a_malformed_head_of_a_recipe_is_named(
    head: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "{cats: {weight: 1}}"
    write_recipe(tmp_path, monkeypatch, source)
    (tmp_path / "data_recipes/mine.yaml").write_text(f"{head}\nsources: {source}\n")
    with pytest.raises(LynxError, match=r"data_recipes/mine.yaml: " + complaint):
        load_recipe("mine")


def test_a_recipe_may_leave_its_parameters_and_place_in_the_paper_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path, monkeypatch, "{cats: {weight: 2}}", name="one")
    write_recipe(tmp_path, monkeypatch, "", more="include: {one: 1}\n")
    path = tmp_path / "data_recipes/mine.yaml"
    path.write_text(path.read_text().replace("paper: {}", "paper:\nparameters:"))
    recipe = load_recipe("mine")
    assert (recipe.paper, recipe.parameters, recipe.weights) == ({}, {}, {"cats": 2})


def test_a_source_whose_name_is_a_number_has_to_be_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_recipe(tmp_path, monkeypatch, '{"1": {weight: 2}}')
    known = tmp_path / "data_recipes/sources/all.yaml"
    text = known.read_text()
    known.write_text(text.replace("cats:", "1:"))
    with pytest.raises(LynxError, match=r"sources/all.yaml: sources.1: 1 is no text; quote it"):
        load_recipe("mine")
    known.write_text(text.replace("cats:", '"1":'))
    assert load_recipe("mine").weights == {"1": 2}


def test_an_unset_variable_in_a_catalog_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LYNX_NOWHERE", raising=False)
    path = tmp_path / "mine.yaml"
    path.write_text('sources: {cats: "${oc.env:LYNX_NOWHERE}/cats"}\n')
    with pytest.raises(LynxError, match=r"mine\.yaml: `sources\.cats`: .*LYNX_NOWHERE"):
        load_catalog(DataConfig(catalog=str(path)), ["cats"])


def test_the_papers_catalog_lists_every_source_and_says_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYNX_DATA", str(tmp_path))
    recipes = ("pretrain", "resolution", "instruct", "pretrain_noisy")
    sources = sorted({source for name in recipes for source in load_recipe(name).sources})
    for source in sources[1:]:
        (tmp_path / source).mkdir()
    data = DataConfig(catalog="paper")
    assert load_catalog(data, sources[1:]) == {name: tmp_path / name for name in sources[1:]}
    with pytest.raises(LynxError, match=rf"sources.{sources[0]}: there is no folder {tmp_path}"):
        load_catalog(data, sources)
    with pytest.raises(LynxError, match=r"sources.gqaa: not listed; nearest is `gqa`"):
        load_catalog(data, ["gqaa"])
