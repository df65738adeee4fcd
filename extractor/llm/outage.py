"""An outage: the endpoint answers nobody. The run then pauses, instead of failing with every question.

One answer ends it. Until then one question at a time is tried, at growing distances: enough to see that the
endpoint is back, and few enough that hours of it cost nothing.
"""

from __future__ import annotations

# Documents whose questions fail, without an answer to any, that make an outage. One or two may be at fault themselves.
DOCUMENTS = 3
# Failures in a row to reach the endpoint at all that make an outage: no question is at fault for those.
UNREACHED = 3
# Seconds between two tries, at first and at most.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0


class Outage:
    """What failed since the endpoint's last answer. The rate limiter guards it; `now` is in seconds.

    Before the first answer there is no outage: whoever names a wrong address should hear of it at once.
    """

    def __init__(self) -> None:
        self._failed: set[str] = set()
        self._unreached = 0
        self._pause = FIRST_PAUSE
        self._answered_at: float | None = None
        # Since when; None if there is none.
        self.began: float | None = None
        # When the next question may be tried.
        self.next_try = 0.0

    @property
    def answered_at(self) -> float | None:
        """When the endpoint last answered; None if it never did."""
        return self._answered_at

    def answered(self, now: float) -> float | None:
        """An answer came. Returns how long the outage lasted if that was its end."""
        lasted = None if self.began is None else now - self.began
        self._failed.clear()
        self._unreached, self._pause, self.next_try = 0, FIRST_PAUSE, 0.0
        self._answered_at, self.began = now, None
        return lasted

    def failed(self, document: str, sent: float, now: float, reached: bool) -> bool:
        """A question about a document got no answer, though it was `sent` after the last one came. Returns whether an outage begins."""
        if self._answered_at is None or sent < self._answered_at:
            return False
        self._failed.add(document)
        self._unreached += not reached
        if self.began is None and len(self._failed) < DOCUMENTS and self._unreached < UNREACHED:
            return False
        begins = self.began is None
        if begins:
            self.began = self._answered_at
        self.next_try = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return begins
