"""Lists of names: 何志远、吴倩和李明.

Since 和, 与 and 及 may be part of a name, a pattern for a list would take exponential time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from extractor.lang.characters import HAN

JOINT = re.compile("[、和与及]")
_IN_NAME = re.compile(f"[{HAN}·]")
_SHORTEST = 2


def list_starts(text: str, begin: int, end: int, longest: int) -> list[int]:
    """Where in text[begin:end] a list of two or more names may begin that ends at `end`, in order.

    A name has from two to `longest` characters.
    """
    starts = []
    # Where a name may end so that the rest of the list follows.
    ends, letters = {end}, 0
    for at in range(end - 1, begin - 1, -1):
        name_ends = [at + size for size in range(_SHORTEST, longest + 1) if at + size in ends]
        is_joint, after = JOINT.match(text[at]) is not None, letters
        letters = letters + 1 if _IN_NAME.match(text[at]) else 0
        if any(at < stop <= at + letters and stop != end for stop in name_ends):
            starts.append(at)
        if is_joint and any(at + 1 + size in ends for size in range(_SHORTEST, min(longest, after) + 1)):
            ends.add(at)
    return starts[::-1]


def occurrences(text: str, name: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the name stands within begin:end, from left to right."""
    at = text.find(name, begin, end)
    while at >= 0:
        yield at, at + len(name)
        at = text.find(name, at + len(name), end)
