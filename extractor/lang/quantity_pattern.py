"""The pattern of a number with its unit and approximators, and what a match of it means.

Every repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import re

from extractor.lang.characters import HAN
from extractor.lang.numerals import DIGIT, NUMBER
from extractor.lang.units import APPROX_AFTER, APPROX_BEFORE, STRENGTH, UNIT, Approx, any_of, first_of

_OVER = rf"(?:[多余几]|来(?=(?:{UNIT})))"
_PER = rf"(?:(?:/(?:\d{{0,4}}[十百千万亿](?:{UNIT})?|\d{{0,4}}(?:{UNIT}|季度|季))){{1,2}}(?:·(?:{UNIT}))?)?"
_AHEAD = rf"(?=.{{0,20}}[\d{DIGIT}十百千万亿])"
_EACH = rf"(?:每{_AHEAD}(?:[一两十百千万亿半]|\d{{1,4}}[万亿]?)?(?:{UNIT}|季度|季|学期|亩|班))"
AFTER = any_of(APPROX_AFTER)
BEFORE = (
    rf"(?:{first_of(APPROX_BEFORE)}(?:(?<![附最靠邻相临亲])近|(?<![节公契条合制预签特])约|"
    r"(?<![超通经])过(?=[十百千万亿])|上(?=[百千万亿])|"
    rf"{any_of(word for word in APPROX_BEFORE if word not in '近约过上')}))"
)
_LEAD = (
    rf"(?:倒数第|第|(?<![目从以之])前(?=[\d{DIGIT}十百]{{1,4}}[名位强])|翻了?|"
    rf"(?:\d{{1,4}}万?|[{DIGIT}十百千万]{{1,3}})分之)"
)
_BEFORE_WORDS, _AFTER_WORDS = re.compile(any_of(APPROX_BEFORE)), re.compile(AFTER)
_SIGN = rf"[+-]|负(?:增长)?(?=[\d百])|零下(?=[\d{DIGIT}十])"
_DECIMAL = re.compile(r"\d")
_HALF = rf"(?<![{DIGIT}十百千万亿])半(?![年数天径导成]|个月)"
_STARTS = first_of([*APPROX_BEFORE, *"每倒第前翻负+-0123456789廿十百千万亿", *DIGIT])
QUANTITY = re.compile(
    rf"""
    {_STARTS}
    (?:(?P<each>{_EACH}{{1,3}})(?P<gap>[{HAN}]{{0,8}}?))?
    (?P<before>{BEFORE}{{0,2}}) (?P<lead>{_LEAD}?) (?P<inner>(?:(?<=[之翻了]){BEFORE}{{1,2}})?)
    (?P<sign>(?:{_SIGN})?) (?P<first>{NUMBER})
    (?P<over>{_OVER}?) (?P<half>(?:个半(?=月|小时))?) (?P<unit>(?:{UNIT})?)
    (?:(?P<to>--?|至|到)(?P<lead2>{_LEAD}?)(?P<sign2>(?:{_SIGN})?)(?P<second>{NUMBER})
        (?P<over2>{_OVER}?)(?P<unit2>(?:{UNIT})?))?
    (?P<per>{_PER}) (?P<rest>(?:(?<=成)[{DIGIT}]|{_HALF}|多(?=月|百分点|[^{HAN}]|[的左以]|$))?)
    (?P<tail>(?:(?<=多)(?:月|百分点))?) (?P<after>(?:{AFTER}){{0,2}})
    """,
    re.VERBOSE,
)


def is_indefinite(plain: str, match: re.Match[str]) -> bool:
    """Whether the number is not definite: an order of magnitude (数十, 几百, 万元) or redacted (20xx)."""
    before, after = plain[max(0, match.start() - 1) : match.start("first")], plain[match.end() : match.end() + 1]
    if after.isascii() and after.isalpha():
        return True
    return before.endswith(("数", "几")) or (
        not match["first"].strip("百千万亿") and not match["lead"] and approximation(match) is None
    )


def is_change(before: str, match: re.Match[str]) -> bool:
    """Whether the match is a change from one value to another, 从5%到7%. Without 从 it is a range."""
    return match["to"] in ("至", "到") and before.endswith(("从", "由", "自"))


def in_digits(match: re.Match[str]) -> bool:
    return bool(_DECIMAL.search(match["first"]))


def approximation(match: re.Match[str]) -> Approx | None:
    inside = match["over"] + (match["over2"] or "") + match["rest"] + (match["second"] or match["first"])
    found: set[Approx] = {"about"} if "来" in inside else set()
    if "多" in inside or "余" in inside or "几" in inside:
        found.add("over")
    if match["gap"]:
        found |= {APPROX_BEFORE[word] for word in _BEFORE_WORDS.findall(match["gap"]) if len(word) > 1}
    return strongest(match["before"] + match["inner"], match["after"], found)


def strongest(before: str, after: str | None, found: set[Approx]) -> Approx | None:
    """The strongest approximator of `found` and of the words `before` and `after` the number."""
    if before:
        found |= {APPROX_BEFORE[word] for word in _BEFORE_WORDS.findall(before)}
    if after:
        found |= {APPROX_AFTER[word] for word in _AFTER_WORDS.findall(after)}
    return next((approx for approx in STRENGTH if approx in found), None) if found else None
