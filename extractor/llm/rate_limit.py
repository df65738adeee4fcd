"""The rate limiter: how many requests run at a time, and how far apart they start. A run has one.

It keeps to the limits that the user gives (`rpm`, `tpm`) and learns others from the endpoint (x-ratelimit-*
and Retry-After headers, 429s). With `auto` the number of running requests grows like TCP's window: it doubles
per round at first, and later grows by one per round; it halves when the endpoint refuses a request for lack
of capacity, and shrinks when answers take longer and longer. In an outage one request at a time is tried.

What slows a run is said through `notify`: a limit that the endpoint names, a wait that it asks for, an outage.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from extractor.errors import ExtractorError, UnreachableError
from extractor.llm.outage import Outage
from extractor.wording import duration

# How many requests run at a time when `auto` starts.
FIRST = 8
# If answers take this many times as long as the fastest of the run, the endpoint is queueing them.
SLOWED = 3.0
# Weight of the newest answer in the moving average of the latency.
_NEWEST = 0.05
# Stay slightly below a limit: clocks and windows differ.
_MARGIN = 1.01
# Seconds that an endpoint may ask for. A longer wait belongs to a daily limit or is a mistake of the server's. It is
# ignored: an answer, or an outage, soon shows which.
LONGEST_WAIT = 120.0
# Seconds between two requests to which a limit that the endpoint names may slow a run. A lower limit is one for
# another length of time, or nonsense; if it is meant, 429s follow.
SLOWEST = 10.0
# Seconds of waiting that the user is told of, and between two lines about it.
NOTABLE, NOTE_EVERY = 4.0, 60.0
# Seconds to wait if nothing remains of a limit, and the endpoint does not say until when.
WITHOUT_RESET = 5.0
# How a gateway with limits of its own (LiteLLM) names whose limit it is: x-ratelimit-api_key-limit-requests.
_LIMIT = re.compile(
    r"x-ratelimit-(?:(?:api_key|team|user|model_per_key|end_user)-)?(limit|remaining)-(requests|tokens)"
)
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_WITHOUT_UNIT = re.compile(r"\d+(?:\.\d+)?")


@dataclass(slots=True)
class Slot:
    """One running request: when it started, the tokens reserved for it, and the document that it is about."""

    began: float
    tokens: int
    document: str = ""


class RateLimiter:
    """Decides when a request may start. Threads share it.

    `most` is the maximum number of running requests; `rpm` and `tpm` are requests and tokens per minute, None
    if unknown. `now` and `sleep` are in seconds. `notify` takes a line for the user when the run is slowed.
    """

    def __init__(
        self,
        most: int = 1,
        *,
        auto: bool = False,
        rpm: float | None = None,
        tpm: float | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        notify: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._most, self._auto = most, auto
        self._limit = float(min(FIRST, most) if auto else most)
        self._rpm, self._tpm = rpm, tpm
        self._given_rpm, self._given_tpm = rpm is not None, tpm is not None
        self._now, self._sleep, self._notify = now, sleep, notify
        self._free = threading.Condition()
        self._running = 0
        self._next_request = self._next_token = self._closed_until = 0.0
        self._growing_fast = True
        self._shrunk_at = -1.0
        self._latency = self._quickest = 0.0
        self._outage = Outage()
        self._noted_limit: tuple[float | None, float | None] = (None, None)
        self._noted_wait_at: float | None = None

    @property
    def limit(self) -> int:
        """How many requests may run at the moment, at least one; one only in an outage."""
        return 1 if self._outage.began is not None else max(1, int(self._limit))

    def now(self) -> float:
        """The limiter's clock, in seconds."""
        return self._now()

    @property
    def outage(self) -> float | None:
        """Seconds for which nothing has been answered, in an outage; None outside of one."""
        with self._free:
            return None if self._outage.began is None else self._now() - self._outage.began

    @property
    def answered_at(self) -> float | None:
        """When the endpoint last answered, by the limiter's clock; None if it never did."""
        return self._outage.answered_at

    @contextmanager
    def slot(self, tokens: int, document: str = "") -> Iterator[Slot]:
        """Wait until a request of about `tokens` tokens may start; it runs until the end of the block."""
        start = self._reserve(tokens)
        try:
            self._wait_until(start)
            while max(self._closed_until, self._outage.next_try) > start:  # another request was refused meanwhile
                with self._free:
                    start = self._next_start(tokens)
                self._wait_until(start)
            yield Slot(self._now(), tokens, document)
        finally:
            with self._free:
                self._running -= 1
                self._free.notify()

    def _wait_until(self, moment: float) -> None:
        if (wait := moment - self._now()) > 0:
            if wait > NOTABLE and (line := self._note_of(moment)):
                self._notify(line)
            self._sleep(wait)

    def _note_of(self, start: float) -> str | None:
        """A line for the user on why nothing starts before `start`; None if it was said before."""
        with self._free:
            if self._outage.began is not None:
                return None
            if start == self._closed_until:
                if self._noted_wait_at is not None and self._now() - self._noted_wait_at < NOTE_EVERY:
                    return None
                self._noted_wait_at = self._now()
                return f"the endpoint asks to wait: nothing is sent for {duration(start - self._now())}"
            limits = (None if self._given_rpm else self._rpm, None if self._given_tpm else self._tpm)
            if limits in ((None, None), self._noted_limit):
                return None
            self._noted_limit = limits
        named = [f"{n:g} {what} a minute" for n, what in zip(limits, ("requests", "tokens"), strict=True) if n]
        return f"the endpoint slows the run: its headers allow {' and '.join(named)} (--rpm and --tpm override them)"

    def _reserve(self, tokens: int) -> float:
        """Wait for a free place among the running requests; the moment at which the request may start."""
        with self._free:
            while self._running >= self.limit:
                self._free.wait()
            self._running += 1
            return self._next_start(tokens)

    def _next_start(self, tokens: int) -> float:
        """The next moment at which a request may start; moves the moments for the request after it."""
        start = max(self._now(), self._next_request, self._next_token, self._closed_until, self._outage.next_try)
        if self._rpm:
            gap = 60.0 / self._rpm * _MARGIN
            self._next_request = start + (gap if self._given_rpm else min(gap, SLOWEST))
        if self._tpm:
            gap = 60.0 * tokens / self._tpm * _MARGIN
            self._next_token = start + (gap if self._given_tpm else min(gap, SLOWEST))
        return start

    def answered(self, slot: Slot, tokens: int, headers: Mapping[str, str]) -> None:
        """An answer arrived: learn limits from its headers, correct the reserved tokens, raise the limit."""
        with self._free:
            now = self._now()
            lasted = self._outage.answered(now)
            if self._tpm:
                late = 60.0 * (tokens - slot.tokens) / self._tpm
                self._next_token += late if self._given_tpm else min(late, SLOWEST)
            self._learn(headers, now)
            self._update_latency(now - slot.began)
            if lasted is not None:
                self._free.notify_all()
            elif self._auto:
                self._adapt(now)
        if lasted is not None:
            self._notify(f"resumed: the endpoint answers again, after {duration(lasted)}")

    def _adapt(self, now: float) -> None:
        if self._latency > SLOWED * self._quickest and now - self._shrunk_at > 2 * self._latency:
            self._shrink(0.75, now)
        elif 2 * self._running >= self.limit:  # the limit is what holds requests back
            self._limit = min(self._most, self._limit + (1.0 if self._growing_fast else 1.0 / self._limit))
            self._free.notify()

    def refused(self, slot: Slot, error: ExtractorError, headers: Mapping[str, str]) -> None:
        """The endpoint is overloaded: start no request for as long as it asks, and then run fewer."""
        with self._free:
            now = self._now()
            self._learn(headers, now)
            wait = error.retry_after or 0.0
            if self._most > 1 and wait <= LONGEST_WAIT:  # a single refused request waits on its own
                self._closed_until = max(self._closed_until, now + wait)
            # A request that started before the last reduction is no new evidence.
            if self._auto and slot.began > self._shrunk_at and self._outage.began is None:
                self._shrink(0.5, now)
        self.failed(slot, error)

    def failed(self, slot: Slot, error: ExtractorError) -> None:
        """No answer came, which may be the beginning of an outage."""
        with self._free:
            reached = not isinstance(error, UnreachableError)
            begins = self._outage.failed(slot.document, slot.began, self._now(), reached)
        if begins:
            self._notify(
                f"paused: nothing is answered any more ({error.what.rstrip('.')}). One question at a time is tried "
                "until the endpoint is back."
            )

    def _shrink(self, to: float, now: float) -> None:
        self._limit = max(1.0, self._limit * to)
        self._growing_fast = False
        self._shrunk_at = now

    def _update_latency(self, seconds: float) -> None:
        self._latency += _NEWEST * (seconds - self._latency) if self._latency else seconds
        self._quickest = min(self._quickest or seconds, self._latency)

    def _learn(self, headers: Mapping[str, str], now: float) -> None:
        """Read x-ratelimit-{limit,remaining,reset}-{requests,tokens}. The limits are per minute."""
        found: dict[tuple[str, str], float] = {}
        for name, words in headers.items():
            match = _LIMIT.fullmatch(name.lower()) if name[:1] in "xX" else None
            if match and (number := _number(words)) is not None:
                key = (match[1], match[2])
                found[key] = min(number, found.get(key, number))  # the tightest of several
        for kind in ("requests", "tokens"):
            limit = found.get(("limit", kind))
            if limit and kind == "requests" and not self._given_rpm:
                self._rpm = limit
            if limit and kind == "tokens" and not self._given_tpm:
                self._tpm = limit
            if found.get(("remaining", kind)) == 0:
                reset = _seconds(headers.get(f"x-ratelimit-reset-{kind}"))
                wait = WITHOUT_RESET if reset is None else reset
                if wait <= LONGEST_WAIT:
                    self._closed_until = max(self._closed_until, now + wait)


def _number(words: str | None) -> float | None:
    return float(words) if words and _WITHOUT_UNIT.fullmatch(words) else None


def _seconds(words: str | None) -> float | None:
    """Seconds in 6m0s, 1.5s, 20ms or 3; None if it is not a duration."""
    if not words:
        return None
    if (bare := _number(words)) is not None:
        return bare
    found = _DURATION.fullmatch(words)
    if found is None:
        return None
    hours, minutes, seconds, thousandths = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds + thousandths / 1000
