"""Says how much of a source's texts is noise, by which rule, and lists those rows for exclusion."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from rich.console import Console
from rich.progress import track

from lynx.config.errors import LynxError
from lynx.data.exclusions import ExcludedRow, SourceExclusions
from lynx.data.noise import DUPLICATE, LOW_SCORE, RULES, Rule, has_language, known_rule, looked_at
from lynx.data.sample import Sample, UnreadableSampleError
from lynx.data.shards.reading import ShardedSource

Scores = Callable[[int], float | None]  # CLIP score of a row, where it has one

# Columns that img2dataset keeps beside a picture; those of CLIP ViT-B/32 first, as LOW_SCORE's
# threshold is for them. COYO-700M, DataComp, LAION; the same of ViT-L/14.
SCORE_COLUMNS = (
    "clip_similarity_vitb32",
    "clip_b32_similarity_score",
    "similarity",
    "clip_score",
    "clip_similarity_vitl14",
    "clip_l14_similarity_score",
)
_QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # percent
_NUM_EXAMPLES, _EXAMPLE_LENGTH = 2, 76  # per rule; characters


@dataclass(frozen=True)
class Finding:
    """What one rule found among the rows that were looked at; rows: int64, ascending.

    num_judged: texts that the rule could judge; the others are too short for it, or have no score.
    """

    rule: Rule
    rows: np.ndarray
    num_judged: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class NoiseReport:
    """How much of a source is noise.

    num_rows: of the source; num_read: looked at, evenly spaced; num_unreadable: of these.
    findings: by rule; without LOW_SCORE where no row has a score. num_words, scores: quantiles, by
    percent. languages: number of rows, by ISO 639 code, of those with enough words to tell it.
    """

    source: str
    fingerprint: str
    num_rows: int
    num_read: int
    num_unreadable: int
    findings: Mapping[str, Finding]
    num_words: Mapping[int, float]
    languages: Mapping[str, int]
    num_scored: int
    scores: Mapping[int, float]

    def noisy(self, rules: Collection[str] = tuple(RULES)) -> np.ndarray:
        """Rows, ascending, that at least one of the rules found."""
        rows = [found.rows for name, found in self.findings.items() if name in rules]
        return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)

    def as_json(self) -> dict[str, Any]:
        """All of it but the rows, for a file."""
        head = {"source": self.source, "fingerprint": self.fingerprint, "num_rows": self.num_rows}
        counts = {"num_read": self.num_read, "num_unreadable": self.num_unreadable}
        rules = {
            name: {
                "threshold": found.rule.threshold,
                "reason": found.rule.reason,
                "num_rows": len(found.rows),
                "num_judged": found.num_judged,
                "examples": list(found.examples),
            }
            for name, found in self.findings.items()
        }
        noise = {"rules": rules, "num_noisy": len(self.noisy())}
        texts = {"num_words": dict(self.num_words), "languages": dict(self.languages)}
        scored = {"num_scored": self.num_scored, "scores": dict(self.scores)}
        return head | counts | noise | texts | scored


def noise_report(
    source: ShardedSource,
    *,
    limit: int = 0,
    rules: Mapping[str, Rule] = RULES,
    scores: Scores | None = None,
    progress: bool = True,
) -> NoiseReport:
    """Look at the texts of a source. limit: of rows, taken evenly spaced; 0 for all.

    A row's text is what is to be learned of it. Some 4,000 rows per second.
    """
    seen = _looked_through(source, _spaced(len(source), limit), rules, scores, progress=progress)
    found = {
        name: np.array(seen.found[name], dtype=np.int64)
        for name, rule in rules.items()
        if rule.finds is not None
    }
    rows, values = np.array(seen.rows, dtype=np.int64), np.array(seen.scores)
    if DUPLICATE in rules:
        found[DUPLICATE] = rows[_copies(np.array(seen.digests), _threshold(rules[DUPLICATE]))]
    if LOW_SCORE in rules and not np.isnan(values).all():
        found[LOW_SCORE] = rows[values < _threshold(rules[LOW_SCORE])]
    num_scored = int(np.count_nonzero(~np.isnan(values)))
    judged = dict(seen.judged) | {DUPLICATE: len(rows), LOW_SCORE: num_scored}
    return NoiseReport(
        source=source.name,
        fingerprint=source.fingerprint,
        num_rows=len(source),
        num_read=len(rows) + seen.num_unreadable,
        num_unreadable=seen.num_unreadable,
        findings={
            name: Finding(rules[name], noisy, judged.get(name, 0), _examples(source, noisy))
            for name, noisy in found.items()
        },
        num_words=_quantiles(np.array(seen.num_words)),
        languages=dict((+seen.languages).most_common()),
        num_scored=num_scored,
        scores=_quantiles(values[~np.isnan(values)]),
    )


def noise_exclusions(
    source: ShardedSource, report: NoiseReport, rules: Sequence[str]
) -> SourceExclusions:
    """The rows that any of `rules` found, for `write_exclusions`.

    LynxError for a rule that is none or was not applied, and for a report on a part of the rows:
    what wasn't looked at can't be called clean.
    """
    if report.num_read < report.num_rows or report.fingerprint != source.fingerprint:
        raise LynxError(
            f"{source.name}: the noise report is on {report.num_read} of {report.num_rows} rows of "
            f"shards {report.fingerprint}; exclusions need all {len(source)} rows of "
            f"{source.fingerprint} looked at"
        )
    for name in rules:
        if known_rule(name).name not in report.findings:
            raise LynxError(f"{source.name}: rule `{name}`: no row has a score to judge it by")
    if not rules:
        raise LynxError(f"name at least one noise rule to exclude by, of {', '.join(RULES)}")
    applied = [report.findings[name].rule for name in rules]
    return SourceExclusions(
        source=source.name,
        fingerprint=source.fingerprint,
        num_rows=len(source),
        made_by=f"lynx data noise: {', '.join(map(str, applied))}",
        rows=_excluded_rows(source, report, rules),
    )


def score_column(source: ShardedSource, column: str = "") -> Scores | None:
    """Scores in the source's metadata; "": the first of SCORE_COLUMNS in its first row, if any."""
    present = source.metadata(0)
    if column and column not in present:
        raise LynxError(f"{source.place(0)}: has no `{column}`; it has {', '.join(present)}")
    column = column or next((name for name in SCORE_COLUMNS if name in present), "")
    if not column:
        return None

    def score(row: int) -> float | None:
        value = source.metadata(row).get(column)
        return float(value) if isinstance(value, (int, float)) else None

    return score


