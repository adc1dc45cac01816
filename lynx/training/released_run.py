"""Makes a run's folder of a released checkpoint, and a released checkpoint of a run."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import rich.progress
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor

from lynx.config.compose import config_text, load_config
from lynx.config.errors import LynxError
from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.build import build_model, meta_model_of
from lynx.model.checkpoint import (
    LOADED_PARTS,
    VISION_POSITIONS,
    read_metadata,
    weights_identity,
    write_checkpoint,
)
from lynx.model.parts import part_of
from lynx.model.pretrained import resolve_checkpoint
from lynx.model.released import Translated, from_released, resized_positions, to_released
from lynx.model.released_files import read_released, write_released
from lynx.model.released_language_model import other_tensors
from lynx.tracking.files import atomic_dir, write_text_atomic
from lynx.tracking.manifest import git_state, write_manifest
from lynx.tracking.run_dir import RunDir
from lynx.training.stages import final_path, imported_key, write_record

STAGE = STAGE_NAMES[-1]  # what chat and evaluation load
_LLM = "language_model"


@dataclass(frozen=True)
class Imported:
    """What has become of a released checkpoint's tensors; names of ours in `kept`, else theirs."""

    parts: list[str]  # in the run's checkpoint
    frozen: list[str]  # of the variant's own, as the file has nothing else for them
    num_tensors: int  # in the run's checkpoint
    other_language_model: list[str]  # tensors that differ from the variant's
    computed: list[str]  # in the file, and computed from the configuration
    ignored: list[str]  # in the file, without a place in the variant
    incomplete: list[str]  # in the file, and ignored: the other pieces of the parameter are not
    kept: list[str]  # not in the file: the variant's own values
    others: list[str]  # in the file, and no weights


def import_released(path: Path, out: Path, config: Config, *, lenient: bool = False) -> Imported:
    """Write the checkpoint at `path` as the last stage of a run of `config` at `out`, a new folder.

    lenient: as the authors' loading does, ignore tensors that have no place and keep the variant's
    own where the file has none; else either is a LynxError that names them.
    """
    if out.exists():
        raise LynxError(f"{out} exists already; give a folder that doesn't")
    file = read_released(path)
    expected = {name: tuple(p.shape) for name, p in meta_model_of(config).named_parameters()}
    try:
        translated = from_released(file.tensors, expected=expected)
    except LynxError as error:
        raise LynxError(f"{path}: {error}") from error
    if not lenient:
        _check_complete(path, translated)
    tensors, kept = dict(translated.tensors), translated.missing
    other = other_tensors(tensors, config.model.language_model.checkpoint)
    if not other:
        tensors = {name: tensor for name, tensor in tensors.items() if part_of(name) != _LLM}
        kept = [name for name in kept if part_of(name) != _LLM]
    if kept:
        own = dict(build_model(config, seed=config.seed).named_parameters())
        tensors |= {name: own[name].detach() for name in kept}
    parts = sorted({part_of(name) for name in tensors})
    report = Imported(
        parts=parts,
        frozen=[part for part in LOADED_PARTS if part not in parts],
        num_tensors=len(tensors),
        other_language_model=other,
        computed=translated.computed,
        ignored=translated.unexpected,
        incomplete=translated.incomplete,
        kept=kept,
        others=file.others,
    )
    _write_run(path, out, config, tensors=tensors, report=report)
    return report


def export_released(source: Path, path: Path, *, image_size: int | None = None) -> list[str]:
    """Write the trained parts of a run's last stage, or of one checkpoint file, as the release's.

    image_size: in pixels, for the table of positions, which the authors' code wants as large as its
    `image_res`; by default the last stage's of a run, and of a file the table as it is. Gives the
    parts: what nothing has trained is not in it, as the release loads that from elsewhere.
    """
    if path.exists():
        raise LynxError(f"{path} exists already; give a file that doesn't, or remove it")
    checkpoint = source
    if source.is_dir():
        run_dir = RunDir(source)
        config, checkpoint = load_config(run_dir.config_path), final_path(run_dir, STAGE)
        image_size = image_size or getattr(config.stages, STAGE).image_size
    if not checkpoint.is_file():
        raise LynxError(f"{checkpoint}: there is no such checkpoint; give a run that has ended")
    parts: list[str] = read_metadata(checkpoint)["parts"]
    tensors = load_file(checkpoint)
    try:
        if image_size is not None and VISION_POSITIONS in tensors:
            _resize_positions(tensors, image_size)
        released = to_released(tensors)
    except LynxError as error:
        raise LynxError(f"{checkpoint}: {error}") from error
    write_released(path, released)
    return parts


def named(names: list[str], most: int = 8) -> str:
    """How many names, and the first of them, as messages say it."""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} ({', '.join(names[:most])}{more})"


def _check_complete(path: Path, translated: Translated) -> None:
    problems = []
    if translated.missing:
        problems.append(f"it lacks parameters of the variant: {named(translated.missing)}")
    if translated.unexpected:
        problems.append(f"the variant has no place for some: {named(translated.unexpected)}")
    if translated.incomplete:
        problems.append(f"it holds some without their other pieces: {named(translated.incomplete)}")
    if problems:
        raise LynxError(
            f"{path}: {'; '.join(problems)}. Look at model.resampler.num_layers and "
            "model.adapter.every_n_layers, or give --lenient to do as the authors' code, which "
            "takes no notice of either"
        )


def _resize_positions(tensors: dict[str, Tensor], image_size: int) -> None:
    patch = tensors["vision_encoder.model.embeddings.patch_embedding.weight"].shape[-1]
    if image_size % patch:
        raise LynxError(f"image size {image_size} is not a multiple of the patch size {patch}")
    tensors[VISION_POSITIONS] = resized_positions(tensors[VISION_POSITIONS], image_size // patch)


def _write_run(
    path: Path, out: Path, config: Config, *, tensors: dict[str, Tensor], report: Imported
) -> None:
    """The record's key is no stage's address, so that no training takes the weights for its own."""
    digest = _sha256(path)
    # The tokenizer is the variant's own even where the language model is the file's.
    identities = {part: _identity(config, part) for part in sorted({*report.frozen, _LLM})}
    key = imported_key(config, identities=identities, sha256=digest)
    metadata = {"stage": STAGE, "key": key, "steps": 0}
    with atomic_dir(out) as folder:
        run_dir = RunDir(folder)
        write_text_atomic(run_dir.config_path, config_text(config))
        write_manifest(
            run_dir,
            command=sys.argv,
            fingerprints={"backbones": identities, "released": digest},
        )
        write_checkpoint(
            final_path(run_dir, STAGE),
            tensors,
            parts=report.parts,
            identities=identities,
            metadata=metadata,
        )
        origin = {"file": path.name, "sha256": digest, "ignored": report.ignored}
        origin |= {"incomplete": report.incomplete, "kept": report.kept}
        origin |= {"other_language_model": report.other_language_model}
        record = {**metadata, "imported": origin, "git": git_state(), "reused_from": None}
        write_record(run_dir, STAGE, record)


def _identity(config: Config, part: str) -> str:
    checkpoint = getattr(config.model, part).checkpoint
    return weights_identity(resolve_checkpoint(checkpoint, key=f"model.{part}.checkpoint"))


def _sha256(path: Path) -> str:
    digest, console = hashlib.sha256(), Console(stderr=True)
    with rich.progress.open(path, "rb", description="sha256", console=console) as stream:
        while block := stream.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()
