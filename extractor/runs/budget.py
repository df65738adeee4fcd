"""The budget: what a run spends, counted as answers come, and the user's limits, checked before questions.

First asks, re-asks (an answer did not fit or was cut off) and retries (an attempt brought no answer) are
counted separately.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from extractor.document import Json
from extractor.errors import BudgetSpentError
from extractor.llm.call import REASKED, Attempt, Call, Reply, Request, Usage
from extractor.llm.prices import Price
from extractor.llm.tokens import estimate_tokens, longest_answer

OnEvent = Callable[[Json], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may spend; None: no limit."""

    # US dollars.
    cost: float | None = None
    # Tokens read and written.
    tokens: int | None = None


class Budget:
    """The spending of one run. Threads share it; `on_event` gets an event for each attempt."""

    def __init__(
        self, price: Price | None = None, limits: Limits | None = None, on_event: OnEvent | None = None
    ) -> None:
        self._price, self._limits, self._on_event = price, limits or Limits(), on_event
        self._lock = threading.Lock()
        self._reserved = Usage()
        self.first = Usage()
        self.reasked = Usage()
        self.retries = 0
        self.errors: Counter[str] = Counter()
        self.began = time.monotonic()

    @property
    def usage(self) -> Usage:
        """First asks and re-asks together."""
        return self.first + self.reasked

    def cost(self, usage: Usage) -> float | None:
        """US dollars; None if no price is known."""
        return None if self._price is None else self._price.of(usage)

    def limit_call(self, call: Call) -> Call:
        """`call`, asked only while the limits allow it. Raises BudgetSpentError."""

        def limited(request: Request) -> Reply:
            expected = self._reserve(request.body)
            try:
                return call(request)
            finally:
                with self._lock:
                    self._reserved -= expected

        return limited

    def _reserve(self, body: Json) -> Usage:
        """Reserve what the question may take: all questions under way together must stay within the limit."""
        written = longest_answer(body) // 10
        expected = Usage(1, estimate_tokens(body) - written, 0, written)
        with self._lock:
            coming = self.usage + self._reserved + expected
            tokens, cost = coming.input_tokens + coming.output_tokens, self.cost(coming)
            if self._limits.tokens is not None and tokens > self._limits.tokens:
                raise BudgetSpentError(
                    f"The next question would take the run to about {tokens} tokens, over --max-tokens "
                    f"{self._limits.tokens}."
                )
            if self._limits.cost is not None and cost is not None and cost > self._limits.cost:
                raise BudgetSpentError(
                    f"The next question would take the run to about ${cost:.4f}, over --max-cost {self._limits.cost:g}."
                )
            self._reserved += expected
        return expected

    def record_attempt(self, attempt: Attempt) -> None:
        """Count an attempt that has ended."""
        reasked = bool(attempt.request.about.get(REASKED))
        with self._lock:
            self.retries += attempt.number > 1
            if attempt.error is not None:
                self.errors[attempt.error] += 1
            elif reasked:
                self.reasked += attempt.usage
            else:
                self.first += attempt.usage
        if self._on_event is not None:
            about = attempt.request.about
            self._on_event(
                {
                    "event": "attempt",
                    **{name: about.get(name) for name in ("document", "field", "start", "end")},
                    "reasked": reasked,
                    "attempt": attempt.number,
                    "seconds": round(attempt.seconds, 3),
                    "error": attempt.error,
                    "input_tokens": attempt.usage.input_tokens,
                    "cached_tokens": attempt.usage.cached_tokens,
                    "output_tokens": attempt.usage.output_tokens,
                    "cost": self.cost(attempt.usage),
                }
            )

    def to_json(self) -> Json:
        """For the run log."""
        return {
            "first": self.first.to_json() | {"cost": self.cost(self.first)},
            "reasked": self.reasked.to_json() | {"cost": self.cost(self.reasked)},
            "retries": self.retries,
            "errors": dict(self.errors),
        }
