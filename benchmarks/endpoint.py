"""A stand-in for an OpenAI-compatible endpoint: latency, a rate limit with its headers, and seeded faults.

    uvicorn --app-dir benchmarks endpoint:app --port 8123

Environment variables set its behaviour: LATENCY (seconds), SIGMA (of a log-normal latency with median
LATENCY; 0: constant), RPM (requests a minute, in windows of one second), FAULTS (share of requests that fail,
in turn: 500, dropped, truncated, invalid JSON, slow), REFUSED (share of passages that always get a 400),
TRUNCATED (share of replies truncated at their length limit), LIMIT_HEADERS (empty: no header announces the
rate limit), FORMS (the types of response_format that are taken, "text" for none; others get a 400). Each answer is the smallest that fits the JSON Schema of its request. GET /count returns the
requests by outcome, the seconds from the first request received to the last answer sent, and the latencies.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import time
from collections import Counter
from typing import Any

LATENCY = float(os.environ.get("LATENCY", "0"))
SIGMA = float(os.environ.get("SIGMA", "0"))
RPM = float(os.environ.get("RPM", "0"))
FAULTS = float(os.environ.get("FAULTS", "0"))
REFUSED = float(os.environ.get("REFUSED", "0"))
TRUNCATED = float(os.environ.get("TRUNCATED", "0"))
LIMIT_HEADERS = bool(os.environ.get("LIMIT_HEADERS", "1"))
FORMS = os.environ.get("FORMS", "json_schema,json_object,text").split(",")

_counts: Counter[str] = Counter()
_chance = random.Random(1)
_seen: Counter[str] = Counter()
_window = {"second": 0, "used": 0}
_asked: dict[str, float] = {}
_latencies: list[float] = []


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    received = time.monotonic()
    body = b""
    more = True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    if scope["path"] == "/count":
        seconds = _asked.get("last", 0.0) - _asked.get("first", 0.0)
        await _send(send, 200, {**_counts, "seconds": seconds, "latencies": _latencies})
        return
    _asked.setdefault("first", received)
    try:
        await _answer(json.loads(body), send)
    finally:
        _asked["last"] = time.monotonic()


async def _answer(request: dict[str, Any], send: Any) -> None:
    _counts["requests"] += 1
    headers = _limit_headers()
    if RPM and not _allowed():
        _counts["429"] += 1
        await _send(send, 429, {"error": {"message": "too many requests"}}, [*headers, ("retry-after", "1")])
        return
    form = request.get("response_format", {}).get("type", "text")
    if form not in FORMS:
        _counts["400"] += 1
        await _send(send, 400, {"error": {"message": f"response_format of type {form!r} is not supported"}})
        return
    key = hashlib.sha256(json.dumps(request["messages"]).encode()).hexdigest()
    share = int(key[:8], 16) / 0xFFFFFFFF
    _seen[key] += 1
    if share < REFUSED:
        _counts["400"] += 1
        await _send(send, 400, {"error": {"message": "this passage is always refused"}})
        return
    latency = LATENCY * (_chance.lognormvariate(0, SIGMA) if SIGMA else 1.0)
    _latencies.append(latency)
    await asyncio.sleep(latency)
    answer = json.dumps(_least(request), ensure_ascii=False)
    # Errors are transient: the same request fails once.
    if FAULTS and _seen[key] == 1 and _chance.random() < FAULTS:
        await _fail(send, answer)
        return
    if share > 1 - TRUNCATED and len(request["messages"][-1]["content"]) > 900:
        _counts["truncated"] += 1
        await _send(send, 200, _completion(answer[: len(answer) // 2], "length"), headers)
        return
    _counts["200"] += 1
    await _send(send, 200, _completion(answer), headers)


async def _fail(send: Any, answer: str) -> None:
    kind = ("500", "dropped", "truncated", "invalid", "slow")[_counts["faults"] % 5]
    _counts["faults"] += 1
    _counts[kind] += 1
    if kind == "500":
        await _send(send, 500, {"error": {"message": "broken"}})
    elif kind == "dropped":
        content = json.dumps(_completion(answer)).encode()
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", str(len(content)).encode())],
        }
        await send(start)
        await send({"type": "http.response.body", "body": content[:20], "more_body": True})
        raise ConnectionError  # uvicorn closes the connection
    elif kind == "truncated":
        await _send(send, 200, _completion(answer[: len(answer) // 2], "length"))
    elif kind == "invalid":
        await _send(send, 200, _completion("{" + answer))
    else:
        await asyncio.sleep(4 * LATENCY)
        await _send(send, 200, _completion(answer))


def _allowed() -> bool:
    second = int(time.monotonic())
    if second != _window["second"]:
        _window.update(second=second, used=0)
    _window["used"] += 1
    return _window["used"] <= RPM / 60


def _limit_headers() -> list[tuple[str, str]]:
    return [("x-ratelimit-limit-requests", str(int(RPM)))] if RPM and LIMIT_HEADERS else []


def _completion(text: str, reason: str = "stop") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stand-in",
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 20, "total_tokens": 720},
    }


def _least(request: dict[str, Any]) -> Any:
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema") or _schema_in_words(request)
    return _value(schema, schema)


def _schema_in_words(request: dict[str, Any]) -> Any:
    """The JSON Schema that stands in one of the messages."""
    for message in request["messages"]:
        _, mark, after = message["content"].rpartition("JSON Schema 输出 JSON：")
        if mark:
            return json.JSONDecoder().raw_decode(after)[0]
    return {}


def _value(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _value(inner, root) for name, inner in schema.get("properties", {}).items()}
    return {"array": [], "string": "无"}.get(schema.get("type", ""))


async def _send(send: Any, status: int, body: Any, headers: list[tuple[str, str]] | None = None) -> None:
    content = json.dumps(body, ensure_ascii=False).encode()
    all_headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    all_headers += [(name.encode(), value.encode()) for name, value in headers or []]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": content})
