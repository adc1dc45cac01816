"""Commands about the prompt pools: `lynx prompts generate | accept | show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

prompts_app = typer.Typer(no_args_is_help=True, help="Prompt pools: how each task is asked for.")


@prompts_app.command("generate")
def prompts_generate(
    pool: Annotated[str, typer.Argument(help="A pool of data_recipes/prompts.")],
    model: Annotated[str, typer.Option(help="Asked; the paper says GPT-4.")] = "gpt-4-0613",
    base_url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible server; else OpenAI.")
    ] = None,
    calls: Annotated[int, typer.Option(help="Each asks for 15 phrasings.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the three phrasings that a call shows.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of replies and reviews.")] = Path(
        ".cache/lynx/prompts"
    ),
) -> None:
    """Let a language model write phrasings with the paper's meta prompt, for a person to review."""
    from lynx.data.prompt_generation import generate_prompts

    path = generate_prompts(
        pool, model=model, base_url=base_url, calls=calls, seed=seed, out_dir=out
    )
    typer.echo(f"written: {path}; edit its `keep`, then: lynx prompts accept {path}")


@prompts_app.command("accept")
def prompts_accept(review: Path) -> None:
    """Add what a person kept in a review to the pool's file, with model, date and run."""
    from lynx.data.prompt_review import accept_review

    name, count = accept_review(review)
    typer.echo(f"added {count} phrasing(s) to the prompt pool `{name}`")


@prompts_app.command("show")
def prompts_show(
    pool: Annotated[str | None, typer.Argument(help="One pool's phrasings; else counts.")] = None,
) -> None:
    """Count the phrasings of each pool and task by origin, or list one pool's."""
    from lynx.data.prompt_counts import describe_pools

    typer.echo(describe_pools(pool))
