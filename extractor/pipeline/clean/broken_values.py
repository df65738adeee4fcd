"""Whether a line end stands inside a number, a date, a name or a word: then it is no end of a line.

The finders of values decide: what they find across the line end, if both sides are read as one, was cut by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from extractor.lang.characters import HAN, HAN_CHARACTER
from extractor.lang.date_spans import find_dates, find_periods
from extractor.lang.numerals import DIGIT, value_of
from extractor.lang.people import find_people
from extractor.lang.quantities import find_quantities
from extractor.lang.sentences import Span, numbering
from extractor.lang.surnames import OFFICE, SURNAMES

# Characters on each side of a line end that are read.
CONTEXT = 40
# How near to the line end a number or a name has to be.
_NEAR = 12

_NUMERAL = f"{DIGIT}十百千万亿"
_NUMBER = re.compile(f"[\\d{_NUMERAL}半]")
# 8. | 5%: but 3. alone is the number of a list, and 5、 and 5月 begin something else.
_POINT = re.compile(r"(?<!^)\d[.．]$|^\d{4,}[.．]$")
_NEW = re.compile(r"\d{1,2}(?:[、．)）]|\.(?!\d))|\d{1,4}[年月日]")
_GROUPS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3}){0,4}$")
_GROUP = re.compile(r"\d{3}(?!\d)")
# A number that words stand before, and one that words or a sign stand behind: the numbers of a table stand alone.
_ATTACHED = re.compile(rf"[{HAN}，。、；：（(“;:+~.．-]\d[\d.,]{{0,15}}$")
_FOLLOWED = re.compile(rf"\d[\d.,]{{0,15}}[{HAN}%‰，。、；：（）(),;:~-]")
_SIGNED = re.compile(rf"[-~—至到]\d{{1,9}}(?:\.\d{{1,4}})?[{HAN}%‰]")
_SIGN = re.compile(rf"[{HAN}][+-]$")
_TO = re.compile(rf"[{HAN}，、；：（(“;:]\d[\d.,]{{0,15}}[-~—]$")
# A year of four digits, and a month or a day that would begin with 0.
_YEAR_CUT = re.compile(r"(?<!\d)(?:1|2|1[89]|20|1[89]\d|20\d)\|\d{1,3}年")
_YEAR = re.compile(r"(?<!\d)(?:1[89]|20)\d\d年")
_ZERO = re.compile("0[月日]")
_PAUSE = re.compile("[，,。；;、]")
_LAST_NUMERAL = re.compile(f"[{_NUMERAL}]{{1,12}}$")
_FIRST_NUMERAL = re.compile(f"[{_NUMERAL}]{{1,12}}")


_OPEN_END = re.compile(rf"(?:[{HAN}A-Za-z0-9,，、%‰]|(?<![。！？；!?;])[”》])$")
_GOES_ON = re.compile(rf"[{HAN}A-Za-z0-9,，。、；：;:%‰℃“”《》）)]")
# What begins a new line, beside the numbering of headings: 一, 第三条 3) 【…】 同志们 附件 and bullets.
# More than headings have, since joining two lines wrongly is worse than leaving one broken.
_OWN_LINE = re.compile(
    r"[一二三四五六七八九十百]{1,3}(?:[,，:：章节条)）]|方面)|第[一二三四五六七八九十百]|\d{1,3}(?:[、．)）]|\.(?!\d))"
    r"|[⑴-⒛●■◆★▲•·※—*-]|【|同志们|各位|附件?\d*[:：]"
)
_OFFICE = re.compile(rf"[{HAN}]{{0,2}}?{OFFICE}")
_OFFICE_LAST = re.compile(rf"{OFFICE}$")
_ACT_FIRST = re.compile("出席|参加|主持|作了?|通报|强调|指出|要求|表示|宣读|传达|陪同|讲话|汇报|介绍|部署|同志")


def may_go_on(left: str, right: str) -> bool:
    """Whether a sentence can go on from the last two characters of one line to the next line."""
    if not _OPEN_END.search(left, max(0, len(left) - 2)) or not _GOES_ON.match(right):
        return False
    return not (numbering(right) or _OWN_LINE.match(right))


def is_inside_value(left: str, right: str) -> bool:
    """Whether the line end between two pieces of a text is inside a number, a date, a name or a word."""
    return continues_number(left, right) or (may_go_on(left, right) and splits_value(left, right))


def continues_number(left: str, right: str) -> bool:
    """Whether a number goes on behind the line end, by its digits, points and commas alone."""
    if not left or not right:
        return False
    if left[-1] in ".．":
        return right[0].isdecimal() and _POINT.search(left) is not None and not _NEW.match(right)
    if _TO.search(left) or _SIGN.search(left):
        return right[0].isdecimal()
    if not left[-1].isdecimal():
        return left[-1] == "," and right[0].isdecimal() and bool(_GROUPS.search(left[:-1]) and _GROUP.match(right))
    if right[0] in ".．":
        return right[1:2].isdecimal()
    if right[0] == ",":
        return bool(_GROUPS.search(left) and _GROUP.match(right, 1))
    if right[0].isdecimal():
        if _ZERO.match(right) or (_YEAR_CUT.search(f"{left[-4:]}|{right[:4]}") and _YEAR.search(left[-4:] + right[:4])):
            return True
        is_value = bool(_ATTACHED.search(left) and _FOLLOWED.match(right))
        return is_value and any(_across(find(left + right), len(left)) for find in (find_quantities, find_dates))
    return bool(_ATTACHED.search(left) and _SIGNED.match(right))


def splits_value(left: str, right: str) -> bool:
    """Whether a number, a date, a name or a word stands across the line end between two pieces of a text."""
    if left[-1].isdecimal() and right[0].isdecimal():
        return False  # `continues_number` has decided
    return splits_number(left, right) or _splits_name(left + right, len(left)) or _splits_word(left, right)


def splits_number(left: str, right: str) -> bool:
    """Whether a number with its unit, or a date, stands across the line end between two pieces of a text."""
    text, at = left + right, len(left)
    if not _NUMBER.search(text, max(0, at - _NEAR), at + _NEAR):
        return False
    found = (find(text) for find in (find_quantities, find_dates, find_periods))
    return _is_one_numeral(left, right) or any(_across(spans, at) for spans in found)


def _is_one_numeral(left: str, right: str) -> bool:
    """一百八 | 十亿: Chinese numerals on both sides that make one number."""
    before, after = _LAST_NUMERAL.search(left), _FIRST_NUMERAL.match(right)
    if not before or not after or value_of(before[0] + after[0]) is None:
        return False
    # A heading may end in 33亿, and the next line begin with 三部.
    return before[0][-1] in DIGIT or _PAUSE.search(left) is not None


def _splits_name(text: str, at: int) -> bool:
    """Whether a person's name stands across `at`; or, in a sentence, between an office and what the person does."""
    if text.startswith("副", at - 1) and _OFFICE.match(text, at):
        return True
    office, act = _OFFICE_LAST.search(text[:at]), _ACT_FIRST.match(text, at)
    if not (office or act or any(c in SURNAMES for c in text[max(0, at - 3) : at])):
        return False
    spans = find_people(text)
    if _across(spans, at):
        return True
    is_sentence = _PAUSE.search(text, 0, at) is not None
    return is_sentence and any((office and start == at) or (act and end == at) for start, end in spans)


def _splits_word(left: str, right: str) -> bool:
    """Whether a word stands across the line end, and its pieces are no words.

    Read as one the text must have fewer words than its two pieces have: 主持人 | 民政局 has not, though 人民 is a word.
    """
    if not (HAN_CHARACTER.match(left[-1]) and HAN_CHARACTER.match(right[0])):
        return False
    import rjieba  # loads its dictionary

    left, right = left[-_NEAR:], right[:_NEAR]
    # Without guesses at unknown words: those would take a piece of a word for a name.
    apart = rjieba.cut(left, False), rjieba.cut(right, False)
    whole = rjieba.cut(left + right, False)
    if len(whole) >= len(apart[0]) + len(apart[1]) or len(apart[0][-1]) > 1 < len(apart[1][0]):
        return False
    return _across(_spans(whole), len(left))


def _spans(words: list[str]) -> Iterator[Span]:
    at = 0
    for word in words:
        yield at, at + len(word)
        at += len(word)


def _across(spans: Iterator[Span] | list[Span], at: int) -> bool:
    return any(start < at < end for start, end in spans)
