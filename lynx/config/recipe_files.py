"""Reads recipes: what a stage mixes, by weight or number of passes, alone or on top of others."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from keyword import iskeyword
from types import NoneType
from typing import Any, Literal, get_args

from lynx.config.errors import LynxError
from lynx.config.files import named_file, read_mapping, require_keys, shown
from lynx.config.nearest import nearest_hint
from lynx.config.prompt_pools import PROMPTS, load_pools
from lynx.config.source_facts import SOURCES, SourceFacts, load_sources
from lynx.config.weight_expressions import amount, exact, weight_value

RECIPES = "data_recipes"
Unit = Literal["samples", "tokens"]
_REQUIRED = ("description", "paper")
_OPTIONAL = ("parameters", "unit", "include", "sources")
_SOURCE_KEYS = ("weight", "repeat", "prompts", "exclude")


@dataclass(frozen=True)
class RecipeSource:
    """One dataset's part in a recipe: either a weight or a number of passes.

    weight: relative to the other sources'. repeat: passes over the source in the whole stage.
    prompts: name of its prompt pool. exclude: file of rows to leave out, or None.
    """

    prompts: str
    weight: Fraction | None = None
    repeat: Fraction | None = None
    exclude: str | None = None


@dataclass(frozen=True)
class Recipe:
    """A weighted mix of sources: a column of Table 12, or our reading where it has none.

    unit: what the weights are shares of. parameters: as they were given or stand in the file.
    """

    name: str
    description: str
    paper: Mapping[str, Any]  # where the paper has it
    sources: dict[str, RecipeSource]  # in the file's order, before those of included recipes
    unit: Unit = "samples"
    parameters: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each source that has one, in the recipe's order."""
        found = {name: source.weight for name, source in self.sources.items()}
        return {name: float(weight) for name, weight in found.items() if weight is not None}


def load_recipe(reference: str) -> Recipe:
    """The recipe in `data_recipes/<name>.yaml`, where `reference` is `name` or
    `name:parameter=value,...`.

    LynxError with file and key: no such recipe, prompt pool, source or parameter (says which is
    nearest), a key that is missing or unknown, a weight that is not above 0, recipes that include
    each other. All wrong sources are told at once.
    """
    return _loaded(reference, ())


def _loaded(reference: str, including: tuple[str, ...]) -> Recipe:
    name, _, given = reference.partition(":")
    path = named_file(RECIPES, name, kind="recipe")
    origin = shown(path)
    if name in including:
        raise LynxError(f"{origin}: recipes include each other: {' > '.join((*including, name))}")
    content = _checked_head(read_mapping(path), origin)
    parameters = _parameters(content.get("parameters", {}), given, origin)
    unit = content.get("unit", "samples")
    sources = _sources(content.get("sources", {}), parameters, origin)
    included = _included(content, parameters, unit, origin, including=(*including, name))
    for source, part in included.items():
        sources.setdefault(source, part)  # what a recipe says itself replaces what it includes
    sources = {name: part for name, part in sources.items() if 0 not in (part.weight, part.repeat)}
    if not sources:
        raise LynxError(f"{origin}: `sources` must map source names to weights")
    return Recipe(
        name=reference,
        description=content["description"],
        paper=content["paper"] or {},
        sources=sources,
        unit=unit,
        parameters=parameters,
    )


def _checked_head(content: Mapping[str, Any], origin: str) -> Mapping[str, Any]:
    optional = [key for key in _OPTIONAL if key in content]
    unknown = set(content) - {*_REQUIRED, *optional}
    require_keys(content, (*_REQUIRED, *(_OPTIONAL if unknown else optional)), origin)
    if not isinstance(content["description"], str):
        raise LynxError(f"{origin}: `description` must be a text; quote it")
    for key in ("paper", "parameters", "sources"):
        if not isinstance(content.get(key), (dict, NoneType)):
            raise LynxError(f"{origin}: `{key}` must be a mapping, not {content[key]!r}")
    if not isinstance(content.get("include", {}), dict):
        found = content["include"]
        raise LynxError(f"{origin}: `include` must be a mapping or left out, not {found!r}")
    unit = content.get("unit", "samples")
    if unit not in get_args(Unit):
        raise LynxError(f"{origin}: unit: {unit!r} is not one of {', '.join(get_args(Unit))}")
    return content


