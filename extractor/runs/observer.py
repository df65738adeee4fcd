"""What a run tells whoever watches it: a progress display, or nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from extractor.llm.call import Call
from extractor.output.failures import FailureEntry
from extractor.runs.budget import Budget


class Observer(Protocol):
    """Watches a run. `total` is how many documents there are, if known; `skipped` how many of them were done before."""

    total: int | None
    skipped: Callable[[], int]

    @property
    def is_shown(self) -> bool:
        """Whether anybody sees it."""

    def watch(self, budget: Budget) -> None: ...

    def over(self, call: Call) -> Call: ...

    def told(self, name: str, records: int, failures: list[FailureEntry]) -> None: ...

    def failed_line(self, failure: FailureEntry) -> None: ...

    def say(self, line: str) -> None: ...

    def warn(self, line: str) -> None: ...

    def installing(self, done: int, total: int) -> None: ...
