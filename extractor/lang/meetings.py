"""The meeting that a document is about: its name, where it was held and who convened it.

All patterns match folded text: a full stop is `;`. A name that could be that of another meeting is not
taken, so nothing is found in the middle of a text.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from extractor.lang.characters import HAN
from extractor.lang.document_head import Head, is_digest
from extractor.lang.organs import are_organs
from extractor.lang.sentences import Span

_LEAD = 400  # characters of the text in which it says which meeting it is about
_LABELLED = 1500  # characters in which labels are looked for

# Ends of names that are no meetings but bodies, festivals and other words.
_NO_MEETING = re.compile(
    r"(?:委员|协|学|(?<!协)商|工|国|(?<![评审])议|联合|基金|理事|董事|监事|常委|社|机|体|研究|促进|村委|居委|运动|奥运|亚运|博览|展览|交易|展销|进博|广交"
    r"|晚|音乐|宴|招待|相亲|聚|总|分|红十字|省委|都|教|帮|误|拜|游园|冬奥|残奥|世博|东博|消博|服贸|首映|委|领|约|幸|不|才|就|也|还|只|将|能|开|盛|嘉年华)会$"
    r"|(?<!次)人民代表大会$"
)
_GENERIC = re.compile(
    r"(?:[全大小这此本该次一二两几多]|专题|专门|紧急|重要|工作|座谈|全体|有关|相关|动员|部署|推进|调度|协调|视频|电视电话|电话|现场|总结|系列|第.{1,3}次)*"
    r"(?:会议|大会|会)"
)
_COUNTED = re.compile(r"[一二两三四五六七八九十几多]+[次个场]|[这此本该]次?|有关|相关|首[次个]|[我他她你它]")
_ACTS = re.compile(
    r"召开|举行|出席|参加|主持|强调|获悉|了解|指出|要求|认为|表示|会见|讲话|传达|学习贯彻.{1,20}精神|落实|审议|部署(?!会|工作会)|[,;:!?]|以来|闭会|将于|[日号](?:上午|下午|晚上?)?在"
)
_MEETING = r"[^\n;,:!?\s]{2,60}?(?:会议|会|论坛)"
_AFTER = r"(?=[;,:!?\s(]|$|并|上|和|与会|时|以|强调|部署|要求|研究|听取)"
_TIME = (
    r"(?:(?:19|20)\d\d年)?(?:\d{1,2}月)?\d{1,2}[日号](?:至\d{1,2}[日号])?(?:上午|下午|晚上?|中午)?"
    r"|(?:今|昨|前)[天日](?:\([^()\n]{1,12}\))?(?:上午|下午|晚上?)?"
    r"|近日|日前|(?:上午|下午|晚上?)"
)
_PLACE = r"[^\n;,:!?()]{1,24}?"
_HOW = r"(?:隆重|胜利|顺利|如期|圆满|正式|共同|联合|组织|主持|专门|专题|紧急|分别|以[^\n;,:]{2,8}(?:形式|方式)|通过[^\n;,:]{2,8}(?:形式|方式))"
_VERB = r"(?:召开|举行|举办)"

# 全市…会议28日上午在市政府礼堂召开
_HELD = re.compile(
    rf"(?P<meeting>{_MEETING})(?:于)?(?:{_TIME})?,?(?:在(?P<place>{_PLACE}))??{_HOW}{{0,2}}"
    rf"(?:{_VERB}|(?:开|闭)幕(?![式词会]))(?![的前后以])"
)
# 市委、市政府28日在新城区会议中心召开全市…会议
_CONVENED = re.compile(
    rf"(?P<body>[{HAN}、 ]{{2,60}}?)?(?:于)?(?:{_TIME})?(?:在(?P<place>{_PLACE}))??{_HOW}{{0,2}}{_VERB}"
    rf"了?(?!的)(?:(?P<meeting>{_MEETING}){_AFTER})?"
)
_ATTENDED = re.compile(rf"(?:主持|出席|参加)(?:召开)?了?(?P<meeting>{_MEETING})(?=[;,]|$|并|时)")
_SPOKE_AT = re.compile(
    rf"(?:{_TIME})[^\n;]{{0,40}}?(?<!召开)在(?P<meeting>{_MEETING})上(?=强调|指出|要求|发表|作|致辞|讲话|表示)(?![^\n;]{{0,12}}时)"
)
_CLAUSE = re.compile(r"[^;,:!?\n]+")
_BY = re.compile(rf"由(?P<body>[{HAN}、]{{2,40}}?)(?:联合|共同)?(?:主办|举办|召集)")
_IN_TITLE = re.compile(
    r"(?:^|\n|[^\n\"]{0,24}日|[^\n\"]{0,16}(?:同志|书记|长|主任|总理|主席)|[^\n\"]{0,5})在"
    r"(?P<meeting>[^\n;,:!?]{3,60}会(?:议)?)上(?=的|$|[) \n]|讲|作|发)"
)
# 全市卫生工作会议上的讲话; a line of its own above the title: 清河县第十六届人民代表大会第五次会议
_BARE_TITLE = re.compile(r"(?P<meeting>[^在\n;,:!?]{4,60}会(?:议)?)上的")
_ALONE = re.compile(r"(?P<meeting>[^在\n;,:!?]{4,40}次会议)(?=\n|$)")
_MINUTES = re.compile(r"(?P<meeting>[^\n;,:!?]{2,50}会(?:议)?)(?:的)?(?:纪要|会议记录|记录)")
_CALLED = re.compile(rf"召开(?P<meeting>{_MEETING})的")
_CALLED_NEWS = re.compile(rf"召开(?!的)了?(?P<meeting>{_MEETING}){_AFTER}")
_OPENING = re.compile(
    rf"(?:今天|今晚|这次|此次|本次)(?P<body>,?[{HAN}、]{{2,30}}?)?(?:在(?P<place>{_PLACE}))?{_HOW}{{0,2}}"
    rf"召开的?(?P<meeting>{_MEETING})(?=[;,:!?\s]|$|的?主要|是)"
    rf"|(?:今天|这次|此次|本次)的?(?P<meeting2>[全省市县区][^\n;,:!?\s的]{{3,40}}?(?:会议|会))(?=[;,:!?\s是的]|主要)"
)
_ADDRESSED = re.compile(
    r"向(?P<meeting>[^\n;,:!?]{4,40}?第?[一二三四五六七八九十]{1,4}次(?:全体)?会议)(?=,?(?:报告|汇报|作|提出)(?!了))"
)
_ON_BEHALF = re.compile(rf"(?:代表|受)(?P<body>[{HAN}、]{{2,24}}?)(?=,|的?委托|向|作|就)")
_OF_ORGAN = re.compile(
    rf"(?:[一二三四五六七八九十]{{1,4}}届)?(?P<body>[{HAN}]{{2,20}}?)(?:(?:20\d\d年)?第[\d一二三四五六七八九十百零〇]{{1,5}}次)?"
    r"(?:全体|常务|党组|办公|委员长|主任|主席|常委|工作)?会议$"
)
_LABELLED_PLACE = re.compile(
    r"(?:^|\n|[;、]|[ \u3000]{2})[ \u3000]{0,4}(?:会议)?地[ \u3000]{0,4}点[ \u3000]{0,2}:[ \u3000]{0,4}"
    r"(?P<place>[^\n;,:]{2,40}?)(?=[ \u3000]{2}|[\n;,]|$)"
)
_LABELLED_MEETING = re.compile(
    r"(?:^|\n)[ \u3000]{0,4}会议名称[ \u3000]{0,2}:[ \u3000]{0,4}(?P<meeting>[^\n;,:]{4,60})"
)
_NO_PLACE = re.compile(
    r"(?:[下中上时后前]|之际|期间|形势|背景|基础|领导|精神|指导|同时|方面)$|会上|会议(?!中心|室|厅)|大会(?!堂)|^(?:全|各)|方式|形式|^(?:这|那|此)"
)
_LEADING = re.compile(rf"(?:(?:{_TIME})|,|[ \u3000]|了|的(?!确)|我们|记者从|(?<=^)由)+")
_LEADING_MEETING = re.compile(rf"(?:(?:{_TIME})|[ \u3000]|了)+")


_DATELINE = re.compile(r"[^\n;,]{0,50}?(?:讯|电|消息)(?:\([^()\n]{0,12}\))?[ \u3000:]{1,4}")
_PLACE_NAME = re.compile(rf"(?![全各本我该这一二两三四五六七八九十几多])[{HAN}]{{1,6}}[省市县区州盟旗镇乡]")
_ABOUT_MEETING = re.compile(r"会|召开|举行|强调|主持|出席|[开闭]幕|论坛|讲话")


_FROM_START = (_HELD, _BARE_TITLE, _ALONE)


class Occasion(NamedTuple):
    """Where a document names its meeting, the place and the body: spans of the text, None for what it lacks."""

    meeting: Span | None = None
    place: Span | None = None
    body: Span | None = None


def find_occasion(folded: str, head: Head, kind: str | None) -> Occasion:
    """What a document says about its meeting, in its title, its labels and its first sentences."""
    titled = _from_title(folded, head, kind)
    told = Occasion()
    if kind == "news":
        if is_digest(folded, head.body):
            return Occasion()
        told = _from_lead(folded, head.body)
    elif kind in ("speech", "report"):
        told = _from_opening(folded, head.body, kind)
    labelled = _from_labels(folded, kind)
    # A headline shortens the name that the first sentence gives in full.
    meeting = titled.meeting or labelled.meeting or told.meeting
    if kind == "news":
        meeting = told.meeting or titled.meeting
        if not meeting and any(not _ABOUT_MEETING.search(folded, *span) for span in head.title):
            return Occasion()  # a meeting is only the occasion of what is reported
    body = titled.body or told.body or _convener(folded, meeting)
    return Occasion(meeting, labelled.place or told.place, body)


def _from_title(folded: str, head: Head, kind: str | None) -> Occasion:
    issued = _issuer(folded, head) if kind == "notice" else None
    # The occasion stands in the title, or in a line below it.
    below = [(line.start, line.end) for line in head.lines] if kind in ("speech", "report") else []
    for start, end in [*head.title, *below]:
        patterns = {"minutes": [_MINUTES], "notice": [_CALLED], "news": [_HELD, _CALLED_NEWS]}.get(
            kind or "", [_IN_TITLE, _BARE_TITLE, _ALONE]
        )
        for pattern in patterns:
            found = pattern.match(folded, start, end) if pattern in _FROM_START else pattern.search(folded, start, end)
            if found and (span := _name(folded, *found.span("meeting"))):
                return Occasion(span, None, issued)
    joined = _across_lines(folded, head) if kind in ("speech", "report") else None
    return Occasion(joined, None, issued)


def _across_lines(folded: str, head: Head) -> Span | None:
    """The name in a title over two lines, if the line break is before or after it."""
    if len(head.title) < 2:
        return None
    start, end = head.title[0][0], head.title[-1][1]
    found = _IN_TITLE.search(folded, start, end)
    return _name(folded, *found.span("meeting")) if found else None


def _issuer(folded: str, head: Head) -> Span | None:
    """The body that a notice's title begins with, or that signs it: 国务院办公厅关于…的通知."""
    for start, end in head.title[:1]:
        about = folded.find("关于", start, end)
        stop = about if about > 0 else end if len(head.title) > 1 else start
        if stop > start and are_organs(folded[start:stop]):
            return start, stop
    lines = [(m.start(), m.end()) for m in re.finditer(r"[^\s][^\n]*", folded[-160:])]
    shift = max(len(folded) - 160, 0)
    for (start, end), (after, until) in pairwise(lines):
        dated = re.fullmatch(r"\S{4}年\S{2,8}日\s*", folded[shift + after : shift + until])
        if dated and shift + start > head.body and are_organs(folded[shift + start : shift + end].strip()):
            return shift + start, shift + start + len(folded[shift + start : shift + end].strip())
    return None


