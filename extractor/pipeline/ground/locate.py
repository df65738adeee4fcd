"""Find the place in the text of a quote that a model wrote, or report that it is not there."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from extractor.document import Excerpt
from extractor.pipeline.ground.folded_text import make_key
from extractor.pipeline.ground.tolerance import NUMERALS, TIMES, allowed_edits, keeps_meaning

# The length of an indexed piece, the distance from one to the next, and the number of places from which a
# piece is too common to help.
_GRAM, _STEP, _COMMON = 4, 2, 128
# Longer quotes get no near match: alignment takes quadratic time, and real quotes are shorter.
_LONGEST_NEAR = 1000
# The maximum number of candidate places to align for one quote.
_TRIED = 16
# Superfluous characters at the edges of a quote, folded. % ‰ ℃ + belong to a number, - < > do beside a digit.
_LEAD = re.compile(r"(?:[^\w%‰℃°+±=$¥€£/<>-]|_|[<>-](?!\d))*")
_TRAIL = re.compile(r"(?:[^\w%‰℃°+±=$¥€£/<>-]|_|(?<!\d)[<>-])*")

# The numbers in 10千克 and 5百分点 are 10 and 5: 千 and 百 belong to the unit.
_UNIT = re.compile("千(?:克|瓦|米|卡|伏|赫|帕|焦|字)|百分")
# A list numeral before a date: 1.2020年, 2.5月27日.
_DATE = re.compile(r"\d{4}年|\d{1,2}月\d")
_THOUSANDS = re.compile(r"\d{3}(?!\d)")
# After these characters 一 ends a word and is not a number, so that 统一 is found in 统一一个标准.
_UNITED = frozenset("统唯单专同划归如合")


class MatchKind(StrEnum):
    """How closely a quote matches the text: exactly, after folding, or with a few wrong characters."""

    EXACT = "exact"
    FOLDED = "folded"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Match:
    """The place of a quote: the visible characters `start:end` of an excerpt's text."""

    start: int
    end: int
    how: MatchKind


class Index:
    """An excerpt prepared for searching.

    `key` is its folded text without white space and noise; `starts` and `ends` map its characters back to the
    text.
    """

    def __init__(self, excerpt: Excerpt) -> None:
        self.excerpt = excerpt
        self.text = excerpt.text
        self.key, self.starts, self.ends = make_key(excerpt.text)

    @cached_property
    def grams(self) -> dict[str, list[int]]:
        """Every other piece of four key characters → its places in the key; candidates for a near match."""
        grams: dict[str, list[int]] = {}
        key = self.key
        for i in range(0, len(key) - _GRAM + 1, _STEP):
            places = grams.setdefault(key[i : i + _GRAM], [])
            if len(places) <= _COMMON:
                places.append(i)
        return grams

    def splits_number(self, k: int) -> bool:
        """Whether a number continues from key[k - 1] to key[k]: 10万元 is not in 110万元, nor 十二 in 二十二."""
        if not 0 < k < len(self.key):
            return False
        if _DATE.match(self.key, k) and "\n" in self.text[self.ends[k - 1] : self.starts[k]]:
            return False
        left, right = self.key[k - 1], self.key[k]
        if left.isdecimal():
            if right in TIMES:
                return not _UNIT.match(self.key, k)
            return right.isdecimal() or self._joins_digits(k)
        if right.isdecimal():
            return self._joins_digits(k - 1) or (left in TIMES and self._is_numeral(k - 2))
        if left in NUMERALS and right in NUMERALS:
            return not (left == "一" and k > 1 and self.key[k - 2] in _UNITED)
        if right in NUMERALS:
            return self.key.startswith("分之", k - 2) and k > 1
        return left in NUMERALS and self.key.startswith("分之", k)

    def _is_numeral(self, k: int) -> bool:
        return k >= 0 and (self.key[k].isdecimal() or self.key[k] in NUMERALS)

    def _joins_digits(self, k: int) -> bool:
        """Whether key[k] is a decimal point or a thousands comma between digits."""
        if not (0 < k < len(self.key) - 1 and self.key[k - 1].isdecimal() and self.key[k + 1].isdecimal()):
            return False
        mark = self.text[self.starts[k]]
        if mark in ".．﹒":
            return not _DATE.match(self.key, k + 1)
        return mark == "," and bool(_THOUSANDS.match(self.key, k + 1)) and not self.key[max(0, k - 4) : k].isdecimal()

    def hits(self, wanted: str, lo: int, hi: int) -> Iterator[int]:
        """The places of `wanted` in key[lo:hi] that don't cut a number, in order."""
        k = self.key.find(wanted, lo, hi)
        while k >= 0:
            if self.splits_number(k):
                k += 1
                while k < hi and self.key[k].isdecimal():  # the rest of these digits would be cut too
                    k += 1
            else:
                if not self.splits_number(k + len(wanted)):
                    yield k
                k += 1
            k = self.key.find(wanted, k, hi)

    def inside_clause(self, k: int) -> bool:
        """Whether key[k - 1] and key[k] are in the same clause and on the same line."""
        if not 0 < k < len(self.key) or not (self.key[k - 1].isalnum() and self.key[k].isalnum()):
            return False
        return "\n" not in self.text[self.ends[k - 1] : self.starts[k]]

    def window(self, lo: int, hi: int | None) -> tuple[int, int]:
        """Convert bounds in visible characters to bounds in the key."""
        hi = len(self.text) if hi is None else hi
        return bisect_left(self.starts, lo), bisect_right(self.ends, hi)


