"""The kind of a document: a speech, a report, news, minutes or a notice. All patterns match folded text."""

from __future__ import annotations

import re

from extractor.lang.characters import HAN
from extractor.lang.document_head import Head
from extractor.lang.people import is_name
from extractor.lang.sentences import Span

_BEGINNING = 1500  # characters in which a text says what it is
_END = 300  # and those at its end
_LEAD = 250  # characters below the head in which a news item names its agency

# 本报讯, 新华社北京5月3日电, 央视网消息(新闻联播):
_DATELINE = re.compile(
    r"(?:^|\n)(?:<p>)?[ \u3000(\[]{0,8}(?P<word>本[报网台刊](?:讯|消息|[^\n;,:]{0,8}?\d日?[电讯])"
    rf"|[{HAN}]{{2,10}}?(?:[社网台报]讯|[网台]消息|[社网台报][{HAN} ]{{0,8}}?(?:20\d\d年)?\d{{1,2}}月\d{{1,2}}日 ?(?:电|讯|消息)))"
)
_SENTENCE_FOLLOWS = re.compile(r"[^\n]{15}")
_DAY = r"(?:\d{1,2}月\d{1,2}|(?<!\d)\d{1,2})[日号]|近日|日前|昨[天日]|前[天日]"
_NEWS_LEAD = re.compile(
    rf"[^\n;]{{0,80}}?(?:{_DAY})[^\n;]{{0,120}}?(?P<word>(?:召开|举行|举办)(?!的)|[开闭]幕|出席|主持)"
)
_REPORTED = re.compile(
    rf"(?:^|[\n;])[ \u3000]{{0,4}}(?P<name>[{HAN}]{{2,4}})(?P<word>强调|指出|要求|表示|认为|说(?=[,:]))"
)
_FIRST_PERSON = re.compile(r"我们|同志们|我[省市县区州旗镇乡讲谈]|我就|我再|我想")
# In a local paper 我县 is the county that it reports on.
_SPEAKER = re.compile(r"我们|同志们|我(?![省市县区州旗镇乡国军校局院])")
_LABELS = re.compile(
    r"(?:^|\n)[ \u3000]{0,4}(?P<word>(?:会议)?(?:时[ \u3000]{0,4}间|地[ \u3000]{0,4}点|主[ \u3000]{0,4}持(?:人|者)?"
    r"|出席(?:人员)?|列席(?:人员)?|参会人员|记[ \u3000]{0,4}录(?:人)?))[ \u3000]{0,4}:"
)
_NOTICE = re.compile(
    r"现[将就](?:有关|相关|具体)?[^;\n]{0,60}?(?P<word>(?:通知|通报|公告|通告|决定)(?:如下|给你们)"
    r"|提出(?:如下|以下)[^;,\n]{0,6}意见|印发(?:给你们|你们))"
    r"|(?P<word2>特此(?:通知|通报|公告|通告|函告|批复))"
)
# 现在,我代表市人民政府,向大会报告工作; 我受国务院的委托,向大会作关于…的报告
_REPORT = re.compile(
    r"(?:现在|我(?![国省市县区州旗镇乡们]))[^;:\n]{0,80}?(?P<word>(?<!工)(?:作|提出)(?!了)[^;,\n]{0,60}?报告(?=[,;\n]|$)"
    r"|报告(?:(?:政府|过去|本届|一年)[^;,\n]{0,16}?)?工作)"
    r"|(?P<word2>(?:汇报|报告)如下)"
)
_SALUTATION = re.compile(
    r"(?:^|\n)[ \u3000]{0,4}(?P<word>(?:[^\n;:!]{2,20}[、,])?(?:尊敬的|亲爱的)?(?:同志们|(?:尊敬的[^\n;:!]{2,12}、)?各位"
    r"(?:领导|代表|委员|同志|来宾|嘉宾|朋友|同仁|老师|同学)[^\n;:]{0,30}?))[,:!]"
)
_SPOKEN = re.compile(
    r"(?:^|[\n;!])[ \u3000]{0,4}(?:(?P<word>(?:下面|现在|借此机会|最后|这里|今天),?我(?:再|想|就|先|主要|代表|简要)?[^;,\n]{0,12}?"
    r"(?:讲|谈|强调|提|说|通报|汇报|要求)[^;,:\n]{0,10})"
    r"|(?P<word2>(?:今天|今晚|这次|刚才),?[^;,\n]{0,40}?(?:会议|大会|座谈会|动员会|同志|发言|通报|汇报)))"
)


def kind_of(folded: str, head: Head) -> tuple[str, Span] | None:
    """The kind of the document and the words that show it; None if nothing does."""
    start = max(head.body - 1, 0)  # from the line break, which patterns of lines look for
    dateline = _DATELINE.search(folded, 0, head.body + _LEAD)
    if head.kind is not None and head.kind_span is not None:
        # A headline may end like a title: 国务院关于…的意见 / 新华社北京5月3日电 国务院印发《…》.
        reported = dateline and dateline.start() <= head.body and _SENTENCE_FOLLOWS.match(folded, dateline.end())
        return (head.kind, head.kind_span) if dateline is None or not reported else ("news", dateline.span("word"))
    if dateline:
        return "news", dateline.span("word")
    labels = [found.span("word") for found in _LABELS.finditer(folded, 0, start + _BEGINNING)]
    if len({folded[i:j] for i, j in labels}) >= 3:
        return "minutes", labels[0]
    lead = _NEWS_LEAD.match(folded, head.body)
    if lead and not _SPEAKER.search(folded, head.body, lead.end() + 60):
        return "news", lead.span("word")
    for kind, pattern in (("notice", _NOTICE), ("report", _REPORT)):
        found = pattern.search(folded, start, start + _BEGINNING)
        if found:
            return kind, _word(found)
    found = _NOTICE.search(folded, max(start, len(folded) - _END))
    if found:
        return "notice", _word(found)
    return _speech(folded, start) or _reported(folded, head.body)


def _speech(folded: str, start: int) -> tuple[str, Span] | None:
    greeted = _SALUTATION.search(folded, start, start + _BEGINNING)
    if greeted:
        return "speech", greeted.span("word")
    spoken = _SPOKEN.search(folded, start, start + _BEGINNING)
    return ("speech", _word(spoken)) if spoken and _FIRST_PERSON.search(folded, start) else None


def _reported(folded: str, body: int) -> tuple[str, Span] | None:
    """News without a lead: what somebody said is reported, and nobody speaks."""
    found = [match for match in _REPORTED.finditer(folded, max(body - 1, 0)) if is_name(match["name"])]
    if not found or _FIRST_PERSON.search(folded, body):
        return None
    return "news", (found[0].start("name"), found[0].end("word"))


def _word(found: re.Match[str]) -> Span:
    return found.span("word") if found["word"] else found.span("word2")
