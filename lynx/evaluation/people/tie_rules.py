"""The paper's rules about equal scores (appendix B), checked as a person clicks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lynx.config.errors import LynxError

SCORES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class TieRules:
    """How many answers may be equally good.

    The paper allows "at most 2 models" to be equal for a question, and 10 ties of a rater over the
    whole set. Read here as: no score is given to more than two answers of a question, and each
    answer that takes a score already given is a tie. So two pairs in one question are two ties.
    """

    max_equal: int = 2  # answers to one question with the same score
    max_ties: int = 10  # of one rater, over all questions

    def __post_init__(self) -> None:
        if self.max_equal < 1 or self.max_ties < 0:
            raise LynxError(
                f"{self.max_equal} equal scores and {self.max_ties} ties are no rules: at least 1 "
                "equal and 0 ties are right"
            )

    def refusal(
        self, others: Mapping[str, int], score: int, *, num_ties_elsewhere: int
    ) -> str | None:
        """Why an answer may not get the score, or None where it may.

        others: scores of the same question's other answers. num_ties_elsewhere: the rater's ties in
        all other questions.
        """
        if score not in SCORES:
            return f"{score} is no score; {SCORES[0]} to {SCORES[-1]} are"
        num_equal = 1 + sum(other == score for other in others.values())
        if num_equal > self.max_equal:
            return (
                f"{num_equal} answers would have the score {score}; "
                f"at most {self.max_equal} to a question may be equal"
            )
        before = num_ties_elsewhere + num_ties(others.values())
        after = num_ties_elsewhere + num_ties([*others.values(), score])
        if after > before and after > self.max_ties:
            return (
                f"this would be tie number {after}; "
                f"at most {self.max_ties} are allowed over all questions"
            )
        return None

    def check_possible(self, num_answers: Sequence[int]) -> None:
        """Raise LynxError where no rater could score all answers. num_answers: per question."""
        most = len(SCORES) * self.max_equal
        if max(num_answers, default=0) > most:
            raise LynxError(
                f"{max(num_answers)} answers to a question can't be scored: {len(SCORES)} scores, "
                f"each for at most {self.max_equal}, are enough for {most}; give fewer models, or "
                "allow more equal ones (--max-equal)"
            )
        forced = sum(max(0, number - len(SCORES)) for number in num_answers)
        if forced > self.max_ties:
            raise LynxError(
                f"{max(num_answers)} models and {len(SCORES)} scores make at least {forced} ties "
                f"over {len(num_answers)} questions, and {self.max_ties} are allowed; give at most "
                f"{len(SCORES)} models, or allow more ties (--max-ties)"
            )


def num_ties(scores: Iterable[int]) -> int:
    """Answers with a score that another already has: 2 for 4, 4, 2, 2 and for 3, 3, 3."""
    return sum(number - 1 for number in Counter(scores).values())