def locate(
    quote: str,
    index: Index,
    *,
    lo: int = 0,
    hi: int | None = None,
    after: int | None = None,
    near: bool = False,
    protected: Collection[str] = (),
) -> Match | None:
    """The place of `quote` within the visible characters lo:hi, or None.

    An identical place is preferred to a folded one. With `after`, it is the first place from there on, or
    else the first of all. `near` allows a few wrong characters, but never in a number, a name (`protected`
    lists more of them), a word of direction or a negation.
    """
    quote = quote.strip()
    if not any(map(str.isalnum, quote)):
        return None
    lo, hi = max(lo, 0), len(index.text) if hi is None else max(min(hi, len(index.text)), 0)
    match = _find_identical(quote, index, lo, hi) if after is None else None
    match = match or _find_folded(quote, index, lo, hi, after)
    if match is None and after is not None:
        match = _find_identical(quote, index, max(lo, after), hi) or _find_identical(quote, index, lo, hi)
    if match is None and near:
        return _find_near(quote, index, lo, hi, after, protected)
    return match


def _find_identical(quote: str, index: Index, lo: int, hi: int) -> Match | None:
    i = index.text.find(quote, lo, hi)
    while i >= 0:
        j = i + len(quote)
        if not (index.splits_number(bisect_left(index.starts, i)) or index.splits_number(bisect_left(index.starts, j))):
            return Match(i, j, MatchKind.EXACT)
        i = index.text.find(quote, i + 1, hi)
    return None


def _peel(quote: str) -> tuple[str, int, int]:
    """The key of the quote, and the range of it without the punctuation at its edges."""
    key = make_key(quote)[0]
    lead = _LEAD.match(key)
    start = lead.end() if lead else 0
    end = len(key)
    while end > start and _TRAIL.fullmatch(key, end - 1, end):
        end -= 1
    return key, start, end


def _find_folded(quote: str, index: Index, lo: int, hi: int, after: int | None) -> Match | None:
    key, i, j = _peel(quote)
    core = key[i:j]
    klo, khi = index.window(lo, hi)
    if not core or index.key.find(core, klo, khi) < 0:
        return None
    start = klo if after is None else max(klo, bisect_left(index.starts, after))
    for wanted in dict.fromkeys((key, core)):
        for first in dict.fromkeys((start, klo)):
            hit = next(index.hits(wanted, first, khi), None)
            if hit is not None:
                return _match_at(quote, index, hit, hit + len(wanted))
    return None


def _match_at(quote: str, index: Index, a: int, b: int) -> Match:
    """The match at key[a:b]: exact if the quote has the same characters as the text or the source there."""
    start, end = index.starts[a], index.ends[b - 1]
    bare = index.starts[b - 1] + 1  # without the noise after the last character
    if index.text[start:bare] == quote:
        return Match(start, bare, MatchKind.EXACT)
    same = quote in (index.text[start:end], index.excerpt.source(start, end))
    return Match(start, end, MatchKind.EXACT if same else MatchKind.FOLDED)


