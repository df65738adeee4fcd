"""Whether the words around a date give it to something else than the event that a text is about.

6月5日前完成整改 has a deadline, 自2013年1月1日起施行 a beginning, 2012年3月5日印发的通知 a document, and 去年3月2日 is that of another year's
event. Texts are clean and Simplified.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from extractor.lang.sentences import Span

_AFTER = re.compile(
    r"[，, ]?(?:[（(][^）)]{0,8}[)）])?(?:以前|之前|之后|以后|以来|前(?![往来])|止|再次|将|拟|起(?!草)|截止|到期)"
    r"|[^，,。；;：:]{0,14}(?:印发|下发|发布|颁布|公布|施行|实施|生效|出台|签发|制定|修订|成立|诞生|出生|逝世|去世)(?:[了的]|，|,|。|$|以来|施行)"
)
# 3月2日，全县发生洪涝灾害: what happened that day was no meeting.
_HAPPENED = re.compile("[，, ]?[^，,。；;：:]{0,14}(?:发生|遭遇|爆发|突发|遭受)")
_MEETING = re.compile("会|讲话|报告|仪式|典礼|调研|视察|考察|座谈|培训|活动")
_OF_DISASTER = re.compile("[^，,。；;：:]{0,10}(?:灾害|洪灾|洪水|地震|事故|火灾|泥石流|疫情|爆炸)")
_BEFORE = re.compile(
    r"(?:截至|截止到?|[到至自]|根据|按照|定于|拟于|预计|计划|将于|改于|不晚于|不迟于|去年|前年|上年|上次|上届|(?:去年|前年|上年)[^，,。；;]{0,4})[ \u3000]?$"
    r"|(?:下次|下一次|下届|上次|上一次|上届)[^，,。；;]{0,10}$|(?:决定|确定|商定|同意)[^，,。；;]{0,16}$"
)
_IN_TITLE = re.compile("《[^《》\n]*$")
_NUMERAL = re.compile("[0-9一二三四五六七八九十〇零]")
_REACH = 20
_INTERVAL = re.compile(r"\s?(?:至|到|-{1,2}|—{1,2}|~|～)\s?")


def is_of_something_else(text: str, span: Span, sentence: Span) -> bool:
    """Whether the date at `span` of the sentence is a deadline, a beginning, a document's, or another event's."""
    before = text[max(sentence[0], span[0] - _REACH) : span[0]]
    after = text[span[1] : min(sentence[1] + 1, span[1] + _REACH)]
    if _IN_TITLE.search(before) or _BEFORE.search(before) or _AFTER.match(after):
        return True
    if _OF_DISASTER.match(after):
        return True
    return _HAPPENED.match(after) is not None and _MEETING.search(text, *sentence) is None


def whole_date(text: str, found: Sequence[Span], start: int, end: int) -> Span:
    """The date that text[start:end] is a part of: 2014年5月27日 for 5月27日, 5月21日至23日 for 5月21日."""
    for i, j in found:
        if i <= start and end <= j and (i, j) != (start, end):
            # 上午 does not make it another date.
            goes_on = (
                _NUMERAL.match(text, end) is not None
                or text[end - 1] not in "日号月年"
                or _INTERVAL.search(text[end:j])
            )
            return i, j if goes_on else end
    return start, end
