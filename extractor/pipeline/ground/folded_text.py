"""The key of a text, in which quotes are searched: folded, without white space and noise."""

from __future__ import annotations

import re
from array import array

from extractor.lang.characters import HAN
from extractor.lang.fold import fold

# White space, zero-width marks, and a pinyin syllable in brackets after its character, as in 核(hé)心.
_TONED = "aeiouüvāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹ\u0300\u0301\u0304\u0308\u030c"
_NOISE = re.compile(
    r"\s+|[\u00ad\u200b-\u200f\u2060\ufeff]+"
    rf"|(?:^|(?<=[{HAN}]))[(（〔][a-z]{{0,2}}[{_TONED}]{{1,5}}(?:ng?|r)?[)）〕]"
)
# These would fold to a digit, but ①2010年 is not 12010年.
_ENCLOSED = re.compile("[²³¹⁰⁴-⁹₀-₉①-⑨]")


def make_key(text: str) -> tuple[str, array[int], array[int]]:
    """The key of `text`, and the start and end in `text` of each character of the key.

    White space between two digits becomes one blank: "5 10" in a table is not 510.
    """
    folded = fold(text)
    pieces: list[str] = []
    starts, ends = array("i"), array("i")
    done = 0
    for noise in _NOISE.finditer(text):
        i, j = noise.span()
        pieces.append(folded[done:i])
        starts.extend(range(done, i))
        ends.extend(range(done + 1, i + 1))
        if text[i] in "(（〔":
            if ends:
                ends[-1] = j
        elif text[i - 1 : i].isdecimal() and text[j : j + 1].isdecimal():
            pieces.append(" ")
            starts.append(i)
            ends.append(j)
        done = j
    pieces.append(folded[done:])
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return _keep_enclosed(text, "".join(pieces), starts), starts, ends


def _keep_enclosed(text: str, key: str, starts: array[int]) -> str:
    """`key` with enclosed numbers and superscripts as they are in `text`."""
    if not _ENCLOSED.search(text):
        return key
    return "".join(text[i] if _ENCLOSED.match(text[i]) else c for c, i in zip(key, starts, strict=True))