def _find_near(
    quote: str, index: Index, lo: int, hi: int, after: int | None, protected: Collection[str]
) -> Match | None:
    key, i, j = _peel(quote)
    if len(key) > _LONGEST_NEAR:
        return None
    bounds = index.window(lo, hi)
    start = 0 if after is None else bisect_left(index.starts, after)
    for wanted in dict.fromkeys((key, key[i:j])):
        best = _best_window(wanted, index, bounds, start, protected)
        if best is not None:
            return Match(index.starts[best[0]], index.ends[best[1] - 1], MatchKind.NEAR)
    return None


def _best_window(
    wanted: str, index: Index, bounds: tuple[int, int], after: int, protected: Collection[str]
) -> tuple[int, int] | None:
    """The range of the key that is most similar to the wanted key without changing its meaning."""
    slack = sum(allowed_edits(wanted))
    found: set[tuple[int, bool, int, int]] = set()
    for shared in _neighbourhoods(wanted, index, *bounds) if slack else ():
        fit = _fit(wanted, index, shared, slack, bounds)
        if fit is not None:
            slack = min(slack, fit[2] + 1)
            found.add((fit[2], fit[0] < after, fit[0], fit[1]))
    for _, _, a, b in sorted(found):
        whole = not (index.splits_number(a) or index.splits_number(b))
        if whole and keeps_meaning(wanted, index.key, a, b, protected):
            return a, b
    return None


def _neighbourhoods(core: str, index: Index, klo: int, khi: int) -> list[list[tuple[int, int]]]:
    """The areas of the text that share pieces with the quote, those with most pieces first.

    An area is a list of (place in the quote, place in the key).
    """
    votes: dict[int, list[tuple[int, int]]] = {}
    for i in range(len(core) - _GRAM + 1):
        places = index.grams.get(core[i : i + _GRAM], ())
        if len(places) > _COMMON:
            continue
        for k in places:
            if klo <= k and k + _GRAM <= khi:
                votes.setdefault((k - i) >> 3, []).append((i, k))
    return sorted(votes.values(), key=lambda shared: (-len(shared), shared[0][1]))[:_TRIED]


def _fit(
    core: str, index: Index, shared: list[tuple[int, int]], slack: int, bounds: tuple[int, int]
) -> tuple[int, int, int] | None:
    """The window of the key that is most similar to the quote, and the number of edits between them.

    Of two equally good windows, the one with the quote's edge character wins, then the one that begins or
    ends at punctuation, then the shorter. So a first or last character that differs is included only if the
    clause begins or ends there.
    """
    from rapidfuzz.distance import Levenshtein  # only misquotes need it

    key, (lo, hi) = index.key, bounds
    (i, k), (j, m) = shared[0], shared[-1]
    if m < k:
        j, m = i, k
    edits = Levenshtein.distance(core[i:j], key[k:m], score_cutoff=slack)
    if edits > slack or Levenshtein.distance(core[:i], key[max(lo, k - i) : k], score_cutoff=2 * slack) > 2 * slack:
        return None
    edges: list[int] = []
    for part, back in ((core[:i], True), (core[j:], False)):
        best = slack + 1, True, True, 0, k
        for shift in (0, *(sign * size for size in range(1, slack + 1) for sign in (1, -1))):
            if abs(shift) > best[0]:  # the difference in length alone is more edits than the best so far
                break
            edge = k - len(part) - shift if back else m + len(part) + shift
            if not (lo <= edge <= k if back else m <= edge <= hi):
                continue
            window = key[edge:k] if back else key[m:edge]
            distance = Levenshtein.distance(part, window, score_cutoff=slack)
            if distance > best[0]:
                continue
            unlike = not part or window[: 1 if back else None][-1:] != part[: 1 if back else None][-1:]
            best = min(best, (distance, unlike, index.inside_clause(edge), shift, edge))
        edits += best[0]
        edges.append(best[-1])
    return (edges[0], edges[1], edits) if edits <= slack else None
