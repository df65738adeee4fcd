"""The budget: what a run spends, counted as answers come, and the user's limits, checked before questions.

First asks, re-asks (an answer did not fit or was cut off) and retries (an attempt brought no answer) are
counted separately.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from extractor.cancellation import Cancellation
from extractor.document import Json
from extractor.errors import BudgetSpentError
from extractor.llm.call import REASKED, Attempt, Call, Reply, Request, Usage
from extractor.llm.prices import Price
from extractor.llm.tokens import longest_answer, tokens_in

OnEvent = Callable[[Json], None]
# Seconds after which a question that waits looks whether the run was cancelled.
_LOOK_UP = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may spend; None: no limit."""

    # US dollars.
    cost: float | None = None
    # Tokens read and written.
    tokens: int | None = None


class Budget:
    """The spending of one run. Threads share it; `on_event` gets an event for each attempt.

    `on_spent` gets what each answer took, before the answer is used; whoever keeps a bill sets it.
    """

    def __init__(
        self, price: Price | None = None, limits: Limits | None = None, on_event: OnEvent | None = None
    ) -> None:
        self._price, self._limits, self._on_event = price, limits or Limits(), on_event
        self.on_spent: OnEvent = lambda entry: None
        self._changed = threading.Condition()
        self._reserved = Usage()
        # Estimated and actual tokens read, by which the next estimates are corrected.
        self._expected_read = 0
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

    def limit_call(self, call: Call, cancellation: Cancellation | None = None) -> Call:
        """`call`, asked only while the limits allow it.

        Near a limit a question waits until those under way are answered, since only then is it known what they
        take. Raises BudgetSpentError.
        """
        if self._limits == Limits():
            return call

        def limited(request: Request) -> Reply:
            expected = self._reserve(request.body, cancellation)
            try:
                return call(request)
            finally:
                with self._changed:
                    self._reserved -= expected
                    self._changed.notify_all()

        return limited

    def _reserve(self, body: Json, cancellation: Cancellation | None) -> Usage:
        """Wait until the question fits the limits with all that are under way, and reserve what it may take."""
        with self._changed:
            while True:
                spent, expected = self.usage, self._expected(body)
                if (over := self._excess(spent + expected)) and (
                    # Until an answer has come, its length is a guess, which must not refuse the only question.
                    spent.requests or self._excess(replace(expected, output_tokens=0))
                ):
                    raise BudgetSpentError(over)
                if not self._reserved.requests or not self._excess(spent + self._reserved + expected):
                    self._reserved += expected
                    return expected
                self._changed.wait(_LOOK_UP)
                if cancellation is not None:
                    cancellation.check()

    def _expected(self, body: Json) -> Usage:
        """What a question will take, judged by those answered so far."""
        spent, read = self.usage, tokens_in(body)
        if not spent.requests:
            return Usage(1, read, 0, longest_answer(body) // 10)
        if self._expected_read:
            read = round(read * spent.input_tokens / self._expected_read)
        return Usage(1, read, 0, round(spent.output_tokens / spent.requests))

    def _excess(self, usage: Usage) -> str | None:
        """In words, the limit that is passed if the run spends this; None if it stays within them."""
        if self._limits.tokens is not None and usage.tokens > self._limits.tokens:
            return (
                f"The next question would take the run to about {usage.tokens} tokens, over --max-tokens "
                f"{self._limits.tokens}."
            )
        cost = self.cost(usage)
        if self._limits.cost is not None and cost is not None and cost > self._limits.cost:
            return f"The next question would take the run to about ${cost:.4f}, over --max-cost {self._limits.cost:g}."
        return None

    def record_attempt(self, attempt: Attempt) -> None:
        """Count an attempt that has ended."""
        about, usage = attempt.request.about, attempt.usage
        reasked = bool(about.get(REASKED))
        with self._changed:
            self.retries += attempt.number > 1
            if attempt.error is not None:
                self.errors[attempt.error] += 1
            elif reasked:
                self.reasked += usage
            else:
                self.first += usage
            if attempt.error is None and "messages" in attempt.request.body:
                self._expected_read += tokens_in(attempt.request.body)
            self._changed.notify_all()
        if attempt.error is None:
            document = about.get("document")
            self.on_spent({"document": document, "reasked": reasked, **usage.to_json(), "cost": self.cost(usage)})
        if self._on_event is not None:
            self._on_event(
                {
                    "event": "attempt",
                    **{name: about.get(name) for name in ("document", "field", "start", "end")},
                    "reasked": reasked,
                    "attempt": attempt.number,
                    "seconds": round(attempt.seconds, 3),
                    "error": attempt.error,
                    "input_tokens": usage.input_tokens,
                    "cached_tokens": usage.cached_tokens,
                    "output_tokens": usage.output_tokens,
                    "estimated": bool(usage.estimated),
                    "cost": self.cost(usage),
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
