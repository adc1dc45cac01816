"""What a sample holds: measured on rows, from the paper's totals, or as given."""

from itertools import islice
from pathlib import Path

import pytest
import yaml

from lynx.config.compose import compose
from lynx.data.build import build_data_module
from lynx.model.language_model import load_tokenizer
from lynx.planning.load import stage_load
from lynx.planning.synthetic import load_of, synthetic_batch
from tests.tiny import NUM_QUERIES, tiny_catalog, tiny_config


@pytest.mark.parametrize("stage", ["pretrain", "instruct"])
def test_measured_means_are_those_of_real_micro_batches(tmp_path: Path, stage: str) -> None:
    catalog = tiny_catalog(tmp_path)
    sources = {name: str(folder) for name, folder in catalog.items()}
    (tmp_path / "catalog.yaml").write_text(yaml.safe_dump({"sources": sources}))
    changes = {
        "data.catalog": str(tmp_path / "catalog.yaml"),
        f"stages.{stage}.global_batch_size": 64,
        f"stages.{stage}.micro_batch_size": 64,
    }
    config = tiny_config(tmp_path, changes)
    tokenizer = load_tokenizer(config.model.language_model.checkpoint)
    data = build_data_module(
        config, stage, catalog=catalog, tokenizer=tokenizer, num_queries=NUM_QUERIES
    )
    real, measured = load_of(list(islice(data.batches(), 4))), stage_load(config, stage)
    assert measured.tokens == pytest.approx(real.tokens, rel=0.1)
    assert measured.targets == pytest.approx(real.targets, rel=0.2)
    assert measured.frames == pytest.approx(real.frames, rel=0.2)
    assert measured.useful == pytest.approx(real.useful, abs=0.1)
    assert "measured" in measured.origin


def test_without_data_the_papers_totals_are_taken() -> None:
    config = compose(scale="paper")
    assert stage_load(config, "pretrain").tokens == 88.6
    instruct = stage_load(config, "instruct")
    assert instruct.tokens == 312.5
    # Table 12: 30 % of stage three are texts, 15 % videos of five frames.
    assert instruct.visual == pytest.approx(0.70, abs=0.001)
    assert instruct.frames == pytest.approx(0.70 + 4 * 0.15, abs=0.001)


def test_tokens_that_are_given_take_the_place_of_both() -> None:
    load = stage_load(compose(scale="paper"), "pretrain", tokens_per_sample=132)
    assert (load.tokens, load.targets) == (132, 50)  # half of what 32 vision tokens leave
    assert load.origin == "as given"


def test_synthetic_micro_batches_are_of_the_loads_shape() -> None:
    config = compose(scale="desk", overrides=["stages.instruct.micro_batch_size=6"])
    load = stage_load(config, "instruct", tokens_per_sample=60)
    batches = [
        synthetic_batch(config, "instruct", load, vocabulary=90, number=number)
        for number in range(8)
    ]
    made = load_of(batches)
    assert made.tokens == pytest.approx(load.tokens, rel=0.1)
    assert made.targets == pytest.approx(load.targets, rel=0.2)
    assert (made.visual, made.frames) == (4 / 6, 8 / 6)
    assert batches[0].input_ids.tolist() != batches[1].input_ids.tolist()
