"""The speaker's name in a title or in a line beside it: 县委书记 周立新; 周立新同志在…会议上的讲话.

All patterns match folded text.
"""

from __future__ import annotations

import re

from extractor.lang.characters import HAN
from extractor.lang.people import is_name
from extractor.lang.sentences import Span
from extractor.lang.surnames import COMPOUND_SURNAMES, OFFICE, SURNAMES

# A name may be spaced out: 李 强. A name with a dot is of another people: 努尔·买买提.
_NAME = rf"(?:[{HAN}]{{2,4}}?|[{HAN}](?:[ \u3000\t]{{1,4}}[{HAN}]){{1,2}}|[{HAN}]{{2,6}}·[{HAN}]{{2,8}})"
_ROLE = r"(?:报告人|讲话人|主讲人|汇报人|发言人|演讲人)[ \u3000]{0,4}:"
_LATER_TITLE = rf"(?:同志|(?:副)?{OFFICE})"
_DATE = r"(?:(?:19|20)\d\d|[一二][九〇零○]..)年[^\n()]{3,9}日"
_BYLINE = re.compile(
    rf"[(\- \u3000]{{0,4}}(?:{_DATE}[ \u3000,、]{{0,4}})?"
    rf"(?P<before>{_ROLE}|(?:[{HAN}、 \u3000]{{0,36}}{OFFICE})[ \u3000:]{{0,6}}|)[ \u3000]{{0,4}}"
    rf"(?P<name>{_NAME})(?P<after>{_LATER_TITLE}|)[) \u3000]{{0,4}}"
)
_OFFICE_LINE = re.compile(rf"[(\- ]{{0,4}}[{HAN}、 \u3000]{{0,36}}{OFFICE}[ \u3000:]{{0,4}}")
# 市长周立新在全市…会议上的讲话, 周立新:在…
_IN_TITLE = re.compile(
    rf"(?:^|\n)[- \u3000]{{0,4}}(?P<lead>[{HAN}、 \u3000]{{2,40}}?)(?=:?在[^\n]{{3,60}}上(?:的|作|讲)?)"
)
_COLON = re.compile(rf"(?:^|\n)(?P<lead>[{HAN}]{{2,4}})(?=:)")
_COMRADE = re.compile(rf"{_LATER_TITLE}$")
_SIGNED = re.compile(rf"\((?P<name>{_NAME})\)[ \u3000]{{0,4}}$")
# 会见蒙古国总理 ends in an office as well.
_HEADLINE = re.compile(
    r"会[见谈晤]|出席|主持|任命|当选|接[受见]|致[电信函]|访问|调研|看望|听取|走访|通话|慰问|约谈|免去"
)
_SPACES = re.compile(r"[ \u3000\t]")


def byline(line: str, titled: bool) -> Span | None:
    """Where the name is in a line that holds a name and at most an office or a date; None for other lines.

    A name without an office is accepted only if `titled`: below a title it cannot be much else.
    """
    found = _BYLINE.fullmatch(line)
    if found is None or _HEADLINE.search(line):
        return None
    beside = bool(found["before"] or found["after"])
    # 国务院总理 is an office, although 国 is a surname as well.
    return found.span("name") if (beside or titled) and _may_be_name(found["name"], bool(found["before"])) else None


def is_office_line(line: str) -> bool:
    """Whether a line holds an office and nothing else: 国务院总理, above the name."""
    return _OFFICE_LINE.fullmatch(line) is not None and not _HEADLINE.search(line)


def name_in_title(title: str) -> Span | None:
    """Where the speaker's name is in a title: before 在…上, before a colon, or in brackets at the end."""
    signed = _SIGNED.search(title)
    if signed and _may_be_name(signed["name"], False):
        return signed.span("name")
    for found in (_IN_TITLE.search(title), _COLON.match(title)):
        if found is not None and (span := _last_name(title, *found.span("lead"))):
            return span
    return None


def _last_name(title: str, start: int, end: int) -> Span | None:
    """The name that `title[start:end]` ends in, after an office or alone: 周立新 of 市长周立新同志."""
    after = _COMRADE.search(title, start, end)
    # 市长 in 周立新市长, but not in 副市长周立新.
    stop = after.start() if after else end
    for size in (3, 2, 4):
        at = stop - size
        if at < start or not is_name(title[at:stop]):
            continue
        before = title[start:at].rstrip(" \u3000")
        if not before or re.search(rf"{OFFICE}$", before):
            return at, stop
    return None


def _may_be_name(words: str, beside_office: bool) -> bool:
    if "·" in words:
        return True
    words = _SPACES.sub("", words)
    if is_name(words):
        return True
    # Surnames that are words as well are trusted beside an office only.
    sized = len(words) in (2, 3) or (len(words) == 4 and words[:2] in COMPOUND_SURNAMES)
    return beside_office and sized and words[0] in SURNAMES and not re.search(OFFICE, words)
