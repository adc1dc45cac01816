"""Tests of runs made of released checkpoints, against what the authors' own modules compute."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

from lynx.cli import app
from lynx.cli.released import _lines
from lynx.config.compose import load_config
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.evaluation.build import file_identity, load_trained_model, trained_parts_path
from lynx.model.build import build_model, model_identities
from lynx.model.checkpoint import VISION_POSITIONS, read_metadata, save_trained_parts
from lynx.model.lynx import LynxModel
from lynx.tracking.run_dir import RunDir
from lynx.training.released_run import STAGE, Imported, export_released, import_released
from lynx.training.stages import final_path, find_stage, read_record, stage_key
from tests.released_toy import IMAGE_SIZE, VISION_WIDTH, pictures, prompt, state, toy_config

RECORDED = json.loads(Path(__file__).with_name("released_toy.json").read_text("utf-8"))
FRAMES = {"image": 1, "video": 5, "text": 0}


def imported(
    root: Path, tensors: dict[str, Tensor], *, lenient: bool = False, **changes: Any
) -> tuple[RunDir, Imported]:
    """A run made of a checkpoint file that holds `tensors`."""
    path = root / "lynx.pt"
    torch.save({f"model.{name}": tensor for name, tensor in tensors.items()}, path)
    config = toy_config(root, changes)
    report = import_released(path, root / "run", config, lenient=lenient)
    return RunDir(root / "run"), report


def loaded(run_dir: RunDir) -> LynxModel:
    model, _ = load_trained_model(run_dir, load_config(run_dir.config_path))
    assert isinstance(model, LynxModel)
    return model


def logits(model: LynxModel, kind: str, seed: int) -> Tensor:
    """At all positions of one question (T, vocabulary)."""
    rows = model.language_model.get_input_embeddings()(torch.tensor([prompt(seed)]))
    if FRAMES[kind]:
        pixels = torch.from_numpy(pictures(seed, FRAMES[kind]))
        rows = torch.cat([model.encode_vision(pixels, torch.tensor([FRAMES[kind]])), rows], dim=1)
    with torch.no_grad():
        found: Tensor = model.language_model(inputs_embeds=rows).logits[0]
    return found


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """Of a whole checkpoint, language model included."""
    return imported(tmp_path_factory.mktemp("released"), state(language_model=True))[0]


@pytest.fixture(scope="module")
def model(run_dir: RunDir) -> LynxModel:
    return loaded(run_dir)


@pytest.mark.parametrize("kind", [*FRAMES])
def test_logits_are_those_of_the_authors_modules(model: LynxModel, kind: str) -> None:
    samples = [sample for sample in RECORDED["samples"] if sample["kind"] == kind]
    assert len(samples) == 3
    for sample in samples:
        found = logits(model, kind, sample["seed"])
        torch.testing.assert_close(
            found[-1, :8], torch.tensor(sample["logits"]), rtol=0.0, atol=1e-4
        )
        assert found.double().abs().sum().item() == pytest.approx(sample["sum"], abs=2e-2)


@pytest.mark.parametrize("row", [*RECORDED["rows"]])
def test_answers_are_those_of_the_authors_beam_search(model: LynxModel, row: str) -> None:
    """All nine in one batch; theirs were asked one by one."""
    samples = RECORDED["samples"]
    seen = [sample for sample in samples if FRAMES[sample["kind"]]]
    pixels = [pictures(sample["seed"], FRAMES[sample["kind"]]) for sample in seen]
    found = model.generate(
        pixel_values=torch.cat([torch.from_numpy(frames) for frames in pixels]),
        num_frames=torch.tensor([len(frames) for frames in pixels]),
        prompts=[prompt(sample["seed"]) for sample in samples],
        has_vision=[sample["kind"] != "text" for sample in samples],
        settings={**RECORDED["rows"][row], "top_p": 1.0, "top_k": 1, "do_sample": False},
        seeds=[0] * len(samples),
    )
    assert found == [sample["answers"][row] for sample in samples]


def test_the_checkpoint_carries_its_table_of_positions_and_not_the_language_model(
    run_dir: RunDir,
) -> None:
    header, tensors = (
        read_metadata(final_path(run_dir, STAGE)),
        load_file(final_path(run_dir, STAGE)),
    )
    assert header["parts"] == ["adapters", "frame_positions", "resampler", "vision_encoder"]
    identities = model_identities(load_config(run_dir.config_path))
    assert header["identities"]["language_model"] == identities["language_model"]
    assert tensors[VISION_POSITIONS].shape == (1, 17, VISION_WIDTH)  # EVA's own has 5
    assert not any(name.endswith("embed_tokens.weight") for name in tensors)


def test_no_training_takes_imported_weights_for_its_own(run_dir: RunDir) -> None:
    config = load_config(run_dir.config_path)
    record = read_record(run_dir, STAGE)
    assert record is not None and record["key"].startswith("imported:")
    assert record["imported"]["file"] == "lynx.pt"
    key = stage_key(
        config, STAGE, identities=model_identities(config), data_fingerprint="", parent=None
    )
    assert find_stage(run_dir, STAGE, key=key, own_only=True) is None
    assert not run_dir.is_complete("pretrain")


def test_import_export_and_import_again_leave_every_bit(run_dir: RunDir, tmp_path: Path) -> None:
    parts = export_released(run_dir.path, tmp_path / "again.pt")
    assert "language_model" not in parts
    exported = torch.load(tmp_path / "again.pt", weights_only=True)
    assert exported.keys() == {f"model.{name}" for name in state()}
    assert all(torch.equal(exported[f"model.{name}"], t) for name, t in state().items())
    import_released(tmp_path / "again.pt", tmp_path / "run", load_config(run_dir.config_path))
    first, second = (
        load_file(final_path(run, STAGE)) for run in (run_dir, RunDir(tmp_path / "run"))
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_half_precision_is_kept_and_the_language_model_compared_in_it(tmp_path: Path) -> None:
    halves = {name: t.half() for name, t in state(language_model=True).items()}
    run_dir, report = imported(tmp_path, halves)
    assert report.other_language_model == []
    assert {t.dtype for t in load_file(final_path(run_dir, STAGE)).values()} == {torch.float16}


def test_another_language_model_in_the_file_is_written_and_used(tmp_path: Path) -> None:
    tensors = state(language_model=True)
    name = "LLM.model.layers.3.mlp.up_proj.weight"
    tensors[name] = tensors[name] + 0.5
    run_dir, report = imported(tmp_path, tensors)
    assert report.other_language_model == ["language_model.model.layers.3.mlp.up_proj.weight"]
    assert "language_model" in report.parts and report.frozen == []
    own = loaded(run_dir).language_model.model.layers[3].mlp.up_proj.weight
    assert torch.equal(own, tensors[name])


def test_what_does_not_fit_is_named_and_the_authors_loading_is_there_if_asked_for(
    tmp_path: Path,
) -> None:
    tensors = state()
    del tensors["absolute_frame_pos_embed"]
    tensors["LLM.model.layers.1.output_adapter.scaling"] = torch.ones(1)
    with pytest.raises(
        LynxError, match=r"lacks .*frame_positions.*no place .*layers\.1\..*lenient"
    ):
        imported(tmp_path, tensors)
    assert not (tmp_path / "run").exists()
    run_dir, report = imported(tmp_path, tensors, lenient=True)
    assert report.ignored == ["LLM.model.layers.1.output_adapter.scaling"]
    assert report.kept == ["frame_positions"]
    config = load_config(run_dir.config_path)
    assert torch.equal(
        loaded(run_dir).frame_positions, build_model(config, seed=config.seed).frame_positions
    )
    with pytest.raises(LynxError, match="exists already"):
        imported(tmp_path, tensors, lenient=True)


def test_pieces_of_a_projection_that_isnt_whole_are_ignored_and_named(tmp_path: Path) -> None:
    tensors = state()
    del tensors["vision_encoder.blocks.1.attn.v_proj.weight"]
    pieces = [f"vision_encoder.blocks.1.attn.{one}_proj.weight" for one in "qk"]
    with pytest.raises(LynxError, match=r"lacks .*qkv\.weight.*without .*q_proj\.weight"):
        imported(tmp_path, tensors)
    run_dir, report = imported(tmp_path, tensors, lenient=True)
    assert report.incomplete == pieces and report.ignored == []
    assert report.kept == ["vision_encoder.model.encoder.layers.1.self_attn.qkv.weight"]
    record = read_record(run_dir, STAGE)
    assert record is not None and record["imported"]["incomplete"] == pieces
    assert f"without the other pieces of their parameter: 2 ({pieces[0]}" in " ".join(
        _lines(report)
    )


def test_evaluation_tells_apart_imports_of_one_file_that_answer_otherwise(tmp_path: Path) -> None:
    tensors = state(language_model=True)
    tensors["LLM.lm_head.weight"] = tensors["LLM.lm_head.weight"] + 0.5
    torch.save(tensors, tmp_path / "lynx.pt")
    config = toy_config(tmp_path)
    half = replace(config, hardware=replace(config.hardware, frozen_dtype="bf16"))
    vision = config.model.vision_encoder
    variants = [config, replace(config, seed=config.seed + 1), half] + [
        replace(config, model=replace(config.model, vision_encoder=replace(vision, **change)))
        for change in ({"image_mean": (0.5, 0.5, 0.5)}, {"image_std": (0.5, 0.5, 0.5)})
    ]

    def identity(number: int, config: Config) -> str:
        run_dir = RunDir(tmp_path / f"run{number}")
        import_released(tmp_path / "lynx.pt", run_dir.path, config)
        return file_identity(trained_parts_path(run_dir))

    found = [identity(number, variant) for number, variant in enumerate(variants)]
    settings = Path(config.model.language_model.checkpoint) / "tokenizer_config.json"
    settings.write_text(settings.read_text("utf-8") + " ", "utf-8")
    found.append(identity(len(variants), config))
    assert found[0] == found[1] and len({*found}) == len(found) - 1


def test_another_resolution_than_the_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LynxError, match=r"lynx\.pt: .*pos_embed is \[1, 17, 48\].*image_size"):
        imported(tmp_path, state(), **{"stages.instruct.image_size": 28})


def test_a_model_trained_here_is_exported_with_a_table_of_its_last_resolution(
    tmp_path: Path,
) -> None:
    config: Config = toy_config(tmp_path)
    model = build_model(config, seed=0)
    model.set_trainable({"vision_encoder", "resampler", "frame_positions", "adapters"})
    path = tmp_path / "final.safetensors"
    save_trained_parts(model, path, metadata={})
    export_released(path, tmp_path / "large.pt", image_size=IMAGE_SIZE)
    export_released(path, tmp_path / "own.pt")
    for name, positions in {"large": 17, "own": 5}.items():
        tensors = torch.load(tmp_path / f"{name}.pt", weights_only=True)
        assert tensors["model.vision_encoder.pos_embed"].shape == (1, positions, VISION_WIDTH)
    import_released(tmp_path / "large.pt", tmp_path / "run", config)
    before, after = (
        logits(model.eval(), "video", 0),
        logits(loaded(RunDir(tmp_path / "run")), "video", 0),
    )
    torch.testing.assert_close(before, after)
    with pytest.raises(LynxError, match="image size 60 is not a multiple"):
        export_released(path, tmp_path / "odd.pt", image_size=60)
    with pytest.raises(LynxError, match="no such checkpoint"):
        export_released(tmp_path / "nowhere", tmp_path / "none.pt")
    content = (tmp_path / "own.pt").read_bytes()
    with pytest.raises(LynxError, match=r"own\.pt exists already"):
        export_released(path, tmp_path / "own.pt")
    assert (tmp_path / "own.pt").read_bytes() == content


def test_the_command_takes_a_variant_and_tells_what_became_of_the_tensors(
    tmp_path: Path, run_dir: RunDir
) -> None:
    model = load_config(run_dir.config_path).model
    overrides = {
        "model.vision_encoder.checkpoint": model.vision_encoder.checkpoint,
        "model.language_model.checkpoint": model.language_model.checkpoint,
        "model.resampler.num_queries": model.resampler.num_queries,
        "vocabulary.image_size.low": IMAGE_SIZE // 2,
        "vocabulary.image_size.high": IMAGE_SIZE,
    }
    torch.save({"model": state(language_model=True), "epoch": 1}, tmp_path / "lynx.pt")
    done = CliRunner().invoke(
        app,
        [
            *("import-released", str(tmp_path / "lynx.pt"), "--out", str(tmp_path / "run"), "lynx"),
            *(f"{key}={value}" for key, value in overrides.items()),
        ],
    )
    assert done.exit_code == 0, done.output
    assert "language_model: the variant's own checkpoint" in done.output
    assert "computed from the configuration, not read: 5 (LLM." in done.output
    assert "beside the weights, not read: 1 (epoch)" in done.output
    assert load_config(tmp_path / "run" / "config.yaml").scale == "paper"
    arguments = ["export-released", str(tmp_path / "run"), "--out", str(tmp_path / "again.pt")]
    done = CliRunner().invoke(app, arguments)
    assert "parts: adapters, frame_positions, resampler, vision_encoder" in done.output
    assert (tmp_path / "again.pt").is_file()


def test_a_runs_folder_is_evaluated_by_its_own_configuration(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[RunDir, Config]] = []
    monkeypatch.setattr(
        "lynx.evaluation.run.evaluate", lambda run, config, **_: asked.append((run, config))
    )
    folder = str(run_dir.path)
    done = CliRunner().invoke(app, ["evaluate", folder, "evaluation.batch_size=3"])
    assert done.exit_code == 0, done.output
    [(run, config)] = asked
    assert run.path == run_dir.path and config.evaluation.batch_size == 3
    assert config.model.resampler.num_queries == 6
    done = CliRunner().invoke(app, ["evaluate", folder, "model.num_frames=4"])
    assert "was trained with model.num_frames 5" in str(done.exception)
