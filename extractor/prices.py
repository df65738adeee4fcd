"""Prices: what tokens cost, in US dollars a million."""

from __future__ import annotations

from dataclasses import dataclass

from extractor.data import Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens: read, read from the provider's cache, written."""

    input: float
    output: float
    cached: float | None = None

    def of(self, usage: Usage) -> float:
        """What this usage costs, in US dollars."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - usage.cached_tokens
        return (fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output) / MILLION


FREE = Price(0.0, 0.0)


def price_of(model: str) -> Price | None:
    """The price of PROVIDER/NAME where it is known."""
    return None
