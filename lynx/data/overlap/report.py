"""Says what overlaps with a benchmark, as a table and as exclusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lynx.data.exclusions import ExcludedRow, SourceExclusions
from lynx.data.overlap.check import Hit, OverlapReport, SourceOverlap
from lynx.data.overlap.picture_hash import METHOD, State

NUM_SHOWN = 10  # hits of a source that the table names
NUM_NAMED = 3  # of the benchmark's pictures, in a warning
_NOT_COMPARED = {
    State.NONE: "without a picture",
    State.FLAT: "of one colour",
    State.UNDECODABLE: "undecodable",
    State.UNREADABLE: "unreadable",
}


def overlap_table(report: OverlapReport, *, num_shown: int = NUM_SHOWN) -> str:
    """The report as a person reads it."""
    lines = [
        f"benchmark: {report.num_pictures} pictures or videos; {report.num_with_id} with an id, "
        f"{report.num_at_hand} at hand to compare ({report.num_unusable} of one colour or "
        f"undecodable); {METHOD}, at most {report.max_distance} bits of 64 apart",
        *_warnings(report),
    ]
    width = max((len(one.source) for one in report.sources), default=0)
    head = f"{'source':<{width}} {'rows':>9} {'with id':>9} {'compared':>9}"
    lines.append(f"{head} {'same id':>8} {'same look':>9}  not compared by look")
    lines += [_source_line(one, width) for one in report.sources]
    for one in report.sources:
        lines += [f"{one.source}: {_hit_text(hit)}" for hit in one.hits[:num_shown]]
        if len(one.hits) > num_shown:
            lines.append(f"{one.source}: and {len(one.hits) - num_shown} more")
    return "\n".join(lines)


def _warnings(report: OverlapReport) -> Iterator[str]:
    """A benchmark of which half is not there must not look like one that overlaps with nothing."""
    for names, what in (
        (report.not_compared, "could NOT be compared: no id, and not at hand or unusable"),
        (report.by_id_alone, "were compared by id alone: not at hand, or unusable"),
    ):
        if names:
            more = f" and {len(names) - NUM_NAMED} more" if len(names) > NUM_NAMED else ""
            named = ", ".join(names[:NUM_NAMED])
            yield f"warning: {len(names)} of {report.num_pictures} {what}: {named}{more}"


def overlap_exclusions(report: OverlapReport, *, benchmark: str) -> Iterator[SourceExclusions]:
    """All hits, for `write_exclusions`; sources without any have an empty list, which says that
    they were looked through. benchmark: its name or file, for who reads the list.
    """
    for one in report.sources:
        yield SourceExclusions(
            source=one.source,
            fingerprint=one.fingerprint,
            num_rows=one.num_rows,
            made_by=f"lynx data check-overlap: {benchmark}, {METHOD} {report.max_distance}",
            rows=(ExcludedRow(hit.row, hit.key, f"is {_reason(hit)}") for hit in one.hits),
        )


def _source_line(one: SourceOverlap, width: int) -> str:
    by = Counter(hit.by for hit in one.hits)
    others = [f"{one.states[s]} {text}" for s, text in _NOT_COMPARED.items() if one.states.get(s)]
    counts = f"{one.num_rows:>9} {one.num_with_id:>9} {one.num_hashed:>9}"
    line = f"{one.source:<{width}} {counts} {by['id']:>8} {by['picture']:>9}  {', '.join(others)}"
    return line.rstrip()


def _hit_text(hit: Hit) -> str:
    return f"row {hit.row}, {hit.key}, is {_reason(hit)}"


def _reason(hit: Hit) -> str:
    how = "same id" if hit.by == "id" else f"same look, {hit.distance} bits apart"
    return f"{hit.benchmark} ({how})"
