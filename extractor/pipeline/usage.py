"""The usage of the questions about a speech, by field."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from typing import Any

from extractor.llm.call import REASKED, Call, Reply, Request, Usage
from extractor.llm.tokens import usage_of


class UsageMeter:
    """A Call that counts the usage of the calls made through it, by field. Threads may share it.

    The usage of re-asked questions is also counted separately.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.Lock()
        self.usage: defaultdict[str, Usage] = defaultdict(Usage)
        self.reasked: defaultdict[str, Usage] = defaultdict(Usage)
        self.retries: Counter[str] = Counter()

    def __call__(self, request: Request) -> Reply:
        reply = self._call(request)
        usage = usage_of(request.body, reply.body)
        # A question that fields share is counted for the first of them.
        name = request.about.get("field", "").partition("+")[0]
        with self._lock:
            self.usage[name] += usage
            self.retries[name] += reply.attempts - 1
            if request.about.get(REASKED):
                self.reasked[name] += usage
        return reply

    @property
    def total(self) -> Usage:
        """The usage of all fields."""
        return sum(self.usage.values(), Usage())

    def to_json(self, field: str) -> dict[str, Any]:
        """The usage of a field, without zeros."""
        counts = {
            **self.usage[field].to_json(),
            "reasked": _nonzero(self.reasked[field].to_json()),
            "retries": self.retries[field],
        }
        return _nonzero(counts)


def _nonzero(counts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in counts.items() if value}
