"""Spaces and misread characters inside a number, spaces inside a word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from extractor.lang.characters import HAN
from extractor.lang.surnames import OFFICE
from extractor.pipeline.clean.boilerplate import REPORTERS
from extractor.pipeline.clean.omissions import Cut

# Single digits with single spaces between: `2 0 0 人`. The group matches if a unit or a Han character
# follows.
_SPACED_DIGITS = re.compile(
    r"(?<![\d.,:/-])(?<!\d[ \u3000])\d(?:[ \u3000]\d)+(?![\d.,:/-]|[ \u3000]\d)"
    rf"(?=([ \u3000]?[{HAN}%‰])?)"
)
_S = "[ \u3000]"
# A decimal with spaces around its point, and maybe between all its digits: `1 0 . 0 6 ‰`, `8. 5%`. A number at the head
# of a line with a space after the point is that of a list.
_DECIMALS = rf"(?:\d(?:{_S}\d){{1,5}}|\d{{1,6}})(?!\d)(?={_S}?(?![年月日号]|\d)[{HAN}%‰])"
_IN_WORDS = "|".join(rf"(?<=[{HAN}]{digits})" for digits in (r"\d", r"\d\d", r"\d\d\d"))
_SPACED_DECIMAL = re.compile(
    rf"(?<![\d.,:/])(?:(?<!-)|(?<=[{HAN}]-))(?<!\d{_S})(?:\d(?:{_S}\d){{1,8}}|\d{{1,9}})"
    rf"(?:{_S}[.．]{_S}?|(?:(?<=\d{_S}\d)|{_IN_WORDS})[.．]{_S}){_DECIMALS}"
)
_BEFORE_PUNCTUATION = rf"(?<=[{HAN}”》）]) (?=[,，。、;；:：!！?？”》）)])"
_AFTER_PUNCTUATION = rf"(?:(?<=[，。、；：！？“《（])|(?<=[{HAN}][,;:!?])) (?=[{HAN}“《（])"
_LOOSE_SPACE = re.compile(f"{_BEFORE_PUNCTUATION}|{_AFTER_PUNCTUATION}")
# A gap inside a clause: at least five Han characters on both sides, and punctuation beyond them. Shorter
# runs are names, headings or table cells. A name or an office after the gap means that the gap separates
# people.
_GAP = re.compile(
    rf"(?<=[{HAN}]{{5}}) (?=[{HAN}]{{5,40}}[,，。、;；:：!！?？“”《》])(?![{REPORTERS}]|[{HAN}]{{0,6}}{OFFICE})"
)
_CLAUSE_START = re.compile(rf"[,，。、;；:：!！?？“”《》][{HAN}]*$")
# Thousands separated by thin or plain spaces: 减少1 268户, 达12 345.6吨. At the head of a line and after a space the
# numbers are those of a table, unless a unit follows at once: 增加 1 304.8亿元.
_THOUSANDS = re.compile(
    rf"(?:(?<=[{HAN}，。、：；（(“+~-])|(?<=(?![图表第])[{HAN}] )(?=[\d ]{{1,15}}(?:\.\d{{1,4}})?[%‰万亿元吨人亩户]))"
    rf"[0-9]{{1,3}}(?:[ \u00a0\u2009\u202f][0-9]{{3}})+(?:[.．][0-9]{{1,4}})?(?=[{HAN}%‰~-])"
)
# Digits that a scanner took for letters: l2600户, 2O19年. The last one may be a unit: 10l水.
_MISREAD = re.compile(
    rf"(?<![A-Za-z0-9.])(?:\d|[lI](?=\d\d))(?=[\d.,]{{0,9}}[lIOo]|(?<=[lI]))[\dlIOo.,]{{0,10}}[\dOo](?=[{HAN}%‰])"
)
_DIGITS = {"l": "1", "I": "1", "O": "0", "o": "0"}


def find_misread(text: str) -> Iterator[Cut]:
    """Letters in the place of digits."""
    for m in _MISREAD.finditer(text):
        for i in range(*m.span()):
            if text[i] in _DIGITS:
                yield Cut(i, i + 1, "misread", _DIGITS[text[i]])


def find_spaces(text: str) -> list[Cut]:
    """Spaces inside a number or a word. Gaps that separate names, headings and columns stay."""
    cuts = [Cut(m.start(), m.end(), "space") for m in _LOOSE_SPACE.finditer(text)]
    for m in _GAP.finditer(text):
        if _CLAUSE_START.search(text, max(0, m.start() - 40), m.start()):
            cuts.append(Cut(m.start(), m.end(), "space"))
    for m in _THOUSANDS.finditer(text):
        cuts += [Cut(i, i + 1, "spaced-digits") for i in range(m.start(), m.end()) if text[i].isspace()]
    for m in _SPACED_DIGITS.finditer(text):
        around = text[max(0, m.start() - 1) : m.start()].strip() and text[m.end() : m.end() + 1].strip()
        if m[1] or (m.end() - m.start() >= 5 and around):
            cuts += [Cut(i, i + 1, "spaced-digits") for i in range(m.start() + 1, m.end(), 2)]
    for m in _SPACED_DECIMAL.finditer(text):
        cuts += [Cut(i, i + 1, "spaced-digits") for i in range(m.start(), m.end()) if text[i].isspace()]
        cuts += [Cut(i, i + 1, "spaced-digits", ".") for i in range(m.start(), m.end()) if text[i] == "．"]
    return sorted(cuts)
