"""A fake OpenAI-compatible endpoint on 127.0.0.1: chat completions and the batch API, over real HTTP.

`serve(*steps)` answers by a script. `answering(misbehave)` answers like a model that finds simple facts by
pattern, unless `misbehave` returns another step. A batch stays in progress until the test calls `end`.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from extractor.document import Json
from extractor.runs.estimate import shortest_answer


@dataclass(frozen=True)
class Step:
    """One response. `cut` sends only that many of the announced bytes, `drop` closes the connection without
    any; `hang` never responds, `trickle` never finishes its response."""

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


Respond = Callable[[Json], Step | None]

LOST = Step(status=0)
"""In a batch: neither result file has a line for this request."""


@dataclass(frozen=True)
class Seen:
    """One request for a chat completion as received, with header names in lower case."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeEndpoint:
    """The endpoint's state: `seen` are the chat completions requested live, `calls` are of the batch API.

    `misbehave` responds to a chat completion's body, live or in a batch; None leaves it to `read_facts`.
    `refuse` responds to a call of the batch API, given as "METHOD /path"; None lets it through.
    `on_batch` is called with each new batch before the client gets its response.
    """

    misbehave: Respond = lambda body: None
    refuse: Callable[[str], Step | None] = lambda call: None
    on_batch: Callable[[Json], None] = lambda batch: None
    base_url: str = ""
    seen: list[Seen] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, Json] = field(default_factory=dict)

    @property
    def live(self) -> list[Json]:
        """The bodies of the chat completions requested live."""
        return [seen.body for seen in self.seen]

    def requests(self, batch: str | None = None) -> list[Json]:
        """The requests of one batch, or of all batches."""
        chosen = [self.batches[batch]] if batch else list(self.batches.values())
        return [
            json.loads(line) for one in chosen for line in self.files[one["input_file_id"]].split(b"\n") if line.strip()
        ]

    def end(self, status: str = "completed", answered: int | None = None) -> None:
        """End all batches in progress, with results in reverse order.

        Only the first `answered` requests have a response (default: all).
        """
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
                    batch[name] = self._add_file(b"\n".join(json.dumps(line).encode() for line in reversed(lines)))

    def _result(self, request: Json) -> Json | None:
        step = self._complete(request["body"])
        if step is LOST:
            return None
        return {**_line(request), "response": {"status_code": step.status, "request_id": "r", "body": step.body}}

    def _complete(self, body: Json) -> Step:
        return self.misbehave(body) or answer_step(read_facts(body))

    def _add_file(self, content: bytes) -> str:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return name

    def respond(self, method: str, path: str, headers: dict[str, str], content: bytes) -> Step:
        """The response to one HTTP request."""
        self.keys.add(headers.get("authorization", ""))
        url = urlsplit(path)
        if method == "POST" and url.path.endswith("/chat/completions"):
            seen = Seen(path, headers, json.loads(content))
            self.seen.append(seen)
            return self._complete(seen.body)
        short = url.path.removeprefix("/v1")
        self.calls.append(f"{method} {short}")
        return self.refuse(self.calls[-1]) or self._batch_api(method, short, parse_qs(url.query), headers, content)

    def _batch_api(
        self, method: str, path: str, query: dict[str, list[str]], headers: dict[str, str], content: bytes
    ) -> Step:
        if (method, path) == ("POST", "/files"):
            parts = _parts(headers.get("content-type", ""), content)
            assert parts["purpose"] == b"batch"
            return Step(body={"id": self._add_file(parts["file"]), "object": "file", "purpose": "batch"})
        if (method, path) == ("POST", "/batches"):
            return self._create_batch(json.loads(content))
        if path == "/batches":  # two on a page
            names = [*reversed(self.batches)]
            after = query.get("after")
            names = names[names.index(after[0]) + 1 :] if after else names
            return Step(body={"data": [self.batches[name] for name in names[:2]], "has_more": len(names) > 2})
        _, kind, name, *more = [*path.split("/"), "", ""]
        if kind == "files" and more[0] == "content" and name in self.files:
            return Step(body=self.files[name], media="application/octet-stream")
        if kind == "batches" and name in self.batches:
            if more[0] == "cancel":
                self.batches[name]["status"] = "cancelling"
            return Step(body=self.batches[name])
        return Step(404, {"error": {"message": f"no {path}"}})

    def _create_batch(self, settings: Json) -> Step:
        assert settings["endpoint"] == "/v1/chat/completions"
        batch = {**settings, "id": f"batch_{len(self.batches) + 1}", "status": "validating", "created_at": 1}
        self.batches[batch["id"]] = batch
        self.on_batch(batch)
        return Step(body=batch)