@dataclass
class _Seen:
    """What is kept of each row: some tens of bytes, so that ten million fit."""

    found: dict[str, array[int]]
    rows: array[int]
    digests: array[int]
    num_words: array[int]
    scores: array[float]
    languages: Counter[str]
    judged: Counter[str]  # rows that a rule could judge, by its name
    num_unreadable: int = 0


def _looked_through(
    source: ShardedSource,
    rows: Sequence[int],
    rules: Mapping[str, Rule],
    scores: Scores | None,
    *,
    progress: bool,
) -> _Seen:
    found: dict[str, array[int]] = {name: array("q") for name in rules}
    seen = _Seen(found, array("q"), array("Q"), array("q"), array("d"), Counter(), Counter())
    console = Console(stderr=True)
    title = f"reading {source.name}"
    for row in track(rows, title, console=console, disable=not progress, transient=True):
        try:
            text = looked_at(_learned(source.read(row)))
            score = scores(row) if scores else None
        except UnreadableSampleError:
            seen.num_unreadable += 1
            continue
        seen.rows.append(row)
        seen.digests.append(xxhash.xxh3_64_intdigest(" ".join(text.words).casefold().encode()))
        seen.num_words.append(len(text.words))
        seen.scores.append(math.nan if score is None else score)
        seen.languages[text.language] += has_language(text)
        for name, rule in rules.items():
            if rule.finds is None or not rule.judges(text):
                continue
            seen.judged[name] += 1
            if rule.finds(text, _threshold(rule)):
                seen.found[name].append(row)
    return seen


def _learned(sample: Sample) -> str:
    return " ".join(one.response for one in sample.rounds[sample.num_history :])


def _threshold(rule: Rule) -> float:
    return 0.0 if rule.threshold is None else rule.threshold


def _spaced(length: int, limit: int) -> Sequence[int]:
    if not 0 < limit < length:
        return range(length)
    return [index * length // limit for index in range(limit)]


def _copies(digests: np.ndarray, num_kept: float) -> np.ndarray:
    """Which are copies beyond the first `num_kept` of the same, as bool."""
    order = np.argsort(digests, kind="stable")
    ordered = digests[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])
    sizes = np.diff(np.r_[starts, len(ordered)])
    place = np.arange(len(ordered)) - np.repeat(starts, sizes)
    copies = np.zeros(len(digests), dtype=bool)
    copies[order] = place >= num_kept
    return copies


def _quantiles(values: np.ndarray) -> dict[int, float]:
    if not len(values):
        return {}
    found = np.percentile(values, _QUANTILES)
    return {q: round(float(v), 4) for q, v in zip(_QUANTILES, found, strict=True)}


def _examples(source: ShardedSource, rows: np.ndarray) -> tuple[str, ...]:
    texts = (_learned(source.read(int(row))) for row in rows[:_NUM_EXAMPLES])
    return tuple(text[:_EXAMPLE_LENGTH] for text in texts)


def _excluded_rows(
    source: ShardedSource, report: NoiseReport, rules: Sequence[str]
) -> Iterator[ExcludedRow]:
    noisy = report.noisy(rules)
    found = {name: np.isin(noisy, report.findings[name].rows) for name in rules}
    for index, row in enumerate(noisy.tolist()):
        reasons = [name for name, is_found in found.items() if is_found[index]]
        yield ExcludedRow(row, source.read_members(row)[0], ", ".join(reasons))