def _from_lead(folded: str, body: int) -> Occasion:
    """From the first two sentences of a report."""
    dateline = _DATELINE.match(folded, body)
    body = dateline.end() if dateline else body
    sentences = re.finditer(r"[^;\n]+", folded[body : body + _LEAD])
    found = Occasion()
    for sentence in list(sentences)[:2]:
        start, end = body + sentence.start(), body + sentence.end()
        told = _from_sentence(folded, start, end)
        found = Occasion(found.meeting or told.meeting, found.place or told.place, found.body or told.body)
        if found.meeting:
            break
    return found


def _from_sentence(folded: str, start: int, end: int) -> Occasion:
    by = _BY.search(folded, start, end)
    body = by.span("body") if by else None
    for clause in _CLAUSE.finditer(folded, start, end):
        for pattern in (_HELD, _CONVENED):
            found = pattern.match(folded, *clause.span())
            told = _occasion(folded, found) if found else Occasion()
            if told != Occasion():
                return Occasion(told.meeting, told.place, body or told.body)
    for pattern in (_CALLED_NEWS, _ATTENDED, _SPOKE_AT):
        found = pattern.search(folded, start, end)
        if found and (span := _name(folded, *found.span("meeting"))):
            return Occasion(span, None, body)
    return Occasion(None, None, body)


