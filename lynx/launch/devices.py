"""Checks processes, GPUs and the libraries that connect them against `hardware.*`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec

import torch
import torch.distributed

from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.launch.finding import Finding
from lynx.model.attention import check_attention
from lynx.tracking.ranks import num_started, started_by

# Nodes, and processes on this one, by whoever has started them.
_VARIABLES = {
    "torchrun": ("GROUP_WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    "srun": ("SLURM_NNODES", "SLURM_NTASKS_PER_NODE"),
}


def device_findings(config: Config) -> Iterator[Finding]:
    """All that can be known of the devices before anything is put on them."""
    hardware = config.hardware
    yield _processes(config)
    yield _attention(hardware.attention)
    if hardware.accelerator == "gpu":
        yield _gpus(hardware.devices)
        if torch.cuda.device_count() and "bf16" in (hardware.precision, hardware.frozen_dtype):
            yield _bf16()
        if hardware.devices * hardware.num_nodes > 1:
            yield _nccl()
    if hardware.strategy == "deepspeed":
        yield _deepspeed()


def _processes(config: Config) -> Finding:
    hardware, starter = config.hardware, started_by()
    if starter is None:
        if hardware.num_nodes > 1 and "NODE_RANK" not in os.environ:
            text = (
                f"hardware.num_nodes is {hardware.num_nodes}, and nothing has started the other "
                "nodes: use torchrun or `lynx launch`, or set hardware.num_nodes=1"
            )
            return Finding("processes", text, is_problem=True)
        return Finding("processes", f"{hardware.devices}, which this command starts itself")
    nodes, devices = _VARIABLES[starter]
    if devices not in os.environ:  # which Lightning asks for too
        text = "srun has started them without --ntasks-per-node, which must be hardware.devices"
        return Finding("processes", text, is_problem=True)
    counts = {
        "hardware.num_nodes": (hardware.num_nodes, int(os.environ[nodes])),
        "hardware.devices": (hardware.devices, int(os.environ[devices])),
        "their product": (hardware.num_nodes * hardware.devices, num_started()),
    }
    wrong = [
        f"{key} is {said}, not {found}" for key, (said, found) in counts.items() if said != found
    ]
    if wrong:
        text = f"{starter} has started others than the configuration says: {', '.join(wrong)}"
        return Finding("processes", text, is_problem=True)
    return Finding("processes", f"{hardware.num_nodes} x {hardware.devices}, by {starter}")


def _attention(attention: str) -> Finding:
    try:
        check_attention(attention)
    except LynxError as error:
        return Finding("attention", str(error), is_problem=True)
    return Finding("attention", attention)


def _gpus(wanted: int) -> Finding:
    count = torch.cuda.device_count()
    seen = [torch.cuda.get_device_properties(number) for number in range(count)]
    names = sorted({f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB" for gpu in seen})
    text = f"{count} ({'; '.join(names)})" if seen else "torch sees none"
    if count >= wanted:
        return Finding("GPUs", text)
    cause = "" if torch.backends.cuda.is_built() else "; this torch is built without CUDA"
    fix = "set hardware.devices to those there are, or look at nvidia-smi and CUDA_VISIBLE_DEVICES"
    return Finding("GPUs", f"{text}{cause}; hardware.devices is {wanted}: {fix}", is_problem=True)


def _bf16() -> Finding:
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return Finding("bf16", "supported")
    text = (
        f"{torch.cuda.get_device_name(0)} does not compute in bfloat16 (from A100 on they do); set "
        "hardware.precision=fp32 hardware.frozen_dtype=fp32 hardware.attention=sdpa"
    )
    return Finding("bf16", text, is_problem=True)


def _nccl() -> Finding:
    if not torch.distributed.is_nccl_available():
        text = "this torch has no NCCL, which connects GPUs; install a CUDA build of torch"
        return Finding("NCCL", text, is_problem=True)
    return Finding("NCCL", ".".join(str(part) for part in torch.cuda.nccl.version()))


def _deepspeed() -> Finding:
    if find_spec("deepspeed") is None:
        text = (
            "not installed, and hardware.strategy is deepspeed: `make setup EXTRAS=dev,deepspeed`, "
            "or hardware.strategy=ddp"
        )
        return Finding("DeepSpeed", text, is_problem=True)
    return Finding("DeepSpeed", metadata.version("deepspeed"))
