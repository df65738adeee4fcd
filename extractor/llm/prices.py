"""What tokens cost, in US dollars per million."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from extractor.llm.call import Usage
from extractor.llm.price_list import PRICES, Source

MILLION = 1_000_000
# Prices read longer ago than this are reported as old.
OLD = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens: `input`, `output`, and input read from the provider's cache."""

    input: float
    output: float
    cached: float | None = None

    def of(self, usage: Usage) -> float:
        """The cost of this usage in US dollars."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - usage.cached_tokens
        return (fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output) / MILLION


FREE = Price(0.0, 0.0)


def price_of(model: str) -> Price | None:
    """The price of PROVIDER/NAME, None if unknown."""
    listed = PRICES.get(_listed_as(model))
    return Price(*listed[:3]) if listed else None


def source_of(model: str) -> Source | None:
    """Where and when the price of PROVIDER/NAME was read, None if unknown."""
    listed = PRICES.get(_listed_as(model))
    return listed[3] if listed else None


def is_old(source: Source, today: date) -> bool:
    """Whether prices from this source should be checked before they are trusted."""
    return today - source.day > OLD


def _listed_as(model: str) -> str:
    provider, _, name = model.partition("/")
    return f"{provider}/{name.strip()}".lower()
