"""What the head of a text says of it: its title, kind, meeting, place, organising body and speaker.

Every answer is a place in the text, or None where the text does not say. Texts are clean and Simplified.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from extractor.lang.characters import HAN
from extractor.lang.people import find_people, is_name
from extractor.lang.sentences import Span
from extractor.lang.subjects import names_bodies

TextKind = Literal["speech", "report", "news", "minutes", "notice", "other"]

# How far a head reaches, and the longest line that can be a title.
HEAD = 600
_LONGEST_TITLE = 60
_LINE = re.compile(r"[^\n]+")

_DATE_LINE = re.compile(
    r"[（(]?[0-9〇○零一二三四五六七八九十×xX＊*]{2,4}年[^。，]{0,12}[）)]?$|[（(]?[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}[）)]?.{0,12}$"
)
_NO_TITLE = re.compile(
    r"(?:尊敬的|各位|同志们|女士们|朋友们|代表们|委员们|本报讯|本网讯|新华社|央视网|[^，。]{0,12}(?:消息|讯|电)[（(：:]|来源|作者|编辑|责任编辑|记者|通讯员|发布|字号|时间|地点|主持|出席|列席|参加|记录"
    r"|索引号|主题词|附件|目录|第[一二三四五六七八九十]+条|[一二三四五六七八九十]+、|[（(][一二三四五六七八九十]+[)）]|[0-9]+[.、．]|问[：:]|答[：:]|专栏)"
)
_NUMBER_LINE = re.compile(
    rf"[{HAN}]{{1,12}}(?:〔|\[|【|（|\()(?:19|20)[0-9]{{2}}(?:〕|\]|】|）|\))[^\n]{{0,6}}[0-9]+号"
)
_CONTINUES = re.compile(r"的?(?:讲话|报告|通知|意见|决定|发言|致辞|纪要|汇报|办法|方案|批复|公告|通报)|上的|暨")
_OPEN = re.compile(r"(?:在|关于|印发|转发|暨|及|和|与|、|会议|大会|工作)$")

_KINDS: tuple[tuple[TextKind, str], ...] = (
    ("minutes", r"纪要$|纪要[（(]|会议记录$"),
    (
        "report",
        r"(?:政府)?工作报告(?!的(?:决议|决定|审议|说明))|(?:执行情况|审查结果|情况)(?:的)?(?:报告|汇报)|述职报告",
    ),
    (
        "notice",
        r"(?:通知|意见|决定|决议|办法|方案|通报|公告|通告|批复|复函|条例|规定|规划|纲要|细则|命令|令|公报|计划|要点|指南|目录|制度|准则)(?:的通知)?(?:[（(].{1,20}[）)])?$",
    ),
    (
        "speech",
        r"(?:讲话|致辞|致词|发言|演讲|贺词|献词|讲稿|开幕词|闭幕词|主持词|表态|动员|报告)(?:稿|提纲|摘要|要点|全文|摘登|[（(].{1,20}[）)])?$|上的(?:讲话|致辞|发言|演讲)",
    ),
)
_KINDS_BY_TITLE = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_NEWS = re.compile(
    r"本报讯|本网讯|新华社[^。]{0,16}电|央视网消息|[（(]记者|记者从|记者[^，。]{2,8}报道|通讯员|消息[（(：:]|[0-9]{1,2}[日号](?:上午|下午|晚)?[^。]{0,40}(?:召开|举行|举办|主持召开|在[^。，]{2,16}(?:召开|举行|会见|考察|调研|出席))"
)
_LEAD = re.compile(r"本报讯|本网讯|新华社[^。]{0,16}电|央视网消息|[（(]记者|消息[（(：:]")
_ADDRESS = re.compile(r"^(?:尊敬的[^\n]{0,30}|各位[^\n。]{0,30}|同志们|女士们[^\n]{0,20})[：:！!，,]", re.MULTILINE)
_MINUTES = re.compile(
    r"^(?:时\s*间|地\s*点|主\s*持\s*人?|出\s*席(?:人员)?|参会人员|列\s*席|记\s*录)\s*[：:]", re.MULTILINE
)
_REPORTS = re.compile(
    r"我?(?:现在)?(?:受[^，。]{2,16}委托)?[，,]?(?:现在)?我?(?:现在)?代表[^，。]{2,20}(?:，|,)?(?:向[^。]{0,24})?(?:报告|作[^。]{0,8}报告)"
)

_GATHERING = (
    "(?:会议|论坛|启动仪式|开工仪式|签约仪式|揭牌仪式|开幕式|闭幕式|培训班|研讨班"
    "|(?:大|全|座谈|动员|推进|现场|电视电话|视频|例|调度|部署|总结|表彰|通报|汇报|交流|培训|论证|听证|发布|常务|扩大|协调|联席|专题|茶话|工作|联欢|恳谈|协商|研讨|报告|宣讲|推介|年|峰|学习|务虚"
    "|民主生活|分析|研判|评议|述职|约谈|见面|对接|洽谈|观摩|督导|督办|反馈|会商|碰头|办公|调研|说明|展示|纪念|庆祝|专项|安排|评估|评审|招待|代表)会(?!议|[员长]))"
)
_NAME_OF_MEETING = rf"[^，,。；;：:！？\n]{{0,44}}?{_GATHERING}(?!室|场|厅|精神|期间|要求|指出|强调|认为|上|以来|代表|纪要|中|后|前|之|记录|制度|决定|部署|确定|安排|提出|明确)"
_AT_MEETING = re.compile(
    rf"(?:在|出席)(?P<meeting>[^，,。；;：:！？\n]{{2,50}}?{_GATHERING})(?:暨[^\n]{{2,30}}?{_GATHERING})?(?:上?(?:的|作|发表|强调|指出)|上[）)]?$|时(?:强调|指出|表示))"
)
_HELD = re.compile(rf"(?:主持召开|召开|召集|举行|举办|开了?)(?:了|的)?(?P<meeting>{_NAME_OF_MEETING})")
_TO_MEETING = re.compile(r"向(?P<meeting>[^，,。；;：:！？\n]{4,40}?会议)(?:作|报告|提出)")
_MEETING_HELD = re.compile(
    rf"(?P<meeting>{_NAME_OF_MEETING})(?:今天|昨天|日前|近日|[0-9]{{1,2}}[日号])?(?:上午|下午|晚上?)?"
    r"(?:在(?P<place>[^，,。；;：:\n]{1,24}?))?(?:隆重|胜利|圆满|正式)?(?:召开|举行|开幕|闭幕|举办|落幕|结束)"
)
_HELD_AT = re.compile(
    r"在(?P<place>[^，,。；;：:\n的]{1,24}?)(?:隆重|胜利|正式|主持|组织|分别|联合|共同)?(?:召开|举行|举办|开幕|闭幕)"
)
_LABELLED = {
    name: re.compile(rf"^{label}\s*[：:]\s*(?P<words>[^\n。；;]{{2,60}})", re.MULTILINE)
    for name, label in (("place", r"(?:会议)?地\s*点"), ("meeting", r"会议名称"), ("body", r"(?:主办|召集)单位"))
}
_NO_PLACE = re.compile(
    r"(?:上|中|下|前|后|期间|之际|基础|背景|情况|形势|时候|同时|会议|大会|关头|之年|月|日|上午|下午|方面|领导|指导|支持|参加|出席|主持|论坛|会|仪式)$|第[一二三四五六七八九十]|会(?:上|前)|^(?:这里|此|今天|会|全[国省市县区])"
)
_DAY = r"(?:[0-9]{1,2}月)?(?:[0-9]{1,2}[日号])?(?:今天|昨天|近日|日前)?(?:上午|下午|晚上?)?"
_BODY_HOLDS = re.compile(
    rf"(?:^|[，,。；;：:\n日号]|上午|下午|近日|日前|今天|昨天)(?P<body>[^，,。；;：:\n]{{2,36}}?){_DAY}(?:联合|共同|隆重|又|分别|组织|在[^，,。；;：:\n]{{1,20}})?(?:召开|举行|举办|主办)(?!的)"
)
_ISSUES = re.compile(r"^(?P<body>[^\n，。《]{3,40}?)(?:办公[厅室])?(?:关于|印发|转发|批转|公告|通告)")
_REPRESENTS = re.compile(r"代表(?P<body>[^，,。；;：:\n]{2,16}?)(?:，|,)?(?:向|作|报告)")

_SPEAKER_IN_TITLE = re.compile(
    rf"(?P<name>[{HAN}·]{{2,8}}?)(?:同志|[书市县区省长记主任]{{2,4}})?在[^\n]{{2,50}}(?:上的|的)(?:讲话|致辞|发言|报告|演讲)"
)


class Header(NamedTuple):
    """Places in a text; of `kind` also the value."""

    title: tuple[Span, ...] = ()
    kind: tuple[TextKind, Span] | None = None
    meeting: Span | None = None
    place: Span | None = None
    body: Span | None = None
    speaker: Span | None = None


# News about several things has no meeting of its own.
_DIGEST = re.compile("快讯|简讯|要闻|集锦|汇总|一周|导读")


def header_of(text: str) -> Header:
    """What the head of a text says of it."""
    title = _title(text)
    kind = _kind(text, title)
    if title and _DIGEST.search(text, *title[0]):
        return Header(title, kind)
    meeting, place = _meeting(text, title, kind)
    return Header(title, kind, meeting, place, _body(text, title, kind), _speaker(text, title, kind))


def _title(text: str) -> tuple[Span, ...]:
    """The lines of the title: the first line that can be one, and the next if the first is broken off."""
    lines = [
        (m.start() + len(m[0]) - len(m[0].lstrip()), m.start() + len(m[0].rstrip()))
        for m in _LINE.finditer(text[:HEAD])
    ]
    lines = [(i, j) for i, j in lines if j > i][:6]
    for number, (i, j) in enumerate(lines[:3]):
        line = text[i:j]
        if _DATE_LINE.match(line) or _NUMBER_LINE.match(line):
            continue
        if not _is_title(line):
            return ()
        following = lines[number + 1] if number + 1 < len(lines) else None
        if following and _joins(line, text[slice(*following)]):
            return (i, j), following
        return ((i, j),)
    return ()


def _is_title(line: str) -> bool:
    return (
        4 <= len(line) <= _LONGEST_TITLE
        and line[-1] not in "。；;，,：:、！!"
        and _NO_TITLE.match(line) is None
        and not re.search(r"[。；;]", line)
    )


def _joins(line: str, following: str) -> bool:
    """Whether a title goes on in the next line: 在全市…会议 / 上的讲话."""
    if not _is_title(following) and len(following) >= 4:
        return False
    return _CONTINUES.match(following) is not None or (_OPEN.search(line) is not None and len(following) <= 40)


def _kind(text: str, title: tuple[Span, ...]) -> tuple[TextKind, Span] | None:
    """The kind of a text, and the words that show it: those of its title first."""
    head = text[:HEAD]
    labels = list(_MINUTES.finditer(head))
    if len(labels) > 1:
        return "minutes", labels[0].span()
    begin = title[-1][1] if title else 0
    if match := _LEAD.search(text, begin, begin + 40):
        return "news", match.span()
    for i, j in reversed(title):
        for kind, pattern in _KINDS_BY_TITLE:
            if match := pattern.search(text, i, j):
                return kind, match.span()
    if match := _NEWS.search(head[:250]):
        return "news", match.span()
    if match := _REPORTS.search(head):
        return "report", match.span()
    if match := _NUMBER_LINE.search(head[:200]):
        return "notice", match.span()
    if match := _ADDRESS.search(head[:250]):
        return "speech", match.span()
    return None


def _meeting(text: str, title: tuple[Span, ...], kind: tuple[TextKind, Span] | None) -> tuple[Span | None, Span | None]:
    """The meeting's name and its place."""
    meeting = _named_meeting(text, title) or (_told_meeting(text) if kind is None or kind[0] in _TOLD else None)
    if meeting is not None:
        meeting = _trimmed(text, meeting)
        meeting = None if _GENERIC.fullmatch(text[slice(*meeting)]) else meeting
    return meeting, _labelled("place", text) or (meeting and _place_of(text, meeting))


