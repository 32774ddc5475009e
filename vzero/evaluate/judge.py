"""An optional judge: a language model behind an OpenAI-compatible endpoint, asked only when called.

Every reply is kept in a Parquet file under the hash of model and prompt. With that file alone, and no
endpoint, the same verdicts come again offline; a reply that is not there leaves the item unresolved.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from vzero.answers.extraction import UNRESOLVED, Extraction
from vzero.answers.matching import UNRESOLVED as UNDECIDED
from vzero.answers.matching import Match
from vzero.answers.readers import vlmevalkit
from vzero.errors import SourceError
from vzero.locks import held
from vzero.shards import atomic_path

if TYPE_CHECKING:
    import httpx

SECONDS = 60.0
AT_ONCE = 8  # requests under way
BATCH = 32  # replies between two writes of the file; what a killed run asks for again
LETTER_PROMPT = """\
Which option does this reply to a question choose?

Question: {question}
Options:
{options}
Reply: {prediction}

Write one capital letter, the letter of the option that the reply means, or Z if it means none of them."""
SAME_PROMPT = """\
Does this reply to a question mean the same as the right answer?

Question: {question}
Right answer: {answer}
Reply: {prediction}

Write Yes or No."""
COLUMNS = ["key", "model", "prompt", "reply"]

log = logging.getLogger(__name__)


class Judge:
    """Replies of one model by prompt, from the file and, if `endpoint` is given, from there.

    `endpoint` is the base address, such as "http://localhost:8000/v1". Failures of the endpoint are logged
    and not stored, so that another run asks again. Raises SourceError for a file that holds no replies.
    """

    def __init__(self, replies: Path, model: str, endpoint: str | None = None, api_key: str | None = None):
        self.replies, self.model, self.endpoint, self.api_key = replies, model, endpoint, api_key
        self.stored = _stored(replies)

    def __call__(self, prompt: str) -> str | None:
        """The model's reply to `prompt`, or None where there is none."""
        self.ask([prompt])
        known = self.stored.get(self._key(prompt))
        return known["reply"] if known else None

    def ask(self, prompts: Iterable[str]) -> None:
        """Get and store the replies that are not there yet. Gives up when a whole batch gets none."""
        missing = iter(prompt for prompt in dict.fromkeys(prompts) if self._key(prompt) not in self.stored)
        if self.endpoint is None:
            return
        import httpx

        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        with (
            httpx.Client(headers=headers, timeout=SECONDS) as client,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            while batch := list(islice(missing, BATCH)):
                replies = list(pool.map(lambda prompt: self._request(client, prompt), batch))
                got = {prompt: reply for prompt, reply in zip(batch, replies, strict=True) if reply}
                if not got:
                    log.warning("judge %s gives no replies and is not asked any further", self.model)
                    return
                self._keep(got)

    def _keep(self, replies: Mapping[str, str]) -> None:
        for prompt, reply in replies.items():
            key = self._key(prompt)
            self.stored[key] = {"key": key, "model": self.model, "prompt": prompt, "reply": reply}
        with held(self.replies):
            self.stored = _stored(self.replies) | self.stored  # another process may have added some
            table = pl.DataFrame(list(self.stored.values()), schema=COLUMNS)
            with atomic_path(self.replies) as temporary:
                table.write_parquet(temporary)

    def _key(self, prompt: str) -> str:
        return hashlib.sha256(json.dumps([self.model, prompt]).encode()).hexdigest()

    def _request(self, client: httpx.Client, prompt: str) -> str | None:
        import httpx

        asked = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
        }
        try:
            answer = client.post(f"{self.endpoint}/chat/completions", json=asked)
            answer.raise_for_status()
            reply = answer.json()["choices"][0]["message"]["content"]
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            log.warning("judge %s gave no reply: %s", self.model, error)
            return None
        return reply if isinstance(reply, str) and reply else None


def letter_prompt(question: str, choices: Mapping[str, str], prediction: str) -> str:
    """What the judge is asked about a reply to a question with options."""
    options = "\n".join(f"{letter}. {text}" for letter, text in choices.items())
    return LETTER_PROMPT.format(question=question, options=options, prediction=prediction)


def same_prompt(question: str, answer: str, prediction: str) -> str:
    """What the judge is asked about a free-form reply."""
    return SAME_PROMPT.format(question=question, answer=answer, prediction=prediction)


def judged_letter(judge: Judge, question: str, choices: Mapping[str, str], prediction: str) -> Extraction:
    """The letter the judge reads in a reply; the judge's own reply is read by VLMEvalKit's rules."""
    reply = judge(letter_prompt(question, choices, prediction))
    letter = vlmevalkit.exact(reply, choices).letter if reply else None
    return Extraction(letter, "judge") if letter else UNRESOLVED


def judged_same(judge: Judge, question: str, answer: str, prediction: str) -> Match:
    """Whether the judge takes a free-form reply for the answer: exactly Yes or No, in any case."""
    reply = judge(same_prompt(question, answer, prediction))
    verdict = (reply or "").strip().rstrip(".").lower()
    return Match(verdict == "yes", "judge") if verdict in ("yes", "no") else UNDECIDED


def _stored(path: Path) -> dict[str, dict[str, str]]:
    """Rows of the file by key."""
    if not path.exists():
        return {}
    try:
        rows = pl.read_parquet(path).select(pl.col(COLUMNS).cast(pl.String))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path}: no file of a judge's replies: {error}") from error
    return {row["key"]: row for row in rows.iter_rows(named=True)}
