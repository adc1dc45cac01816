"""Makes battles, judges that do as they are told, and evaluated runs that can fight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lynx.config.compose import compose, config_text
from lynx.evaluation.build import build_benchmark
from lynx.evaluation.head_to_head.battles import Battle, Said
from lynx.evaluation.head_to_head.pair_judges import PairClaim, PairVerdict, Winner
from lynx.evaluation.questions import Question
from lynx.evaluation.results import Prediction, ResultFiles
from lynx.tracking.files import write_text_atomic
from lynx.tracking.run_dir import RunDir


def make_battle(
    model_a: str,
    model_b: str,
    *verdicts: Said,
    number: int = 0,
    answers: tuple[str, str] = ("one", "two"),
) -> Battle:
    """A battle about picture and instruction `number`."""
    return Battle(
        question=f"q{number}",
        category="c",
        image_name=f"{number}.png",
        instruction=f"say {number}",
        model_a=model_a,
        model_b=model_b,
        answer_a=answers[0],
        answer_b=answers[1],
        reference="",
        verdicts=verdicts,
        replies=("",) * len(verdicts),
        shown_first=tuple("ab"[i % 2] for i in range(len(verdicts))),  # type: ignore[arg-type]
    )


class ToldJudge:
    """Decides by a function of the claim, and remembers what it was asked."""

    name = "told"
    sees_reference = False

    def __init__(self, decide: Callable[[PairClaim], Winner | None]) -> None:
        self.decide = decide
        self.claims: list[PairClaim] = []

    def judge(self, claims: Sequence[PairClaim]) -> list[PairVerdict]:
        self.claims += claims
        return [PairVerdict(self.decide(claim), "as told") for claim in claims]


def longer(claim: PairClaim) -> Winner:
    """The longer answer wins."""
    a, b = len(claim.response_a), len(claim.response_b)
    return "tie" if a == b else "a" if a > b else "b"


def make_question(
    number: int, *, answer: str = "a red circle.", caption: str = "a red circle at night."
) -> Question:
    """A question about a picture of its own."""
    return Question(
        index=number,
        id=f"q{number}",
        category="Finding",
        question=f"what is thing {number}?",
        answer=answer,
        kind="image",
        images=(f"picture {number}".encode(),),
        image_name=f"{number}.png",
        caption=caption,
    )


def make_prediction(question: Question, text: str) -> Prediction:
    """An answer to it."""
    return Prediction(
        question.id, question.category, question.question, question.answer, question.picture,
        question.question, text, image_name=question.image_name,
    )  # fmt: skip


def write_answers(
    run: RunDir, questions: Sequence[Question], say: Callable[[Question], str]
) -> None:
    """The files of a run that was asked the questions as `visit_bench`."""
    files = ResultFiles(run.eval_dir("visit_bench"))
    files.begin({"key": f"key of {run.path.name}", "plug_and_play": None})
    files.finish(make_prediction(question, say(question)) for question in questions)


def make_run(root: Path, variant: str, seed: int = 0) -> RunDir:
    """A run's folder without anything in it."""
    return RunDir(root / "desk" / variant / f"seed{seed}")


def write_desk_run(
    root: Path, variant: str, say: Callable[[Question], str], *, seed: int = 0
) -> RunDir:
    """A run with its config.yaml and answers to the desk's instructions."""
    config = compose(seed=seed, overrides=[f"data.cache_dir={root / 'cache'}"])
    run = make_run(root, variant, seed)
    write_text_atomic(run.config_path, config_text(config))
    write_answers(run, build_benchmark(config, "visit_bench", checkpoint="").questions, say)
    return run
