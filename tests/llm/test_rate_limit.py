"""Pace: when requests may begin. Time is an argument: nothing here waits."""

from __future__ import annotations

import itertools
import threading
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.llm.rate_limit import FIRST, RateLimiter, _seconds


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds


def paced(**settings: Any) -> tuple[RateLimiter, Clock]:
    clock = Clock()
    return RateLimiter(settings.pop("most", 32), now=clock.now, sleep=clock.sleep, **settings), clock


def ask(
    pace: RateLimiter, clock: Clock, seconds: float = 0.0, headers: dict[str, str] | None = None, tokens: int = 100
) -> float:
    """One request that takes so long; when it began."""
    with pace.turn(100) as turn:
        clock.time += seconds
        pace.answered(turn, tokens, headers or {})
    return turn.began


def test_without_limits_nothing_waits() -> None:
    pace, clock = paced()
    assert [ask(pace, clock) for _ in range(50)] == [100.0] * 50


def test_requests_a_minute_are_kept_apart() -> None:
    pace, clock = paced(rpm=60)
    began = [ask(pace, clock) for _ in range(5)]
    assert [round(b - a, 2) for a, b in itertools.pairwise(began)] == [1.01] * 4


def test_time_that_passed_is_not_waited_for_again() -> None:
    pace, clock = paced(rpm=60)
    began = [ask(pace, clock, seconds=5.0) for _ in range(3)]
    assert began == [100.0, 105.0, 110.0]


def test_tokens_a_minute_are_reserved_and_corrected() -> None:
    pace, clock = paced(tpm=6000)
    first, second = ask(pace, clock, tokens=300), ask(pace, clock)
    # 100 tokens were reserved, a second's worth; 300 it took.
    assert second - first == pytest.approx(3.0, abs=0.1)


def test_limits_are_learnt_from_headers() -> None:
    pace, clock = paced()
    ask(pace, clock, headers={"x-ratelimit-limit-requests": "60"})
    first, second = ask(pace, clock), ask(pace, clock)
    assert second - first == pytest.approx(1.01)


def test_what_the_user_says_goes_before_what_headers_say() -> None:
    pace, clock = paced(rpm=600)
    ask(pace, clock, headers={"x-ratelimit-limit-requests": "6"})
    first, second = ask(pace, clock), ask(pace, clock)
    assert second - first == pytest.approx(0.101)


def test_where_nothing_remains_the_reset_is_waited_for() -> None:
    pace, clock = paced()
    ask(pace, clock, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"})
    assert ask(pace, clock) == 190.0


def test_a_refusal_holds_up_everybody_else() -> None:
    pace, clock = paced()
    with pace.turn(1) as turn:
        pace.refused(turn, 7.0, {})
    assert ask(pace, clock) == 107.0


def test_after_a_refusal_requests_are_kept_apart_as_before() -> None:
    pace, clock = paced(rpm=60)
    began: list[float] = []
    with pace.turn(1) as refused:
        # These have their places already when the endpoint closes.
        waiting = [pace._book(1) for _ in range(3)]
        pace.refused(refused, 30.0, {})
    assert waiting[-1] < 130.0
    for begin in waiting:
        pace._under_way -= 1
        del begin
    for _ in range(3):
        began.append(ask(pace, clock))
    assert began[0] >= 130.0
    assert [round(b - a, 2) for a, b in itertools.pairwise(began)] == [1.01, 1.01]


def test_a_reset_that_is_hours_away_is_left_to_a_refusal() -> None:
    pace, clock = paced()
    ask(pace, clock, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "23h59m0s"})
    assert ask(pace, clock) == 100.0


def test_one_at_a_time_is_held_up_by_nobody() -> None:
    """The refused one waits by itself, as its own retry says."""
    pace, clock = paced(most=1)
    with pace.turn(1) as turn:
        pace.refused(turn, 7.0, {})
    assert ask(pace, clock) == 100.0


def full(pace: RateLimiter) -> list[Any]:
    """As many turns as there may be at a time, all under way."""
    stack = ExitStack()
    return [stack, *(stack.enter_context(pace.turn(1)) for _ in range(pace.limit))]


def test_auto_doubles_while_answers_come_and_halves_once_a_round_of_refusals() -> None:
    pace, clock = paced(auto=True)
    limits = [pace.limit]
    for _ in range(3):
        stack, *turns = full(pace)
        clock.time += 1.0
        for turn in turns:
            pace.answered(turn, 1, {})
        stack.close()
        limits.append(pace.limit)
    assert limits[0] == FIRST
    assert limits[-1] == 32
    stack, *turns = full(pace)
    clock.time += 1.0
    for turn in turns:
        pace.refused(turn, None, {})
    stack.close()
    assert pace.limit == 16


def test_auto_shrinks_when_answers_take_ever_longer() -> None:
    pace, clock = paced(auto=True)
    for _ in range(40):
        ask(pace, clock, seconds=0.2)
    before = pace.limit
    for _ in range(60):
        ask(pace, clock, seconds=2.0)
    assert pace.limit < before


def test_a_fixed_number_stays_what_it_is() -> None:
    pace, _ = paced(most=4)
    with pace.turn(1) as turn:
        pace.refused(turn, None, {})
    assert pace.limit == 4


def test_no_more_are_under_way_than_may_be() -> None:
    pace = RateLimiter(3)
    inside, leave = threading.Semaphore(0), threading.Event()

    def work() -> None:
        with pace.turn(1):
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
def test_headers_may_say_anything(headers: dict[str, str]) -> None:
    pace, clock = paced()
    ask(pace, clock, headers=headers)
