"""Outages: what pauses a run, what ends the pause, and what is told of it. Time is an argument, so no test waits."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fake_endpoint import FakeEndpoint, Step, answering, completion_body, serve

from extractor import errors
from extractor.cancellation import Cancellation
from extractor.llm.call import Call, Request
from extractor.llm.client import WINDOW, connect
from extractor.llm.outage import LONGEST_PAUSE
from extractor.llm.providers import Endpoint
from extractor.llm.rate_limit import RateLimiter

BUSY = errors.OverloadedError("It answered 503.")
DOWN = errors.UnreachableError("It cannot be reached.")


class Clock:
    """A clock that moves only when something sleeps. Threads share it."""

    def __init__(self) -> None:
        self.time = 100.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.time += seconds


def limited(most: int = 32) -> tuple[RateLimiter, Clock, list[str]]:
    clock, lines = Clock(), list[str]()
    return RateLimiter(most, now=clock.now, sleep=clock.sleep, notify=lines.append), clock, lines


def fail(limiter: RateLimiter, document: int, error: errors.ExtractorError = BUSY) -> float:
    """A question about a document that gets no answer; returns when it was sent."""
    with limiter.slot(1, str(document)) as slot:
        limiter.failed(slot, error)
    return slot.began


def answer(limiter: RateLimiter) -> None:
    with limiter.slot(1) as slot:
        limiter.answered(slot, 1, {})


@pytest.mark.parametrize(("questions", "error"), [((1, 2, 3), BUSY), ((1, 1, 1), DOWN)])
def test_nothing_but_failures_is_an_outage(questions: tuple[int, ...], error: errors.ExtractorError) -> None:
    limiter, clock, lines = limited()
    answer(limiter)
    for question in questions:
        assert limiter.outage is None
        fail(limiter, question, error)
    assert limiter.outage == 0
    assert limiter.limit == 1
    assert lines == [
        f"paused: nothing is answered any more ({error.what.rstrip('.')}). One question at a time is tried until the "
        "endpoint is back."
    ]
    tries = [fail(limiter, 4 + n, error) for n in range(8)]
    assert [b - a for a, b in zip([100.0, *tries], tries, strict=False)] == [1, 2, 4, 8, *[LONGEST_PAUSE] * 4]
    clock.time += 300
    answer(limiter)
    assert limiter.outage is None
    assert limiter.limit == 32
    assert lines[1:] == ["resumed: the endpoint answers again, after 6 min"]


@pytest.mark.parametrize("error", [BUSY, DOWN])
def test_before_the_first_answer_there_is_no_outage(error: errors.ExtractorError) -> None:
    limiter, _, lines = limited()
    for question in range(9):
        fail(limiter, question, error)
    assert (limiter.outage, lines) == (None, [])


def test_one_document_that_always_fails_is_no_outage() -> None:
    limiter, _, lines = limited()
    answer(limiter)
    for _ in range(9):
        fail(limiter, 1)
    assert (limiter.outage, lines) == (None, [])


def test_questions_sent_before_the_last_answer_came_are_no_evidence() -> None:
    limiter, clock, _ = limited()
    answer(limiter)
    slots = [limiter.slot(1, str(document)) for document in range(5)]
    began = [slot.__enter__() for slot in slots]
    clock.time += 1
    answer(limiter)
    for slot, one in zip(slots, began, strict=True):
        limiter.failed(one, BUSY)
        slot.__exit__(None, None, None)
    assert limiter.outage is None


# --- over HTTP ---


def client(fake: FakeEndpoint, limiter: RateLimiter, clock: Clock, longest: float = 600.0) -> Call:
    endpoint = Endpoint("custom", "m", fake.base_url)
    return connect(endpoint, timeout=10, sleep=clock.sleep, limiter=limiter, longest_outage=longest)


def ask_many(call: Call, n: int, at_once: int) -> list[BaseException | None]:
    """How `n` questions ended."""
    with ThreadPoolExecutor(at_once) as pool:
        asked = [
            pool.submit(call, Request({"messages": [{"role": "user", "content": str(i)}]}, {"document": str(i)}))
            for i in range(n)
        ]
        return [future.exception() for future in asked]


TROUBLES: dict[str, Step] = {
    "503": Step(503, {"error": {"message": "no capacity"}}),
    "500": Step(500, {"error": {"message": "internal"}}),
    "429": Step(429, {"error": {"message": "too many requests"}}),
    "dropped": Step(drop=True),
}


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_an_outage_of_a_minute_fails_no_question_and_costs_few_requests(trouble: Step, at_once: int) -> None:
    limiter, clock, lines = limited(at_once)
    down = threading.Event()

    def misbehave(body: dict[str, Any]) -> Step | None:
        if len(fake.seen) == 5:
            clock.began = clock.time  # type: ignore[attr-defined]
            down.set()
        if down.is_set() and clock.time - clock.began < 60:  # type: ignore[attr-defined]
            return trouble
        return Step(body=completion_body())

    with answering(misbehave) as fake:
        ended = ask_many(client(fake, limiter, clock), 30, at_once)
    assert ended == [None] * 30
    assert len(fake.seen) <= 30 + at_once + 15
    if at_once > 3:
        assert [line.split(":")[0] for line in lines] == ["paused", "resumed"]


def test_an_outage_that_lasts_too_long_ends_the_run() -> None:
    limiter, clock, _ = limited(4)
    steps = [Step(body=completion_body()), *[TROUBLES["500"]] * 500]
    with serve(*steps) as fake:
        ended = ask_many(client(fake, limiter, clock, longest=600), 12, 4)
    assert len(fake.seen) < 80  # one in fifteen seconds, for ten minutes
    failed = [error for error in ended if error is not None]
    assert len(failed) == 11
    assert isinstance(failed[0], errors.EndpointDownError)
    assert re.search(r" has answered nothing for \d\d min\. The last error: .* answered 500", failed[0].what)
    assert failed[0].exit_code == 2


def test_a_question_that_always_fails_fails_alone() -> None:
    limiter, clock, lines = limited(4)

    def misbehave(body: dict[str, Any]) -> Step:
        return TROUBLES["500"] if body["messages"][0]["content"] == "7" else Step(body=completion_body())

    with answering(misbehave) as fake:
        ended = ask_many(client(fake, limiter, clock), 30, 4)
    assert [type(error) for error in ended if error is not None] == [errors.ServerError]
    assert clock.time < 100 + WINDOW + 30
    assert lines == []


@pytest.mark.parametrize("at_once", [1, 4])
def test_a_server_that_is_gone_in_mid_run_is_waited_for_and_ends_the_run(at_once: int) -> None:
    limiter, clock, lines = limited(at_once)
    with serve(Step(body=completion_body())) as fake:
        call = client(fake, limiter, clock)
        assert ask_many(call, 1, 1) == [None]
    ended = ask_many(call, 6, at_once)
    assert {type(error) for error in ended} == {errors.EndpointDownError}
    assert clock.time >= 700
    assert len(lines) == 1


@pytest.mark.parametrize("at_once", [4, 32])
def test_documents_at_fault_are_no_outage_even_if_nothing_else_is_left(at_once: int) -> None:
    limiter, clock, lines = limited(at_once)

    def misbehave(body: dict[str, Any]) -> Step:
        return TROUBLES["500"] if int(body["messages"][0]["content"]) > 8 else Step(body=completion_body())

    with answering(misbehave) as fake:
        ended = ask_many(client(fake, limiter, clock), 12, at_once)
    assert [type(error) for error in ended[:9]] == [type(None)] * 9
    assert {type(error) for error in ended[9:]} == {errors.ServerError}
    assert clock.time < 300
    assert len(fake.seen) < 40
    pauses = len(lines) // 2
    assert [line.split(":")[0] for line in lines] == ["paused", "resumed"] * pauses
    assert pauses <= 4


def test_the_questions_of_a_document_at_fault_are_not_all_waited_for() -> None:
    """One question at a time, twenty about a document that breaks the server: the minute is waited once."""
    limiter, clock, lines = limited(1)
    with serve(Step(body=completion_body()), *[TROUBLES["500"]] * 500) as fake:
        call = client(fake, limiter, clock)
        assert ask_many(call, 1, 1) == [None]
        for _ in range(20):
            with pytest.raises(errors.ServerError):
                call(Request({"messages": []}, {"document": "bad"}))
    assert clock.time < 100 + WINDOW + 10 + 19 * 8
    assert lines == []


# --- what slows a run ---


def slow(headers: dict[str, str]) -> tuple[list[float], list[str]]:
    """When requests start after an answer with these headers, and what the user is told."""
    limiter, _, lines = limited()
    began = []
    for _ in range(4):
        with limiter.slot(100) as slot:
            limiter.answered(slot, 100, headers)
        began.append(slot.began - 100.0)
    return [round(moment) for moment in began], lines


@pytest.mark.parametrize(
    ("headers", "began", "told"),
    [
        # A limit of one a minute is not believed: it may be for another length of time.
        ({"x-ratelimit-limit-requests": "1"}, [0, 0, 10, 20], "its headers allow 1 requests a minute"),
        ({"x-ratelimit-limit-tokens": "10"}, [0, 0, 10, 20], "its headers allow 10 tokens a minute"),
        ({"x-ratelimit-limit-requests": "12"}, [0, 0, 5, 10], "its headers allow 12 requests a minute"),
        ({"X-RateLimit-API_Key-Limit-Requests": "12"}, [0, 0, 5, 10], "its headers allow 12 requests a minute"),
        (
            {"x-ratelimit-limit-requests": "600", "x-ratelimit-team-limit-requests": "12"},
            [0, 0, 5, 10],
            "its headers allow 12 requests a minute",
        ),
        ({"x-ratelimit-remaining-requests": "0"}, [0, 5, 10, 15], "the endpoint asks to wait"),
        (
            {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20s"},
            [0, 20, 40, 60],
            "the endpoint asks to wait: nothing is sent for 20 s",
        ),
        ({"x-ratelimit-limit-requests": "6000"}, [0, 0, 0, 0], None),
        ({"x-ratelimit-limit-requests": "none", "x-ratelimit-remaining-requests": "-1"}, [0, 0, 0, 0], None),
    ],
)
def test_a_limit_of_the_endpoint_s_is_told_and_has_a_floor(
    headers: dict[str, str], began: list[float], told: str | None
) -> None:
    moments, lines = slow(headers)
    assert moments == began
    assert [told in line for line in lines] == ([True] if told else [])  # once, not for each request


def test_what_waits_in_an_outage_ends_with_the_run() -> None:
    cancellation = Cancellation()
    limiter = RateLimiter(4, sleep=cancellation.sleep)
    steps = [Step(body=completion_body()), *[TROUBLES["500"]] * 500]
    with serve(*steps) as fake:
        endpoint = Endpoint("custom", "m", fake.base_url)
        call = connect(endpoint, timeout=10, limiter=limiter, cancellation=cancellation, longest_outage=600)
        stop: Callable[[], None] = lambda: cancellation.stop(errors.RunInterruptedError("The run was interrupted."))  # noqa: E731
        threading.Timer(2.5, stop).start()
        ended = ask_many(call, 9, 4)
    assert {type(error) for error in ended[1:]} <= {errors.RunStoppedError, type(None)}
    assert sum(error is None for error in ended) == 1
