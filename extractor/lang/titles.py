"""Whose a title is, and the whole title that a part of it stands for.

In 县委书记何志远、县长吴倩 each title belongs to the name behind it, and 县长 of 副县长 or 原县长 is another office. Texts are clean and
Simplified.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from extractor.lang.characters import HAN
from extractor.lang.sentences import Span
from extractor.lang.surnames import OFFICE
from extractor.lang.vocabulary import is_function_word

# What makes another office of the title behind it. Words may end in the characters of the second line (太原|市长), so
# these count at the edge of a clause or of a list only.
_QUALIFIED = re.compile(
    r"(?:常务副|第一副|副|名誉|候任|常务|第一|执行)$"
    r"|(?:(?<=[，,。；;：:、（(\s“由受与和向对以及])|^)(?:原|前|前任|原任|时任|曾任|代|代理|临时)$"
)
_QUALIFIES = re.compile("助理|候选人|人选")
_REACH, _NEAR = 6, 80
_OFFICE_AT_END = re.compile(
    rf"(?:{OFFICE}|总统|首相|大臣|代表|院士|教授|研究员|工程师|医生|助理|发言人|理事|干部|[长员家师])$"
)
# Between a title and the name that it belongs to: further titles.
_CHAIN = re.compile(rf"(?:[、兼和 \u3000]{{0,2}}(?:(?!的)[{HAN}“”]){{0,24}}?{OFFICE})*[ \u3000]?")
_LISTED = re.compile(r"(?:同志)?[、，, \u3000和与及]{1,2}(?:以及)?")
_HELD_BY = re.compile(
    rf"(?P<offices>[{HAN}、]{{4,60}})分别由(?P<names>[{HAN}·]{{2,8}}(?:[、和与及][{HAN}·]{{2,8}})+)担任"
)
_APPOINTED = re.compile(
    rf"(?P<names>[{HAN}·]{{2,8}}(?:[、和与及][{HAN}·]{{2,8}})+?)分别(?:担任|任|当选为|为|是)(?P<offices>[^，,。；;]*)$"
)
_BESIDE = re.compile("(?:同志)?[ \u3000（(，]?(?:[现时]?任|担任|当选为?|为|是)?")
# Words for what somebody does are no title.
_NO_TITLE = re.compile("^(?:主持|出席|参加|强调|指出|要求|宣读|讲话)|^(?:会议|大会)$|[，,。；;：:]|(?:会议|大会|讲话)$")


def whole_title(text: str, span: Span) -> Span:
    """The title with what makes another office of it: 副县长 for 县长, 县长助理, 原县长."""
    start, end = span
    before = _QUALIFIED.search(text[max(0, start - _REACH) : start])
    after = _QUALIFIES.match(text, end)
    start -= len(before.group()) if before else 0
    return start, after.end() if after else end


def why_no_title(text: str, span: Span, name: str, people: Sequence[Span]) -> str | None:
    """Why the words are no title of the person of this name; None if they may be.

    One title may be that of several: 副市长江文玉、王仲田. A title that stands beside nobody has to end as offices do.
    """
    words = text[slice(*span)]
    owners = [text[slice(*owner)] for owner in _owners(text, span, _with_name(text, span, name, people))]
    given = _given_out(text, span, name)
    owners = [given] if given is not None else owners
    if owners and not any(owner in name or name in owner for owner in owners):
        return "it stands beside the name of another person"
    if _NO_TITLE.search(words) or is_function_word(words) or not (owners or _OFFICE_AT_END.search(words)):
        return "these words are no title"
    return None


def _given_out(text: str, span: Span, name: str) -> str | None:
    """The name to which 分别 gives the title, if this one is in the list: 甲、乙分别担任局长、主任."""
    for listed in _HELD_BY.finditer(text, max(0, span[0] - _NEAR), span[1] + _NEAR):
        people, held = (re.split("[、和与及]", listed[group]) for group in ("names", "offices"))
        at = listed["offices"][: max(0, span[0] - listed.start("offices"))].count("、")
        if name in people and len(people) == len(held) and listed.start("offices") <= span[0] < listed.end("offices"):
            return people[at]
    each = _APPOINTED.search(text[max(0, span[0] - _NEAR) : span[0]])
    if each is None:
        return None
    names, before = re.split("[、和与及]", each["names"]), re.split("[、和与及]", each["offices"])
    after = text[span[1] :]
    offices = len(before) + len(re.findall("[、和与及]", re.split("[，,。；;\n]", after)[0]))
    return names[len(before) - 1] if name in names and len(names) == offices else None


def is_beside(text: str, span: Span, name: str, people: Sequence[Span]) -> bool:
    """Whether the title stands beside this name."""
    owners = [text[slice(*owner)] for owner in _owners(text, span, _with_name(text, span, name, people))]
    return any(owner in name or name in owner for owner in owners)


def _with_name(text: str, span: Span, name: str, people: Sequence[Span]) -> list[Span]:
    """The persons, and where this name stands near the title, which code may not know as a name."""
    begin = max(0, span[0] - _NEAR)
    own = [(begin + m.start(), begin + m.end()) for m in re.finditer(re.escape(name), text[begin : span[1] + _NEAR])]
    others = [one for one in people if not any(one[0] < j and i < one[1] for i, j in own)]
    return sorted([*others, *own])


def _owners(text: str, span: Span, people: Sequence[Span]) -> list[Span]:
    """The names to which further offices at most lead, or else the one right before the title."""
    at = bisect_left(people, (span[1], 0))
    if at < len(people) and _CHAIN.fullmatch(text, span[1], people[at][0]):
        owners = [people[at]]
        for following in people[at + 1 :]:
            if _LISTED.fullmatch(text, owners[-1][1], following[0]) is None:
                break
            owners.append(following)
        return owners
    if at and people[at - 1][1] <= span[0] and _BESIDE.fullmatch(text, people[at - 1][1], span[0]):
        return [people[at - 1]]
    return []
