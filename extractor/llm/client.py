"""One polite call to an OpenAI-compatible endpoint.

`connect` gives a `Call`: it sends the request's body as it is, waits and tries again where that can help, and turns
whatever goes wrong into one of `faults`. No key is in a reply or in a fault.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import tenacity

from extractor.cancellation import Cancellation
from extractor.document import Json
from extractor.errors import (
    FATAL,
    ContentFilteredError,
    ExtractorError,
    MalformedResponseError,
    NetworkError,
    NotJsonError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    ServerError,
    TimedOutError,
    error_of,
)
from extractor.llm.call import Attempt, Reply, Request, Usage
from extractor.llm.providers import Endpoint
from extractor.llm.rate_limit import RateLimiter, Slot
from extractor.llm.tokens import estimate_tokens

if TYPE_CHECKING:
    import httpx2

    from extractor.llm.call import Call
    from extractor.llm.http import Transport

Done = TypeVar("Done")

LONGEST_WAIT = 120.0
"""Seconds: an endpoint that wants to be left alone for longer is given up at once."""

# A finish_reason that means no answer: OpenAI's and most others', Zhipu's two, DeepSeek's.
_UNFINISHED: dict[str, type[ProviderError]] = {
    "content_filter": ContentFilteredError,
    "sensitive": ContentFilteredError,
    "network_error": ServerError,
    "insufficient_system_resource": OverloadedError,
}
# Keys of any account that an endpoint may repeat in its errors: sk-…, ak-…, Bearer ….
_KEYS = re.compile(r"\b(?:sk|ak|pk)-[\w-]{6,}|(?<=Bearer )[^\s\"\\]+")


def connect(
    endpoint: Endpoint,
    *,
    timeout: float,
    max_attempts: int = 5,
    sleep: Callable[[float], None] | None = None,
    now: Callable[[], float] = time.time,
    by: Json | None = None,
    limiter: RateLimiter | None = None,
    cancellation: Cancellation | None = None,
    heard: Callable[[Attempt], None] = lambda attempt: None,
) -> Call:
    """A `Call` to the endpoint; `timeout` in seconds, for each attempt, to its last byte. Threads may share it.

    `limiter` lets attempts begin, and hears how they end (default: one at a time); so does `heard`. After `cancellation` none begins.
    `by` is who answers, where that is known better than from the answer (the embedded model).
    """
    lock = threading.Lock()
    transports: list[Transport] = []

    def transport() -> Transport:
        with lock:
            if not transports:  # made at the first question: a replay loads no openai
                from extractor.llm.http import Transport

                transports.append(Transport(endpoint, timeout))
            return transports[0]

    limiter, cancellation = limiter or RateLimiter(), cancellation or Cancellation()

    def call(request: Request) -> Reply:
        attempts = itertools.count(1)

        def attempt() -> Reply:
            number = next(attempts)
            with limiter.turn(estimate_tokens(request.body)) as turn:
                cancellation.check()
                began = time.monotonic()
                try:
                    reply = _ask_in_turn(transport(), endpoint, request, now, by, limiter, turn)
                except ExtractorError as fault:
                    heard(Attempt(request, number, time.monotonic() - began, Usage(), fault.kind))
                    if isinstance(fault, FATAL):  # at once: nobody who waits for a turn is to meet it as well
                        cancellation.stop(fault, request.about.get("document"))
                    raise
                heard(Attempt(request, number, time.monotonic() - began, Usage.of(reply.body)))
                return replace(reply, attempts=number)

        return patiently(attempt, sleep or cancellation.sleep, max_attempts)

    return call


def patiently(attempt: Callable[[], Done], sleep: Callable[[float], None], max_attempts: int = 5) -> Done:
    """What `attempt` gives, tried again where that can help. Raises the last Fault."""
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(max_attempts),
        wait=_wait,
        retry=tenacity.retry_if_exception(_worth_another),
        sleep=sleep,
        reraise=True,
    )
    return retrying(attempt)


def _ask_in_turn(
    transport: Transport,
    endpoint: Endpoint,
    request: Request,
    now: Callable[[], float],
    by: Json | None,
    limiter: RateLimiter,
    turn: Slot,
) -> Reply:
    """An attempt that has begun; the pace hears of its end."""
    headers: dict[str, str] = {}
    try:
        reply = _ask_once(transport, endpoint, request, now, by, headers)
    except (RateLimitedError, OverloadedError) as fault:
        limiter.refused(turn, fault.retry_after, headers)
        raise
    limiter.answered(turn, (reply.body.get("usage") or {}).get("total_tokens") or turn.tokens, headers)
    return reply


def _ask_once(
    transport: Transport,
    endpoint: Endpoint,
    request: Request,
    now: Callable[[], float],
    by: Json | None,
    heard: dict[str, str],
) -> Reply:
    """One attempt. The headers of the answer, be it a refusal, are put into `heard`."""
    with translated_errors(endpoint, now, heard):
        response = transport.post(request.body)
        heard.update(response.headers)
        body = _read(_without_key(response.content, endpoint), response.headers.get("content-type", ""), endpoint)
        return Reply(body, dict(by) if by else _answered_by(body, endpoint))


def read_reply(status: int, body: Any, endpoint: Endpoint) -> Reply:
    """An answer that came home in a batch's file. Raises the fault that it is in truth."""
    content = json.dumps(body)
    if status != 200:
        raise error_of(status, json.loads(blot(content, endpoint)), endpoint.host)
    read = _read(_without_key(content.encode(), endpoint), "application/json", endpoint)
    return Reply(read, _answered_by(read, endpoint))


