"""What a line shows about where speeches begin and end: marks, titles, salutations, first and last words.

A line is read with its nearest neighbours only. `speeches` adds the scores up and decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from extractor.document import Excerpt, Omission
from extractor.lang.characters import HAN
from extractor.lang.sentences import broken_off, numbering

# The rank of (一), the lowest whose numbers count: 一是, 1、 and the like restart within a section; 一、
# and (一) rarely do.
DEEPEST = 2
_READ = 120  # characters read at each end of a line

_DIGITS = "〇一二三四五六七八九"
_COUNT = r"(?:[一二三四五六七八九十]{1,3}|\d{1,3})"

# Marks by which a compiler numbers the pieces, on a line of their own: 第一篇, 【篇二】, 范文3:,
# …讲话稿(四), …讲话稿 篇5.
_MARK = re.compile(
    rf"^[【\[（(#*\s]*(?:第{_COUNT}篇|篇{_COUNT}|(?:范文|例文|文稿|讲话稿|发言稿){_COUNT})(?=[】\])）:：、.\s]|$)"
    rf"|(?:篇[:：]?\s*{_COUNT}|第{_COUNT}篇|(?:讲话|发言|致辞|致词|报告|汇报|稿|范文)\s*[（(【][篇之]?{_COUNT}[）)】])[】\]）):：\s#*]*$"
)
_NOT_COUNTED = re.compile("[^一二三四五六七八九十]")
_ONE = re.compile(r"(?<![十\d])(?:一|0?1)(?![十\d])")
# The title of a whole compilation: …讲话要点(推荐8篇), …发言稿【精选五篇】, …讲话汇编15篇.
_COMPILATION = re.compile(rf"{_COUNT}\s*[篇则份][）)】\]]?$")

_NAMED = r"[^\s、,，:：!！。]"
_HOLDERS = "(?:领导|来宾|嘉宾|代表|委员|朋友|女士|先生|老师)们?"
_ADDRESSED = rf"(?:同志们|各位{_NAMED}{{0,20}}|{_NAMED}{{0,14}}{_HOLDERS})"
# Each but the last is atomic and as short as possible, so that a list is not divided in all possible ways.
_FIRST_ADDRESSED = rf"(?>(?:尊敬的|亲爱的)?(?:同志们|各位{_NAMED}{{0,20}}?|{_NAMED}{{0,14}}?{_HOLDERS})[\s、,，和及]+)"
_SALUTATION = re.compile(rf"^(?:{_FIRST_ADDRESSED})*(?:尊敬的|亲爱的)?{_ADDRESSED}\s*[:：]$")
_ADDRESS = re.compile(rf"^{_ADDRESSED}\s*[:：!！]?$")
_CALLED = rf"^(?:{_ADDRESSED}[,，:：!！]\s*)?(?:(?:大家|你们|上午|下午|晚上)+好[!！,，。]\s*)?"

# The first words of a speech or report, which open a meeting, introduce the speaker, or name the occasion.
_OPENING = re.compile(
    _CALLED + r"(?:"
    r"(?:今天|今晚|这次|此次|现在)[^。]{0,50}(?:召开|举行|会议|大会|全会|集会|相聚|欢聚|开会|座谈)"
    r"|经\S{0,20}(?:研究|同意|批准)[^。]{0,30}(?:召开|举行|会议)"
    r"|(?:首先|现在)?[,，]?我?(?:谨?代表|受)[^。]{0,30}(?:报告|汇报|委托|欢迎|祝贺|感谢|问候|慰问)"
    r"|(?:根据|按照)(?:本次|这次)?(?:会议|大会|活动)的?(?:统一)?(?:安排|要求|议程)"
    r"|(?:我)?(?:很|十分|非常)?(?:高兴|荣幸)[^。]{0,30}(?:参加|出席|来到|和|与|同)"
    r"|(?:在|值此)[^。]{2,40}(?:之际|时刻|日子里?)[,，]"
    r"|(?:市|县|区|省|州)[委政][^。]{0,30}(?:决定|研究)[^。]{0,10}召开)"
)
_WEAK_OPENING = re.compile(
    _CALLED + r"(?:从?刚才|今[天年]|(?:去|20\d\d|[\d~～xX×〇○]{1,4})年(?:以?来|度)?[,，]|一年来|《)"
)
_BYLINE = re.compile(r"^.{0,16}(?:本[报网台]讯|[报社网]\S{0,8}\d{1,2}月\d{1,2}日[电讯])")
_NEWS = re.compile(r"^[^。]{0,30}\d{1,2}月\d{1,2}日[^。]{0,80}(?:召开|举行|主持|出席|调研)")
_HEADLINE = re.compile(r"^(?!今天).{4,50}(?:召开|举行|强调|要求|会议|大会|调研)")
# The last words before the first heading of a speech: …讲三点意见:, …汇报如下:.
_AGENDA = re.compile(
    r"(?:讲|谈|说|提|提出|强调|明确)(?:以下|如下|这样|这么)?[一二两三四五六七八九几]\S{0,3}(?:点|方面|条|项|问题)\S{0,8}[:：。]$"
    r"|(?:汇报|报告|通报|讲话|总结|发言)如下[:：。]?$"
)
_TITLE = re.compile(r"(?:讲话|发言|致辞|致词|报告|汇报|主持词|演讲)(?:稿|要点|提纲|材料|摘要|实录)?$|^在.{4,40}上的")

_FAREWELL = re.compile(
    r"(?:谢谢|感谢(?:大家|各位\S{0,4}))[!！。]*$|(?:讲话|发言|汇报|报告)(?:到此)?(?:完毕|完了|结束)[!！。]*$"
    r"|我(?:今天)?就(?:讲|说|汇报)到?这[些里][!！。,，]|祝[^。]{2,40}[!！]$|[（(]全?文?完[)）]$"
)
_APPEAL = re.compile(r"^(?:最后|同志们|各位[^,，:：!！]{1,10}|让我们|我们坚信)")
_FINALE = re.compile(r"(?:贡献|奋斗|努力|成绩|胜利|局面|台阶|辉煌|篇章)。$")
# Signatures and dates, alone on a line.
_SIGNATURE = re.compile(
    r"^(?:\S{2,24}(?:办公室|委员会|人民政府|政府|党委|[党市县区]委|局|厅|公司|支部)"
    r"|[（(]?\S{0,6}(?:\d{2}|[xX×]{2}|二[〇○0]\S)\S{0,2}\s*[年./-]\S{0,8}日?[）)]?"
    r"|[（(](?!\S*(?:掌|笑|毕|略|续|摘要))[^（(）)。\d]{2,30}[）)])$"
)
_PAUSES = tuple("。！!？?；;：:，,、")
# Words that continue the paragraph above.
_CARRIES_ON = re.compile(
    r"^(?:因此|所以|同时|此外|另外|其中|其次|再次|但是?|而且|并且|对此|为此|总之|以上|这|在[^,，。]{0,16}的同时)"
)

_REPORTED = re.compile(r"^[^,，。:：]{2,30}(?:说|指出|强调|要求|表示|认为|介绍)[,，:：道]")
_FIRST_PERSON = re.compile("我们|同志们|我[省市县区镇乡]")
_LEVEL = re.compile(r"我([省市县区镇乡])|全?([省市县区镇乡])(?:委|政府|里)|全([省市县区镇乡])")
# Runs of characters that show the subject. The characters in `_COMMON` are in any speech.
_COMMON = "的了和是在要把对与为有不这我个中以上到大好也就各们进行加强工作一二三四五六七八九十等及其"
_SPECIFIC = re.compile(rf"(?:(?![{_COMMON}])[{HAN}]){{2,}}")
_LINE = re.compile(r"[^\s][^\n]*")
# Omission rules of `clean` for what sites put below a text, and its rule for a compiler's marks.
_FOOT = frozenset(
    {"signature", "byline", "comments", "hotline", "copyright", "share", "neighbours", "recommended", "unfinished"}
)
_MARK_RULE = "piece-title"


class Line(NamedTuple):
    start: int
    end: int
    text: str
    number: tuple[int, int] | None
    """The rank and value of the heading's number, if its rank is at most `DEEPEST`."""
    mark: str
    """The compiler's mark: the line itself, or one that was removed above it."""
    after_foot: bool
    """Whether the foot of a page was removed above it."""


