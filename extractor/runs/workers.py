"""Workers: threads that convert documents and ask questions side by side.

There are two pools, so that neither waits for itself: one converts documents, the other asks. How many
questions are under way at once is limited by the rate limiter, below the Call; the pools have more threads
than that, so that the next question is ready when one is answered. The first questions of a document go
before the later ones of another: a long document uses the threads that are free, and delays no other.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import contextmanager, nullcontext
from queue import PriorityQueue
from typing import Any, TypeVar

from extractor.llm.call import Call, Reply, Request
from extractor.pipeline.items import Gather, Task

Given = TypeVar("Given")
Done = TypeVar("Done")

_LAST = float("inf")


class ComputeLock:
    """The lock of the one thread that computes; it is released while the thread waits.

    Threads that compute at the same time compete for the interpreter, with each other and with the thread
    that sends requests. One after another they finish sooner, and requests go out meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release the lock during the block, in which the thread waits for something."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()

    def released_during(self, call: Call) -> Call:
        """`call`, with the lock released until it returns."""

        def waiting(request: Request) -> Reply:
            with self.released():
                return call(request)

        return waiting


class Pool:
    """Threads that run tasks, those of the lowest `rank` first.

    They are daemons: an answer under way does not delay Ctrl-C.
    """

    def __init__(self, threads: int, name: str, compute_lock: ComputeLock | None = None) -> None:
        self._compute_lock = compute_lock or nullcontext()
        self._tasks: PriorityQueue[tuple[float, int, Future[Any] | None, Task | None]] = PriorityQueue()
        self._count = itertools.count()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Callable[[], Done], rank: float = 0) -> Future[Done]:
        """Run a task, after those of a lower rank."""
        future: Future[Done] = Future()
        self._tasks.put((rank, next(self._count), future, task))
        return future

    def close(self, wait: bool) -> None:
        """Take no more tasks; `wait` for those submitted."""
        for _ in self._threads:
            self._tasks.put((_LAST, next(self._count), None, None))
        for thread in self._threads if wait else ():
            thread.join()

    def _work(self) -> None:
        while True:
            _, _, future, task = self._tasks.get()
            if future is None or task is None:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                with self._compute_lock:
                    result = task()
                future.set_result(result)
            except BaseException as error:
                future.set_exception(error)


def gathering(pool: Pool, compute_lock: ComputeLock | None = None) -> Gather:
    """Runs the tasks of a document side by side in `pool`.

    The first that raises cancels those not yet begun.
    """

    def gather(tasks: Sequence[Task]) -> list[Any]:
        if len(tasks) == 1:  # not worth a thread
            return [tasks[0]()]
        futures = [pool.submit(task, rank) for rank, task in enumerate(tasks)]
        try:
            with compute_lock.released() if compute_lock else nullcontext():
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                if (error := future.exception()) is not None:
                    raise error
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    return gather


def in_order(
    convert: Callable[[Given], Done], given: Iterable[Given], pool: Pool, ahead: int, ordered: bool
) -> Iterator[Done]:
    """What `convert` returns for each of `given`: in the order given if `ordered`, else as they are done.

    At most `ahead` are begun and not yet yielded; `given` is read no further, in the calling thread.
    """
    remaining = iter(given)
    begun: deque[Future[Done]] = deque()
    changed = threading.Condition()

    def notify(_: Future[Done]) -> None:
        with changed:
            changed.notify()

    def begin() -> bool:
        try:
            one = next(remaining)
        except StopIteration:
            return False
        future = pool.submit(lambda: convert(one))
        begun.append(future)
        future.add_done_callback(notify)
        return True

    more = True
    try:
        while True:
            while more and len(begun) < ahead:
                more = begin()
            if not begun:
                return
            with changed:
                ready = _ready(begun, ordered)
                while ready is None:
                    changed.wait()
                    ready = _ready(begun, ordered)
            begun.remove(ready)
            yield ready.result()
    finally:
        for future in begun:
            future.cancel()


def _ready(begun: deque[Future[Done]], ordered: bool) -> Future[Done] | None:
    first = begun[0] if ordered else next((f for f in begun if f.done()), None)
    return first if first is not None and first.done() else None
