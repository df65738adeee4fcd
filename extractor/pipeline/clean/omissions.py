"""Removes text from an excerpt and keeps account of it: Excerpt and Cuts → Excerpt."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from extractor.document import Excerpt, Omission

# A line without the white space around it.
CONTENT = re.compile(r"[^\s](?:[^\n]*[^\s])?")


class Cut(NamedTuple):
    """Visible characters `start:end` to remove by `rule`. `shown`, if any, replaces the first of them."""

    start: int
    end: int
    rule: str
    shown: str = ""


def remove(excerpt: Excerpt, cuts: Iterable[Cut]) -> Excerpt:
    """The excerpt without `cuts`, which must be in order. A cut that overlaps an earlier one is skipped."""
    texts: list[str] = []
    starts, ends = array("i"), array("i")
    omissions = list(excerpt.omissions)
    done = 0

    def keep(i: int, j: int) -> None:
        texts.append(excerpt.text[i:j])
        starts.extend(excerpt.starts[i:j])
        ends.extend(excerpt.ends[i:j])

    for cut in cuts:
        if cut.start < done:
            continue
        keep(done, cut.start)
        removed = cut.start
        if cut.shown:
            keep(removed, removed + 1)
            texts[-1] = cut.shown
            removed += 1
        if removed < cut.end:
            omissions.append(Omission(excerpt.starts[removed], excerpt.ends[cut.end - 1], cut.rule))
        done = cut.end
    if not done:
        return excerpt
    keep(done, len(excerpt.text))
    return replace(excerpt, text="".join(texts), starts=starts, ends=ends, omissions=tuple(omissions))


def absorb(excerpt: Excerpt, cuts: Iterable[Cut]) -> Excerpt:
    """The excerpt without `cuts`, whose source characters become part of the character before each.

    Evidence that ends with the character then includes its noise.
    """
    cuts = list(cuts)
    ends = excerpt.ends[:]
    for cut in reversed(cuts):
        ends[cut.start - 1] = ends[cut.end - 1]
    return remove(replace(excerpt, ends=ends), cuts)


def account_for(excerpt: Excerpt) -> Excerpt:
    """The excerpt with its omissions in order, none overlapping another or a visible character."""
    rules = sorted({omission.rule for omission in excerpt.omissions})
    paint = {rule: bytes([number]) for number, rule in enumerate(rules, 1)}
    canvas = bytearray(len(excerpt.document.text))
    for start, end, rule in ((o.start, o.end, o.rule) for o in excerpt.omissions):
        canvas[start:end] = paint[rule] * (end - start)
    for start, end in zip(excerpt.starts, excerpt.ends, strict=True):
        if canvas[start] or end - start > 1:
            canvas[start:end] = bytes(end - start)
    runs = re.finditer(rb"([^\0])\1*", canvas, re.DOTALL)
    return replace(excerpt, omissions=tuple(Omission(*m.span(), rules[canvas[m.start()] - 1]) for m in runs))
