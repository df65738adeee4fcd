"""Workers: documents and their questions side by side, in threads.

Two pools, so that neither waits for itself: one takes documents through the line, the other asks. What is asked at the
same time is bounded by the pace, below the Call; there are more threads than that, so that a question is ready where one is
answered. A document's first questions go before another's later ones: a long document has as many under way as there
is room for, and holds up nobody.
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
    """Held by the one thread that computes; left while it waits. Threads that compute at once wrest the interpreter from
    each other, and from the one that sends; one after the other they are done sooner, and questions go out meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextmanager
    def left(self) -> Iterator[None]:
        """While the thread waits for something."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()

    def leaving(self, call: Call) -> Call:
        """The call, during which others compute."""

        def waiting(request: Request) -> Reply:
            with self.left():
                return call(request)

        return waiting


class Pool:
    """Threads that do tasks, those of the least `rank` first. They end with the process, whatever they are waiting for:
    an answer under way does not hold up Ctrl-C."""

    def __init__(self, threads: int, name: str, floor: ComputeLock | None = None) -> None:
        self._floor = floor or nullcontext()
        self._tasks: PriorityQueue[tuple[float, int, Future[Any] | None, Task | None]] = PriorityQueue()
        self._count = itertools.count()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, task: Callable[[], Done], rank: float = 0) -> Future[Done]:
        """Have a task done, after those of a lesser rank."""
        future: Future[Done] = Future()
        self._tasks.put((rank, next(self._count), future, task))
        return future

    def close(self, wait: bool) -> None:
        """No more tasks; `wait` for those submitted."""
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
                with self._floor:
                    result = task()
                future.set_result(result)
            except BaseException as error:
                future.set_exception(error)


def gathering(pool: Pool, floor: ComputeLock | None = None) -> Gather:
    """Tasks of a document side by side in `pool`. The first that raises ends the wait: those not begun are dropped."""

    def gather(tasks: Sequence[Task]) -> list[Any]:
        if len(tasks) == 1:  # nothing to do beside it
            return [tasks[0]()]
        futures = [pool.submit(task, rank) for rank, task in enumerate(tasks)]
        try:
            with floor.left() if floor else nullcontext():
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
    """What `convert` makes of each, at most `ahead` begun and not yet handed on; as they are done, or in the order in
    which they were given. `given` is read as far as is begun, in the calling thread."""
    remaining = iter(given)
    begun: deque[Future[Done]] = deque()
    changed = threading.Condition()

    def tell(_: Future[Done]) -> None:
        with changed:
            changed.notify()

    def begin() -> bool:
        try:
            one = next(remaining)
        except StopIteration:
            return False
        future = pool.submit(lambda: convert(one))
        begun.append(future)
        future.add_done_callback(tell)
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
