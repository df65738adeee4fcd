"""An OpenAI-compatible batch desk on 127.0.0.1, and the live endpoint beside it, with a model that finds simple facts.

What was submitted waits until the test has it end: `Desk.end`.
"""

from __future__ import annotations

import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from answering import Json, Respond, read_facts, say
from fake_server import Step

LOST = Step(status=0)
"""No reply comes to this request, in neither file."""


@dataclass
class Desk:
    """What it holds, and what it was asked: `live` bodies, `calls` of the desk. `refusing` answers a call of the desk by
    its method and path; `made` is told of a batch before its maker is."""

    base_url: str = ""
    misbehave: Respond = lambda body: None
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)
    live: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    refusing: Callable[[str], Step | None] = lambda call: None
    made: Callable[[Json], None] = lambda batch: None

    def requests(self, batch: str | None = None) -> list[Json]:
        """The requests of a batch, or of all."""
        chosen = [self.batches[batch]] if batch else list(self.batches.values())
        return [
            json.loads(line) for one in chosen for line in self.files[one["input_file_id"]].split(b"\n") if line.strip()
        ]

    def end(self, status: str = "completed", answered: int | None = None) -> None:
        """Have all batches that are under way end, with the first so many requests answered, the last first."""
        for batch in self.batches.values():
            if batch["status"] not in ("validating", "in_progress", "cancelling"):
                continue
            requests = self.requests(batch["id"])
            count = len(requests) if answered is None else answered
            results = [self._result(request) for request in requests[:count]]
            late = {"code": "batch_expired", "message": "This request could not be executed before the batch expired."}
            results += [{**_line(request), "response": None, "error": late} for request in requests[count:]]
            good = [r for r in results if r and r["response"] and r["response"]["status_code"] == 200]
            bad = [r for r in results if r and r not in good]
            batch["status"] = status
            batch["request_counts"] = {"total": len(requests), "completed": len(good), "failed": len(bad)}
            for name, lines in (("output_file_id", good), ("error_file_id", bad)):
                if lines:
                    batch[name] = self.keep(b"\n".join(json.dumps(line).encode() for line in reversed(lines)))

    def _result(self, request: Json) -> Json | None:
        step = self.misbehave(request["body"]) or say(read_facts(request["body"]))
        if step is LOST:
            return None
        return {**_line(request), "response": {"status_code": step.status, "request_id": "r", "body": step.body}}

    def keep(self, content: bytes) -> str:
        """A file, and its id."""
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name

    def answer(self, method: str, path: str, query: dict[str, list[str]], media: str, content: bytes) -> Step:
        """One call."""
        if (method, path) == ("POST", "/chat/completions"):
            self.live.append(json.loads(content))
            return self.misbehave(self.live[-1]) or say(read_facts(self.live[-1]))
        self.calls.append(f"{method} {path}")
        if refused := self.refusing(self.calls[-1]):
            return refused
        if (method, path) == ("POST", "/files"):
            parts = _parts(media, content)
            assert parts["purpose"] == b"batch"
            return Step(body={"id": self.keep(parts["file"]), "object": "file", "purpose": "batch"})
        if (method, path) == ("POST", "/batches"):
            told = json.loads(content)
            assert told["endpoint"] == "/v1/chat/completions"
            batch = {**told, "id": f"batch_{len(self.batches) + 1}", "status": "validating", "created_at": 1}
            self.batches[batch["id"]] = batch
            self.made(batch)
            return Step(body=batch)
        if path == "/batches":  # two a page
            names = [*reversed(self.batches)]
            after = query.get("after")
            names = names[names.index(after[0]) + 1 :] if after else names
            return Step(body={"data": [self.batches[name] for name in names[:2]], "has_more": len(names) > 2})
        _, kind, name, *more = path.split("/")
        if kind == "files" and more == ["content"] and name in self.files:
            return Step(body=self.files[name], media="application/octet-stream")
        if kind == "batches" and name in self.batches:
            if more == ["cancel"]:
                self.batches[name]["status"] = "cancelling"
            return Step(body=self.batches[name])
        return Step(404, {"error": {"message": f"no {path}"}})


def _line(request: Json) -> Json:
    return {"id": "batch_req", "custom_id": request["custom_id"], "error": None}


def _parts(media: str, content: bytes) -> dict[str, bytes]:
    message = email.message_from_bytes(f"content-type: {media}\r\n\r\n".encode() + content, policy=email.policy.HTTP)
    found: dict[str, Any] = {}
    for part in message.iter_parts():  # type: ignore[attr-defined]
        found[part.get_param("name", header="content-disposition")] = part.get_payload(decode=True)
    return {name: value.rstrip(b"\r\n") if name != "file" else value for name, value in found.items()}


@contextmanager
def batch_client(misbehave: Respond = lambda body: None) -> Iterator[Desk]:
    """A desk, for the length of the block."""
    client = Desk(misbehave=misbehave)

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            url = urlsplit(self.path)
            client.keys.add(self.headers.get("authorization", ""))
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("transfer-encoding") == "chunked":
                content = b"".join(iter(self._chunk, b""))
            media = self.headers.get("content-type", "")
            step = client.answer(self.command, url.path.removeprefix("/v1"), parse_qs(url.query), media, content)
            if step.drop:
                self.close_connection = True
                return
            self.send_response(step.status)
            self.send_header("content-type", step.media)
            self.send_header("content-length", str(len(step.content())))
            self.end_headers()
            self.wfile.write(step.content()[: step.cut])
            if step.cut is not None:
                self.close_connection = True

        def _chunk(self) -> bytes:
            data = self.rfile.read(int(self.rfile.readline(), 16))
            self.rfile.readline()
            return data

        do_GET = do_POST = _do

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    client.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield client
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