def _occasion(folded: str, found: re.Match[str]) -> Occasion:
    groups = found.re.groupindex
    meeting = _name(folded, *found.span("meeting")) if found["meeting"] else None
    body = _convened_by(folded, *found.span("body")) if "body" in groups and found["body"] else None
    if meeting is None and body is None:
        return Occasion()
    place = found.span("place") if found["place"] and not _NO_PLACE.search(found["place"]) else None
    return Occasion(meeting, place, body)


def _from_opening(folded: str, body: int, kind: str) -> Occasion:
    """From the first words of a speech: 今天,市政府召开全市…会议."""
    end = body + _LEAD
    found = _OPENING.search(folded, body, end)
    meeting = place = organ = None
    if found:
        meeting = _name(folded, *(found.span("meeting") if found["meeting"] else found.span("meeting2")))
        organ = _organs(folded, *found.span("body")) if found["body"] else None
        place = found.span("place") if found["place"] and not _NO_PLACE.search(found["place"]) else None
    if kind == "report":
        addressed = _ADDRESSED.search(folded, body, end)
        meeting = meeting or (addressed.span("meeting") if addressed else None)
        behalf = _ON_BEHALF.search(folded, body, end)
        organ = _organs(folded, *behalf.span("body")) if behalf else organ
    return Occasion(meeting, place, organ)


