"""Whose speech a document is. All patterns match folded text."""

from __future__ import annotations

import re

from extractor.lang.bylines import byline, name_in_title
from extractor.lang.characters import HAN
from extractor.lang.document_head import Head
from extractor.lang.people import find_people
from extractor.lang.sentences import Span

_SPOKE = re.compile(r"(?:强调|指出|要求|表示|认为|说(?=[,:])|(?:发表|作了?)(?:重要|主旨|总结|动员)?(?:讲话|致辞|演讲)|致辞|讲话)")
_SUBJECT = re.compile(
    rf"(?:^|[\n;])[ \u3000]{{0,4}}(?P<who>[^\n;,:]{{2,24}}?)(?:强调|指出|要求|表示|认为|说(?=[,:])|介绍|透露|称(?=[,:]))"
)
_NOBODY = re.compile(r"^(?:会议|全会|大会|座谈会|他|她|与会|大家|有关|据|讲话|报告|文章|通知|意见|各|上|还|并|同时|最后|一要|二要)|会议$")
_GAVE_SPEECH = re.compile(
    r"(?P<name>@)[^\n;]{0,40}?(?:出席[^\n;]{0,40}?并(?:发表|作了?)?(?:重要|主旨)?(?:讲话|致辞|演讲)|(?:发表|作了?)(?:重要|主旨|总结|动员)?(?:讲话|致辞|演讲)"
    r"|主持[^\n;]{0,40}?(?:并(?:发表|作了?)?(?:重要)?讲话|会议?;他强调|会;他强调)|在[^\n;]{2,50}?(?:会议|会|会议?开幕式)上(?:强调|指出|要求|致辞|讲话))"
)


def find_speaker(folded: str, head: Head, kind: str | None) -> Span | None:
    """Where the name of the speaker is: in the title, below it, or in the report of one person's speech."""
    if kind in ("speech", "report"):
        return _in_head(folded, head)
    return _reported(folded, head) if kind == "news" else None


def _in_head(folded: str, head: Head) -> Span | None:
    titled = head.title and name_in_title(folded[head.title[0][0] : head.title[-1][1]])
    if titled:
        start = head.title[0][0]
        return start + titled[0], start + titled[1]
    inside = {(start, end) for start, end in head.title}
    last = head.title[-1][1] if head.title else -1
    for line in head.lines:
        after = name_in_title(line.text) if any(start == line.start for start, _ in inside) else None
        found = after or (None if (line.start, line.end) in inside else byline(line.text, bool(head.title) and line.start > last))
        if found:
            return line.start + found[0], line.start + found[1]
    return None


def _reported(folded: str, head: Head) -> Span | None:
    """The one person whose speech is reported; None if others speak as well."""
    people = [span for span in find_people(folded) if span[1] - span[0] > 1]
    spoke: dict[str, Span] = {}
    gave: set[str] = set()
    for start, end in people:
        name = folded[start:end]
        if _SPOKE.match(folded, end):
            spoke.setdefault(name, (start, end))
        if _gave(folded, start, end):
            spoke.setdefault(name, (start, end))
            gave.add(name)
    if len(spoke) != 1 or not gave:
        return None
    ((name, span),) = spoke.items()
    for found in _SUBJECT.finditer(folded, max(head.body - 1, 0)):
        if not found["who"].endswith(name) and not _NOBODY.search(found["who"]):
            return None
    return span


def _gave(folded: str, start: int, end: int) -> bool:
    """Whether it is said right after the name that this person gave a speech at the meeting."""
    return _GAVE.match(folded, end) is not None


_GAVE = re.compile(_GAVE_SPEECH.pattern.replace("(?P<name>@)", ""))
