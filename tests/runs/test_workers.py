"""Workers convert and ask side by side. Events, not clocks, decide what waits for what."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any

import pytest
from scripted import by_field, document, recipe, scripted

from extractor.document import Document, Json
from extractor.errors import NOT_REACHED, KeyRefusedError, ServerError
from extractor.llm.call import Call, Reply, Request
from extractor.runs.call_stack import CallStack
from extractor.runs.run import Workers, run
from extractor.runs.summary import Summary
from extractor.runs.workers import ComputeLock, Pool, gathering, in_order

TEXT = "同志们：去年排查隐患1305处。要加强管理。"


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(4, "test")
    yield pool
    pool.close(wait=True)


def test_tasks_run_side_by_side_and_give_their_results_in_order(pool: Pool) -> None:
    meet = threading.Barrier(3, timeout=20)

    def task(n: int) -> int:
        meet.wait()
        return n

    assert gathering(pool)([lambda n=n: task(n) for n in range(3)]) == [0, 1, 2]  # type: ignore[misc]
    assert gathering(pool)([]) == []


def test_the_first_task_that_raises_ends_the_wait(pool: Pool) -> None:
    never = threading.Event()

    def fail() -> None:
        raise ValueError("no")

    ended = threading.Event()

    def slow() -> None:
        never.wait(20)
        ended.set()

    with pytest.raises(ValueError, match="no"):
        gathering(pool)([slow, fail])
    assert not ended.is_set()
    never.set()


def test_results_come_as_they_are_done_or_in_order(pool: Pool) -> None:
    second_done = threading.Event()

    def convert(n: int) -> int:
        if n == 0:
            assert second_done.wait(20)
        return n

    got = []
    for n in in_order(convert, range(2), pool, ahead=2, ordered=False):
        got.append(n)
        second_done.set()
    assert got == [1, 0]
    assert list(in_order(convert, range(5), pool, ahead=2, ordered=True)) == [0, 1, 2, 3, 4]


def test_documents_are_read_only_as_they_are_begun(pool: Pool) -> None:
    read = []

    def given() -> Iterator[int]:
        for n in range(100):
            read.append(n)
            yield n

    for done, _ in enumerate(in_order(lambda n: n, given(), pool, ahead=3, ordered=True), 1):
        assert len(read) <= done + 3
    assert len(read) == 100


def test_a_documents_later_tasks_wait_for_anothers_first() -> None:
    pool = Pool(1, "test")
    go, order = threading.Event(), []
    first = pool.submit(go.wait)
    long = [pool.submit(lambda n=n: order.append(f"long {n}"), n) for n in range(3)]  # type: ignore[misc]
    short = pool.submit(lambda: order.append("short 0"), 0)
    go.set()
    wait([first, *long, short], timeout=20)
    pool.close(wait=True)
    assert order == ["long 0", "short 0", "long 1", "long 2"]


def test_one_thread_computes_at_a_time_while_others_wait() -> None:
    lock = ComputeLock()
    pool = Pool(4, "test", lock)
    meet = threading.Barrier(4, timeout=20)
    computing: list[int] = []

    def compute() -> None:
        computing.append(1)
        assert len(computing) == 1
        time.sleep(0.001)
        computing.pop()

    def call(_: Request) -> Reply:
        meet.wait()
        return Reply({})

    def task() -> None:
        compute()
        lock.released_during(call)(Request({}))
        compute()

    for future in [pool.submit(task) for _ in range(8)]:
        future.result(timeout=20)
    pool.close(wait=True)


def test_a_call_that_raises_takes_the_compute_lock_again_once() -> None:
    lock = ComputeLock()
    pool = Pool(2, "test", lock)

    def call(_: Request) -> Reply:
        raise ServerError("broken")

    for future in [pool.submit(lambda: lock.released_during(call)(Request({}))) for _ in range(4)]:
        with pytest.raises(ServerError):
            future.result(timeout=20)
    assert gathering(pool, None)([lambda: 1, lambda: 2]) == [1, 2]
    pool.close(wait=True)


# --- a run ---


def converted(call: Call, count: int, workers: Workers) -> tuple[Summary, list[Json], list[Json]]:
    records: list[Json] = []
    failures: list[Json] = []

    def write(document: Any, lines: list[Json], failed: list[Json]) -> None:
        records.extend(lines)
        failures.extend(failed)

    documents: list[Document] = [document(TEXT, f"d{n:02}") for n in range(count)]
    summary = run(documents, recipe(), CallStack(model=call), write, workers)
    return summary, records, failures


FACTS: dict[str, Any] = {"measures": [{"text": "要加强管理", "responsible": []}]}


def test_parallel_runs_give_the_same_records() -> None:
    call = scripted(by_field(**FACTS))
    alone, records, _ = converted(call, 20, Workers())
    together, others, _ = converted(call, 20, Workers(8, ordered=True))
    assert others == records
    assert (together.usage, together.items, together.exit_code) == (alone.usage, alone.items, 0)
    _, unordered, _ = converted(call, 20, Workers(8))
    assert sorted(unordered, key=lambda line: str(line["id"])) == records


def test_a_failed_question_fails_only_its_document() -> None:
    good = scripted(by_field(**FACTS))

    def call(request: Request) -> Reply:
        if request.about["document"] == "d03":
            raise ServerError("broken")
        return good(request)

    summary, records, failures = converted(call, 8, Workers(4, ordered=True))
    assert [line["id"] for line in records] == [f"d{n:02}" for n in range(8) if n != 3]
    assert {failure["id"] for failure in failures} == {"d03"}
    assert summary.failed == 1


def test_a_refused_key_ends_the_asking_and_each_document_is_converted_or_failed() -> None:
    asked: list[Request] = []

    def call(request: Request) -> Reply:
        asked.append(request)
        raise KeyRefusedError("no")

    summary, records, failures = converted(call, 200, Workers(4))
    assert records == []
    assert summary.documents == 200
    assert len({failure["id"] for failure in failures}) == 200
    assert {failure["kind"] for failure in failures} == {"key_refused", NOT_REACHED}
    assert len(asked) < 200
    assert summary.exit_code == 2


def test_a_bug_in_one_document_costs_only_that_document() -> None:
    good = scripted(by_field(**FACTS))

    def call(request: Request) -> Reply:
        if request.about["document"] == "d01":
            raise ZeroDivisionError
        return good(request)

    _, records, failures = converted(call, 4, Workers(4, ordered=True))
    assert [line["id"] for line in records] == ["d00", "d02", "d03"]
    assert [failure["kind"] for failure in failures] == ["bug"]
