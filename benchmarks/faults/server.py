"""A stand-in for an OpenAI-compatible endpoint that can send anything, byte by byte, over a raw socket.

A script sees each question and returns the parts of its reply, or None for the right answer. The endpoint
keeps its own count of what it was asked, what was under way and what was answered to the last byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from corpus import DOCUMENT, answer_to, passage_of


class End(Enum):
    """How a reply ends, if the connection is not kept open for the next question."""

    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


Part = bytes | float | End
"""Bytes to send, seconds to wait, or an end."""


@dataclass(eq=False)
class Ask:
    """One request as it was received. `key` identifies the question; `time_of_asking` counts from 1, by passage."""

    key: str
    document: str
    time_of_asking: int
    path: str
    headers: dict[str, str]
    body: Any
    received: float
    answered: float | None = None

    @property
    def passage(self) -> str:
        return passage_of(self.body)


Script = Callable[[Ask], Iterable[Part] | None]


@dataclass
class Endpoint:
    """The endpoint's settings and its own account of what happened."""

    script: Script = lambda ask: None
    latency: float = 0.0
    usage: dict[str, Any] = field(default_factory=lambda: {"prompt_tokens": 700, "completion_tokens": 100})
    host: str = "127.0.0.1"
    port: int = 0
    asks: list[Ask] = field(default_factory=list)
    connections: int = 0
    under_way: set[Ask] = field(default_factory=set)
    most_under_way: int = 0
    _times: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def times_asked(self) -> Counter[str]:
        """Question → how often it was asked."""
        return Counter(ask.key for ask in self.asks)

    def answered(self) -> int:
        """How many replies were sent to the last byte."""
        return sum(ask.answered is not None for ask in self.asks)

    def listen(self) -> None:
        """Accept connections, on the port that was used before if there was one."""

        async def start() -> None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=1 << 24)
            self.port = self._server.sockets[0].getsockname()[1]

        asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)

    def refuse(self) -> None:
        """Refuse new connections and drop those that are open."""

        async def stop() -> None:
            if self._server is not None:
                self._server.close()
                self._server.close_clients() if hasattr(self._server, "close_clients") else None
                self._server = None
            me = asyncio.current_task()
            for task in asyncio.all_tasks():
                if task is not me:
                    task.cancel()

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while ask := await self._receive(reader):
                self.asks.append(ask)
                self.under_way.add(ask)
                self.most_under_way = max(self.most_under_way, len(self.under_way))
                try:
                    if not await self._reply(ask, writer):
                        break
                finally:
                    self.under_way.discard(ask)
        with suppress(OSError):
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader) -> Ask | None:
        """The next request of a connection; None at its end."""
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.IncompleteReadError:
            return None
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        body = json.loads(content) if content else {"messages": []}
        key = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()
        passage = passage_of(body)
        self._times[passage] += 1
        named = DOCUMENT.search(passage)
        path = first.split(" ")[1] if first.count(" ") == 2 else first
        return Ask(key, named[0] if named else "", self._times[passage], path, headers, body, time.monotonic())

    async def _reply(self, ask: Ask, writer: asyncio.StreamWriter) -> bool:
        """Send the reply; whether the connection stays open."""
        parts = self.script(ask)
        if parts is None:
            await asyncio.sleep(self.latency)
            parts = [good(ask, self.usage)]
        for part in parts:
            if isinstance(part, End):
                if part is End.HANG:
                    await asyncio.sleep(600)
                if part is End.RESET:
                    linger = struct.pack("ii", 1, 0)  # the system then sends RST in place of FIN
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                return False
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)
        ask.answered = time.monotonic()
        return True


@contextmanager
def serving(
    script: Script = lambda ask: None, *, latency: float = 0.0, host: str = "127.0.0.1", **more: Any
) -> Iterator[Endpoint]:
    """Run an endpoint, in a thread of its own, during the block."""
    endpoint = Endpoint(script, latency, host=host, **more)
    loop = endpoint._loop
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    endpoint.listen()
    try:
        yield endpoint
    finally:
        endpoint.refuse()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


# --- replies ---


def http(status: int, content: bytes, headers: dict[str, str] | None = None, media: str = "application/json") -> bytes:
    """A whole HTTP response. A header given here replaces the usual one."""
    all_headers = {"content-type": media, "content-length": str(len(content)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in all_headers.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode("latin-1") + content


def completion(content: Any, finish: Any = "stop", usage: Any = None, **more: Any) -> dict[str, Any]:
    """A chat completion as providers send it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stand-in",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 100, "total_tokens": 800} if usage is None else usage,
        **more,
    }


def encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def answer_text(ask: Ask) -> str:
    """The right answer, as the text of a completion."""
    return json.dumps(answer_to(ask.body), ensure_ascii=False)


def good(ask: Ask, usage: dict[str, Any] | None = None) -> bytes:
    """The right reply."""
    return http(200, encoded(completion(answer_text(ask), usage=usage)))


def said(ask: Ask, **changes: Any) -> bytes:
    """The right reply with some keys of its body changed."""
    return http(200, encoded({**completion(answer_text(ask)), **changes}))


def content(text: Any, finish: Any = "stop") -> bytes:
    """A well-formed reply with this content."""
    return http(200, encoded(completion(text, finish)))


def error(status: int, message: str = "no", headers: dict[str, str] | None = None, **more: Any) -> bytes:
    """An error as OpenAI's API words it."""
    return http(status, encoded({"error": {"message": message, **more}}), headers)
