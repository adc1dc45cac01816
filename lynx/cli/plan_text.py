"""Lays out a forecast as plain text of at most 100 columns."""

from __future__ import annotations

from collections.abc import Callable

from lynx.planning.facts_files import GIB, paper_gpu
from lynx.planning.flops import PARTS
from lynx.planning.memory import STRATEGIES, configured_strategy
from lynx.planning.plan import Plan, StagePlan
from lynx.reporting.text import aligned

_GB = 10**9
_NONE = "-"
_UNITS = {1e12: "TFLOP", 1e9: "GFLOP", 1e6: "MFLOP"}  # operations


def plan_text(plan: Plan) -> str:
    """Everything that the forecast says, and what it assumes."""
    sections = [
        _differences(plan),
        _reuse(plan),
        _parameters(plan),
        _samples(plan),
        _operations(plan),
        _hours(plan),
        _memory(plan),
        _strategies(plan),
        _disk(plan),
        _assumptions(plan),
    ]
    return "\n\n".join(sections)


def _differences(plan: Plan) -> str:
    hardware = plan.config.hardware
    kind = plan.gpu.name if plan.gpu else "CPU process"
    title = (
        f"{plan.variant} at scale {plan.config.scale}, seed {plan.config.seed}: forecast for "
        f"{plan.num_devices} x {kind} ({configured_strategy(plan.config)}, {hardware.precision})"
    )
    if not plan.diff:
        return f"{title}\n\nThe experiment itself: nothing differs from it."
    lines = [f"  {key}: {old} -> {new}" for key, (old, new) in plan.diff.items()]
    return f"{title}\n\nDiffers from {plan.config.experiment} in\n" + "\n".join(lines)


def _reuse(plan: Plan) -> str:
    is_certain = all(stage.state.is_certain for stage in plan.stages.values())
    how = (
        "by the stages' addresses: weights and shards are here"
        if is_certain
        else "by comparing settings: weights or shards aren't here, so addresses are unknown"
    )
    rows = [[f"  {name}", ""] for name in plan.stages]
    for row, stage in zip(rows, plan.stages.values(), strict=True):
        row[1] = stage.state.text
    width = max(len(row[0]) for row in rows)
    lines = [f"{name.ljust(width)}  {text}" for name, text in rows]
    return "\n".join([f"Stages ({how})", *lines])


def _parameters(plan: Plan) -> str:
    rows = [["Parameters", "all", *(f"{name} trains" for name in plan.stages)]]
    for part, count in plan.parameters.items():
        trained = [
            f"{count:,}" if part in stage.trained_parts else _NONE for stage in plan.stages.values()
        ]
        rows.append([f"  {part}", f"{count:,}", *trained])
    totals = [f"{stage.num_trained:,}" for stage in plan.stages.values()]
    rows.append(["  total", f"{sum(plan.parameters.values()):,}", *totals])
    lines = [aligned(rows)]
    if plan.num_interpolated:
        lines += [
            f"  {plan.num_interpolated:,} of the vision encoder's are position embeddings that the "
            "release",
            "  holds for the last stage's pictures; here they are interpolated, never trained.",
        ]
    return "\n".join(lines)


def _samples(plan: Plan) -> str:
    origins = {stage.load.origin: None for stage in plan.stages.values()}
    return _table(plan, f"A sample ({', '.join(origins)})", [
        ("tokens, vision tokens included", lambda one: f"{one.load.tokens:.1f}"),
        ("supervised tokens", lambda one: f"{one.load.targets:.1f}"),
        ("frames for the vision encoder", lambda one: f"{one.load.frames:.2f}"),
        ("padding of packed rows", lambda one: f"{100 * (1 - one.load.useful):.0f} %"),
    ])  # fmt: skip


def _operations(plan: Plan) -> str:
    unit = _unit(max(stage.flops.total for stage in plan.stages.values()))

    def of(part: str) -> Callable[[StagePlan], str]:
        def cell(one: StagePlan) -> str:
            backward = one.flops.backward[part]
            forward = f"{one.flops.forward[part] / unit:.3f}"
            return f"{forward} + {backward / unit:.3f}" if backward else forward

        return cell

    lines = [(part, of(part)) for part in PARTS]
    lines += [
        ("total", lambda one: f"{one.flops.total / unit:.3f}"),
        (
            "repeated by checkpointing, not in it",
            lambda one: f"{sum(one.flops.recomputed.values()) / unit:.3f}",
        ),
    ]
    return _table(plan, f"{_UNITS[unit]} per sample, forward + backward", lines)


