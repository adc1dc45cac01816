"""What a recipe asks for is what a stage gets: passes, shares of tokens, rows left out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest

from lynx.config.errors import LynxError
from lynx.config.paths import repository_root
from lynx.data.exclusions import ExcludedRow, SourceExclusions, write_exclusions
from lynx.data.module import LynxDataModule
from lynx.data.shards.reading import ShardedSource


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes data_recipes/mine.yaml in a repository of its own."""
    shutil.copytree(repository_root() / "data_recipes", tmp_path / "data_recipes")
    monkeypatch.setenv("LYNX_ROOT", str(tmp_path))

    def write(text: str) -> str:
        head = "description: A test.\npaper: {}\n"
        (tmp_path / "data_recipes/mine.yaml").write_text(head + text)
        return "mine"

    return write


def used_up(data: LynxDataModule) -> LynxDataModule:
    for _ in data.train_dataloader():
        pass
    return data


def test_a_source_is_gone_through_as_often_as_its_repeat_says(make: Any, recipe: Any) -> None:
    name = recipe("sources: {gqa: {repeat: 3}, vqav2: {weight: 2}, okvqa: {weight: 1}}\n")
    mix = used_up(make(recipe=name, steps=6)).realised_mix()
    assert mix.samples == {"gqa": 18, "vqav2": 20, "okvqa": 10}


def test_passes_that_do_not_fit_are_refused_before_training(make: Any, recipe: Any) -> None:
    name = recipe("sources: {gqa: {repeat: 9}, vqav2: {weight: 2}}\n")
    with pytest.raises(LynxError, match=r"`repeat` asks for 54 of the stage's 48 samples"):
        make(recipe=name, steps=6)


def test_weights_can_be_shares_of_tokens(make: Any, recipe: Any) -> None:
    name = recipe("unit: tokens\nsources: {msrvtt_qa: {weight: 1}, flan_v2: {weight: 1}}\n")
    mix = used_up(make(recipe=name, steps=40)).realised_mix()
    share = mix.tokens["flan_v2"] / sum(mix.tokens.values())
    assert share == pytest.approx(0.5, abs=0.02)
    assert mix.samples["flan_v2"] != mix.samples["msrvtt_qa"]


def test_excluded_rows_are_never_drawn(
    make: Any, recipe: Any, catalog: dict[str, Path], tmp_path: Path
) -> None:
    source = ShardedSource(catalog["gqa"])
    rows = [ExcludedRow(row, source.read(row).key, "a test") for row in (0, 4, 5)]
    path = tmp_path / "left_out.jsonl"
    listed = SourceExclusions("gqa", source.fingerprint, len(source), "tests", rows)
    write_exclusions(path, [listed])
    name = recipe(f"sources: {{gqa: {{repeat: 2, exclude: {path}}}, vqav2: {{weight: 1}}}}\n")
    data = make(recipe=name, steps=2)
    assert used_up(data).realised_mix().samples == {"gqa": 6, "vqav2": 10}
    plain = make(recipe=recipe("sources: {gqa: {repeat: 1}, vqav2: {weight: 1}}\n"), steps=2)
    with pytest.raises(LynxError, match=r"shards of gqa was .*, is "):
        plain.load_state_dict(data.state_dict())


def test_a_list_of_exclusions_without_the_source_is_refused(
    make: Any, recipe: Any, catalog: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "left_out.jsonl"
    source = ShardedSource(catalog["vqav2"])
    listed = SourceExclusions("vqav2", source.fingerprint, len(source), "tests", [])
    write_exclusions(path, [listed])
    name = recipe(f"sources: {{gqa: {{weight: 1, exclude: {path}}}}}\n")
    with pytest.raises(LynxError, match=r"has no rows of the source `gqa`"):
        make(recipe=name)


def test_a_catalog_that_names_another_sources_shards_is_refused(
    make: Any, catalog: dict[str, Path]
) -> None:
    swapped = catalog | {"gqa": catalog["vqav2"]}
    with pytest.raises(LynxError, match=r"sources.gqa: .*/vqav2 holds the shards of `vqav2`"):
        make(shards=swapped)


def test_shards_behind_a_url_in_any_order_must_fit_into_the_cache(
    make: Any, catalog: dict[str, Path], tmp_path: Path
) -> None:
    remote = fsspec.filesystem("memory")
    remote.put(f"{catalog['gqa']}/", "/lynx_locality/gqa/", recursive=True)
    shards = catalog | {"gqa": "memory://lynx_locality/gqa"}
    size = sum(path.stat().st_size for path in catalog["gqa"].glob("*.tar"))
    largest = max(path.stat().st_size for path in catalog["gqa"].glob("*.tar"))
    cache = {"data__cache_dir": str(tmp_path), "data__shard_cache_gb": (size - 1) / 1e9}
    assert largest < size - 1
    with pytest.raises(LynxError, match=r"each sample would fetch a shard; set data.locality"):
        make(shards=shards, **cache)
    make(shards=shards, data__locality=1, **cache)
