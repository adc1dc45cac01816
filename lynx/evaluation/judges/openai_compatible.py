"""A language model behind an OpenAI-compatible server as the judge, with the paper's prompt."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lynx.config.errors import LynxError
from lynx.evaluation.judges.base import Claim, Verdict
from lynx.tracking.files import write_json_atomic

if TYPE_CHECKING:
    from openai import OpenAI

# Paper appendix B.
TEMPLATE = (
    'Given the question "QUESTION", does the answer "PREDICTION" imply the answer "GROUND_TRUTH"? '
    "Answer with Yes or No."
)


class OpenAICompatibleJudge:
    """Asks a served model once per claim and keeps every reply on disk.

    A reply is found again by model, server, prompt and temperature, so that an interrupted or
    repeated evaluation asks (and pays) only for what is new. An empty reply is no verdict and is
    not kept. 429, 5xx and lost connections are retried with growing pauses, or as long as the
    server's Retry-After says. The key stands in no message, even if the server repeats it.
    """

    def __init__(
        self,
        *,
        model: str,
        base_url: str | None,
        api_key: str,
        temperature: float,
        max_retries: int,
        concurrency: int,
        cache_dir: Path,
    ) -> None:
        from openai import OpenAI

        self.name = model
        self._temperature = temperature
        self._api_key = api_key
        self._concurrency = concurrency
        self._cache_dir = cache_dir
        self._client: OpenAI = OpenAI(api_key=api_key, base_url=base_url, max_retries=max_retries)

    def judge(self, claims: Sequence[Claim]) -> list[Verdict]:
        """One verdict per claim; raises LynxError if the server fails or sends something else."""
        # Equal claims are asked once, so that threads don't pay twice for one cache entry.
        prompts = list(dict.fromkeys(filled(claim) for claim in claims))
        with ThreadPoolExecutor(self._concurrency) as pool:
            replies = dict(zip(prompts, pool.map(self._reply, prompts), strict=True))
        return [Verdict(parsed(replies[prompt]), replies[prompt]) for prompt in map(filled, claims)]

    def _reply(self, prompt: str) -> str:
        identity = [self.name, str(self._client.base_url), self._temperature, prompt]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        path = self._cache_dir / key[:2] / f"{key}.json"
        if path.is_file():
            return str(json.loads(path.read_text("utf-8"))["reply"])
        reply = self._ask(prompt)
        if reply.strip():
            write_json_atomic(path, {"judge": self.name, "prompt": prompt, "reply": reply})
        return reply

    def _ask(self, prompt: str) -> str:
        from openai import OpenAIError

        answer: Any = None
        try:
            answer = self._client.chat.completions.create(
                model=self.name,
                temperature=self._temperature,
                messages=[{"role": "user", "content": prompt}],
            )
            content = answer.choices[0].message.content
            if not isinstance(content, str | None):
                raise TypeError(content)
            return content or ""
        except OpenAIError as error:
            problem = f"failed{_retries(error)}: {error}"
        except (AttributeError, IndexError, TypeError, ValueError):
            # The client checks no types: a page of HTML comes back as a string.
            shown = self._without_key(str(answer or "no JSON"))[:200]
            problem = f"sent no chat completion: {shown}"
        # Raised out here, so that no traceback leads to the client's error, which holds the key.
        raise LynxError(
            self._without_key(
                f"the judge '{self.name}' at {self._client.base_url} {problem}. Verdicts so far "
                "are kept; check evaluation.judge (name, base_url, api_key_variable) and run "
                "evaluate again"
            )
        )

    def _without_key(self, message: str) -> str:
        return message.replace(self._api_key, "<key>")


def _retries(error: Exception) -> str:
    """How often the client tried again, as it wrote into its last request."""
    request = getattr(error, "request", None)
    number = 0 if request is None else int(request.headers.get("x-stainless-retry-count", 0))
    return f" after {number} retries" if number else ""


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
