"""A hub of data sets on this machine: what huggingface_hub asks, answered from a dictionary of files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import parse_qs

COMMIT = "c" * 40
STANDS_STILL = 60  # seconds
LARGE = 1000  # bytes; larger files are stored by their sha256


@dataclass
class Hub:
    files: dict[str, dict[str, bytes]]
    """By repository and name."""
    stops_half_way: set[str] = field(default_factory=set)
    """Names whose next download stands still half-way, when it is no longer at the beginning."""
    half_way: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)
    """Set by a test to let such a download end."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Downloads: the name, and the range that was asked for."""
    url: str = ""

    def stated(self, name: str, data: bytes) -> dict:
        entry = {
            "type": "file",
            "path": name,
            "size": len(data),
            "oid": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(),
        }
        if len(data) > LARGE:
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 9}
        return entry


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        repository = self.path.removeprefix("/api/datasets/").partition("/paths-info/")[0]
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["paths"]
        held = self.hub.files[repository]
        self._json([self.hub.stated(name, held[name]) for name in asked if name in held])

    def do_HEAD(self) -> None:
        self._file(send=False)

    def do_GET(self) -> None:
        if not self.path.startswith("/api/datasets/"):
            self._file(send=True)
            return
        asked = self.path.removeprefix("/api/datasets/").partition("?")[0]
        repository, _, folder = asked.partition(f"/tree/{COMMIT}")
        repository = repository.partition("/revision/")[0]
        held = self.hub.files[repository]
        if "/tree/" in asked:
            within = [name for name in held if str(PurePosixPath("/", name).parent) == (folder or "/")]
            self._json([self.hub.stated(name, held[name]) for name in within])
        else:
            siblings = [{"rfilename": name} for name in held]
            self._json({"id": repository, "sha": COMMIT, "siblings": siblings})

    def _json(self, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _file(self, *, send: bool) -> None:
        repository, _, name = self.path.removeprefix("/datasets/").partition(f"/resolve/{COMMIT}/")
        data = self.hub.files[repository][name]
        stated = self.hub.stated(name, data)
        span = self.headers["Range"]
        start, end = map(int, span.removeprefix("bytes=").split("-")) if span else (0, len(data) - 1)
        end = min(end, len(data) - 1)
        part = data[start : end + 1]
        self.send_response(206 if span else 200)
        self.send_header("ETag", f'"{stated["lfs"]["oid"] if "lfs" in stated else stated["oid"]}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(part)))
        if span:
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
        self.end_headers()
        if not send:
            return
        self.hub.asked.append((name, span))
        if start and name in self.hub.stops_half_way:
            self.hub.stops_half_way.discard(name)
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            self.hub.half_way.set()
            if self.hub.goes_on.wait(STANDS_STILL):
                self.wfile.write(part[len(part) // 2 :])
        else:
            self.wfile.write(part)


@contextmanager
def served(files: dict[str, dict[str, bytes]]) -> Iterator[Hub]:
    hub = Hub(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OfOneHub", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
