"""Locate a value as a whole: a quote of a part of -8% or 2-3倍 stands for all of it, and 12 of 3月12日 for nothing."""

from __future__ import annotations

from dataclasses import replace

from extractor.lang.fold import fold
from extractor.pipeline.ground.evidence import Prepared
from extractor.pipeline.ground.locate import Match, MatchKind, locate
from extractor.schema.kinds.kind import Kind


def locate_whole(
    quote: str, kind: Kind, prepared: Prepared, lo: int, hi: int, near: bool | None = None
) -> Match | None:
    """The first place of the quote in the visible characters lo:hi where it is such a value, or a part of one.

    `near` says whether a slip is forgiven; None: as the kind does.
    """
    near = kind.forgives_slips if near is None else near
    match = locate(quote, prepared.index, lo=lo, hi=hi, near=near)
    while match is not None and kind.whole is not None:
        span = kind.whole(prepared.speech.text, prepared.found(kind), match.start, match.end)
        if span is not None and lo <= span[0] and span[1] <= hi:
            return replace(match, start=span[0], end=span[1])
        match = locate(quote, prepared.index, lo=max(match.end, match.start + 1), hi=hi)
    if match is None and kind.reads == "number":
        return _in_table(fold(quote), prepared, lo, hi)
    return match


def _in_table(quote: str, prepared: Prepared, lo: int, hi: int) -> Match | None:
    """The number of a table that is given with the unit of its row or column: 356.2亿元 for 356.2."""
    for start, cell in prepared.cells.items():
        words = fold(prepared.speech.text[slice(*cell.span)])
        if lo <= start and cell.span[1] <= hi and cell.unit is not None and quote == words + fold(cell.unit):
            return Match(*cell.span, MatchKind.FOLDED)
    return None
