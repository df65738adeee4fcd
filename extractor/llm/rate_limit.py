"""Pace: how many requests are under way at a time, and how far apart they begin. One for a whole run.

What the user knows is kept to (`rpm`, `tpm`); what the endpoint tells (x-ratelimit-* and Retry-After headers, 429s) is
learnt. In `auto` the number under way grows while answers come, as TCP's window does: doubling at first, by one a round
later; it halves when the endpoint refuses for want of capacity, and shrinks when answers take ever longer.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

# Auto begins with so many; none is driven below one.
FIRST = 8
# Answers take this many times as long as the quickest of the run: the endpoint is queueing them.
SLOWED = 3.0
# Weight of the newest answer in the smoothed latency.
_NEWEST = 0.05
# Begin a little slower than a limit allows: clocks and windows differ.
_MARGIN = 1.01
# Seconds: a reset that is further off is a day's limit, or no duration; a refusal will tell.
LONGEST_RESET = 120.0
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_WITHOUT_UNIT = re.compile(r"\d+(?:\.\d+)?")


@dataclass(slots=True)
class Slot:
    """One request under way: when it began, and the tokens that were reserved for it."""

    began: float
    tokens: int


class RateLimiter:
    """Lets requests begin. Threads share it.

    `most` is how many may be under way at a time; `rpm` and `tpm` are requests and tokens a minute, None where unknown.
    `now` and `sleep` are in seconds.
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
        self._told_rpm, self._told_tpm = rpm is not None, tpm is not None
        self._now, self._sleep = now, sleep
        self._free = threading.Condition()
        self._under_way = 0
        self._next_request = self._next_token = self._closed_until = 0.0
        self._growing_fast = True
        self._cut_at = -1.0
        self._latency = self._quickest = 0.0

    @property
    def limit(self) -> int:
        """How many may be under way just now."""
        return max(1, int(self._limit))

    @contextmanager
    def turn(self, tokens: int) -> Iterator[Slot]:
        """Wait until a request of about so many tokens may begin; it is under way for the length of the block."""
        begin = self._book(tokens)
        try:
            self._wait_until(begin)
            while self._closed_until > begin:  # it was closed while we waited: begin in our turn after that
                with self._free:
                    begin = self._slot(tokens)
                self._wait_until(begin)
            yield Slot(self._now(), tokens)
        finally:
            with self._free:
                self._under_way -= 1
                self._free.notify()

    def _wait_until(self, moment: float) -> None:
        if (wait := moment - self._now()) > 0:
            self._sleep(wait)

    def _book(self, tokens: int) -> float:
        """A place among those under way, and the moment at which to begin."""
        with self._free:
            while self._under_way >= self.limit:
                self._free.wait()
            self._under_way += 1
            return self._slot(tokens)

    def _slot(self, tokens: int) -> float:
        """The next moment at which a request may begin; the one after it may begin later."""
        begin = max(self._now(), self._next_request, self._next_token, self._closed_until)
        if self._rpm:
            self._next_request = begin + 60.0 / self._rpm * _MARGIN
        if self._tpm:
            self._next_token = begin + 60.0 * tokens / self._tpm * _MARGIN
        return begin

    def answered(self, turn: Slot, tokens: int, headers: Mapping[str, str]) -> None:
        """An answer has come: learn limits from its headers, correct the tokens reserved, let more begin."""
        with self._free:
            now = self._now()
            if self._tpm:
                self._next_token += 60.0 * (tokens - turn.tokens) / self._tpm
            self._learn(headers, now)
            self._time(now - turn.began)
            if not self._auto:
                return
            if self._latency > SLOWED * self._quickest and now - self._cut_at > 2 * self._latency:
                self._shrink(0.75, now)
            elif 2 * self._under_way >= self.limit:  # it is the limit that holds them back
                self._limit = min(self._most, self._limit + (1.0 if self._growing_fast else 1.0 / self._limit))
                self._free.notify()

    def refused(self, turn: Slot, retry_after: float | None, headers: Mapping[str, str]) -> None:
        """The endpoint is asked too much: nobody begins before it says, and fewer are under way from then on."""
        with self._free:
            now = self._now()
            self._learn(headers, now)
            if self._most > 1:  # the one that was refused waits by itself
                self._closed_until = max(self._closed_until, now + (retry_after or 0.0))
            # Those that had begun before the last cut tell nothing new.
            if self._auto and turn.began > self._cut_at:
                self._shrink(0.5, now)

    def _shrink(self, to: float, now: float) -> None:
        self._limit = max(1.0, self._limit * to)
        self._growing_fast = False
        self._cut_at = now

    def _time(self, seconds: float) -> None:
        self._latency += _NEWEST * (seconds - self._latency) if self._latency else seconds
        self._quickest = min(self._quickest or seconds, self._latency)

    def _learn(self, headers: Mapping[str, str], now: float) -> None:
        """x-ratelimit-limit-requests (a minute), -remaining-requests, -reset-requests; the same for tokens."""
        for kind in ("requests", "tokens"):
            limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
            if limit and kind == "requests" and not self._told_rpm:
                self._rpm = limit
            if limit and kind == "tokens" and not self._told_tpm:
                self._tpm = limit
            left = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
            reset = _seconds(headers.get(f"x-ratelimit-reset-{kind}"))
            if left == 0 and reset and reset <= LONGEST_RESET:
                self._closed_until = max(self._closed_until, now + reset)


def _number(words: str | None) -> float | None:
    return float(words) if words and _WITHOUT_UNIT.fullmatch(words) else None


def _seconds(words: str | None) -> float | None:
    """6m0s, 1.5s, 20ms, 3: None for what is no duration."""
    if not words:
        return None
    if (bare := _number(words)) is not None:
        return bare
    found = _DURATION.fullmatch(words)
    if found is None:
        return None
    hours, minutes, seconds, thousandths = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds + thousandths / 1000
