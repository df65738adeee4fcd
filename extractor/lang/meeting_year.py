"""Infers the year of a meeting from the text of its speech."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta

from extractor.lang.date_spans import CN, DAY_NUMBER, MONTH_NUMBER, fold_keeping_stops
from extractor.lang.dates import plan_years, to_number
from extractor.lang.sentences import Span

_LEAD, _SIGN_OFF = 300, 150  # characters at the start and end in which a text gives its own date
_Y = rf"(?<!\d)((?:19|20)\d\d(?!\d)|[一二][九〇零○]{CN}{{2}})"
_FULL = rf"{_Y}\s?年\s?({MONTH_NUMBER})\s?月\s?({DAY_NUMBER})\s?[日号]"
# The text's own date: alone on its line, in brackets after the title, before the name of the meeting, or
# labelled.
_OWN_DATE = re.compile(
    rf"(?:^|\n)[ \t\u3000(-]{{0,8}}{_FULL}"
    rf"(?=[ \t\u3000)-]{{0,8}}(?:\n|$)|在[^\n]{{1,60}}会[^\n]{{0,9}}上|第[^\n]{{1,40}}通过)"
    rf"|(?:讲话|报告|发言|致辞|要点|摘要)[^\n(]{{0,3}}\({_FULL}\)|(?:会议|讲话|召开)时间[:\s]{{1,3}}{_FULL}"
    rf"|[;!][ \t\u3000(-]{{0,8}}{_FULL}[ \t\u3000)]{{0,8}}$"
)
_NEWS_LEAD = re.compile(
    rf"(?:^|\n|[讯电)】])[ \t\u3000]{{0,4}}{_FULL}"
    r"(?:(?!以来|起|前|实施|施行|印发|发布|这次|今天)[^\n;]){0,60}?(?:召开|举行|举办|开幕|召集|主持)"
)
_SALUTATION = re.compile("同志们|同志:|各位|尊敬的|女士们|今天")
_BARE_DAY = re.compile(
    rf"(?<!年)(?<!年 )(?<![\d一二三])({MONTH_NUMBER})\s?月\s?({DAY_NUMBER})\s?[日号](?!以来|起|前|至|到|-)"
)
# What ties 今年 to a year: the year itself, the first or last year of a plan, an anniversary.
_BOUND = re.compile(
    rf"(?P<word>今年|去年)(?:\({_Y}年?\)|(?:是|即|即是|也就是|,即){_Y}年?(?=[,\n;]|$))|{_Y}年\((?:即)?(?P<after>今年|去年)\)"
)
_MILESTONE = re.compile(
    r'(?P<word>今年|去年|明年|过去的?一年)[^\n;]{0,60}?(?:"(?P<plan>[一二三四五六七八九十]{1,3})五"|第(?P<ordinal>[一二三四五六七八九十]{1,3})个五年)'
    r"[^\n;,、]{0,14}?(?P<which>开局|起步|开篇|第[一二三四五]年|首年|收官|最后一年|末年)"
)
_IN_PLAN = {"开局": 0, "起步": 0, "开篇": 0, "首年": 0, "第一年": 0, "第二年": 1, "第三年": 2, "第四年": 3}
_ANNIVERSARY = re.compile(
    r"(?P<word>今年|去年)(?:又?是|既是|适逢|恰逢|正值|将?迎来)[^\n;,]{0,8}?(?P<founded>新中国成立|中华人民共和国成立|建国"
    r"|中国共产党成立|建党|改革开放)(?P<count>\d{2,3}|[一二三四五六七八九]?十[一二三四五六七八九]?)周年"
)
# An event of the same year that is still ahead: 迎接建国60周年, 迎接党的十九大. Party congresses are held
# every five years since the 12th, in 1982.
_AWAITED = re.compile(
    r"迎接?(?:新中国成立|中华人民共和国成立|(?:建国|国庆))(?P<count>\d{2}|[一二三四五六七八九]?十[一二三四五六七八九]?)周年"
    r"|迎接?(?:党的?|中国共产党)?第?(?P<congress>十[二三四五六七八九]|二十[一二]?)(?:大|次全国代表大会)(?!精神|以)"
)
_FOUNDED = {"新中国成立": 1949, "中华人民共和国成立": 1949, "建国": 1949, "中国共产党成立": 1921, "建党": 1921}
_SPEECH_MINUS_WORD = {"今年": 0, "去年": 1, "过去一年": 1, "过去的一年": 1, "明年": -1}
# A meeting reviews and rewards the year before; it plans, pledges and convenes in its own year.
_PLACES = "(?:[我全][国省市县区乡镇州旗系])?"
_WORK = "(?:工作|任务|目标)"
_WHOLE_YEAR = r"(?!度?(?:上半|下半|第?[一二三四]季|前|以来|以前|至|到|-|、|\d|[一二三四五六七八九十]{1,2}月))"
_REVIEWED = re.compile(
    rf"(?:回顾|总结|通报)(?:和部署|了)?{_PLACES}{_Y}年{_WHOLE_YEAR}[^\n;,]{{0,20}}?{_WORK}"
    rf"|(?:^|\n)[ \t\u3000]{{0,4}}[^\n;,]{{0,9}}?{_Y}年{_WHOLE_YEAR}(?:的|国内|政府|主要){{0,2}}"
    rf"{_WORK}的?(?:简要|主要)?(?:回顾|总结)"
)
_AWARDED = re.compile(
    rf"(?:表彰|表扬|奖励|授予|命名)[^\n;,]{{0,20}}?{_Y}年度[^\n;,]{{0,50}}?(?:先进|优秀|模范|标兵|单位|个人|集体)"
    rf"|{_Y}年度[^\n;,]{{0,30}}?(?:考核|考评|评比)(?:结果|得分|排名)"
)
_PLANNED = re.compile(
    rf"(?:部署|安排|谋划|布置)(?:了|好)?{_PLACES}{_Y}年[^\n;,]{{0,20}}?{_WORK}"
    rf"|(?:^|\n)[ \t\u3000]{{0,4}}[^\n;,\d]{{0,9}}?{_Y}年[^\n;,\d]{{0,16}}?"
    rf"(?:总体要求|{_WORK}的?(?:总体)?(?:安排|部署|建议|打算))"
)
# 肯定了我市2010年取得的成绩; 2011年,我市将大步迈开…
_PRAISED = re.compile(rf"肯定了?[^\n;,]{{0,12}}?{_Y}年[^\n;,]{{0,24}}?(?:成绩|工作)")
_AHEAD = re.compile(rf"(?:^|[\n;,!?]){_Y}年,?[^\n;,、]{{0,16}}?(?:将|要|计划|力争)(?![求点])")
_PLEDGED = re.compile(rf"(?:签订|签署|签定|签|递交)[^\n;,]{{0,20}}?{_Y}年度?[^\n;,]{{0,40}}?(?:责任[书状]|承诺书)")
_CONVENED = re.compile(rf"(?:召开|举行)(?:了|的)?{_PLACES}{_Y}年度?[^\n;,]{{0,30}}?会(?:议)?(?!精神|以来|后|上)")
# 某市2018年文明城市测评动员会召开; 在全省2021年春季项目开工仪式后.
_HELD = re.compile(
    rf"{_Y}年(?!度)[^\n;,总回表]{{0,30}}?(?:会议?|大会|仪式)(?:(?:暨|、)[^\n;,]{{2,30}}?)?(?:(?:在[^\n;,]{{2,20}})?(?:胜利"
    rf"|隆重|如期|圆满)?(?:召开|举行|开幕)|后[,，])"
)
# When a web page was published: soon after the meeting that it reports.
_POSTED = re.compile(r"(?<!\d)((?:19|20)\d\d)[-/.年](0?[1-9]|1[0-2])[-/.月]([0-3]?\d)日?[ \u3000]{0,3}\d{1,2}:\d{2}")
_DAYS_TO_POST = 31
_ANY_FULL = rf"{_Y}\s?[-/.年]\s?(1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])\s?[-/.月]\s?({DAY_NUMBER})(?!\d)"
# The date of a page or an issue without a clock: labelled, or on the last line.
_LABELLED = re.compile(rf"(?:发布|发表|更新|刊发|上传|来源|日期|时间)[^\n\d;]{{0,12}}?{_ANY_FULL}")
_LAST_LINE = re.compile(
    rf"(?:^|\n)[^\n\d,;:!?]{{0,20}}{_ANY_FULL}日?(?!以?[前后来]|之|起|止)[^\n,;:!?]{{0,12}}\s{{0,9}}$"
)
# A full date of a meeting, anywhere: it is the year of a meeting of the same day.
_ON_THE_DAY = re.compile(rf"{_FULL}(?!以来|起|前|印发|发布)[^\n;]{{0,40}}?(?:召开|举行|举办|开幕|召集|主持)")
_EACH_YEAR = re.compile("周年|纪念")
_TITLED = re.compile(rf"{_Y}年[^\n;,执述]{{0,40}}?(?:会议|大会|推进会|动员会|政府工作报告)(?!精神)")
_YEAR_END = re.compile(
    "今年(?:前|1-|1至|1到)1[01]个?月|(?:部署|安排|谋划|布置|做好|抓好)[^\n;,]{0,4}明年|即将过去|明年(?:的)?(?:工作|任务|重点)"
)
_NEXT_YEAR = re.compile("明年|来年|新的一年")


@dataclass(frozen=True, slots=True)
class InferredYear:
    """The year of a meeting, and the words `text[start:end]` that show it (empty if they are in `extra`).

    `written`: the year is part of the meeting's full date. Otherwise it follows from what was reviewed or
    planned.
    """

    year: int
    start: int
    end: int
    written: bool


def infer_year(text: str, *, extra: str = "") -> InferredYear | None:
    """The year of the meeting or speech; None if the text does not show it or contradicts itself.

    Evidence in order of weight: the full date of the lead or sign-off; 今年 tied to a year
    (今年是“十二五”收官之年); what was reviewed, awarded, planned, pledged or convened; the date of a web
    page; the name of a meeting in `extra` (text beside the speech, such as a title). Years that are only
    mentioned, and redacted ones, do not count.
    """
    folded, beside = fold_keeping_stops(text), fold_keeping_stops(extra)
    month = _meeting_month(folded)
    for find in (_written_years, _years_of_the_day, _bound_years, _implied_years, _posted_years):
        found = find(folded, month)
        found += [replace(year, start=0, end=0) for year in find(beside, month)] if beside else []
        if found:
            return _clear_winner(found)
    if _is_late(folded, month):
        return None
    return _clear_winner([replace(_inferred(match, 0), start=0, end=0) for match in _TITLED.finditer(beside)])


def _meeting_month(folded: str) -> int | None:
    """The month of a date without a year in the lead, or else in the sign-off: 5 for 本报讯 5月27日."""
    for part in (folded[:_LEAD], folded[-_SIGN_OFF:]):
        if match := _BARE_DAY.search(part):
            return small_number(match[1])
    return None


def _is_late(folded: str, month: int | None) -> bool:
    """Whether the meeting is late in its year: then it reviews its own year and plans the next."""
    return month >= 11 if month else bool(_YEAR_END.search(folded))


def small_number(words: str) -> int:
    return int(words) if words.isdecimal() else to_number(words)


def _inferred(match: re.Match[str], offset: int, written: bool = False) -> InferredYear:
    """The four-digit year among the groups of the match, plus `offset`."""
    year = next(group for group in match.groups() if group and len(group) == 4 and not group.endswith("年"))
    start = match.end() - len(match[0].lstrip(" \t\u3000\n(-)】讯电;,!?"))
    return InferredYear(to_number(year) + offset, start, match.end(), written)


def _written_years(folded: str, month: int | None) -> list[InferredYear]:
    """Years of the text's own full dates. One with a month before the meeting's dates a publication."""
    lead, tail = folded[:_LEAD], len(folded) - _SIGN_OFF
    matches = [match for match in _OWN_DATE.finditer(folded) if not _LEAD <= match.start() < tail]
    news = _NEWS_LEAD.search(lead)
    if news and not _SALUTATION.search(lead, 0, news.start()) and not lead[: news.start()].count("\n") > 3:
        matches.append(news)
    return [
        _inferred(match, 0, written=True)
        for match in matches
        if not month or month <= small_number([group for group in match.groups() if group][1])
    ]


def _bound_years(folded: str, _month: int | None) -> list[InferredYear]:
    found = []
    for match in _BOUND.finditer(folded):
        found.append(_inferred(match, _SPEECH_MINUS_WORD[match["word"] or match["after"]]))
    for match in _MILESTONE.finditer(folded):
        years = plan_years(to_number(match["plan"] or match["ordinal"]))
        if years:
            year = years[0] + _IN_PLAN.get(match["which"], 4) + _SPEECH_MINUS_WORD[match["word"]]
            found.append(InferredYear(year, *match.span(), False))
    for match in _ANNIVERSARY.finditer(folded):
        year = _FOUNDED.get(match["founded"], 1978) + small_number(match["count"])
        found.append(InferredYear(year + _SPEECH_MINUS_WORD[match["word"]], *match.span(), False))
    for match in _AWAITED.finditer(folded):
        nth = match["congress"]
        year = 1982 + 5 * (to_number(nth) - 12) if nth else 1949 + small_number(match["count"])
        found.append(InferredYear(year, *match.span(), False))
    return found


def _implied_years(folded: str, month: int | None) -> list[InferredYear]:
    late = _is_late(folded, month)
    reviewed = [_inferred(match, 0 if late else 1) for match in _REVIEWED.finditer(folded)]
    reviewed += [_inferred(match, 0 if late else 1) for match in _PRAISED.finditer(folded)]
    planned = [_inferred(match, -1 if late else 0) for match in _PLANNED.finditer(folded)]
    if month is not None:  # the text is a report with a date; in others the year may be any
        planned += [_inferred(match, -1 if late else 0) for match in _AHEAD.finditer(folded, 0, _LEAD)]
    named = [*_CONVENED.finditer(folded, 0, _LEAD), *_HELD.finditer(folded, 0, _LEAD)]
    if late:  # a review or a plan alone may be about any year; both together mark the last meeting of a year
        if {y.year for y in reviewed} == {y.year for y in planned}:
            return reviewed + planned or ([] if _NEXT_YEAR.search(folded) else [_inferred(m, 0) for m in named])
        return []
    own = [*_PLEDGED.finditer(folded), *named]
    # From September on, awards are for the current year (Teachers' Day).
    awarded = [] if month and month >= 9 else [_inferred(match, 1) for match in _AWARDED.finditer(folded)]
    return reviewed + planned + [_inferred(match, 0) for match in own] + awarded


def meeting_day(folded: str) -> tuple[int, int] | None:
    """Month and day of the first date without a year in the lead, or else in the sign-off, of folded text."""
    for part in (folded[:_LEAD], folded[-_SIGN_OFF:]):
        if match := _BARE_DAY.search(part):
            return small_number(match[1]), small_number(match[2])
    return None


def dates_of_text(folded: str) -> list[tuple[date, Span]]:
    """The full dates that say when a folded text was given, signed or published, with their places."""
    lead, tail = folded[:_LEAD], len(folded) - _SIGN_OFF
    own = [match for match in _OWN_DATE.finditer(folded) if not _LEAD <= match.start() < tail]
    ends = [
        *_LABELLED.finditer(lead),
        *_LABELLED.finditer(folded, max(0, tail)),
        *_LAST_LINE.finditer(folded, max(0, tail)),
    ]
    found = []
    for match in [*own, *_POSTED.finditer(folded), *ends]:
        year, month, day = [group for group in match.groups() if group]
        with suppress(ValueError):  # 2月30日
            found.append((date(to_number(year), small_number(month), small_number(day)), _without_blanks(match)))
    return found


def _without_blanks(match: re.Match[str]) -> Span:
    return match.end() - len(match[0].lstrip()), match.end()


def _years_of_the_day(folded: str, _month: int | None) -> list[InferredYear]:
    """The years of full dates that name the day of the meeting again, beside a word for holding it."""
    day = meeting_day(folded)
    return [
        _inferred(match, 0)
        for match in _ON_THE_DAY.finditer(folded)
        if day == (small_number(match[2]), small_number(match[3])) and not _EACH_YEAR.search(folded, *match.span())
    ]


def _posted_years(folded: str, month: int | None) -> list[InferredYear]:
    """The years in which a text was published or signed, if the day of the meeting is shortly before."""
    day = meeting_day(folded) or (0, 0)
    found = []
    for posted, span in dates_of_text(folded):
        for year in (posted.year, posted.year - 1):
            with suppress(ValueError):  # 2月30日
                meeting = date(year, day[0], day[1])
                if meeting <= posted <= meeting + timedelta(days=_DAYS_TO_POST):
                    found.append(InferredYear(year, *span, False))
    return found


def _clear_winner(found: list[InferredYear]) -> InferredYear | None:
    """The year that most of them give, if it comes at least three times as often as any other."""
    votes = Counter(year.year for year in found).most_common(2)
    if not votes or (len(votes) == 2 and votes[0][1] < 3 * votes[1][1]):
        return None
    return next(year for year in found if year.year == votes[0][0])
