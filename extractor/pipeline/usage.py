"""What the questions about a speech cost, by field."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from extractor.document import Json
from extractor.llm.call import REASKED, Call, Reply, Request, Usage


class UsageMeter:
    """A Call that counts what passes through it, from whatever thread, by field: all, and of that the re-asks."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.Lock()
        self.usage: defaultdict[str, Usage] = defaultdict(Usage)
        self.reasked: defaultdict[str, Usage] = defaultdict(Usage)
        self.retries: Counter[str] = Counter()

    def __call__(self, request: Request) -> Reply:
        reply = self._call(request)
        usage = Usage.of(reply.body)
        # Of fields that share a question the first stands for all.
        name = request.about.get("field", "").partition("+")[0]
        with self._lock:
            self.usage[name] += usage
            self.retries[name] += reply.attempts - 1
            if request.about.get(REASKED):
                self.reasked[name] += usage
        return reply

    @property
    def total(self) -> Usage:
        """Of all fields."""
        return sum(self.usage.values(), Usage())

    def to_json(self, field: str) -> Json:
        """What was asked for a field, but for what there was none of."""
        counted = {
            **self.usage[field].to_json(),
            "reasked": _nonzero(self.reasked[field].to_json()),
            "retries": self.retries[field],
        }
        return _nonzero(counted)


def _nonzero(counted: Json) -> Json:
    return {name: value for name, value in counted.items() if value}
