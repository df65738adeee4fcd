"""Cancellation: one flag that stops all threads of a run from asking more questions, and the reason."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from extractor.errors import ExtractorError, RunInterruptedError, RunStoppedError


class Cancellation:
    """Set once, by the first error that every later question would meet, or by the user. Threads share it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self.error: ExtractorError | None = None
        self.document: str | None = None

    def stop(self, error: ExtractorError, document: str | None = None) -> None:
        """Ask no more questions, because of `error`, which `document` met. Only the first reason is kept."""
        with self._lock:
            if self.error is None:
                self.error, self.document = error, document
        self._event.set()

    def check(self) -> None:
        """Raise RunStoppedError if the run is cancelled."""
        if self.error is not None:
            raise RunStoppedError(self.error.what)

    def sleep(self, seconds: float) -> None:
        """Wait before a question. Raises RunStoppedError as soon as the run is cancelled."""
        self._event.wait(seconds)
        self.check()


def stop_signals() -> list[signal.Signals]:
    """The signals that ask a run to stop. A hang-up is left out where it is ignored (`nohup`)."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [n for n in numbers if n.name != "SIGHUP" or signal.getsignal(n) is not signal.SIG_IGN]


@contextmanager
def cancelled_by_user(
    cancellation: Cancellation, warn: Callable[[str], None], end: Callable[[], NoReturn]
) -> Iterator[None]:
    """Within the block, Ctrl-C, SIGTERM or SIGHUP cancels: answers already requested are waited for.

    A second one calls `end`, which ends the process at once: whatever the run was doing then, no exception
    crosses it. All that was written stays valid, as after a kill.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if cancellation.error is not None:
            end()
        cancellation.stop(RunInterruptedError("The run was interrupted."))
        warn("Stopping: waiting for the answers already requested. Press Ctrl-C again to stop at once.")

    before = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
