"""The command `lynx plan`: what a variant will need, before anything is trained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lynx.cli.runs import Name, Overrides, Scale, composed
from lynx.config.errors import LynxError
from lynx.config.schema import Config
from lynx.planning.facts_files import DEFAULT_GPU

if TYPE_CHECKING:
    from lynx.planning.load import Load
    from lynx.planning.probe import ProbeResult


def plan(
    name: Name = "lynx",
    overrides: Overrides = None,
    scale: Scale = "desk",
    seed: Annotated[int, typer.Option(help="Of the runs that are looked for.")] = 0,
    gpu: Annotated[str, typer.Option(help="Kind of GPU: a100-80gb, h100, h200, ...")] = DEFAULT_GPU,
    utilisation: Annotated[float, typer.Option(help="Share of its rate that is reached.")] = 0.4,
    tokens_per_sample: Annotated[
        float | None, typer.Option(help="Instead of what data or paper say.")
    ] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Measure real steps instead.")] = False,
    steps: Annotated[int, typer.Option(help="Of the probe, per stage.")] = 20,
    device: Annotated[Literal["cuda", "cpu"], typer.Option(help="Of the probe.")] = "cuda",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Forecast parameters, memory, operations, hours and disk of a variant, beside the paper's."""
    from lynx.cli.plan_text import plan_text
    from lynx.planning.facts_files import gpu as gpu_of
    from lynx.planning.plan import make_plan, plan_json

    if not 0 < utilisation <= 1:
        raise LynxError(f"--utilisation: {utilisation:g} is no share; give one above 0, at most 1")
    if tokens_per_sample is not None and tokens_per_sample < 1:
        raise LynxError(f"--tokens-per-sample: {tokens_per_sample:g} is less than one token")
    if steps < 1:
        raise LynxError(f"--steps: {steps} leaves nothing to measure; give 1 or more")

    def probed(config: Config, stage: str, load: Load) -> ProbeResult:
        from lynx.planning.probe import probe as measure

        typer.echo(f"probing stage {stage}: {steps} steps on {device}", err=True)
        return measure(config, stage, steps=steps, device=device, load=load)

    forecast = make_plan(
        composed(name, scale=scale, seed=seed, overrides=overrides),
        gpu=gpu_of(gpu),
        utilisation=utilisation,
        tokens_per_sample=tokens_per_sample,
        probe=probed if probe else None,
    )
    typer.echo(json.dumps(plan_json(forecast), indent=2) if as_json else plan_text(forecast))