def _from_labels(folded: str, kind: str | None) -> Occasion:
    """From lines such as 地点:县政府礼堂, in minutes and invitations."""
    if kind not in ("minutes", "notice", "speech", "report"):
        return Occasion()
    place = _LABELLED_PLACE.search(folded, 0, _LABELLED)
    meeting = _LABELLED_MEETING.search(folded, 0, _LABELLED)
    return Occasion(meeting.span("meeting") if meeting else None, place.span("place") if place else None)


def _convener(folded: str, meeting: Span | None) -> Span | None:
    """The body in the name of its own meeting: 县政府 of 县政府第12次常务会议."""
    found = _OF_ORGAN.match(folded, *meeting) if meeting else None
    return _organs(folded, *found.span("body")) if found else None


def _convened_by(folded: str, start: int, end: int) -> Span | None:
    """The body in front of 召开: an organ, or a place, as in 清河县召开全县禁毒工作推进会."""
    lead = _LEADING.match(folded, start, end)
    start = lead.end() if lead else start
    return _organs(folded, start, end) or ((start, end) if _PLACE_NAME.fullmatch(folded, start, end) else None)


def _organs(folded: str, start: int, end: int) -> Span | None:
    lead = _LEADING.match(folded, start, end)
    start = lead.end() if lead else start
    return (start, end) if start < end and are_organs(folded[start:end]) else None


def _name(folded: str, start: int, end: int) -> Span | None:
    """The name of a meeting in this span without what precedes it; None if it is no name."""
    lead = _LEADING_MEETING.match(folded, start, end)
    start = lead.end() if lead else start
    cut = max((m.end() for m in re.finditer(r"(?<!党)的", folded[start:end])), default=0)
    start += cut
    words = folded[start:end]
    if len(words) < 4 or _GENERIC.fullmatch(words) or _COUNTED.match(words) or _ACTS.search(words):
        return None
    if _NO_MEETING.search(words) or words.count('"') % 2 or words.count("(") != words.count(")") or "<" in words:
        return None
    return start, end
