"""Prices: what tokens cost, in US dollars a million."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from extractor.llm.call import Usage
from extractor.llm.price_list import PRICES, Source

MILLION = 1_000_000
# Prices that have stood in the list for so long are called old.
OLD = timedelta(days=365)


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
    listed = PRICES.get(_listed_as(model))
    return Price(*listed[:3]) if listed else None


def source_of(model: str) -> Source | None:
    """Where the price of PROVIDER/NAME was read, and when."""
    listed = PRICES.get(_listed_as(model))
    return listed[3] if listed else None


def is_old(source: Source, today: date) -> bool:
    """Whether prices of this source are to be checked before they are believed."""
    return today - source.day > OLD


def _listed_as(model: str) -> str:
    provider, _, name = model.partition("/")
    return f"{provider}/{name.strip()}".lower()
