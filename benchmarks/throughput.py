"""Measures training steps against the device's own rate: `python -m benchmarks.throughput`.

Random weights of the scale's shapes, real micro batches of random pictures and text, real AdamW, on
one device. Micro batches hold what the stage's mean sample holds: tokens by the paper's totals (89
in stage one, 313 in stage three, read as with the 32 vision tokens) where its data aren't here;
texts are 0.5 to 1.5 times the mean, as the paper publishes no lengths. Utilisation counts the
operations that training needs, so nothing that gradient checkpointing repeats, against products of
matrices that are timed in the same run. A CPU takes the same code at a fraction of the width, to
see that it runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.measuring import Report
from lynx.config.compose import compose
from lynx.config.schema import STAGE_NAMES, Config
from lynx.model.pretrained import shape_of
from lynx.planning.load import stage_load
from lynx.planning.probe import ProbeResult, device_name, matmul_rate, probe
from lynx.planning.synthetic import load_of, synthetic_batch
from tests.tiny import write_tokenizer

TARGET = 0.4  # of the measured rate, in stage one at full width on a GPU
ROWS = {"packed": "balanced", "padded": "none"}  # data.packing
DIVIDED = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
CPU_DIVISOR, CPU_STEPS, CPU_SAMPLES = 32, 2, 4
MATRIX_WIDTH = {"cuda": 8192, "cpu": 2048}


@dataclass(frozen=True)
class Options:
    """What is measured: stages and kinds of rows, and by which part of the full width."""

    scale: str
    stages: tuple[str, ...]
    rows: tuple[str, ...]
    steps: int
    device: str
    width_divisor: int
    num_samples: int | None  # of a micro batch; None: the scale's

    @property
    def is_full(self) -> bool:
        """Whether the figures are those of the scale."""
        return self.width_divisor == 1 and self.num_samples is None


def main(arguments: Sequence[str] | None = None) -> Report:
    """Measure what is asked for; gives what was reported."""
    options = _options(arguments)
    report = Report()
    rate = matmul_rate(options.device, width=MATRIX_WIDTH[options.device])
    report.section(f"{device_name(options.device)}, torch {torch.__version__}")
    report.fact(f"products of matrices in bfloat16: {rate / 1e12:.3g} TFLOP/s")
    if not options.is_full:
        report.fact(
            f"NOT the scale {options.scale}: widths divided by {options.width_divisor}, micro "
            f"batches of {options.num_samples or 'its'} samples; figures show that it runs"
        )
    with tempfile.TemporaryDirectory() as folder:
        for stage in options.stages:
            report.section(f"stage {stage}")
            for rows in options.rows:
                _measure(options, stage, rows, rate=rate, folder=Path(folder), report=report)
    return report


def _measure(
    options: Options, stage: str, rows: str, *, rate: float, folder: Path, report: Report
) -> None:
    config = one_device(options, rows=rows, folder=folder)
    result = probe(config, stage, steps=options.steps, device=options.device)
    mean = stage_load(config, stage)
    made = [synthetic_batch(config, stage, mean, vocabulary=2, number=n) for n in range(2)]
    load = load_of(made)  # the probe's, but for what the tokens are
    seconds = result.seconds + result.optimizer_seconds
    used = result.flops_per_second * result.seconds / seconds / rate
    text = (
        f"{rows}: {_speed(result, seconds, load.tokens)}, {100 * load.useful:.0f} % of positions "
        f"useful, {result.peak_memory / 2**30:.1f} GiB; {100 * used:.0f} % of the measured rate"
    )
    if stage == STAGE_NAMES[0] and rows == "packed" and options.is_full:
        report.check(text, target=f"{100 * TARGET:.0f} %", reached=used >= TARGET)
    else:
        report.fact(text)


def _speed(result: ProbeResult, seconds: float, tokens: float) -> str:
    speed = result.micro_batch_size / seconds
    return f"{speed:.1f} samples/s, {speed * tokens:.0f} tokens/s ({seconds:.2f} s a step)"


def one_device(options: Options, *, rows: str, folder: Path) -> Config:
    """The scale's Lynx on one device, as wide as asked for; its shapes are written to `folder`."""
    changes = {
        "hardware.accelerator": "gpu" if options.device == "cuda" else "cpu",
        "hardware.devices": 1,
        "hardware.num_nodes": 1,
        "hardware.strategy": "single",
        "data.packing": ROWS[rows],
    }
    if options.num_samples is not None:
        for stage in STAGE_NAMES:
            changes[f"stages.{stage}.micro_batch_size"] = options.num_samples
            changes[f"stages.{stage}.global_batch_size"] = options.num_samples
    if options.width_divisor > 1:
        config = compose(scale=options.scale)
        changes["model.resampler.head_dim"] = max(
            1, config.model.resampler.head_dim // options.width_divisor
        )
        for part in ("vision_encoder", "language_model"):
            key = f"model.{part}.checkpoint"
            shape = shape_of(getattr(config.model, part).checkpoint, key=key)
            changes[key] = str(_narrower(shape, options.width_divisor, folder / part))
    return compose(scale=options.scale, overrides=[f"{k}={v}" for k, v in changes.items()])


def _narrower(shape: object, divisor: int, folder: Path) -> Path:
    """A checkpoint's folder that says how wide the part is; nobody reads its weights."""
    assert isinstance(shape, dict)
    narrow = {key: max(1, shape[key] // divisor) for key in DIVIDED if key in shape}
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**shape, **narrow}))
    (folder / "model.safetensors").touch()
    write_tokenizer(folder)
    return folder


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(description=__doc__)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--scale", default="paper")
    parser.add_argument("--stage", action="append", choices=STAGE_NAMES, help="one and three")
    parser.add_argument("--packed", action="store_true", help="packed rows alone")
    parser.add_argument("--padded", action="store_true", help="padded rows alone")
    parser.add_argument("--steps", type=int, help=f"20; {CPU_STEPS} on a CPU")
    parser.add_argument("--device", choices=tuple(MATRIX_WIDTH), default=device)
    parser.add_argument("--width-divisor", type=int, help=f"1; {CPU_DIVISOR} on a CPU")
    parser.add_argument("--samples", type=int, help=f"the scale's; {CPU_SAMPLES} on a CPU")
    given = parser.parse_args(arguments)
    is_cpu = given.device == "cpu"
    return Options(
        scale=given.scale,
        stages=tuple(given.stage or (STAGE_NAMES[0], STAGE_NAMES[2])),
        rows=tuple(one for one in ROWS if getattr(given, one)) or tuple(ROWS),
        steps=given.steps or (CPU_STEPS if is_cpu else 20),
        device=given.device,
        width_divisor=given.width_divisor or (CPU_DIVISOR if is_cpu else 1),
        num_samples=given.samples or (CPU_SAMPLES if is_cpu else None),
    )


if __name__ == "__main__":
    main()
    sys.exit()