def _line(request: Json) -> Json:
    return {"id": "batch_req", "custom_id": request["custom_id"], "error": None}


def _parts(media: str, content: bytes) -> dict[str, bytes]:
    message = email.message_from_bytes(f"content-type: {media}\r\n\r\n".encode() + content, policy=email.policy.HTTP)
    found: dict[str, Any] = {}
    for part in message.iter_parts():  # type: ignore[attr-defined]
        found[part.get_param("name", header="content-disposition")] = part.get_payload(decode=True)
    return {name: value.rstrip(b"\r\n") if name != "file" else value for name, value in found.items()}


# --- running it ---


def serve(*steps: Step) -> AbstractContextManager[FakeEndpoint]:
    """Run an endpoint that responds with these steps in order; a request too many gets a 400."""
    left = list(steps)
    exhausted = Step(400, {"error": {"message": "the script has no step left"}})
    return _serving(FakeEndpoint(lambda body: left.pop(0) if left else exhausted))


def answering(misbehave: Respond = lambda body: None) -> AbstractContextManager[FakeEndpoint]:
    """Run an endpoint whose model finds simple facts, unless `misbehave` returns another step."""
    return _serving(FakeEndpoint(misbehave))


@contextmanager
def _serving(fake: FakeEndpoint) -> Iterator[FakeEndpoint]:
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(fake.respond(self.command, self.path, headers, self._content()))

        do_GET = do_POST = _handle

        def _content(self) -> bytes:
            if self.headers.get("transfer-encoding") == "chunked":
                return b"".join(iter(self._chunk, b""))
            return self.rfile.read(int(self.headers.get("content-length") or 0))

        def _chunk(self) -> bytes:
            data = self.rfile.read(int(self.rfile.readline(), 16))
            self.rfile.readline()
            return data

        def _send(self, step: Step) -> None:
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
    fake.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        thread.join()


# --- what it answers ---

PASSAGE = re.compile("【原文】(.*?)【原文完】", re.DOTALL)
FACTS: dict[str, tuple[str, Callable[[re.Match[str]], Any]]] = {
    "officials": (
        "(书记|市长|局长)([一-鿿]{2})(?=主持)",
        lambda m: {"name": m[2], "titles": [m[1]], "roles": ["chair"]},
    ),
    "statistics": (
        "([一-鿿]{4})([0-9]+(?:处|人))",
        lambda m: {"indicator": m[1], "value": m[2], "period": None, "region": None},
    ),
    "targets": ("确保[^，。]+", lambda m: {"text": m[0], "value": None, "deadline": None}),
    "measures": ("加强[^，。]+", lambda m: {"text": m[0], "responsible": []}),
    "obligations": ("[^，。\\n]*应当[^，。]+", lambda m: {"text": m[0], "responsible": [], "deadline": None}),
}
WORDS = {"date": "[0-9]+月[0-9]+日", "venue": "(?<=在)[^，。]*礼堂", "issuer": "[一-鿿]+局(?=通知)"}


def field_of(body: Json) -> str:
    """The field that a request asks for, the first if there are several."""
    name: str = next(iter(shape_beside(body)["properties"]))
    return name


def passage_of(body: Json) -> str:
    """The passage that a request is about."""
    texts = [message["content"] for message in body["messages"] if message["role"] == "user"]
    found = PASSAGE.search(texts[0])
    return found[1] if found else ""


def shape_beside(body: Json) -> Json:
    """The answer's JSON Schema, sent beside the messages."""
    schema: Json = body["response_format"]["json_schema"]["schema"]
    return schema


def read_facts(body: Json) -> Json:
    """The facts of the passage that simple patterns find, for the other fields the least that fits the schema."""
    text = passage_of(body)
    answer: Json = shortest_answer(shape_beside(body))
    for name in answer:
        if name in FACTS:
            pattern, item = FACTS[name]
            answer[name] = [item(m) for m in re.finditer(pattern, text)]
        elif name in WORDS and (found := re.search(WORDS[name], text)):
            answer[name] = found[0]
    return answer


def answer_step(answer: Any, finish_reason: str = "stop") -> Step:
    """The response that carries this answer of the model: JSON, or its text as it is."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return Step(body=completion_body(text, finish_reason))


def completion_body(text: str | None = '{"a": 1}', finish_reason: str = "stop", **more: Any) -> Json:
    """A chat completion as providers send it; 1000 tokens in, 500 out."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}},
        ],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
        **more,
    }
