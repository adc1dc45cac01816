"""What a judge of two answers is given and says, and a served language model as that judge.

The served judge follows the leaderboard's structure: four messages (system, user, the assistant's
consent, user), a caption in place of the picture, reasons first, and a last sentence "Overall,
Response X is better.", from which the verdict is read. What differs, and so stands in the judge's
name as `PROMPT`: the wording is ours; a reply with no such sentence, or with both, is unparseable
(the leaderboard asks a second model what was meant); the temperature is the configuration's (the
leaderboard leaves the server's default, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from lynx.evaluation.judges.served import Reply, Request

PROMPT = "pair:v1"
Winner = Literal["a", "b", "tie"]


@dataclass(frozen=True)
class PairClaim:
    """Two answers to one instruction, in the order in which they are shown."""

    context: str  # a caption: the judge sees no picture
    instruction: str
    response_a: str
    response_b: str
    reference: str = ""  # an answer known to be good; "" where it is one of the two, or unknown

    @property
    def swapped(self) -> PairClaim:
        """The same answers in the other order."""
        return PairClaim(
            self.context, self.instruction, self.response_b, self.response_a, self.reference
        )


@dataclass(frozen=True)
class PairVerdict:
    """Which answer is better; None where the reply was no verdict."""

    winner: Winner | None
    reply: str


class PairJudge(Protocol):
    """Decides between two answers; `name` stands beside every number that comes from it."""

    @property
    def name(self) -> str:
        """What is printed: "rule:overlap:v1", or a model and the prompt."""
        ...

    @property
    def sees_reference(self) -> bool:
        """Whether the reference answer, where it doesn't fight, has a say."""
        ...

    def judge(self, claims: Sequence[PairClaim]) -> list[PairVerdict]:
        """One verdict per claim, in order."""
        ...


class Replying(Protocol):
    """The part of `ServedModel` that is used here."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    def replies(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply per request, in order."""
        ...


class ServedPairJudge:
    """Asks a served language model.

    shows_reference: also show the reference answer. The leaderboard doesn't.
    """

    def __init__(self, model: Replying, *, shows_reference: bool = False) -> None:
        self._model = model
        self.sees_reference = shows_reference
        self.name = f"{model.name} ({PROMPT}{', with reference' if shows_reference else ''})"

    def judge(self, claims: Sequence[PairClaim]) -> list[PairVerdict]:
        """One verdict per claim; raises LynxError where the server fails."""
        from lynx.evaluation.judges.served import Request

        requests = [Request(tuple(self.messages(claim))) for claim in claims]
        return [
            PairVerdict(parsed(reply.text), reply.text) for reply in self._model.replies(requests)
        ]

    def messages(self, claim: PairClaim) -> list[dict[str, str]]:
        """What is sent for a claim."""
        is_shown = self.sees_reference and bool(claim.reference)
        given = "a description of a picture, an instruction about it, "
        given += "a good answer to compare with, " if is_shown else ""
        given += "and two responses, Response A and Response B"
        return [
            {"role": "system", "content": _SYSTEM.format(given=given)},
            {"role": "user", "content": _TASK.format(given=given)},
            {"role": "assistant", "content": _CONSENT},
            {"role": "user", "content": _case(claim, is_shown=is_shown)},
        ]


_SYSTEM = (
    "You compare answers to instructions about pictures. You can't see the picture; its "
    "description tells you all that you need. You get {given}. The order of the two responses was "
    "drawn by chance and says nothing about them. A better response is true to the description, "
    "does what the instruction asks for, is specific, and reads well; a longer one is not better "
    "for being longer."
)
_TASK = (
    "I am going to give you {given}. First reason step by step about the strengths and the faults "
    'of both responses. Then decide, and let your last sentence be "Overall, Response X is '
    'better." with A or B in place of X.'
)
_CONSENT = (
    "I understand. Please send them; I will weigh both responses step by step and end with my "
    "decision."
)


def _case(claim: PairClaim, *, is_shown: bool) -> str:
    parts = [f"Image context: {claim.context}", f"Instruction:\n{claim.instruction}"]
    if is_shown:
        parts.append(f"A good answer: {claim.reference}")
    parts += [
        f"Response A: {claim.response_a}",
        f"Response B: {claim.response_b}",
        'Reason step by step, and end with "Overall, Response X is better." with A or B in place '
        "of X.",
    ]
    return "\n\n".join(parts)


def parsed(reply: str) -> Winner | None:
    """The leaderboard's rule: exactly one of the two sentences occurs, in any case of letters."""
    text = reply.lower()
    says_a, says_b = "response a is better" in text, "response b is better" in text
    if says_a == says_b:
        return None
    return "a" if says_a else "b"
