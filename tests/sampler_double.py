"""A server in the wire form of vLLM 0.32 that serves a model of ours, and the faults that servers have.

It draws as our decoder does, by the seed and the prompt's digest in a request's name, so it gives the very
answers that would be decoded in the process. `Served.fault` makes the next requests go wrong.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import numpy as np
import torch
from safetensors.torch import load_file

from vzero.config import Models
from vzero.models.loading import load_model
from vzero.models.pixels import Pixels
from vzero.models.prompt import Prompt
from vzero.prompts.views import Picture
from vzero.rollout.generate import generate
from vzero.rollout.sampling import Sampling
from vzero.rollout.server.pictures import unpacked

FORK = multiprocessing.get_context("fork")

REFUSALS = {"down": 503, "broken": 500, "busy": 429, "refuses": 400}
"""Faults that are an HTTP status."""


class Double:
    """What the server knows: its model, which weights it has, and what is to go wrong."""

    def __init__(self, folder: Path, *, scale_out: bool) -> None:
        torch.set_num_threads(1)
        self.model = load_model(folder, Models())
        self.paths = {"/v1/completions"} | ({"/inference/v1/generate"} if scale_out else set())
        self.version = "default"
        self.faults: deque[str] = deque()
        self.counts: Counter[str] = Counter()
        self.answered: list[str] = []
        self.keys: set[str | None] = set()
        self.settings: dict[str, Any] = {"logprobs_mode": "raw_logprobs", "multimodal_config": None}
        self.at_work = threading.Lock()

    def fault(self, kind: str) -> bool:
        """Whether this is the next that is to go wrong."""
        if self.faults and self.faults[0] == kind:
            self.faults.popleft()
            return True
        return False

    def generate(self, body: dict[str, Any]) -> dict[str, Any]:
        drawn = body.get("sampling_params", body)
        ids = tuple(body.get("token_ids") or body["prompt"])
        pictures, pixels, head = [], [], len(ids)
        if features := body.get("features"):
            side = self.model.image_processor.patch_size
            for name, item in zip(
                features["mm_hashes"]["image"], features["kwargs_data"]["image"], strict=True
            ):
                values, grid = unpacked(item)
                _, high, wide = grid.tolist()
                pictures.append(Picture(name, wide * side, high * side))
                pixels.append(Pixels(lambda values=values, grid=grid: (values, grid[None])))
            first = features["mm_placeholders"]["image"][0]
            head = first["offset"] + first["length"]
        prompt = Prompt(ids, tuple(pictures), tuple(pixels), text="", head=head)
        _, seed, digest, _ = body["request_id"].rsplit("-", 3)
        uniforms = np.random.default_rng([int(seed), int(digest, 16)])
        sampling = Sampling(drawn["temperature"], drawn["max_tokens"], drawn["top_p"], drawn["top_k"])
        draws = uniforms.random((drawn["n"], drawn["max_tokens"]))
        with self.at_work, mock.patch("vzero.rollout.generate.uniforms_of", lambda *_: draws):
            [rollouts] = generate(self.model, [prompt], sampling, group=drawn["n"], seed=0)
        shown = [*ids[1:], ids[0]] if self.fault("other prompt") else list(ids)
        choices = []
        for index, one in enumerate(rollouts):
            content = [
                {"token_id": t, "logprob": p} for t, p in zip(one.token_ids, one.logprobs, strict=True)
            ]
            span = {"version": self.version, "start": 0, "end": len(one.token_ids)}
            said = {"content": content} if "token_ids" in body else {"token_logprobs": one.logprobs}
            choice = {"index": index, "token_ids": one.token_ids, "logprobs": said}
            choices.append(choice | {"finish_reason": one.finish_reason, "weight_versions": [span]})
        return {"prompt_token_ids": shown, "choices": choices}

    def reload(self, folder: Path) -> None:
        """By the names of the files; what is not there stays as it was."""
        if self.fault("stale"):
            return
        weights = {
            name: tensor
            for path in sorted(folder.glob("*.safetensors"))
            for name, tensor in load_file(path).items()
        }
        own = dict(self.model.network.named_parameters(remove_duplicate=False))
        names = sorted(own)
        if self.fault("half loaded"):
            names = names[::2]
        with self.at_work, torch.no_grad():
            for name in names:
                own[name].copy_(weights[name])


class Handler(BaseHTTPRequestHandler):
    double: Double
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/counts":
            double = self.double
            self._say({**double.counts, "answered": double.answered, "keys": list(double.keys)})
        elif self.path.startswith("/server_info"):
            self._say({"vllm_config": {"model_config": self.double.settings}})
        else:
            self._say({}, 200 if self.path == "/health" else 404)

    def do_POST(self) -> None:
        double = self.double
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        double.counts[self.path] += 1
        if self.path == "/fault":
            double.faults.extend([body["kind"]] * body.get("times", 1))
            self._say({})
        elif self.path == "/settings":
            double.settings |= body
            self._say({})
        elif self.path == "/collective_rpc":
            double.reload(Path(body["kwargs"]["weights_path"]))
            self._say({"results": [None]})
        elif self.path == "/update_weight_version":
            double.version = body["new_version"]
            self._say({"success": True})
        elif self.path.startswith("/reset_"):
            self._say({"success": True})
        elif self.path in double.paths:
            self._answer(body)
        else:
            self._say({"error": "not found"}, 404)

    def _answer(self, body: dict[str, Any]) -> None:
        self.double.keys.add(self.headers["Authorization"])
        for kind, status in REFUSALS.items():
            if self.double.fault(kind):
                self._say({"error": f"{kind}, as it was told"}, status)
                return
        if self.double.fault("slow"):
            time.sleep(2)
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.double.fault("dies"):
            os._exit(9)
        reply = self.double.generate(body)
        if self.double.fault("dropped"):
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.double.fault("half a reply"):
            self._send(json.dumps(reply).encode()[:50], 200)
            return
        self.double.answered.append(body["request_id"].rsplit("-", 1)[0])
        self._say(reply)

    def _say(self, content: Any, status: int = 200) -> None:
        self._send(json.dumps(content).encode(), status)

    def _send(self, data: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Served:
    """A double that runs, in a fork of this process: to import torch anew would take most of the time."""

    def __init__(self, folder: Path, *, scale_out: bool = True, port: int = 0) -> None:
        here, there = FORK.Pipe()
        self.process = FORK.Process(target=_serve, args=(there, folder, scale_out, port), daemon=True)
        self.process.start()
        self.port = int(here.recv())
        self.url = f"http://127.0.0.1:{self.port}"

    def fault(self, kind: str, times: int = 1) -> None:
        httpx.post(f"{self.url}/fault", json={"kind": kind, "times": times})

    def told(self, **settings: Any) -> None:
        """What it says of its own settings."""
        httpx.post(f"{self.url}/settings", json=settings)

    @property
    def counts(self) -> dict[str, Any]:
        """How often each path was asked, and the names of the requests that were `answered`."""
        return httpx.get(f"{self.url}/counts").json()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()


def _serve(told: Connection, folder: Path, scale_out: bool, port: int) -> None:
    double = Double(folder, scale_out=scale_out)
    handler = type("OfOneDouble", (Handler,), {"double": double})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    told.send(server.server_port)
    server.serve_forever()


@contextmanager
def served(folder: Path, *, scale_out: bool = True) -> Iterator[Served]:
    server = Served(folder, scale_out=scale_out)
    try:
        yield server
    finally:
        server.stop()
