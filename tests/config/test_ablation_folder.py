"""Properties that every experiment, ablation and scale in the folders must have."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest

from lynx.config.ablation import Ablation
from lynx.config.compose import (
    compose,
    list_ablations,
    list_experiments,
    list_scales,
    variant_name,
)
from lynx.config.diff import resolved_diff
from lynx.config.schema import STAGE_NAMES

composed = cache(compose)
CASES = [
    pytest.param(ablation, scale, id=f"{ablation.name}-{scale}")
    for ablation, scale in product(list_ablations(), list_scales())
]


@pytest.mark.parametrize(("ablation", "scale"), CASES)
def test_every_ablation_composes_at_every_scale_and_changes_what_it_says_and_nothing_else(
    ablation: Ablation, scale: str
) -> None:
    base = composed(experiment=ablation.base, scale=scale)
    other = composed(ablation=ablation.name, scale=scale)
    assert set(resolved_diff(base, other)) == set(ablation.diff)


@pytest.mark.parametrize("ablation", list_ablations(), ids=lambda ablation: ablation.name)
def test_an_ablation_is_a_few_lines_and_asks_a_question(ablation: Ablation) -> None:
    assert 1 <= len(ablation.diff) <= 5
    assert ablation.question.endswith("?")
    assert ablation.base in list_experiments()


def test_no_two_variants_share_a_name() -> None:
    names = [*list_experiments(), *(ablation.name for ablation in list_ablations())]
    assert len(names) == len(set(names))


def test_the_rows_of_table_5_each_have_one_ablation() -> None:
    rows = sorted(a.paper["row"] for a in list_ablations() if a.paper.get("table") == 5)
    assert rows == [
        "w/ LLaMA", "w/ large-scale noisy data", "w/o diverse prompts", "w/o high-resolution",
    ]  # fmt: skip


def test_only_plug_and_play_needs_no_training() -> None:
    changed = {a.name: {key.partition(".")[0] for key in a.diff} for a in list_ablations()}
    of_evaluation = [name for name, parts in changed.items() if parts == {"evaluation"}]
    assert of_evaluation == ["plug_and_play", "plug_and_play_another", "plug_and_play_caption"]


@pytest.mark.parametrize("scale", list_scales())
def test_stages_train_the_parts_of_section_2_2(scale: str) -> None:
    stages = composed(scale=scale).stages
    for stage in STAGE_NAMES:
        trainable = getattr(stages, stage).trainable
        assert trainable.resampler and trainable.adapters and not trainable.language_model
        assert trainable.vision_encoder == (stage == "resolution")


@pytest.mark.parametrize("scale", list_scales())
def test_a_variant_without_overrides_is_called_by_its_name(scale: str) -> None:
    assert variant_name(composed(scale=scale)) == "lynx"
    assert variant_name(composed(ablation="noisy_data", scale=scale)) == "noisy_data"


def test_the_paper_scale_states_table_8() -> None:
    config = composed(scale="paper")
    rows = {stage: getattr(config.stages, stage) for stage in STAGE_NAMES}
    assert {s: (r.steps, r.global_batch_size, r.learning_rate) for s, r in rows.items()} == {
        "pretrain": (100_000, 1536, 1e-4),
        "resolution": (10_000, 448, 1e-5),
        "instruct": (20_000, 480, 2e-5),
    }
    assert [row.image_size for row in rows.values()] == [224, 420, 420]
    optimizer = config.optimizer
    assert (optimizer.betas, optimizer.eps, optimizer.weight_decay) == ((0.9, 0.999), 1e-8, 0.01)
    assert (optimizer.warmup_ratio, optimizer.warmup_start_factor) == (0.05, 0.1)
    hardware = config.hardware
    assert hardware.devices * hardware.num_nodes == 32
    assert (hardware.strategy, hardware.precision) == ("deepspeed", "bf16")
    assert "vicuna-7b" in config.model.language_model.checkpoint


@pytest.mark.parametrize("scale", list_scales())
def test_every_scale_decodes_with_the_rows_of_table_9(scale: str) -> None:
    short = (64, 5, 1.0, 1, -2.0, 2, False)
    description = (128, 1, 0.9, 3, 1.0, 3, True)
    long = (256, 3, 0.9, 3, 1.0, 3, True)
    generation = composed(scale=scale).evaluation.generation
    assert {name: tuple(vars(row).values()) for name, row in generation.items()} == {
        "image_description": short,
        "open_vqa_image": short,
        "mme": short,
        "open_vqa_video": (128, 3, 1.0, 1, -1.0, 3, False),
        "video_description": description,
        "owleval_description": description,
        "visit_bench_description": description,
        "owleval": long,
        "visit_bench": long,
        "demo": long,
    }
