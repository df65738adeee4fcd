"""An OpenAI-compatible server on 127.0.0.1 that answers by a script, one step for each request."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Step:
    """One answer. `cut` sends so many bytes of the announced ones, `drop` none at all; `hang` never answers, `trickle` never
    comes to the end of its answer."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    cut: int | None = None
    drop: bool = False
    hang: bool = False
    trickle: bool = False

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)).encode()


@dataclass(frozen=True)
class Seen:
    """One request as it came, the names of its headers in lower case."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeServer:
    """Where it listens, what it has yet to answer, what it was asked; `mine.seen` is the request of this very thread."""

    base_url: str
    steps: list[Step]
    seen: list[Seen] = field(default_factory=list)
    mine: threading.local = field(default_factory=threading.local)


def completion(text: str = '{"a": 1}', finish_reason: str = "stop", **more: Any) -> dict[str, Any]:
    """A chat completion as providers send it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}},
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        **more,
    }


@contextmanager
def serve(*steps: Step) -> Iterator[FakeServer]:
    """Answer the coming requests with these steps; a request too many gets a 400 that says so."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            fake.mine.seen = Seen(
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(self.rfile.read(length)),
            )
            fake.seen.append(fake.mine.seen)
            step = fake.steps.pop(0) if fake.steps else Step(400, {"error": {"message": "the script has no step left"}})
            if step.hang:
                released.wait(30)
            if step.hang or step.drop:
                self.close_connection = True
                return
            content = step.content()
            self.send_response(step.status)
            self.send_header("content-type", step.media)
            self.send_header("content-length", str(len(content) + (1_000_000 if step.trickle else 0)))
            for name, value in step.headers.items():
                self.send_header(name, value)
            self.end_headers()
            while step.trickle and not released.wait(0.01):
                with suppress(OSError):
                    self.wfile.write(b" ")
            self.wfile.write(content[: step.cut])

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake = FakeServer(f"http://127.0.0.1:{server.server_address[1]}/v1", list(steps))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()