def read_lines(excerpt: Excerpt) -> list[Line]:
    """The lines that are not blank."""
    removed = [o for o in excerpt.omissions if o.rule in _FOOT or o.rule == _MARK_RULE]
    removed.sort(key=lambda omission: omission.start)
    lines: list[Line] = []
    seen = 0
    for found in _LINE.finditer(excerpt.text):
        above = seen
        while seen < len(removed) and removed[seen].start < excerpt.starts[found.start()]:
            seen += 1
        lines.append(_read_line(excerpt, found.start(), found[0].rstrip(), removed[above:seen]))
    return lines


def _read_line(excerpt: Excerpt, start: int, line: str, above: list[Omission]) -> Line:
    found = numbering(line[:12])
    number = (found[0], _value(found[1])) if found and found[0] <= DEEPEST else None
    mark = _MARK.search(line) if len(line) <= 60 and not (number and number[0]) else None
    removed_marks = [excerpt.document.text[o.start : o.end] for o in above if o.rule == _MARK_RULE]
    return Line(
        start,
        start + len(line),
        line if len(line) <= 2 * _READ else line[:_READ] + line[-_READ:],
        number,
        mark[0] if mark else removed_marks[-1] if removed_marks else "",
        any(o.rule in _FOOT for o in above),
    )


