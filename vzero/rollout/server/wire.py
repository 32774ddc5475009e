"""What is asked of a vLLM server, and what it says: the forms of 0.32, read so that earlier ones fit too.

`/inference/v1/generate` takes token ids and pixels. A server without it (`--enable-scale-out` is missing) has
`/v1/completions`, which takes token ids alone: enough for prompts without pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xxhash

from vzero.errors import SamplerError
from vzero.models.loading import LoadedModel
from vzero.models.prompt import Prompt
from vzero.rollout.generate import prompt_digest
from vzero.rollout.sampling import Sampling
from vzero.rollout.server.pictures import features_of

GENERATE = "/inference/v1/generate"
COMPLETIONS = "/v1/completions"
NEVER = -100.0
"""Added to the logit of a token that must not be drawn; the least that servers take."""


@dataclass(frozen=True)
class Request:
    """A prompt that is to be answered some times."""

    model: LoadedModel
    prompt: Prompt
    times: int
    sampling: Sampling
    seed: int

    @property
    def name(self) -> str:
        """Of seed and prompt: the same whenever the same is asked."""
        return f"vzero-{self.seed}-{prompt_digest(self.prompt):016x}"


@dataclass(frozen=True)
class Answered:
    """What a server says of one answer."""

    token_ids: list[int]
    """With the end token, where there is one."""
    logprobs: list[float]


def generate_body(request: Request, *, version: str, attempt: int) -> dict[str, Any]:
    """For `GENERATE`. Caches are told apart by the version of the weights."""
    return {
        "request_id": f"{request.name}-{attempt}",
        "token_ids": list(request.prompt.token_ids),
        "features": features_of(request.model, request.prompt, version),
        "return_token_ids": True,
        "cache_salt": version,
        "sampling_params": _drawing(request) | {"detokenize": False},
    }


def completion_body(request: Request, *, version: str, attempt: int) -> dict[str, Any]:
    """For `COMPLETIONS`. Raises SamplerError for a prompt with pictures."""
    if request.prompt.pictures:
        raise SamplerError(f"no {GENERATE}, which takes pictures: start the server with --enable-scale-out")
    return {
        "request_id": f"{request.name}-{attempt}",
        "prompt": list(request.prompt.token_ids),
        "return_token_ids": True,
        "cache_salt": version,
        **_drawing(request),
    }


def _drawing(request: Request) -> dict[str, Any]:
    """How tokens are drawn, in vLLM's names. Greedy answers are all alike, so one is asked for."""
    model, sampling = request.model, request.sampling
    unknown = range(model.vocabulary, model.network.config.get_text_config().vocab_size)
    never = {*unknown, *model.banned_tokens}
    # Prompts that share a seed share no draws. The answers of a prompt have this number and those after it.
    seed = xxhash.xxh64_intdigest(request.name.encode()) >> 2
    return {
        "n": 1 if sampling.temperature == 0.0 else request.times,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "seed": seed,
        "max_tokens": sampling.max_new_tokens,
        "logprobs": 0,  # of the drawn token alone
        "ignore_eos": True,  # what ends an answer is in `stop_token_ids`, in full
        "stop_token_ids": model.end_tokens,
        "logit_bias": {str(token): NEVER for token in sorted(never)},
    }


def answers_of(reply: Mapping[str, Any], request: Request) -> list[Answered]:
    """The answers in a reply. Raises SamplerError for one that is not to what was asked."""
    try:
        choices = sorted(reply["choices"], key=lambda choice: choice["index"])
        asked = reply.get("prompt_token_ids") or choices[0].get("prompt_token_ids")
        found = [Answered(list(choice["token_ids"]), _logprobs(choice["logprobs"])) for choice in choices]
    except (LookupError, TypeError, AttributeError) as error:
        raise SamplerError(f"a reply of another form than that of vLLM 0.32: {error!r}") from error
    if asked is not None:
        _check_prompt(asked, request.prompt.token_ids)
    for one in found:
        _check_answer(one, request)
    if request.sampling.temperature == 0.0:
        found = found[:1] * request.times
    if len(found) != request.times:
        raise SamplerError(f"{len(found)} answers where {request.times} were asked for")
    return found


def versions_of(reply: Mapping[str, Any]) -> set[str]:
    """Which weights the tokens of a reply were drawn with, as far as the server tells."""
    choices = reply.get("choices") or ()
    spans = [span for choice in choices for span in choice.get("weight_versions") or ()]
    return {span["version"] for span in spans}


def _logprobs(said: Mapping[str, Any]) -> list[float]:
    """Of `GENERATE`, an entry a token; of `COMPLETIONS`, a list."""
    if "token_logprobs" in said:
        return [float(value) for value in said["token_logprobs"]]
    return [float(entry["logprob"]) for entry in said["content"]]


def _check_prompt(theirs: Sequence[int], ours: Sequence[int]) -> None:
    if list(theirs) == list(ours):
        return
    pairs = enumerate(zip(theirs, ours, strict=False))
    place = next((n for n, (one, other) in pairs if one != other), min(len(theirs), len(ours)))
    raise SamplerError(
        f"the server answered another prompt: {len(theirs)} tokens where {len(ours)} were asked, the first "
        f"difference at {place}; it must serve the same model, with its tokenizer and image processor"
    )


def _check_answer(one: Answered, request: Request) -> None:
    model, length = request.model, len(one.token_ids)
    ends = set(model.end_tokens)
    if not 0 < length <= request.sampling.max_new_tokens or len(one.logprobs) != length:
        raise SamplerError(
            f"an answer of {length} tokens with {len(one.logprobs)} log-probs, where at most "
            f"{request.sampling.max_new_tokens} were asked for"
        )
    if one.token_ids[-1] not in ends and length < request.sampling.max_new_tokens:
        raise SamplerError(
            f"an answer ends after {length} of {request.sampling.max_new_tokens} tokens without an end "
            f"token: --max-model-len of the server must hold the longest prompt and answer"
        )
    if wrong := [token for token in one.token_ids if not 0 <= token < model.vocabulary]:
        raise SamplerError(f"token {wrong[0]}, where the tokenizer has {model.vocabulary}")
    if wrong := [token for token in one.token_ids if token in model.banned_tokens]:
        raise SamplerError(f"token {wrong[0]}, a vision token, was drawn: logit_bias was not kept")
