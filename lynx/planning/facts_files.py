"""Reads the figures that forecasts start from: the paper's own run, and GPUs' data sheets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from lynx.config.errors import LynxError
from lynx.config.nearest import nearest_hint

GIB = 2**30
DEFAULT_GPU = "a100-80gb"


@dataclass(frozen=True)
class Gpu:
    """A kind of GPU: memory in bytes, dense bfloat16 operations per second."""

    name: str
    memory: int
    flops_per_second: float


@dataclass(frozen=True)
class PaperStage:
    """What the paper's own run of a stage took (Table 8)."""

    gpus: int
    hours: float  # of the clock
    samples: int
    tokens_per_sample: float

    @property
    def gpu_hours(self) -> float:
        """A100 hours."""
        return self.gpus * self.hours


def gpu(name: str) -> Gpu:
    """The GPU of that name; an unknown name is a LynxError that lists all."""
    known = _read("gpus.yaml")
    if name not in known:
        names = ", ".join(known)
        raise LynxError(f"--gpu: no GPU `{name}`{nearest_hint(name, known)}; there are: {names}")
    return Gpu(name, round(known[name]["gib"] * GIB), known[name]["tflops"] * 1e12)


def gpu_called(driver_name: str) -> Gpu | None:
    """The GPU that the driver calls so, None for one that isn't listed."""
    for name, facts in _read("gpus.yaml").items():
        if all(word in driver_name for word in facts["driver"]):
            return gpu(name)
    return None


def paper_gpu() -> Gpu:
    """The kind of GPU that the authors used."""
    return gpu(_read("paper_run.yaml")["gpu"])


def paper_stage(stage: str) -> PaperStage:
    """The paper's own run of the stage."""
    content = _read("paper_run.yaml")
    return PaperStage(
        **content["stages"][stage], tokens_per_sample=content["tokens_per_sample"][stage]
    )


@cache
def _read(name: str) -> dict[str, Any]:
    text = files("lynx.planning").joinpath(f"facts/{name}").read_text("utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content