def _value(mark: str) -> int:
    """The number in the mark of a heading: 12 for 十二、."""
    tens, ten, ones = _NOT_COUNTED.sub("", mark).rpartition("十")
    return (10 * (_DIGITS.find(tens) if tens else 1) if ten else 0) + (_DIGITS.find(ones) if ones else 0)


def is_first_mark(line: Line) -> bool:
    """Whether the compiler's mark is of a first piece: 第一篇, 范文1."""
    return _ONE.search(line.mark) is not None


def is_compilation_title(line: Line) -> bool:
    """Whether the line is the title of several pieces: …讲话要点(推荐8篇)."""
    return len(line.text) <= 80 and _COMPILATION.search(line.text) is not None


def is_prose(line: Line) -> bool:
    """Whether the line is at least a sentence, not a heading or a name."""
    return len(line.text) > 40 or (len(line.text) > 15 and line.text.endswith(("。", "!", "！")))


def has_byline(line: Line) -> bool:
    """Whether the line begins a news report: 本报讯 …."""
    return _BYLINE.search(line.text) is not None


def score_ending(lines: list[Line], i: int) -> float:
    """How much the lines above line `i` look like the end of a speech."""
    last = lines[i - 1].text
    if lines[i].after_foot or _FAREWELL.search(last):
        return 3.3
    if _is_signature(lines[i - 1]):
        above = i - 1
        while above and i - above < 4 and _is_signature(lines[above]):
            above -= 1
        return 0.0 if _is_front(lines, above) else 3.3  # a date and a name below a title belong to the title
    if not is_prose(lines[i - 1]):
        return 0.0
    if last.endswith(("!", "！")):
        return 2.0 if _APPEAL.search(last) else 1.0
    return 0.5 if _FINALE.search(last) else 0.0


