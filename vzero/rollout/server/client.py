"""One vLLM server: asked, told to read weights, found lost."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from vzero.errors import SamplerError
from vzero.rollout.server.wire import (
    COMPLETIONS,
    GENERATE,
    Answered,
    Request,
    answers_of,
    completion_body,
    generate_body,
    versions_of,
)

KEY = "VLLM_API_KEY"
"""The environment variable with the key of servers that want one, as vLLM calls it."""
SOON = 10.0  # seconds: to connect, and for what a server that is well says at once
CACHES = ("prefix", "mm", "encoder")
"""What a server remembers that was made with the weights it had."""


class Lost(Exception):
    """No answer, for a reason that may pass: asking again may help."""


@dataclass(frozen=True)
class Weights:
    """What a server is to answer with."""

    folder: Path
    version: str
    """Different for different weights."""


class Server:
    """Safe to use from several threads."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url.rstrip("/")
        self.holds: str | None = None
        """The version of the weights that it was told to read; None: it is not known what it has."""
        self.readings = 0
        """How often it was told to read some."""
        self.recovery = threading.Lock()
        key = os.environ.get(KEY)
        self._client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(timeout, connect=SOON),
            limits=httpx.Limits(max_connections=None),
        )
        self._path = GENERATE
        self._tells_versions = False

    def answers(self, request: Request, weights: Weights, attempt: int) -> list[Answered]:
        """Raises Lost where another try may help, and SamplerError where it cannot."""
        if self.holds != weights.version:
            raise Lost("has other weights")
        body_of = generate_body if self._path == GENERATE else completion_body
        try:
            body = body_of(request, version=weights.version, attempt=attempt)
            answer = self._post(self._path, body)
            if answer.status_code == httpx.codes.NOT_FOUND and self._path == GENERATE:
                self._path = COMPLETIONS
                return self.answers(request, weights, attempt)
            reply = self._said(answer)
            if self._tells_versions and versions_of(reply) - {weights.version}:
                self.holds = None
                raise Lost("answered with other weights: it was started again")
            return answers_of(reply, request)
        except SamplerError as error:
            raise SamplerError(f"{self.url}: {error}") from error

    def load(self, weights: Weights) -> None:
        """Have it read weights. Nothing may be under way that is to be answered with others."""
        self.holds = None
        order = {"method": "reload_weights", "kwargs": {"weights_path": str(weights.folder)}}
        answer = self._post("/collective_rpc", order)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise SamplerError(
                f"{self.url}: no /collective_rpc, which weights are read anew by: start the server with "
                f"VLLM_SERVER_DEV_MODE=1 in its environment"
            )
        self._said(answer)
        for cache in CACHES:
            self._told(f"/reset_{cache}_cache", {})
        self._tells_versions = self._told("/update_weight_version", {"new_version": weights.version})
        self.holds = weights.version
        self.readings += 1

    def is_well(self) -> bool:
        try:
            return self._client.get("/health", timeout=SOON).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def check(self) -> None:
        """Raises SamplerError for settings with which its log-probs, or its images, are not what ours are.

        A server that does not tell its settings is taken as it is.
        """
        try:
            answer = self._client.get("/server_info", params={"config_format": "json"}, timeout=SOON)
        except httpx.TransportError as error:
            raise Lost(str(error)) from error
        model = _model_config(answer)
        wrong = []
        if (mode := model.get("logprobs_mode", "raw_logprobs")) != "raw_logprobs":
            wrong.append(f"--logprobs-mode must be raw_logprobs, not {mode}")
        if (model.get("multimodal_config") or {}).get("mm_device_do_normalize"):
            wrong.append("--no-mm-device-do-normalize is missing: pixels are sent as the model reads them")
        if wrong:
            raise SamplerError(f"{self.url}: {'; '.join(wrong)}")

    def _told(self, path: str, order: dict[str, Any]) -> bool:
        """Say what not every version of vLLM knows of; whether this one does."""
        answer = self._post(path, order)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        self._said(answer)
        return True

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        try:
            return self._client.post(path, json=body)
        except httpx.TransportError as error:
            raise Lost(f"{type(error).__name__}: {error}") from error

    def _said(self, answer: httpx.Response) -> dict[str, Any]:
        """The content of a reply. What is refused would be refused again; what failed may not fail again."""
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Lost(f"HTTP {answer.status_code}: {answer.text[:500]}")
        if answer.is_error:
            raise SamplerError(f"HTTP {answer.status_code}: {answer.text[:500]}")
        try:
            return answer.json() if answer.content else {}
        except json.JSONDecodeError as error:
            raise Lost(f"half a reply: {error}") from error


def _model_config(answer: httpx.Response) -> dict[str, Any]:
    """What a server tells of its model's settings; nothing where it has no such path, or another form."""
    try:
        return answer.json()["vllm_config"]["model_config"] if answer.is_success else {}
    except (ValueError, LookupError, TypeError):
        return {}
