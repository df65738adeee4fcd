"""The rate limiter: how many requests run at a time, and how far apart they start. A run has one.

It keeps to the limits that the user gives (`rpm`, `tpm`) and learns others from the endpoint (x-ratelimit-*
and Retry-After headers, 429s). With `auto` the number of running requests grows like TCP's window: it doubles
per round at first, and later grows by one per round; it halves when the endpoint refuses a request for lack
of capacity, and shrinks when answers take longer and longer.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

# How many requests run at a time when `auto` starts.
FIRST = 8
# If answers take this many times as long as the fastest of the run, the endpoint is queueing them.
SLOWED = 3.0
# Weight of the newest answer in the moving average of the latency.
_NEWEST = 0.05
# Stay slightly below a limit: clocks and windows differ.
_MARGIN = 1.01
# Seconds: a longer reset belongs to a daily limit or is not a duration. It is ignored; a 429 would follow.
LONGEST_RESET = 120.0
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_WITHOUT_UNIT = re.compile(r"\d+(?:\.\d+)?")


@dataclass(slots=True)
class Slot:
    """One running request: when it started, and the tokens reserved for it."""

    began: float
    tokens: int


class RateLimiter:
    """Decides when a request may start. Threads share it.

    `most` is the maximum number of running requests; `rpm` and `tpm` are requests and tokens per minute, None
    if unknown. `now` and `sleep` are in seconds.
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
    ) -> None:
        self._most, self._auto = most, auto
        self._limit = float(min(FIRST, most) if auto else most)
        self._rpm, self._tpm = rpm, tpm
        self._given_rpm, self._given_tpm = rpm is not None, tpm is not None
        self._now, self._sleep = now, sleep
        self._free = threading.Condition()
        self._running = 0
        self._next_request = self._next_token = self._closed_until = 0.0
        self._growing_fast = True
        self._shrunk_at = -1.0
        self._latency = self._quickest = 0.0

    @property
    def limit(self) -> int:
        """How many requests may run at the moment, at least one."""
        return max(1, int(self._limit))

    @contextmanager
    def slot(self, tokens: int) -> Iterator[Slot]:
        """Wait until a request of about `tokens` tokens may start; it runs until the end of the block."""
        start = self._reserve(tokens)
        try:
            self._wait_until(start)
            while self._closed_until > start:  # the endpoint refused another request while this one waited
                with self._free:
                    start = self._next_start(tokens)
                self._wait_until(start)
            yield Slot(self._now(), tokens)
        finally:
            with self._free:
                self._running -= 1
                self._free.notify()

    def _wait_until(self, moment: float) -> None:
        if (wait := moment - self._now()) > 0:
            self._sleep(wait)

    def _reserve(self, tokens: int) -> float:
        """Wait for a free place among the running requests; the moment at which the request may start."""
        with self._free:
            while self._running >= self.limit:
                self._free.wait()
            self._running += 1
            return self._next_start(tokens)

    def _next_start(self, tokens: int) -> float:
        """The next moment at which a request may start; moves the moments for the request after it."""
        start = max(self._now(), self._next_request, self._next_token, self._closed_until)
        if self._rpm:
            self._next_request = start + 60.0 / self._rpm * _MARGIN
        if self._tpm:
            self._next_token = start + 60.0 * tokens / self._tpm * _MARGIN
        return start

    def answered(self, slot: Slot, tokens: int, headers: Mapping[str, str]) -> None:
        """An answer arrived: learn limits from its headers, correct the reserved tokens, raise the limit."""
        with self._free:
            now = self._now()
            if self._tpm:
                self._next_token += 60.0 * (tokens - slot.tokens) / self._tpm
            self._learn(headers, now)
            self._update_latency(now - slot.began)
            if not self._auto:
                return
            if self._latency > SLOWED * self._quickest and now - self._shrunk_at > 2 * self._latency:
                self._shrink(0.75, now)
            elif 2 * self._running >= self.limit:  # the limit is what holds requests back
                self._limit = min(self._most, self._limit + (1.0 if self._growing_fast else 1.0 / self._limit))
                self._free.notify()

    def refused(self, slot: Slot, retry_after: float | None, headers: Mapping[str, str]) -> None:
        """The endpoint is overloaded: start no request for `retry_after` seconds, and then run fewer."""
        with self._free:
            now = self._now()
            self._learn(headers, now)
            if self._most > 1:  # a single refused request waits on its own
                self._closed_until = max(self._closed_until, now + (retry_after or 0.0))
            # A request that started before the last reduction is no new evidence.
            if self._auto and slot.began > self._shrunk_at:
                self._shrink(0.5, now)

    def _shrink(self, to: float, now: float) -> None:
        self._limit = max(1.0, self._limit * to)
        self._growing_fast = False
        self._shrunk_at = now

    def _update_latency(self, seconds: float) -> None:
        self._latency += _NEWEST * (seconds - self._latency) if self._latency else seconds
        self._quickest = min(self._quickest or seconds, self._latency)

    def _learn(self, headers: Mapping[str, str], now: float) -> None:
        """Read x-ratelimit-{limit,remaining,reset}-{requests,tokens}. The limits are per minute."""
        for kind in ("requests", "tokens"):
            limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
            if limit and kind == "requests" and not self._given_rpm:
                self._rpm = limit
            if limit and kind == "tokens" and not self._given_tpm:
                self._tpm = limit
            left = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
            reset = _seconds(headers.get(f"x-ratelimit-reset-{kind}"))
            if left == 0 and reset and reset <= LONGEST_RESET:
                self._closed_until = max(self._closed_until, now + reset)


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
