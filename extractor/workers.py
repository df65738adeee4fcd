"""Workers: documents and their questions side by side, in threads.

Two kinds of threads, so that neither kind waits for itself: some take documents through the line, others ask. What is
asked at the same time is bounded by the second kind (and by the pace, below the Call); a long document has all its
questions asked at once, a short one does not wait behind it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from extractor.pipeline import Gather, Task

Given = TypeVar("Given")
Done = TypeVar("Done")


def gathering(pool: ThreadPoolExecutor) -> Gather:
    """Tasks of a document side by side in `pool`. The first that raises ends the wait: those not begun are dropped."""

    def gather(tasks: Sequence[Task]) -> list[Any]:
        if len(tasks) == 1:
            return [tasks[0]()]
        futures = [pool.submit(task) for task in tasks]
        try:
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
    convert: Callable[[Given], Done], given: Iterable[Given], pool: ThreadPoolExecutor, ahead: int, ordered: bool
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
        future = pool.submit(convert, one)
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
