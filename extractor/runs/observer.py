"""What a run reports while it is running: the interface that a progress display implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from extractor.llm.call import Call
from extractor.output.failures import FailureEntry
from extractor.runs.budget import Budget


class Observer(Protocol):
    """Watches a run.

    `total` is the number of documents, if known; `skipped` returns how many of them need no work.
    """

    total: int | None
    skipped: Callable[[], int]

    @property
    def is_shown(self) -> bool:
        """False if the user asked for quiet."""

    def watch_budget(self, budget: Budget) -> None:
        """Show what this budget counts from now on."""

    def watch_call(self, call: Call) -> Call:
        """Return `call` with each question shown when it is asked."""

    def document_done(self, name: str, records: int, failures: list[FailureEntry]) -> None:
        """Count a finished document and show the progress."""

    def show_failure(self, failure: FailureEntry) -> None:
        """Show a failure that no file records, even when quiet."""

    def announce(self, line: str) -> None:
        """Show a lengthy step: in the moving line on a terminal, on a line of its own in a pipe."""

    def say(self, line: str) -> None:
        """Print a line unless quiet."""

    def warn(self, line: str) -> None:
        """Print a line, even when quiet."""

    def on_model_bytes(self, done: int, total: int) -> None:
        """Show how much of the embedded model's file is joined or checked, in bytes."""
