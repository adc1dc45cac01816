"""Makes Tables 12 and 13 from the recipes and prompt pools, and holds runs' realised mix beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from lynx.config.errors import LynxError
from lynx.config.files import names_in
from lynx.config.prompt_pools import PromptPool, load_pools
from lynx.config.recipe_files import RECIPES, Recipe, load_recipe
from lynx.config.schema import STAGE_NAMES
from lynx.config.source_facts import SourceFacts, load_sources
from lynx.reporting.evidence import relative, runs_folder
from lynx.reporting.grid import NOTHING, Cell, Document, Grid, label, labels, nothing, paper
from lynx.reporting.measured import Runs
from lynx.reporting.notes import errata
from lynx.reporting.records import read_record
from lynx.reporting.requests import EXPERIMENT, Request

_TABLE = 12
# The paper's columns, and the stage that each was printed for.
_STAGES = {"pretrain": STAGE_NAMES[0], "finetune": STAGE_NAMES[2]}
_CAPTION_12 = (
    "paper: the printed ratios, which are the weights of data_recipes/{recipes}; - : not in it.",
    "realised: of the samples that the base runs' stages were given; a cycle of whole numbers "
    "comes as near as it can.",
)
_CAPTION_13 = (
    "prompt: the paper's example, which `prompts: single` keeps; {fields} are filled in by the "
    "sample.",
    "phrasings: that training draws from with `prompts: diverse`, and, after +, those kept for "
    "evaluation.",
)


@dataclass(frozen=True)
class Mix:
    """Samples that a stage was given, in shares by source, and the records they stand in."""

    shares: Mapping[str, float]
    sources: tuple[str, ...]


def recipes_table(request: Request) -> Document:
    """Table 12: datasets with their ratios, printed and realised."""
    recipes = _recipes_of_the_paper()
    runs = request.runs_of(EXPERIMENT)
    mixes = {column: _mix(runs, stage) for column, stage in _STAGES.items()}
    facts = load_sources()
    top = (label(""), label(""), label(""), *(Cell(column, span=2) for column in recipes))
    header = labels("dataset", "task", "samples", *["paper, %", "realised, %"] * len(recipes))
    lines = [
        (*_source_cells(facts[name]), *_ratio_cells(name, recipes, mixes))
        for name in dict.fromkeys(n for recipe in recipes.values() for n in recipe.sources)
    ]
    lines.append((*labels("all", "", ""), *_total_cells(recipes, mixes)))
    seeds = ",".join(map(str, runs)) or "none"
    files = " and ".join(f"{recipe.name}.yaml" for recipe in recipes.values())
    return Document(
        name="table_12",
        title=request.title,
        notes=(f"{len(lines) - 1} datasets; realised by {EXPERIMENT}, seeds: {seeds}",),
        blocks=(Grid((top, header), tuple(lines), left=frozenset({0, 1})),),
        caption=(_CAPTION_12[0].format(recipes=files), _CAPTION_12[1], *errata(12)),
    )


def prompts_table(request: Request) -> Document:
    """Table 13: a prompt of each dataset."""
    pools, facts = load_pools(), load_sources()
    lines = []
    for name, pool in _pools_of_sources(_recipes_of_the_paper(), pools).items():
        number = f"{len(pool.diverse)}+{len(pool.held_out)}"
        lines.append(
            (label(facts[name].title), paper(pool.single), label(pool.name), label(number))
        )
    header = labels("dataset", "prompt", "pool", "phrasings")
    return Document(
        name="table_13",
        title=request.title,
        notes=(f"{len(lines)} datasets, {len({line[2].text for line in lines})} prompt pools",),
        blocks=(Grid((header,), tuple(lines), left=frozenset({0, 1, 2}), folded=1),),
        caption=(*_CAPTION_13, *errata(13)),
    )


def _recipes_of_the_paper() -> dict[str, Recipe]:
    """The recipes that are a column of Table 12, by the column, in the paper's order."""
    found = {}
    for name in names_in(RECIPES):
        recipe = load_recipe(name)
        if recipe.paper.get("table") == _TABLE:
            found[str(recipe.paper["column"])] = recipe
    missing = [column for column in _STAGES if column not in found]
    if missing:
        raise LynxError(
            f"{RECIPES}/: no recipe says `paper: {{table: {_TABLE}, column: {missing[0]}}}`"
        )
    return {column: found[column] for column in _STAGES}


def _pools_of_sources(
    recipes: Mapping[str, Recipe], pools: Mapping[str, PromptPool]
) -> dict[str, PromptPool]:
    return {
        name: pools[source.prompts]
        for recipe in recipes.values()
        for name, source in recipe.sources.items()
    }


def _mix(runs: Runs, stage: str) -> Mix | None:
    """Shares of the samples, the mean over the seeds; None without records."""
    found: list[Mapping[str, float]] = []
    paths: list[str] = []
    for run in runs.values():
        path: Path = run.stage_record_path(stage)
        samples = (read_record(path) or {}).get("realised_mix")
        if samples:
            total = sum(samples.values())
            found.append({name: number / total for name, number in samples.items()})
            paths.append(relative(path, runs_folder(run)))
    if not found:
        return None
    names = dict.fromkeys(name for one in found for name in one)
    shares = {name: fmean(one.get(name, 0.0) for one in found) for name in names}
    return Mix(shares, tuple(paths))


def _source_cells(source: SourceFacts) -> tuple[Cell, Cell, Cell]:
    rows = source.rows
    text = "?" if rows is None else f"{rows:,}"
    return label(source.title), label(source.task), paper(text, rows)


def _ratio_cells(
    name: str, recipes: Mapping[str, Recipe], mixes: Mapping[str, Mix | None]
) -> list[Cell]:
    cells = []
    for column, recipe in recipes.items():
        weight, mix = recipe.weights.get(name), mixes[column]
        cells.append(paper(NOTHING if weight is None else f"{weight:.3f}", weight))
        share = None if mix is None else mix.shares.get(name)
        cells.append(_share_cell(share, mix))
    return cells


def _share_cell(share: float | None, mix: Mix | None) -> Cell:
    if share is None or mix is None:
        return nothing()
    return Cell(f"{100 * share:.3f}", "measured", mix.sources, value=100 * share)


def _total_cells(recipes: Mapping[str, Recipe], mixes: Mapping[str, Mix | None]) -> Sequence[Cell]:
    cells = []
    for column, recipe in recipes.items():
        total, mix = sum(recipe.weights.values()), mixes[column]
        cells.append(paper(f"{total:.3f}", total))
        cells.append(_share_cell(None if mix is None else sum(mix.shares.values()), mix))
    return cells