@contextmanager
def translated_errors(
    endpoint: Endpoint, now: Callable[[], float] = time.time, heard: dict[str, str] | None = None
) -> Iterator[None]:
    """Turn what the client raises in the block into a Fault; the headers of a refusal are put into `heard`."""
    import openai

    from extractor.llm.http import UNREACHED

    cause: Exception
    try:
        yield
        return
    except openai.APIStatusError as error:
        (heard if heard is not None else {}).update(error.response.headers)
        cause, fault = error, _refusal(error.response, endpoint, now)
    except UNREACHED as error:
        cause, fault = error, _unreached(error, endpoint)
    raise fault from (cause if blot(str(cause), endpoint) == str(cause) else None)


def _unreached(error: Exception, endpoint: Endpoint) -> ProviderError:
    """No answer came, or not all of it. What the transport calls a timeout may be a dropped connection: its cause tells."""
    causes = [error]
    while isinstance(cause := causes[-1].__cause__, Exception):
        causes.append(cause)
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return TimedOutError(f"{endpoint.host} did not answer in time.")
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno and cause.errno > 0]
    why = os.strerror(numbers[-1]) if numbers else str(error.__cause__ or error) or type(error.__cause__).__name__
    return NetworkError(blot(f"{endpoint.host} cannot be reached: {why.rstrip('.')}.", endpoint))


def _refusal(response: httpx2.Response, endpoint: Endpoint, now: Callable[[], float]) -> ProviderError:
    text = blot(response.text, endpoint)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = _plain(text)
    return error_of(response.status_code, body, endpoint.host, _retry_after(response.headers, now))


def _read(content: bytes, media: str, endpoint: Endpoint) -> Json:
    """The completion of a 200 answer, or the fault that the answer is in truth."""
    try:
        body = json.loads(content)
        json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair could not be written down later
    except (ValueError, RecursionError):
        start = blot(_plain(content[:2000].decode("utf-8", "replace"))[:200], endpoint)
        if "html" in media or content.lstrip()[:1] == b"<":
            raise NotJsonError(f"{endpoint.host} answered with a web page: {start!r}.") from None
        raise MalformedResponseError(
            f"{endpoint.host} answered with {len(content)} bytes that are no JSON: {start!r}."
        ) from None
    if isinstance(body, dict) and body.get("error") and not body.get("choices"):
        raise _error_in_disguise(body, endpoint)
    choice = _first_choice(body)
    if choice is None:
        start = blot(json.dumps(body, ensure_ascii=False)[:200], endpoint)
        raise NotJsonError(f"{endpoint.host} answered with JSON that is no chat completion: {start}.")
    if fault := _UNFINISHED.get(str(choice.get("finish_reason"))):
        raise fault(f"{endpoint.host} stopped its answer: finish_reason {choice['finish_reason']!r}.", status=200)
    return dict(body)


def _first_choice(body: Any) -> Json | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) and isinstance(choice.get("message"), dict) else None


def _error_in_disguise(body: Json, endpoint: Endpoint) -> ProviderError:
    """Gateways answer 200 with the error, and its status as `code`, inside."""
    error = json.loads(blot(json.dumps(body["error"], ensure_ascii=False), endpoint))
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return error_of(status, {"error": error}, endpoint.host)


def _answered_by(body: Json, endpoint: Endpoint) -> Json:
    return {
        "model": body.get("model") or endpoint.model,
        "version": body.get("system_fingerprint"),
        "digest": None,
        "endpoint": endpoint.host,
    }


def _worth_another(error: BaseException) -> bool:
    return isinstance(error, ExtractorError) and error.retryable and (error.retry_after or 0.0) <= LONGEST_WAIT


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds: as long as the endpoint asks for. Else, where it is asked too much, 1, 2, 4 … 60 and up to one more; after any
    other fault 0.5, 1, 2 … 8, less up to a quarter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ExtractorError) and error.retry_after:
        return error.retry_after
    if isinstance(error, (RateLimitedError, OverloadedError)):
        return _POLITE(state)
    return _PROMPT(state) * random.uniform(0.75, 1.0)


_POLITE = tenacity.wait_exponential_jitter(initial=1, max=60, jitter=1)
# As the openai client does.
_PROMPT = tenacity.wait_exponential(multiplier=0.5, max=8)


def _retry_after(headers: httpx2.Headers, now: Callable[[], float]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or from `Retry-After` in seconds or as a date; None for nonsense."""
    seconds = None
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif "retry-after" in headers:
            seconds = float(headers["retry-after"])
    except ValueError:
        try:
            seconds = parsedate_to_datetime(headers["retry-after"]).timestamp() - now()
        except (KeyError, ValueError, OverflowError):
            return None
    return seconds if seconds is not None and math.isfinite(seconds) and seconds > 0 else None


def _plain(text: str) -> str:
    """A web page's words, roughly: enough to recognise a proxy's login page in an error."""
    return " ".join(re.sub(r"<[^<>]*>", " ", text[:20_000]).split())


def _without_key(content: bytes, endpoint: Endpoint) -> bytes:
    """A completion that repeats the key would be recorded; a key of a few letters may be an honest word."""
    key = (endpoint.key or "").encode()
    return content.replace(key, b"***") if len(key) >= 16 else content


def blot(text: str, endpoint: Endpoint) -> str:
    """Without keys: the endpoint's, and what looks like one."""
    if endpoint.key and len(endpoint.key) > 3:
        text = text.replace(endpoint.key, "***")
    return _KEYS.sub("***", text)
