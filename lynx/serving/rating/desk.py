"""What a rater's page is told and may do: answers by place, never by model."""

from __future__ import annotations

from typing import Any

from lynx.config.errors import LynxError
from lynx.evaluation.people.blinding import shown_order
from lynx.evaluation.people.sheet import Item
from lynx.evaluation.people.store import RatingStore
from lynx.evaluation.people.tie_rules import SCORES


class RatingDesk:
    """Gives a store's questions to raters, blinded and shuffled, and takes their scores.

    Every method gives what is sent as JSON. Only the store knows which model stands where.
    """

    def __init__(self, store: RatingStore) -> None:
        self._store = store
        self._sheet = store.sheet
        self._position = {item.id: place for place, item in enumerate(self._sheet.items)}

    def begin(self, name: str) -> dict[str, Any]:
        """Let a rater begin, or go on: see `state`."""
        return self.state(self._store.add_rater(name))

    def state(self, rater: str) -> dict[str, Any]:
        """How far the rater is; `next` is the first question with an answer not scored, or null."""
        scores = self._store.scores_of(rater)
        left = [
            len(item.groups) - len(item.by_answer(scores.get(item.id, {})))
            for item in self._sheet.items
        ]  # answers without a score, by question
        return {
            "store": self._store.id,
            "rater": rater,
            "benchmark": self._sheet.benchmark,
            "left": left,
            "begun": [item.id in scores for item in self._sheet.items],
            "num_done": left.count(0),
            "next": next((place for place, number in enumerate(left) if number), None),
            "num_ties": self._store.num_ties_of(rater),
            "max_ties": self._store.rules.max_ties,
            "max_equal": self._store.rules.max_equal,
            "scores": list(SCORES),
        }

    def question(self, rater: str, position: int) -> dict[str, Any]:
        """A question with its answers in the rater's order, each with its score or null."""
        if not 0 <= position < len(self._sheet.items):
            raise LynxError(f"there is no question number {position + 1}")
        item = self._sheet.items[position]
        scores = self._store.scores_of(rater).get(item.id, {})
        earlier = self._earlier(item)
        return {
            "position": position,
            "id": item.id,
            "question": item.question,
            "picture": item.picture,
            "turn": len(earlier) + 1,
            "num_turns": sum(one.dialogue == item.dialogue for one in self._sheet.items)
            if item.dialogue
            else 1,
            "answers": [
                {
                    "text": item.answers[group[0]],
                    "score": scores.get(group[0]),
                    "earlier": _dialogues(earlier, group),
                }
                for group in self._order(rater, item)
            ],
        }

    def score(
        self,
        rater: str,
        question_id: str,
        place: int,
        value: int | None,
        *,
        click: str,
        store: str,
    ) -> dict[str, Any]:
        """Score the answer at `place` (from 0), or clear its score; gives question and state.

        store: as `state` gave it: a page may outlive its server and meet another one's, where other
        models stand at its places. Raises RefusedError where the rules forbid the score.
        """
        if store != self._store.id:
            raise LynxError("this page shows other answers than are rated here: load it anew")
        if question_id not in self._position:
            raise LynxError(f"there is no question {question_id}")
        position = self._position[question_id]
        order = self._order(rater, self._sheet.items[position])
        if not 0 <= place < len(order):
            raise LynxError(f"question {question_id} has no answer number {place + 1}")
        self._store.rate(rater, question_id, order[place][0], value, click=click)
        return {"state": self.state(rater), "question": self.question(rater, position)}

    def picture(self, name: str) -> bytes | None:
        """The picture of a question, PNG or JPEG."""
        return self._sheet.pictures.get(name)

    def _order(self, rater: str, item: Item) -> list[tuple[str, ...]]:
        """The models of each different answer, in the rater's order."""
        groups = {group[0]: group for group in item.groups}
        order = shown_order(
            [*groups], seed=self._store.seed, benchmark=self._sheet.benchmark, rater=rater,
            question_id=item.id,
        )  # fmt: skip
        return [groups[first] for first in order]

    def _earlier(self, item: Item) -> list[Item]:
        """The questions before it in its dialogue."""
        if not item.dialogue:
            return []
        before = self._sheet.items[: self._position[item.id]]
        return [one for one in before if one.dialogue == item.dialogue]


def _dialogues(earlier: list[Item], models: tuple[str, ...]) -> list[list[list[str | None]]]:
    """What was said before: per different dialogue of the models, questions with their own answers.

    Models that give the same answer may have come to it by different ways.
    """
    found: list[list[list[str | None]]] = []
    for model in models:
        turns = [[one.question, one.answers.get(model)] for one in earlier]
        if turns and turns not in found:
            found.append(turns)
    return found
