"""Halt: one word to all threads of a run that no more is asked, and why."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from extractor.errors import ExtractorError, RunInterruptedError, RunStoppedError


class Cancellation:
    """Set once, by whoever meets what no later question can escape, or by the user. Threads share it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self.fault: ExtractorError | None = None
        self.document: str | None = None

    def stop(self, fault: ExtractorError, document: str | None = None) -> None:
        """Ask no more, because of this; `document` is the one that met it. The first reason stands."""
        with self._lock:
            if self.fault is None:
                self.fault, self.document = fault, document
        self._event.set()

    def check(self) -> None:
        """Raise Stopped if no more is to be asked."""
        if self.fault is not None:
            raise RunStoppedError(self.fault.what)

    def sleep(self, seconds: float) -> None:
        """Wait before asking. Raises Stopped as soon as no more is to be asked."""
        self._event.wait(seconds)
        self.check()


@contextmanager
def cancelled_by_user(cancellation: Cancellation, say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl-C, or a polite kill, lets answers under way come and asks no more; a second one ends the run at once, with
    KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if cancellation.fault is not None:
            raise KeyboardInterrupt
        cancellation.stop(RunInterruptedError("The run was interrupted."))
        say("Stopping: answers under way are waited for. Ctrl-C again ends the run at once.")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
