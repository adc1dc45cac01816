"""Questions that variants answer differently, or all wrongly: what each said, and who is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lynx.config.errors import LynxError
from lynx.config.seeds import python_random
from lynx.evaluation.replies import replies
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.reporting.html.scores import BenchmarkFigures, has_verdicts
from lynx.reporting.html.variants import Variant, pairs
from lynx.tracking.run_dir import RunDir

KINDS = {"gained": "gained", "lost": "lost", "wrong": "both wrong", "open": "not judged"}


@dataclass(frozen=True)
class Answer:
    """What one run said. mark: "right", "wrong", "unparseable", or "" where nobody judged."""

    place: int
    seed: int
    prediction: str
    mark: str
    reply: str
    description: str


@dataclass(frozen=True)
class Case:
    """A question with the answers of all runs.

    kinds: by place of the variant that is held against the base; with several seeds it may be
    gained at one and lost at another. num_flips: over all variants and seeds.
    """

    benchmark: str
    id: str
    category: str
    question: str
    truth: str
    picture: str
    answers: list[Answer]
    kinds: dict[int, list[str]]
    num_flips: int

    @property
    def tokens(self) -> str:
        """E.g. "gained-1 lost-2", which the page's filter looks for."""
        return " ".join(f"{kind}-{place}" for place, own in self.kinds.items() for kind in own)

    @property
    def by_variant(self) -> list[tuple[int, list[Answer]]]:
        """The answers of each variant, with its place."""
        places = dict.fromkeys(answer.place for answer in self.answers)
        return [(place, [a for a in self.answers if a.place == place]) for place in places]


@dataclass(frozen=True)
class CaseList:
    """The cases of one benchmark, those that most runs disagree about first; reason: why none."""

    benchmark: str
    cases: list[Case]
    reason: str = ""


def benchmark_cases(variants: Sequence[Variant], figures: BenchmarkFigures) -> CaseList:
    """All cases of a benchmark, in an order in which gained, lost and both wrong alternate."""
    known = [v for v in variants if figures.contents.get(v.place)]
    if variants[0] not in known or len(known) < 2:
        return CaseList(figures.name, [], "only one variant has been evaluated")
    said: dict[Path, dict[str, tuple[Prediction, bool | None, str, bool]]] = {}
    try:
        for variant in known:
            for seed, content in figures.contents[variant.place].items():
                run = variant.runs[seed]
                said[run.path] = _said(run, figures.name, judged=has_verdicts(content))
    except LynxError as error:
        return CaseList(figures.name, [], str(error))
    couples = {
        other.place: [
            pair for pair in pairs(variants[0], other) if all(run.path in said for run in pair)
        ]
        for other in known[1:]
    }
    first = next(iter(said.values()))
    cases = [
        case
        for id_ in first
        if (case := _case(figures.name, id_, known, couples, said)) is not None
    ]
    python_random(0, "cases", figures.name).shuffle(cases)  # classes follow each other otherwise
    cases.sort(key=lambda case: -case.num_flips)
    return CaseList(figures.name, alternating(cases))


def alternating(cases: Sequence[Case]) -> list[Case]:
    """The cases with their kinds taking turns, so that the first few show every kind."""
    waiting: dict[str, list[Case]] = {kind: [] for kind in KINDS}
    for case in cases:
        own = {kind for kinds in case.kinds.values() for kind in kinds}
        waiting[next(kind for kind in KINDS if kind in own)].append(case)
    longest = max((len(one) for one in waiting.values()), default=0)
    return [one[turn] for turn in range(longest) for one in waiting.values() if turn < len(one)]


def _said(
    run: RunDir, benchmark: str, *, judged: bool
) -> dict[str, tuple[Prediction, bool | None, str, bool]]:
    """By question: the prediction, the verdict, the judge's words, and whether one judged."""
    files = ResultFiles(run.eval_dir(benchmark))
    if not judged:
        return {p.id: (p, None, "", False) for p in files.predictions()}
    words = replies(files)
    return {
        one.prediction.id: (
            one.prediction, one.correct, words.get(one.prediction.id, ""), True
        )
        for one in files.results()
    }  # fmt: skip


def _case(
    benchmark: str,
    id_: str,
    variants: Sequence[Variant],
    couples: Mapping[int, Sequence[tuple[RunDir, RunDir]]],
    said: Mapping[Path, Mapping[str, tuple[Prediction, bool | None, str, bool]]],
) -> Case | None:
    """None where the variants agree and are right, or a run lacks the question."""
    if any(id_ not in own for own in said.values()):
        return None
    kinds: dict[int, list[str]] = {}
    num_flips = 0
    for place, runs in couples.items():
        found = [_kind(said[base.path][id_], said[other.path][id_]) for base, other in runs]
        is_wrong = bool(found) and set(found) == {"wrong"}  # at every seed
        kinds[place] = [k for k in KINDS if k in found and (k != "wrong" or is_wrong)]
        num_flips += sum(kind in ("gained", "lost") for kind in found)
    if not any(kinds.values()):
        return None
    answers = [
        _answer(variant, seed, said[run.path][id_])
        for variant in variants
        for seed, run in variant.runs.items()
        if run.path in said
    ]
    question = next(iter(said.values()))[id_][0]
    return Case(
        benchmark=benchmark, id=id_, category=question.category, question=question.question,
        truth=question.answer, picture=question.picture, answers=answers, kinds=kinds,
        num_flips=num_flips,
    )  # fmt: skip


def _kind(
    base: tuple[Prediction, bool | None, str, bool],
    other: tuple[Prediction, bool | None, str, bool],
) -> str:
    if not (base[3] and other[3]):
        return "open" if base[0].prediction != other[0].prediction else ""
    if (base[1] is True) != (other[1] is True):
        return "gained" if other[1] is True else "lost"
    return "" if base[1] is True else "wrong"


def _answer(variant: Variant, seed: int, said: tuple[Prediction, bool | None, str, bool]) -> Answer:
    prediction, correct, reply, is_judged = said
    marks = {True: "right", False: "wrong", None: "unparseable"}
    return Answer(
        place=variant.place,
        seed=seed,
        prediction=prediction.prediction,
        mark=marks[correct] if is_judged else "",
        reply=reply,
        description=prediction.description or "",
    )