def _place_of(text: str, meeting: Span) -> Span | None:
    head = text[: HEAD // 2]
    for match in (*_MEETING_HELD.finditer(head), *_HELD_AT.finditer(head)):
        if match["place"] and not _NO_PLACE.search(match["place"]) and _is_near(text, match, meeting):
            return match.span("place")
    return None


# Kinds of text that tell of a meeting; a speech is held at one, and tells of others.
_TOLD = ("news", "minutes", "notice", "other")


def _named_meeting(text: str, title: tuple[Span, ...]) -> Span | None:
    """The meeting that a label, the title or the lines below it name, or to which a report is made."""
    meeting = _labelled("meeting", text)
    if meeting is not None:
        return meeting
    begin = title[0][0] if title else 0
    for line in [m for m in _LINE.finditer(text[:HEAD]) if m.start() >= begin][:4]:
        if "。" in line[0]:
            break
        match = _AT_MEETING.search(line[0]) or _MEETING_HELD.search(line[0])
        if match:
            return line.start() + match.start("meeting"), line.start() + match.end("meeting")
    match = _TO_MEETING.search(text, 0, HEAD)
    return match.span("meeting") if match else None


def _told_meeting(text: str) -> Span | None:
    """The meeting that the lead says was held."""
    head = text[: HEAD // 2]
    held, holds = _MEETING_HELD.search(head), _HELD.search(head)
    if holds and (held is None or holds.start() < held.start() or held["meeting"] in ("会议", "大会")):
        return holds.span("meeting")
    return held.span("meeting") if held else None


def _is_near(text: str, match: re.Match[str], meeting: Span) -> bool:
    """Whether a place stands in the sentence of the meeting, or of another mention of it."""
    begin, end = text.rfind("。", 0, match.start()) + 1, text.find("。", match.end())
    return text[slice(*meeting)] in text[begin : end if end >= 0 else len(text)]


# What may stand before the name of a meeting in its clause: a date, who holds it or speaks at it, a description.
_BEFORE_MEETING = re.compile(
    r"^(?:.*(?:[0-9]{1,2}[日号](?:上午|下午|晚)?|今天(?:上午|下午)?|昨天(?:上午|下午)?|近日|日前|上午|下午|讯|消息|出席|参加|祝贺|主持召开|主持|召开|举行|举办|[从自当]|(?<![存现正所实潜内])在)(?=.{3})|[^《》“”]{1,16}的(?=.{6}))+"
)
_GENERIC = re.compile(
    rf"(?:[这此本]次|三个|两个|有关|专题|第[一二三四五六七八九十]+次|[0-9]+周年|成立|全体|.){{0,3}}{_GATHERING}"
)


def _trimmed(text: str, span: Span) -> Span:
    before = _BEFORE_MEETING.match(text[slice(*span)])
    return (span[0] + before.end(), span[1]) if before else span


def _labelled(name: str, text: str) -> Span | None:
    match = _LABELLED[name].search(text, 0, HEAD)
    return match.span("words") if match else None


def _body(text: str, title: tuple[Span, ...], kind: tuple[TextKind, Span] | None) -> Span | None:
    """The body that holds the meeting, or that issues the document."""
    span = _labelled("body", text)
    if span is None and kind is not None and kind[0] == "notice" and title:
        match = _ISSUES.match(text[title[0][0] : title[-1][1]])
        span = (title[0][0] + match.start("body"), title[0][0] + match.end("body")) if match else None
    if span is None and kind is not None and kind[0] == "report":
        match = _REPRESENTS.search(text, 0, HEAD)
        span = match.span("body") if match else None
    if span is None:
        for match in _BODY_HOLDS.finditer(text[: HEAD // 2]):
            if names_bodies(match["body"]):
                return match.span("body")
    return span if span is not None and names_bodies(text[slice(*span)]) else None


def _speaker(text: str, title: tuple[Span, ...], kind: tuple[TextKind, Span] | None) -> Span | None:
    """Whose speech or report it is: named in the title, below it, or before the date."""
    if kind is None or kind[0] not in ("speech", "report") or not title:
        return None
    i, j = title[0][0], title[-1][1]
    match = _SPEAKER_IN_TITLE.match(text, i, j)
    if match and is_name(match["name"]):
        return match.span("name")
    below = [m for m in _LINE.finditer(text[:HEAD]) if m.start() >= j][:4]
    people = find_people(text[:HEAD])
    for line in below:
        words = line[0].strip()
        if _ADDRESS.match(words) or len(words) > 40:
            break
        named = [span for span in people if line.start() <= span[0] and span[1] <= line.end()]
        if len(named) == 1 and not re.search(r"[。，]", words):
            return named[0]
        bare = words.strip("（）() \u3000").replace(" ", "").replace("\u3000", "")
        if is_name(bare) and bare in words:
            at = line.start() + line[0].index(bare)
            return at, at + len(bare)
    in_title = [span for span in people if i <= span[0] and span[1] <= j]
    return in_title[0] if len(in_title) == 1 else None
