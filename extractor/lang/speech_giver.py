"""Whose speech a document is. All patterns match folded text."""

from __future__ import annotations

import re
from itertools import pairwise

from extractor.lang.bylines import byline, name_in_title
from extractor.lang.document_head import Head, is_digest
from extractor.lang.people import find_people
from extractor.lang.sentences import Span

_LONGEST_NEWS = 20_000  # characters; more is not the report of one speech

_SPEECH = "(?:(?:发表|作了?)(?:重要|主旨|总结|动员)?(?:讲话|致辞|演讲))"
_SPOKE = re.compile(rf"(?:同志)?(?:强调|指出|要求|表示|认为|说(?=[,:])|致辞|讲话|{_SPEECH})")
# What shows, after a name, that this person gave the speech that is reported.
_GAVE = re.compile(
    r"[^\n;]{0,40}?(?:"
    rf"(?:出席|主持)[^\n;]{{0,40}}?并(?:讲话|致辞|{_SPEECH})|{_SPEECH}"
    r"|主持[^\n;]{0,40}?会议?;他(?:强调|指出)|在[^\n;]{2,50}?会(?:议|议?开幕式)?上(?:强调|指出|要求|致辞|讲话))"
)
# Whoever is the subject at the head of a sentence that reports what was said.
_SUBJECT = re.compile(
    r"(?:^|[\n;])[ \u3000]{0,4}(?P<who>[^\n;,:]{2,24}?)(?:强调|指出|表示|认为|说|介绍|透露|称)(?=[,:])"
)
_NO_NAMES = frozenset({"普遍", "都"})  # 普 is a surname: 普遍认为
_NOBODY = re.compile(r"^(?:他|她|会议|全会|大会|座谈会|与会|大家|有关|据|讲话|报告|文章|通知|意见|各)|会议$")


def find_speaker(folded: str, head: Head, kind: str | None, has_meeting: bool) -> Span | None:
    """Where the name of the speaker is: in the head of a speech, or in news about one person's speech."""
    if kind in ("speech", "report"):
        return _in_head(folded, head)
    if kind != "news" or len(folded) > _LONGEST_NEWS or is_digest(folded, head.body):
        return None
    span = _reported(folded, head)
    # An earlier speech may be quoted: it has another meeting, and its speaker is not in the headline.
    is_named = span is not None and any(folded[slice(*span)] in folded[i:j] for i, j in head.title)
    return span if has_meeting or is_named else None


def _in_head(folded: str, head: Head) -> Span | None:
    """The name in the title, or else in a line beside it."""
    starts = {start for start, _ in head.title}
    last = head.title[-1][1] if head.title else len(folded)
    if head.title and (found := name_in_title(folded[head.title[0][0] : last])):
        return head.title[0][0] + found[0], head.title[0][0] + found[1]
    for line in head.lines:
        # In the title's lines, a name may also be in brackets that are not part of the title.
        found = name_in_title(line.text) if line.start in starts else byline(line.text, line.start > last)
        if found:
            return line.start + found[0], line.start + found[1]
    return None


def _reported(folded: str, head: Head) -> Span | None:
    """The one person whose speech is reported; None if others speak as well."""
    spoke: dict[str, Span] = {}
    gave: set[str] = set()
    people = [span for span in find_people(folded) if folded[slice(*span)] not in _NO_NAMES]
    nobody = (len(folded), len(folded))
    for (start, end), following in pairwise([*people, nobody]):
        name = folded[start:end]
        given = _GAVE.match(folded, end)
        # 李燕出席会议,王强讲话: the words are about the next person.
        has_given = given is not None and given.end() <= following[0]
        if has_given or _SPOKE.match(folded, end):
            spoke.setdefault(name, (start, end))
        if has_given:
            gave.add(name)
    if len(spoke) != 1 or not gave:
        return None
    ((name, span),) = spoke.items()
    others = (found["who"] for found in _SUBJECT.finditer(folded, max(head.body - 1, 0)))
    return span if all(who.endswith(name) or _NOBODY.search(who) for who in others) else None
