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
from extractor.errors import (
    FATAL,
    EndpointDownError,
    ExtractorError,
    NetworkError,
    OverloadedError,
    RateLimitedError,
    ServerError,
    UnreachableError,
)
from extractor.llm.call import Attempt, Reply, Request, Usage
from extractor.llm.providers import Endpoint
from extractor.llm.rate_limit import LONGEST_WAIT, RateLimiter, Slot
from extractor.llm.replies import read_reply, translated_errors
from extractor.llm.tokens import estimate_tokens, usage_of
from extractor.wording import duration

if TYPE_CHECKING:
    from extractor.llm.call import Call
    from extractor.llm.http import Transport

Result = TypeVar("Result")

# Seconds of waiting after which a refusal for lack of capacity counts as final: the window of limits a minute, with
# some time for clocks that differ. As long, a question is tried while nobody else is answered either.
WINDOW = 75.0
# Attempts in an outage after which a question that was answered before is asked, to see whether it is one.
ENOUGH_TO_DOUBT = 3
FIVE_ATTEMPTS = tenacity.stop_after_attempt(5)
# Attempts after which a wait that the endpoint asks for is no longer believed if it is short.
TRUSTED = 5
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
    longest_outage: float = 0.0,
) -> Call:
    """A `Call` to the endpoint. Threads may share it.

    `timeout` is in seconds for each attempt, up to the last byte. `limiter` decides when an attempt may start
    (default: one at a time). After `cancellation` no attempt starts. `on_attempt` is called with each attempt
    that has ended. `by` says who answers if that is known better than from the response (the embedded model).
    `longest_outage`, in seconds, is how long an endpoint that answered before is waited for; after that, or if
    it can't be reached at all, EndpointDownError is raised.
    """
    cancellation = cancellation or Cancellation()
    sleep = sleep or cancellation.sleep
    limiter = limiter or RateLimiter()
    return _Client(endpoint, timeout, max_attempts, sleep, now, by, limiter, cancellation, on_attempt, longest_outage)


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
    longest_outage: float
    # Documents of which a question was given up, with when.
    _given_up: dict[str, float] = field(default_factory=dict)
    # The last question that was answered.
    _answered: Request | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _opened: Transport | None = None

    def __call__(self, request: Request) -> Reply:
        numbers = itertools.count(1)
        document = str(request.about.get("document", ""))
        began = self.limiter.now()
        try:
            return with_retries(
                lambda: self._attempt(request, next(numbers), document),
                self.sleep,
                stop=lambda state: self._gives_up(state, document, began),
            )
        except ExtractorError as error:
            if (outage := self.limiter.outage) is not None and _is_passing(error):
                what = f"{self.endpoint.host} has answered nothing for {duration(outage)}. The last error: {error.what}"
                raise EndpointDownError(what) from error
            if isinstance(error, UnreachableError) and self.limiter.answered_at is None:
                raise EndpointDownError(error.what, error.hint) from error
            raise

    def _gives_up(self, state: tenacity.RetryCallState, document: str, began: float) -> bool:
        """Whether a question that has been asked since `began` is not asked again.

        In an outage nothing is given up before it has lasted too long, or turns out to be none. A single question may be all that is asked:
        it is given a minute and more if nobody else is answered either, but not each question of a document that
        may be at fault itself.
        """
        if (outage := self.limiter.outage) is not None:
            if outage >= self.longest_outage:
                return True
            if state.attempt_number < ENOUGH_TO_DOUBT or not self._answers_another():
                return False
        if state.attempt_number < self.max_attempts:
            return False
        error = state.outcome.exception() if state.outcome else None
        answered = self.limiter.answered_at
        busy = isinstance(error, (RateLimitedError, OverloadedError))
        nobody_since = answered is not None and answered <= began and _is_passing(error) and self.longest_outage > 0
        is_first = self._given_up.get(document, -1.0) <= (answered or 0.0)
        if is_first and (busy or nobody_since):
            if state.idle_for < WINDOW:
                return False
            self._given_up[document] = self.limiter.now()
        return True

    def _answers_another(self) -> bool:
        """Whether a question that was answered before is answered now: then the others are at fault.

        The last documents of a run may all be; nothing else would show it.
        """
        if self._answered is None:
            return False
        try:
            self._attempt(self._answered, 1, "")
        except ExtractorError:
            return False
        return True

    def _attempt(self, request: Request, number: int, document: str) -> Reply:
        """One attempt, in its slot of the rate limiter."""
        with self.limiter.slot(estimate_tokens(request.body), document) as slot:
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
            self.on_attempt(Attempt(request, number, time.monotonic() - began, usage_of(request.body, reply.body)))
            request.on_reply(reply)
            self._answered = Request(request.body, request.about)
            return replace(reply, attempts=number)

    def _ask_in_slot(self, request: Request, slot: Slot) -> Reply:
        """Send the request, and report the outcome to the rate limiter."""
        headers: dict[str, str] = {}
        try:
            reply = self._send(request, headers)
        except (RateLimitedError, OverloadedError) as error:
            self.limiter.refused(slot, error, headers)
            raise
        except ExtractorError as error:
            if _is_passing(error):
                self.limiter.failed(slot, error)
            raise
        self.limiter.answered(slot, usage_of(request.body, reply.body).tokens, headers)
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


def with_retries(
    attempt: Callable[[], Result],
    sleep: Callable[[float], None],
    stop: Callable[[tenacity.RetryCallState], bool] = FIVE_ATTEMPTS,
) -> Result:
    """The result of `attempt`, retried where that can help. Raises the error of the last attempt."""
    retrying = tenacity.Retrying(
        stop=stop,
        wait=_wait,
        retry=tenacity.retry_if_exception(_can_retry),
        sleep=sleep,
        reraise=True,
    )
    return retrying(attempt)


def _is_passing(error: BaseException | None) -> bool:
    """Whether the endpoint as a whole may be at fault."""
    return isinstance(error, (NetworkError, ServerError, RateLimitedError))


def _can_retry(error: BaseException) -> bool:
    return isinstance(error, ExtractorError) and error.retryable


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt: what the endpoint asks for, else a growing wait with jitter.

    An endpoint that asks for short waits again and again is given longer ones.
    """
    error = state.outcome.exception() if state.outcome else None
    busy = isinstance(error, (RateLimitedError, OverloadedError))
    own = _RATE_LIMIT_WAIT(state) if busy else _ERROR_WAIT(state) * random.uniform(0.75, 1.0)
    asked = error.retry_after if isinstance(error, ExtractorError) else None
    if asked and asked <= LONGEST_WAIT:
        return asked if state.attempt_number < TRUSTED else max(asked, own)
    return own