def score_opening(lines: list[Line], i: int) -> float:
    """How much a speech seems to begin at line `i`: title, date, salutation, first words, agenda."""
    score = 0.0
    body = i
    while body < min(i + 6, len(lines) - 1) and len(lines[body].text) <= 60:
        line = lines[body].text
        if _is_front(lines, body):
            score += 2.0
        elif body == i or lines[body].number or is_prose(lines[body]) or line.endswith(_PAUSES):
            break
        body += 1
    first = lines[body].text
    if _BYLINE.search(first):
        score += 4.0
    elif _OPENING.search(first) or _NEWS.search(first):
        score += 2.0
    elif _WEAK_OPENING.search(first):
        score += 0.7
    for last, heading in pairwise(lines[body : body + 5]):
        if numbering(last.text[:12]):
            break
        if heading.number and heading.number[1] == 1 and _AGENDA.search(last.text):
            score += 1.0
    return min(score, 4.5)


def score_connection(lines: list[Line], i: int) -> float:
    """How closely line `i` is connected with the line above it."""
    line, last = lines[i], lines[i - 1]
    connection = 0.0
    numbered = numbering(line.text[:12])
    if numbered and (line.number is None or line.number[1] != 1):
        connection += 1.5 if numbered[1].startswith(("一是", "一要", "1", "第一", "(1", "（1")) else 3.0
    if _CARRIES_ON.search(line.text) or (not score_opening(lines, i) and broken_off(last.text, line.text)):
        connection += 3.0
    if (
        last.text.endswith((":", "："))
        or _ADDRESS.search(last.text)
        or (numbering(last.text[:12]) and not is_prose(last))
    ):
        connection += 3.0
    elif not is_prose(last) and not score_ending(lines, i) and not _is_front(lines, i):
        connection += 1.0
    return connection


def is_section(lines: list[Line], i: int) -> bool:
    """Whether line `i` is an unnumbered title of a section, not of a speech."""
    line = lines[i]
    if len(line.text) > 30 or numbering(line.text) or line.text.endswith(_PAUSES) or _is_front(lines, i):
        return False
    return not _is_signature(line)


def _is_signature(line: Line) -> bool:
    return len(line.text) <= 40 and _SIGNATURE.search(line.text) is not None


def _is_front(lines: list[Line], i: int) -> bool:
    """Whether line `i` is a mark, a title, a headline or a salutation."""
    line = lines[i]
    if len(line.text) > 60 or line.number:
        return False
    if line.mark or _SALUTATION.search(line.text):
        return True
    if _TITLE.search(line.text) and not line.text.endswith(_PAUSES):  # else it is a link inside a sentence
        return i + 1 == len(lines) or not lines[i + 1].text.startswith(_PAUSES)
    return _is_headline(lines, i)


def _is_headline(lines: list[Line], i: int) -> bool:
    """Whether line `i` is a headline above a news report."""
    line = lines[i]
    if line.number or not line.text[-1].isalnum() or not _HEADLINE.search(line.text):
        return False
    return i + 1 < len(lines) and (_NEWS.search(lines[i + 1].text) or _BYLINE.search(lines[i + 1].text)) is not None


def is_reported(line: Line) -> bool:
    """Whether the line reports what somebody said: 市长强调,…."""
    return _REPORTED.search(line.text) is not None


def is_spoken(line: Line) -> bool:
    """Whether the line is in the first person: 我们, 同志们, 我市."""
    return _FIRST_PERSON.search(line.text) is not None


def count_levels(text: str) -> Counter[str]:
    """How often a speaker refers to each level of government as the own one: 我县 counts twice, 全县 once."""
    counts: Counter[str] = Counter()
    for ours, body, whole in _LEVEL.findall(text):
        counts[ours or body or whole] += 2 if ours else 1
    return counts


def find_pairs(text: str) -> Iterator[str]:
    """Pairs of neighbouring characters that show the subject, without those that are in any speech."""
    for run in _SPECIFIC.findall(text):
        for n in range(len(run) - 1):
            yield run[n : n + 2]