def _parameters(stated: Mapping[str, Any], given: str, origin: str) -> dict[str, Fraction]:
    """Parameters with the values of the file, and then of the reference."""
    found: dict[str, Fraction] = {}
    for name, value in (stated or {}).items():
        place = f"{origin}: parameters.{name}"
        if not str(name).isidentifier() or iskeyword(str(name)):
            raise LynxError(f"{place}: is no name for a weight to use; take letters, digits and _")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise LynxError(f"{place}: {value!r} is no number")
        if not abs(value) <= sys.float_info.max:  # inf, nan, and integers beyond any float
            raise LynxError(f"{place}: {value!r} is no finite number")
        found[str(name)] = exact(value)
    seen: set[str] = set()
    for assignment in filter(None, given.split(",")):
        name, _, text = assignment.partition("=")
        if name not in found:
            hint = nearest_hint(name, found)
            raise LynxError(f"{origin}: parameters: no parameter `{name}`{hint}")
        if name in seen:
            raise LynxError(f"{origin}: parameters.{name}: is given twice, in `{given}`")
        seen.add(name)
        try:
            found[name] = exact(float(text))
        except ValueError as error:
            raise LynxError(f"{origin}: parameters.{name}: {text!r} is no number") from error
    return found


def _included(
    content: Mapping[str, Any],
    parameters: Mapping[str, Fraction],
    unit: str,
    origin: str,
    *,
    including: tuple[str, ...],
) -> dict[str, RecipeSource]:
    """Sources of the included recipes, weights and passes multiplied, those named twice merged."""
    merged: dict[str, RecipeSource] = {}
    for reference, value in (content.get("include") or {}).items():
        factor = weight_value(value, parameters, f"{origin}: include.{reference}")
        other = _loaded(str(reference), including)
        if other.unit != unit:
            raise LynxError(f"{origin}: include.{reference}: its unit is {other.unit}, not {unit}")
        for name, source in other.sources.items():
            place = f"{origin}: include.{reference}: source `{name}`"
            scaled = replace(
                source,
                weight=None if source.weight is None else amount(factor * source.weight, place),
                repeat=None if source.repeat is None else amount(factor * source.repeat, place),
            )
            merged[name] = _merged(merged[name], scaled, place) if name in merged else scaled
    return merged


def _merged(one: RecipeSource, other: RecipeSource, place: str) -> RecipeSource:
    """Both parts as one: two orders of the same rows would repeat samples at the same time."""
    for key in ("prompts", "exclude"):
        if getattr(one, key) != getattr(other, key):
            values = f"{getattr(one, key)!r} and {getattr(other, key)!r}"
            raise LynxError(f"{place} comes twice, with the {key} {values}; list it in `sources`")
    if (one.weight is None) != (other.weight is None):
        raise LynxError(f"{place} comes with a weight and with a repeat; list it in `sources`")
    if one.weight is not None and other.weight is not None:
        return replace(one, weight=amount(one.weight + other.weight, place))
    assert one.repeat is not None and other.repeat is not None
    return replace(one, repeat=amount(one.repeat + other.repeat, place))


def _sources(
    entries: Mapping[str, Any], parameters: Mapping[str, Fraction], origin: str
) -> dict[str, RecipeSource]:
    known, pools = load_sources(), load_pools()
    found: dict[str, RecipeSource] = {}
    problems = []
    for name, entry in (entries or {}).items():
        place = f"{origin}: sources.{name}"
        try:
            if not isinstance(name, str):
                raise LynxError(f"{place}: {name!r} is no text; quote it if a source is named so")
            if name not in known:
                hint = nearest_hint(name, known)
                raise LynxError(f"{place}: no such source in {SOURCES}/{hint}")
            found[name] = _source(entry, known[name], pools, parameters, place)
        except LynxError as error:
            problems.append(str(error))
    if problems:
        raise LynxError("\n  ".join(problems))
    return found


def _source(
    entry: Any,
    facts: SourceFacts,
    pools: Collection[str],
    parameters: Mapping[str, Fraction],
    place: str,
) -> RecipeSource:
    if not isinstance(entry, dict):
        raise LynxError(f"{place} must be a mapping of {', '.join(_SOURCE_KEYS)}, not {entry!r}")
    for key in entry:
        if key not in _SOURCE_KEYS:
            raise LynxError(f"{place}: unknown key `{key}`{nearest_hint(str(key), _SOURCE_KEYS)}")
    if ("weight" in entry) == ("repeat" in entry):
        raise LynxError(f"{place}: needs either `weight` or `repeat`")
    amounts = {
        key: weight_value(entry[key], parameters, f"{place}.{key}")
        for key in ("weight", "repeat")
        if key in entry
    }
    exclude = entry.get("exclude")
    if exclude is not None and not (isinstance(exclude, str) and exclude.strip()):
        raise LynxError(f"{place}.exclude: {exclude!r} is no file's path")
    pool = entry.get("prompts", facts.prompts)
    if not isinstance(pool, str):
        raise LynxError(f"{place}.prompts: {pool!r} is no pool's name; if it is one, quote it")
    if pool not in pools:
        hint = nearest_hint(pool, pools)
        raise LynxError(f"{place}.prompts: no prompt pool `{pool}` in {PROMPTS}/{hint}")
    return RecipeSource(prompts=pool, exclude=exclude, **amounts)
