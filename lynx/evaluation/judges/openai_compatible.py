"""A served language model as the judge, with the paper's prompt and a strict reading of replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lynx.evaluation.judges.base import Claim, Verdict
from lynx.evaluation.judges.served import Request, ServedModel
from lynx.evaluation.judges.spending import Usage

# Paper appendix B.
TEMPLATE = (
    'Given the question "QUESTION", does the answer "PREDICTION" imply the answer "GROUND_TRUTH"? '
    "Answer with Yes or No."
)
VERSION = "implies:v1"  # of the template; part of the key under which replies are kept


class OpenAICompatibleJudge:
    """Asks a served model about each claim, `repeats` times; the first reply is the verdict."""

    def __init__(self, served: ServedModel, *, repeats: int = 1) -> None:
        self.served = served
        self.repeats = repeats

    @property
    def name(self) -> str:
        """The model's name."""
        return self.served.name

    @property
    def usage(self) -> Usage:
        """What was asked so far, and what it cost."""
        return self.served.usage

    def judge(
        self, claims: Sequence[Claim], *, progress: Callable[[], None] | None = None
    ) -> list[Verdict]:
        """One verdict per claim, in order; raises LynxError where the server fails.

        progress: see `ServedModel.replies`.
        """
        replies = self.served.replies(self.requests(claims), progress=progress)
        texts = [reply.text for reply in replies]
        verdicts = []
        for start in range(0, len(texts), self.repeats):
            first, *further = texts[start : start + self.repeats]
            verdicts.append(Verdict(parsed(first), first, tuple(map(parsed, further))))
        return verdicts

    def forget_empty(self, claims: Sequence[Claim]) -> int:
        """Remove kept replies that say nothing, so that they are asked again; gives their number.

        Those that say something else than yes or no are an outcome, and stay.
        """
        store, removed = self.served.store, 0
        for asked in map(self.served.asked, self.requests(claims)):
            reply = store.read(asked)
            if reply is not None and not reply.text.strip():
                store.forget(asked)
                removed += 1
        return removed

    def requests(self, claims: Sequence[Claim]) -> list[Request]:
        """What is sent for the claims: all repeats of the first, then of the second, ..."""
        return [
            Request(({"role": "user", "content": filled(claim)},), repeat)
            for claim in claims
            for repeat in range(self.repeats)
        ]


def filled(claim: Claim) -> str:
    """The paper's prompt for the claim; a placeholder's name inside the claim stays as it is."""
    fields = {
        "QUESTION": claim.question,
        "PREDICTION": claim.prediction,
        "GROUND_TRUTH": claim.answer,
    }
    return re.sub("|".join(fields), lambda match: fields[match[0]], TEMPLATE)


def parsed(reply: str) -> bool | None:
    """True or False if the reply's first word is yes or no, else None."""
    first = re.match(r"\W*(yes|no)\b", reply, flags=re.IGNORECASE)
    return None if first is None else first[1].lower() == "yes"
