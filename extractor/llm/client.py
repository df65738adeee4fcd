"""One polite call to an OpenAI-compatible endpoint.

`connect` gives a `Call` that sends the request's body unchanged, keeps to the rate limits, retries where that
can help and raises an ExtractorError for everything that goes wrong. `replies` reads what comes back.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import tenacity

from extractor.cancellation import Cancellation
from extractor.document import Json
from extractor.errors import FATAL, ExtractorError, OverloadedError, RateLimitedError
from extractor.llm.call import Attempt, Reply, Request, Usage
from extractor.llm.providers import Endpoint
from extractor.llm.rate_limit import RateLimiter, Slot
from extractor.llm.replies import read_reply, translated_errors
from extractor.llm.tokens import estimate_tokens

if TYPE_CHECKING:
    from extractor.llm.call import Call
    from extractor.llm.http import Transport

Result = TypeVar("Result")

LONGEST_WAIT = 120.0
"""Seconds: if an endpoint asks for a longer wait, the request fails at once."""

# Waits after a rate limit, in seconds: 1, 2, 4 … 60, plus up to 1.
_RATE_LIMIT_WAIT = tenacity.wait_exponential_jitter(initial=1, max=60, jitter=1)
# Waits after any other error, before the jitter: 0.5, 1, 2 … 8, as the openai client does.
_ERROR_WAIT = tenacity.wait_exponential(multiplier=0.5, max=8)


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
    on_attempt: Callable[[Attempt], None] = lambda attempt: None,
) -> Call:
    """A `Call` to the endpoint. Threads may share it.

    `timeout` is in seconds for each attempt, up to the last byte. `limiter` decides when an attempt may start
    (default: one at a time). After `cancellation` no attempt starts. `on_attempt` is called with each attempt
    that has ended. `by` says who answers if that is known better than from the response (the embedded model).
    """
    cancellation = cancellation or Cancellation()
    sleep = sleep or cancellation.sleep
    return _Client(endpoint, timeout, max_attempts, sleep, now, by, limiter or RateLimiter(), cancellation, on_attempt)


@dataclass(eq=False)
class _Client:
    endpoint: Endpoint
    timeout: float
    max_attempts: int
    sleep: Callable[[float], None]
    now: Callable[[], float]
    by: Json | None
    limiter: RateLimiter
    cancellation: Cancellation
    on_attempt: Callable[[Attempt], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _opened: Transport | None = None

    def __call__(self, request: Request) -> Reply:
        numbers = itertools.count(1)
        return with_retries(lambda: self._attempt(request, next(numbers)), self.sleep, self.max_attempts)

    def _attempt(self, request: Request, number: int) -> Reply:
        """One attempt, in its slot of the rate limiter."""
        with self.limiter.slot(estimate_tokens(request.body)) as slot:
            self.cancellation.check()
            began = time.monotonic()
            try:
                reply = self._ask_in_slot(request, slot)
            except ExtractorError as error:
                self.on_attempt(Attempt(request, number, time.monotonic() - began, Usage(), error.kind))
                # Before the slot is free: the next request must not meet the same error.
                if isinstance(error, FATAL):
                    self.cancellation.stop(error, request.about.get("document"))
                raise
            self.on_attempt(Attempt(request, number, time.monotonic() - began, Usage.of(reply.body)))
            return replace(reply, attempts=number)

    def _ask_in_slot(self, request: Request, slot: Slot) -> Reply:
        """Send the request, and report the outcome to the rate limiter."""
        headers: dict[str, str] = {}
        try:
            reply = self._send(request, headers)
        except (RateLimitedError, OverloadedError) as error:
            self.limiter.refused(slot, error.retry_after, headers)
            raise
        spent = Usage.of(reply.body)
        self.limiter.answered(slot, spent.input_tokens + spent.output_tokens or slot.tokens, headers)
        return reply

    def _send(self, request: Request, headers: dict[str, str]) -> Reply:
        """Send the request once. Puts the response's headers into `headers`, even if it is an error."""
        with translated_errors(self.endpoint, self.now, headers):
            response = self._transport().post(request.body)
            headers.update(response.headers)
            return read_reply(response.content, response.headers.get("content-type", ""), self.endpoint, self.by)

    def _transport(self) -> Transport:
        with self._lock:
            if self._opened is None:  # opened at the first question: a replay does not import openai
                from extractor.llm.http import Transport

                self._opened = Transport(self.endpoint, self.timeout)
            return self._opened


def with_retries(attempt: Callable[[], Result], sleep: Callable[[float], None], max_attempts: int = 5) -> Result:
    """The result of `attempt`, retried where that can help. Raises the error of the last attempt."""
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(max_attempts),
        wait=_wait,
        retry=tenacity.retry_if_exception(_can_retry),
        sleep=sleep,
        reraise=True,
    )
    return retrying(attempt)


def _can_retry(error: BaseException) -> bool:
    return isinstance(error, ExtractorError) and error.retryable and (error.retry_after or 0.0) <= LONGEST_WAIT


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt: what the endpoint asks for, else a growing wait with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ExtractorError) and error.retry_after:
        return error.retry_after
    if isinstance(error, (RateLimitedError, OverloadedError)):
        return _RATE_LIMIT_WAIT(state)
    return _ERROR_WAIT(state) * random.uniform(0.75, 1.0)
