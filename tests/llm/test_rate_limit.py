"""The rate limiter: when requests may start. Time is an argument, so no test waits."""

from __future__ import annotations

import itertools
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.errors import RateLimitedError
from extractor.llm.rate_limit import FIRST, RateLimiter, _seconds


class Clock:
    """A clock that moves only when something sleeps."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds


def limited(**settings: Any) -> tuple[RateLimiter, Clock]:
    clock = Clock()
    return RateLimiter(settings.pop("most", 32), now=clock.now, sleep=clock.sleep, **settings), clock


def ask(
    limiter: RateLimiter, clock: Clock, seconds: float = 0.0, headers: dict[str, str] | None = None, tokens: int = 100
) -> float:
    """One request that takes `seconds`; returns when it started."""
    with limiter.slot(100) as slot:
        clock.time += seconds
        limiter.answered(slot, tokens, headers or {})
    return slot.began


def test_without_limits_nothing_waits() -> None:
    limiter, clock = limited()
    assert [ask(limiter, clock) for _ in range(50)] == [100.0] * 50


def test_requests_per_minute_are_spread_out() -> None:
    limiter, clock = limited(rpm=60)
    began = [ask(limiter, clock) for _ in range(5)]
    assert [round(b - a, 2) for a, b in itertools.pairwise(began)] == [1.01] * 4


def test_time_that_has_passed_is_not_waited_for_again() -> None:
    limiter, clock = limited(rpm=60)
    began = [ask(limiter, clock, seconds=5.0) for _ in range(3)]
    assert began == [100.0, 105.0, 110.0]


def test_tokens_per_minute_are_reserved_and_corrected() -> None:
    limiter, clock = limited(tpm=6000)
    first, second = ask(limiter, clock, tokens=300), ask(limiter, clock)
    # 100 tokens were reserved, which is one second; it took 300.
    assert second - first == pytest.approx(3.0, abs=0.1)


def test_limits_are_learned_from_headers() -> None:
    limiter, clock = limited()
    ask(limiter, clock, headers={"x-ratelimit-limit-requests": "60"})
    first, second = ask(limiter, clock), ask(limiter, clock)
    assert second - first == pytest.approx(1.01)


def test_the_user_s_limits_override_the_headers() -> None:
    limiter, clock = limited(rpm=600)
    ask(limiter, clock, headers={"x-ratelimit-limit-requests": "6"})
    first, second = ask(limiter, clock), ask(limiter, clock)
    assert second - first == pytest.approx(0.101)


def test_waits_for_the_reset_if_nothing_remains() -> None:
    limiter, clock = limited()
    ask(limiter, clock, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"})
    assert ask(limiter, clock) == 190.0


def test_a_refusal_delays_all_other_requests() -> None:
    limiter, clock = limited()
    with limiter.slot(1) as slot:
        limiter.refused(slot, RateLimitedError("", retry_after=7.0), {})
    assert ask(limiter, clock) == 107.0


def test_after_a_refusal_requests_are_spread_out_as_before() -> None:
    limiter, clock = limited(rpm=60)
    began: list[float] = []
    with limiter.slot(1) as refused:
        # These have reserved their slots when the endpoint refuses.
        waiting = [limiter._reserve(1) for _ in range(3)]
        limiter.refused(refused, RateLimitedError("", retry_after=30.0), {})
    assert waiting[-1] < 130.0
    for begin in waiting:
        limiter._running -= 1
        del begin
    for _ in range(3):
        began.append(ask(limiter, clock))
    assert began[0] >= 130.0
    assert [round(b - a, 2) for a, b in itertools.pairwise(began)] == [1.01, 1.01]


def test_a_reset_that_is_hours_away_is_ignored() -> None:
    limiter, clock = limited()
    ask(limiter, clock, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "23h59m0s"})
    assert ask(limiter, clock) == 100.0


def test_a_single_request_at_a_time_is_not_delayed_by_its_own_refusal() -> None:
    """The refused request waits on its own before its retry."""
    limiter, clock = limited(most=1)
    with limiter.slot(1) as slot:
        limiter.refused(slot, RateLimitedError("", retry_after=7.0), {})
    assert ask(limiter, clock) == 100.0


def full(limiter: RateLimiter) -> list[Any]:
    """As many slots as there may be at a time, all in use."""
    stack = ExitStack()
    return [stack, *(stack.enter_context(limiter.slot(1)) for _ in range(limiter.limit))]


def test_auto_doubles_while_answers_arrive_and_halves_once_per_round_of_refusals() -> None:
    limiter, clock = limited(auto=True)
    limits = [limiter.limit]
    for _ in range(3):
        stack, *slots = full(limiter)
        clock.time += 1.0
        for slot in slots:
            limiter.answered(slot, 1, {})
        stack.close()
        limits.append(limiter.limit)
    assert limits[0] == FIRST
    assert limits[-1] == 32
    stack, *slots = full(limiter)
    clock.time += 1.0
    for slot in slots:
        limiter.refused(slot, RateLimitedError(""), {})
    stack.close()
    assert limiter.limit == 16


def test_auto_shrinks_when_answers_take_longer_and_longer() -> None:
    limiter, clock = limited(auto=True)
    for _ in range(40):
        ask(limiter, clock, seconds=0.2)
    before = limiter.limit
    for _ in range(60):
        ask(limiter, clock, seconds=2.0)
    assert limiter.limit < before


def test_a_fixed_number_does_not_change() -> None:
    limiter, _ = limited(most=4)
    with limiter.slot(1) as slot:
        limiter.refused(slot, RateLimitedError(""), {})
    assert limiter.limit == 4


def test_no_more_requests_run_than_the_limit_allows() -> None:
    limiter = RateLimiter(3)
    inside, leave = threading.Semaphore(0), threading.Event()

    def work() -> None:
        with limiter.slot(1):
            inside.release()
            leave.wait(20)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert all(inside.acquire(timeout=20) for _ in range(3))
    assert not inside.acquire(timeout=0.2)
    leave.set()
    assert inside.acquire(timeout=20)
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("6m0s", 360), ("1.5s", 1.5), ("20ms", 0.02), ("3", 3), ("1h2m", 3720), ("soon", None), ("", None)],
)
def test_durations(words: str, seconds: float | None) -> None:
    assert _seconds(words) == (pytest.approx(seconds) if seconds is not None else None)


@given(
    st.dictionaries(
        st.sampled_from(
            [f"x-ratelimit-{a}-{b}" for a in ("limit", "remaining", "reset") for b in ("requests", "tokens")]
        ),
        st.text("0123456789.hms-", max_size=8),
    )
)
def test_headers_may_contain_anything(headers: dict[str, str]) -> None:
    limiter, clock = limited()
    ask(limiter, clock, headers=headers)
