"""Numbers in words: counts with their noun, money, durations."""

from __future__ import annotations

from collections import Counter


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """1 document, 2 documents."""
    return f"{n} {noun if n == 1 else plural or noun + 's'}"


def listed(counts: Counter[str]) -> str:
    """Kinds with their counts, the most frequent first: "network 157, empty 2"."""
    return ", ".join(f"{kind} {n}" for kind, n in counts.most_common())


def dollars(amount: float) -> str:
    """US dollars with two decimals from one dollar up, with four below."""
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"


def duration(seconds: float) -> str:
    """42 s, 12 min, 2.5 h."""
    minutes, hours = seconds / 60, seconds / 3600
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{hours:.1f} h"


def rounded(n: int) -> str:
    """9999, 12 k, 12.3 M."""
    return str(n) if n < 10_000 else f"{n / 1000:.0f} k" if n < 10_000_000 else f"{n / 1_000_000:.1f} M"
