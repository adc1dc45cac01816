"""How layers are merged, and how mistakes in them are told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from lynx.config.compose import compose, config_text, load_config, variant_name
from lynx.config.errors import LynxError

Write = Callable[..., str]


def test_later_layers_win() -> None:
    config = compose(ablation="no_diverse_prompts", overrides=["stages.instruct.prompts=diverse"])
    assert config.stages.pretrain.prompts == "single"
    assert config.stages.instruct.prompts == "diverse"
    assert config.stages.pretrain.recipe == "pretrain"


def test_an_override_of_the_vocabulary_reaches_what_picks_from_it() -> None:
    config = compose(ablation="low_resolution", overrides=["vocabulary.image_size.low=28"])
    sizes = [config.stages.pretrain.image_size, config.stages.instruct.image_size]
    assert sizes == [28, 28]


def test_the_configuration_cannot_be_changed_after_it_was_composed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        compose().seed = 1  # type: ignore[misc]


def test_numbers_in_exponent_form_are_numbers() -> None:
    assert compose(overrides=["optimizer.eps=1e-6"]).optimizer.eps == 1e-6


def test_null_and_lists_can_be_given_on_the_command_line() -> None:
    overrides = [
        "evaluation.benchmarks.open_vqa_image.prompt_pool=null",
        "optimizer.betas=[0.9,0.95]",
    ]
    config = compose(overrides=overrides)
    assert config.evaluation.benchmarks["open_vqa_image"].prompt_pool is None
    assert config.optimizer.betas == (0.9, 0.95)


def test_overrides_make_a_variant_of_their_own_unless_they_leave_the_numbers_alone() -> None:
    longer = variant_name(compose(overrides=["stages.pretrain.steps=901"]))
    name, _, suffix = longer.partition("+")
    assert name == "lynx" and len(suffix) == 6
    assert longer != variant_name(compose(overrides=["stages.pretrain.steps=902"]))
    assert longer == variant_name(compose(seed=3, overrides=["stages.pretrain.steps=901"]))
    assert variant_name(compose(seed=3, overrides=["data.num_workers=2"])) == "lynx"
    steps = compose().stages.pretrain.steps
    judged = ["evaluation.judge.name=gpt-4-0613", "evaluation.batch_size=7"]
    assert variant_name(compose(overrides=judged)) == "lynx"
    assert variant_name(compose(overrides=[f"stages.pretrain.steps={steps}"])) == "lynx"


def test_a_configuration_written_and_read_again_is_the_same(tmp_path: Path) -> None:
    config = compose(ablation="plug_and_play", scale="paper", seed=2)
    path = tmp_path / "config.yaml"
    path.write_text(config_text(config))
    assert load_config(path) == config


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"nowhere/config\.yaml"):
        load_config(tmp_path / "nowhere" / "config.yaml")
    (tmp_path / "config.yaml").touch()
    with pytest.raises(LynxError, match=r"config\.yaml: is empty"):
        load_config(tmp_path / "config.yaml")


def test_a_typo_in_an_ablation_names_the_nearest_key_and_the_file(write_ablation: Write) -> None:
    write_ablation("stages.pretrain.promts: single")
    with pytest.raises(LynxError) as caught:
        compose(ablation="tried")
    message = str(caught.value)
    assert "ablations/tried.yaml" in message
    assert "`stages.pretrain.promts`" in message
    assert "nearest is `stages.pretrain.prompts`" in message


def test_an_ablation_can_not_invent_a_benchmark_by_a_typo(write_ablation: Write) -> None:
    write_ablation("evaluation.benchmarks.open_vqa_vidoe.plug_and_play: true")
    with pytest.raises(LynxError, match=r"nearest is `evaluation\.benchmarks\.open_vqa_video\."):
        compose(ablation="tried")


def test_a_typo_in_a_scale_names_the_file(root: Path) -> None:
    path = root / "experiments" / "scale" / "desk.yaml"
    path.write_text(path.read_text() + "\ntraking: {log_every_n_steps: 5}\n")
    with pytest.raises(LynxError, match=r"experiments/scale/desk\.yaml.*`tracking\.log_every"):
        compose()


@pytest.mark.parametrize(
    ("added", "right"),
    [
        ("evaluation: {generation: {mine: {do_smaple: true}}}", "generation.mine.do_sample"),
        ("evaluation: {generaton: {mine: {do_sample: true}}}", "generation.mine.do_sample"),
        ("evaluation: {benchmarks: {mine: {promt: hello}}}", "benchmarks.mine.prompt"),
    ],
)
def test_a_typo_in_an_entry_that_a_file_adds_names_the_entrys_key(
    root: Path, added: str, right: str
) -> None:
    path = root / "experiments" / "mine.yaml"
    path.write_text(added + "\n")
    with pytest.raises(
        LynxError, match=rf"experiments/mine\.yaml.*nearest is `evaluation\.{right}`"
    ):
        compose(experiment="mine")


def test_a_scale_of_ones_own_is_a_file_and_nothing_more(root: Path) -> None:
    folder = root / "experiments" / "scale"
    (folder / "mine.yaml").write_text((folder / "desk.yaml").read_text())
    config = compose(scale="mine")
    assert (config.scale, config.stages) == ("mine", compose(scale="desk").stages)


def test_a_name_is_never_a_path(root: Path) -> None:
    with pytest.raises(LynxError, match=r"no scale named `\.\./lynx`"):
        compose(scale="../lynx")


def test_an_experiment_can_not_look_like_a_variant_with_overrides(root: Path) -> None:
    path = root / "experiments" / "lynx+123456.yaml"
    path.write_text((root / "experiments" / "lynx.yaml").read_text())
    with pytest.raises(LynxError, match=r"experiments/lynx\+123456\.yaml: `\+` can't stand"):
        compose(experiment="lynx+123456")


def test_an_empty_mapping_takes_nothing_away_that_stands_beside_it(root: Path) -> None:
    path = root / "experiments" / "scale" / "desk.yaml"
    path.write_text(path.read_text() + '\noptimizer.eps: 0.5\n"optimizer": {}\n')
    assert compose().optimizer.eps == 0.5


@pytest.mark.parametrize("name", ["no_divers_prompts", "no_diverse_promts"])
def test_an_unknown_ablation_names_the_nearest(name: str) -> None:
    with pytest.raises(LynxError, match="nearest is `no_diverse_prompts`"):
        compose(ablation=name)


def test_an_unknown_scale_or_experiment_names_the_nearest() -> None:
    with pytest.raises(LynxError, match=r"no scale named `papr`.*nearest is `paper`"):
        compose(scale="papr")
    with pytest.raises(LynxError, match=r"no experiment named `lnyx`.*nearest is `lynx`"):
        compose(experiment="lnyx")


@pytest.mark.parametrize(
    "diff",
    [
        "stages.pretrain.prompts: diverse",
        "stages.resolution.image_size: ${vocabulary.image_size.high}",
        "{stages.pretrain.prompts: single, stages.instruct.trainable.adapters: true}",
    ],
)
def test_a_diff_that_changes_nothing_is_an_error(write_ablation: Write, diff: str) -> None:
    write_ablation(diff)
    with pytest.raises(LynxError, match=r"ablations/tried\.yaml: the diff changes nothing at"):
        compose(ablation="tried")


@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        ("stages.pretrain.prompts: singel", r"prompts: singel`.*'diverse', 'single'"),
        ("stages.pretrain.steps: many", r"steps: many`"),
        ("stages.pretrain.recipe: no", r"recipe` is a text, not False; quote it"),
        ("stages.pretrain: 3", r"`stages.pretrain` holds further keys"),
        ("stages.pretrain.image_size: ${vocabulary.image_size.tiny}", r"image_size.tiny"),
        ("stages.pretrain.steps: ${vocabulary.recipe.pretrain}", r"stages\.pretrain\.steps"),
        ("optimizer.betas: [0.9]", r"optimizer\.betas"),
        ("seed: 3", r"`seed` can't be set here; use `--seed` \(make: SEEDS\)"),
        ("scale: gpu", r"`scale` can't be set here; use `--scale`"),
        ("stages.pretrain: {}", r"`stages.pretrain` is an empty mapping, which changes nothing"),
    ],
)
def test_a_wrong_value_names_the_file_and_the_key(
    write_ablation: Write, diff: str, reason: str
) -> None:
    write_ablation(diff)
    with pytest.raises(LynxError, match=rf"ablations/tried\.yaml.*{reason}"):
        compose(ablation="tried")


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("stages.pretrain.step=3", "nearest is `stages.pretrain.steps`"),
        ("steps", "not of the form key=value"),
        ("scale=gpu", "`scale` can't be set here; use `--scale`"),
        ("seed=3", r"`seed` can't be set here; use `--seed` \(make: SEEDS\)"),
        ("ablation=noisy_data", "`ablation` can't be set here; use the name"),
        ("optimizer.betas=[0.9", "not YAML"),
        ("data.cache_dir=${foo", "not YAML"),
        ("stages={pretrain.steps: 3, pretrain: {steps: 4}}", "steps` is given twice, 3 and 4"),
        ("stages.pretrain={}", "`stages.pretrain` is an empty mapping"),
    ],
)
def test_a_wrong_override_says_so(override: str, reason: str) -> None:
    with pytest.raises(LynxError, match=f"command line.*{reason}"):
        compose(overrides=[override])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("base: lynx\nquestoin: Why?\n", "`questoin`; nearest is `question`"),
        ("base: lynx\npaper: {table: 5, row: x}\nquestion: Why?\n", "`diff` is missing"),
        ("base: lynx\npaper: 5\nquestion: Why?\ndiff: {seed: 1}\n", "`paper` must be a mapping"),
        ("- base\n", "holds a list"),
        ("base: lynx\nbase: lynx\n", "not readable as YAML"),
        (
            "base: lnyx\npaper: {table: 5, row: x}\nquestion: W?\ndiff: {a: 1}\n",
            "nearest is `lynx`",
        ),
    ],
)
def test_a_malformed_ablation_says_what_is_wrong(root: Path, text: str, reason: str) -> None:
    (root / "ablations" / "tried.yaml").write_text(text)
    with pytest.raises(LynxError, match=reason):
        compose(ablation="tried")


def test_a_value_that_no_file_sets_is_named(root: Path) -> None:
    path = root / "experiments" / "scale" / "desk.yaml"
    path.write_text(path.read_text().replace("catalog: world", ""))
    with pytest.raises(LynxError, match=r"`data\.catalog` is set by no file"):
        compose()


def test_how_a_step_is_spread_over_devices_makes_no_variant() -> None:
    """A run goes on with other devices in the folder it has."""
    spread = ["hardware.devices=1", "stages.pretrain.micro_batch_size=8", "data.num_workers=3"]
    assert variant_name(compose(scale="desk", overrides=spread)) == "lynx"
    assert variant_name(compose(scale="desk", overrides=["data.locality=3"])) != "lynx"