def _hours(plan: Plan) -> str:
    lines: list[tuple[str, Callable[[StagePlan], str]]] = []
    stages = list(plan.stages.values())
    probed = stages[0].probe
    if probed is not None:
        title = f"Time, measured by {probed.steps} steps on one {probed.device}"
        lines += [
            (
                "utilisation",
                lambda one: f"{100 * one.probe.utilisation:.1f} %" if one.probe else "",
            ),
            ("peak memory, GiB", lambda one: _gib(one.probe.peak_memory) if one.probe else ""),
        ]
    elif plan.gpu is not None:
        title = (
            f"Time at {100 * plan.utilisation:g} % of {plan.gpu.flops_per_second / 1e12:g} "
            f"TFLOP/s ({plan.gpu.name})"
        )
    else:
        return "Time: no rate is assumed of a CPU; --probe --device cpu measures it"
    lines += [
        ("samples/s of a device", lambda one: _hour(one, "samples_per_second")),
        ("device hours", lambda one: _hour(one, "gpu_hours")),
        (f"wall hours on {plan.num_devices}", lambda one: _hour(one, "wall_hours")),
    ]
    if any(stage.paper for stage in stages):
        lines += [
            ("the paper's A100 hours (Table 8)", _paper_hours),
            ("utilisation that these mean", _paper_utilisation),
        ]
    total = sum(stage.hours.gpu_hours for stage in stages if stage.hours)
    ending = f"  {total:.1f} device hours in all"
    theirs = [(one.paper.gpu_hours, one.paper_utilisation or 0.0) for one in stages if one.paper]
    if len(theirs) == len(stages):
        hours = sum(gpu_hours for gpu_hours, _ in theirs)
        share = sum(gpu_hours * used for gpu_hours, used in theirs) / hours
        ending += (
            f"; the paper's {hours:.0f} A100 hours mean {100 * share:.1f} % of "
            f"{paper_gpu().flops_per_second / 1e12:g} TFLOP/s"
        )
    return f"{_table(plan, title, lines)}\n{ending}"


def _memory(plan: Plan) -> str:
    memories = [stage.memory.rows for stage in plan.stages.values()]
    names = {name: None for rows in memories for name in rows}
    lines: list[tuple[str, Callable[[StagePlan], str]]] = [
        (name, lambda one, name=name: _gib(one.memory.rows.get(name, 0)))  # type: ignore[misc]
        for name in names
        if any(rows.get(name) for rows in memories)
    ]
    lines.append(("total", lambda one: _gib(one.memory.total)))
    if plan.gpu is None:
        return _table(plan, "Memory of a process, GiB", lines)
    gpu = plan.gpu
    lines.append(("share of the GPU", lambda one: f"{100 * one.memory.total / gpu.memory:.0f} %"))
    return _table(plan, f"Memory of a GPU of {_gib(gpu.memory)} GiB, GiB", lines)


def _strategies(plan: Plan) -> str:
    def of(strategy: str) -> Callable[[StagePlan], str]:
        def cell(one: StagePlan) -> str:
            pair = one.memory_by_strategy[strategy]
            return f"{_gib(pair['without'])} / {_gib(pair['with'])}"

        return cell

    chosen = configured_strategy(plan.config)
    lines = [
        (f"{name}{' (configured)' if name == chosen else ''}", of(name)) for name in STRATEGIES
    ]
    return _table(plan, "GiB by strategy, without / with gradient checkpointing", lines)


def _disk(plan: Plan) -> str:
    table = _table(plan, "Disk, GB", [
        ("checkpoints, two at once, then removed", lambda one: _gb(one.disk["checkpoints"])),
        ("final file (float32), trained parts only", lambda one: _gb(one.disk["final file"])),
        ("the same in bfloat16", lambda one: _gb(one.final_bytes_bf16)),
    ])  # fmt: skip
    return f"{table}\n  at most {_gb(plan.disk)} GB at a time"


def _assumptions(plan: Plan) -> str:
    lines = [
        "Operations: products of matrices, a multiplication with its addition as two, padding of",
        "rows included. A utilisation counts what training needs, not what is repeated.",
        "Memory: at the beginning of the backward pass. The allocator's gaps aren't in it: leave a",
        "tenth of the device free. ZeRO's buckets are Lightning's, its frozen weights bfloat16.",
    ]
    if plan.config.scale == "paper":
        lines += [
            "The paper says 14B tokens for stages one and two and 3B for three, not whether vision",
            "tokens and padding are counted; they are read as with vision tokens, without padding.",
        ]
    if any("measured" not in stage.load.origin for stage in plan.stages.values()):
        lines.append(
            "Not measured: half of the text is taken as supervised, 3 % of rows as padding."
        )
    return "\n".join(["Assumptions", *(f"  {line}" for line in lines)])


def _table(plan: Plan, title: str, lines: list[tuple[str, Callable[[StagePlan], str]]]) -> str:
    """A row per line and a column per stage; a title that is wide stands on a line of its own."""
    rows = [["", *plan.stages]]
    rows += [[f"  {name}", *map(cell, plan.stages.values())] for name, cell in lines]
    head, *body = aligned(rows).split("\n")
    first = head.index(next(iter(plan.stages)))
    if len(title) + 2 <= first:
        return "\n".join([title + head[len(title) :], *body])
    return "\n".join([title, head, *body])


def _paper_hours(stage: StagePlan) -> str:
    return f"{stage.paper.gpu_hours:.0f}" if stage.paper else _NONE


def _paper_utilisation(stage: StagePlan) -> str:
    return _NONE if stage.paper_utilisation is None else f"{100 * stage.paper_utilisation:.1f} %"


def _hour(stage: StagePlan, name: str) -> str:
    return f"{getattr(stage.hours, name):,.1f}" if stage.hours else _NONE


def _unit(operations: float) -> float:
    return next((unit for unit in _UNITS if operations >= unit), min(_UNITS))


def _gib(size: float) -> str:
    return f"{size / GIB:.2f}"


def _gb(size: float) -> str:
    return f"{size / _GB:.2f}"
