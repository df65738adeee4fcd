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

# What makes another office of the title behind it. Words may end in the characters of the second line (太原|市长), so
# these count at the edge of a clause or of a list only.
_QUALIFIED = re.compile(
    r"(?:常务副|第一副|副|名誉|候任)$"
    r"|(?:(?<=[，,。；;：:、（(\s“由受与和向对以及])|^)(?:原|前|前任|原任|时任|曾任|代|代理|临时)$"
)
_QUALIFIES = re.compile("助理|候选人|人选")
_REACH = 6
# Between a title and the name that it belongs to: further titles.
_CHAIN = re.compile(rf"(?:[、兼和 \u3000]{{0,2}}[{HAN}“”]{{0,24}}?{OFFICE})*[ \u3000]?")
_LISTED = re.compile(r"(?:同志)?[、，, \u3000和与及]{1,2}(?:以及)?")
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


def is_title_of_another(text: str, span: Span, name: str, people: Sequence[Span]) -> bool:
    """Whether the title stands beside the name of somebody else, and not beside `name`.

    One title may be that of several: 副市长江文玉、王仲田.
    """
    owners = [text[slice(*owner)] for owner in _owners(text, span, people)]
    return bool(owners) and not any(words in name or name in words for words in owners)


def may_be_title(words: str) -> bool:
    """False for words that say what somebody does, as 主持会议."""
    return _NO_TITLE.search(words) is None


def _owners(text: str, span: Span, people: Sequence[Span]) -> list[Span]:
    """The names to which further titles at most lead, or else the one right before the title."""
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
