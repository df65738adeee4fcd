"""Whose a title is, and the whole title that a part of it stands for.

In 县委书记何志远、县长吴倩 each title belongs to the name behind it, and 县长 of 副县长 or 原县长 is another office. Texts are clean and
Simplified.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice

from extractor.lang.characters import HAN
from extractor.lang.name_lists import JOINT, list_starts, occurrences
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
# How far behind a title the names may go on that share it.
_LONGEST_LIST = 1000
_OFFICE_AT_END = re.compile(
    rf"(?:{OFFICE}|总统|首相|大臣|代表|院士|教授|研究员|工程师|医生|助理|发言人|理事|干部|[长员家师])$"
)
# Between a title and the name that it belongs to: further titles.
# The groups are atomic, so that a run of offices is not divided in all possible ways.
_CHAIN = re.compile(rf"(?>[、兼和 \u3000]{{0,2}}(?:(?!的)[{HAN}“”]){{0,24}}?(?:总指挥长|{OFFICE}))*[ \u3000]?")
_LISTED = re.compile(r"(?:同志)?[、，, \u3000和与及]{1,2}(?:以及)?")
# 局长、主任分别由甲、乙担任, 甲、乙分别担任局长、主任: the list of names is read by `list_starts`.
_HELD_BY = re.compile(rf"(?P<offices>[{HAN}、]{{4,60}})分别由(?P<names>[{HAN}·、]{{5,160}})")
_APPOINTED = re.compile("分别(?:担任|任|当选为|为|是)")
_PAUSE = re.compile("[，,。；;]")
_CLAUSE_END = re.compile("[，,。；;\n]")
_LONGEST_NAME = 8
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
    if text.find("分别", max(0, span[0] - _NEAR), span[1] + _NEAR) < 0:
        return None
    for held in _HELD_BY.finditer(text, max(0, span[0] - _NEAR), span[1] + _NEAR):
        begin, stop = held.span("offices")
        people, offices = _names_of_holders(text, held), JOINT.split(held["offices"])
        if name in people and len(people) == len(offices) and begin <= span[0] < stop:
            return people[text.count("、", begin, span[0])]
    found = _appointed(text, max(0, span[0] - _NEAR), span[0])
    if found is None:
        return None
    start, each = found
    names, before = JOINT.split(text[start : each.start()]), JOINT.split(text[each.end() : span[0]])
    pause = _CLAUSE_END.search(text, span[1])
    count = len(before) + len(JOINT.findall(text, span[1], pause.start() if pause else len(text)))
    return names[len(before) - 1] if name in names and len(names) == count else None


def _names_of_holders(text: str, held: re.Match[str]) -> list[str]:
    """The names between 分别由 and 担任, if they are a list."""
    start, end = held.span("names")
    stop = text.rfind("担任", start, end)
    while stop > start:
        if start in list_starts(text, start, stop, _LONGEST_NAME):
            return JOINT.split(text[start:stop])
        stop = text.rfind("担任", start, stop)
    return []


def _appointed(text: str, begin: int, end: int) -> tuple[int, re.Match[str]] | None:
    """Where the names in 甲、乙分别担任局长、主任 begin, and the 分别, if only offices follow it up to `end`."""
    found = [
        (starts[0], each)
        for each in _APPOINTED.finditer(text, begin, end)
        if not _PAUSE.search(text, each.end(), end)
        and (starts := list_starts(text, begin, each.start(), _LONGEST_NAME))
    ]
    return min(found, key=lambda one: one[0], default=None)


def is_beside(text: str, span: Span, name: str, people: Sequence[Span]) -> bool:
    """Whether the title stands beside this name."""
    owners = [text[slice(*owner)] for owner in _owners(text, span, _with_name(text, span, name, people))]
    return any(owner in name or name in owner for owner in owners)


def _with_name(text: str, span: Span, name: str, people: Sequence[Span]) -> Sequence[Span]:
    """The persons near the title, and where this name stands there, which code may not know as a name."""
    begin, end = max(0, span[0] - _NEAR), span[1] + _NEAR
    if text.find(name, begin, end) < 0:
        return people
    own = list(occurrences(text, name, begin, end))
    first, last, far = (bisect_left(people, (at, 0)) for at in (begin - _NEAR, end, end + _LONGEST_LIST))
    near = people[first:last]
    if all(one in near for one in own):
        return people[first:far]
    taken = {at for i, j in own for at in range(i, j)}
    others = [one for one in near if taken.isdisjoint(range(*one))]
    return [*sorted([*others, *own]), *people[last:far]]


def _owners(text: str, span: Span, people: Sequence[Span]) -> list[Span]:
    """The names to which further offices at most lead, or else the one right before the title."""
    at = bisect_left(people, (span[1], 0))
    if at < len(people) and _CHAIN.fullmatch(text, span[1], people[at][0]):
        owners = [people[at]]
        for following in islice(people, at + 1, None):
            if _LISTED.fullmatch(text, owners[-1][1], following[0]) is None:
                break
            owners.append(following)
        return owners
    if at and people[at - 1][1] <= span[0] and _BESIDE.fullmatch(text, people[at - 1][1], span[0]):
        return [people[at - 1]]
    return []
