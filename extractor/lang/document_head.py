"""The head of a document: the lines above its first sentence, and which of them are the title.

All patterns match folded text (`fold_keeping_stops`): a full stop is `;`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from extractor.lang.bylines import byline, is_office_line
from extractor.lang.characters import HAN
from extractor.lang.organs import are_organs
from extractor.lang.sentences import Span, numbering

_MOST_LINES = 12  # of a head
_LONGEST = 60  # characters of a line of the head
_LONGEST_TITLE = 100
_SHORTEST_HEADLINE = 8

_CLOSING = ";,.:、)!?%"
_LINE = re.compile(r"[^\s][^\n]*")
_SALUTATION = re.compile(r"(?:同志们|各位|尊敬的|亲爱的|女士们|先生们|朋友们|主任、|主席、)[^\n]{0,40}?[:!,]|同志们$")
_LABEL = re.compile(
    r"(?:时[ \u3000]{0,4}间|地[ \u3000]{0,4}点|主[ \u3000]{0,4}持(?:人|者)?|主[ \u3000]{0,4}题|出[ \u3000]{0,4}席|列[ \u3000]{0,4}席"
    r"|记[ \u3000]{0,4}录|参[ \u3000]{0,4}加|议[ \u3000]{0,4}题|会议[^\s:;,]{2,4}|来源|出处|作者|编辑|发布[^\s:;,]{2,4}|索引号|主题词|签发人?)"
    r"(?:人员?|单位)?[ \u3000]{0,4}:"
)
_DATE = re.compile(
    r"[(\- ]{0,4}(?:(?:19|20)[\dx×*_]{2}|[一二][九〇零○][^\s年]{2}) ?年[^\n()]{0,12}?[日号月](?:[ \u3000]{0,4}[上下]午)?[) ]{0,4}"
    r"|[(\- ]{0,4}(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}(?: \d\d?:\d\d(?::\d\d)?)?[) ]{0,4}"
)
# The line that says when and where the speech was given: --2015年1月6日在县第十五届人民代表大会第四次会议上.
_OCCASION = re.compile(r"[(\- ]{0,4}(?:[^\n在]{0,24}日[^\n在]{0,6})?在[^\n]{3,60}上[) ]{0,4}")
_DOCUMENT_NUMBER = rf"[{HAN}]{{2,10}}[(\[](?:19|20)\d\d[)\]] ?第?\d{{1,4}}号"
_LETTERHEAD = re.compile(
    rf"{_DOCUMENT_NUMBER}|[^\n]{{2,30}}文件(?:\([^)\n]{{1,6}}\))?|(?:机密|秘密|内部|绝密|急件|特急|紧急)[^\n]{{0,12}}"
    r"|(?:领导|会议|大会)?(?:讲话|发言|交流|参阅|学习)?材料(?:之?[一二三四五六七八九十]|\(?[一二三四五六七八九十\d]{1,2}\)?)?|领导讲话"
    r"|\[?第[一二三四五六七八九十\d]{1,4}期\]?|附件?\d{0,2}:?|\(?(?:摘要|节选|讨论稿|征求意见稿|根据录音整理)\)?"
)
# What may follow the title on its line: the date, the speaker, the state of the text.
_BRACKETED = re.compile(r"[ \u3000]{0,4}\([^()\n]{2,40}\)[ \u3000]{0,2}$")
_MORE = r"(?:[稿词]|全文|要点|提纲|材料|摘要|摘编|实录|草案)?"
_SPOKEN = r"(?:讲话|致辞|致词|发言|演讲|讲稿|主持词|开幕词|闭幕词|祝词|贺词|献词|动员词)"
_KINDS = {
    # 作重要讲话 and 听取工作汇报 are what a headline reports.
    "speech": rf"(?<![并作做表的要]){_SPOKEN}{_MORE}|的(?:[{HAN}]{{2}}){{0,2}}{_SPOKEN}{_MORE}",
    "report": rf"报告(?:{_MORE})|(?:工作|情况)(?:汇报|总结){_MORE}",
    "minutes": r"纪要|会议记录",
    "notice": r"(?:的|关于[^\n]{4,60})(?:[紧预补]?[急备充])?(?:通知|通报|公告|通告|决定|决议|意见|批复|命令|议案|复?函|请示)|公报|通告|公告"
    r"|(?:实施|指导|若干)意见",
    "other": r"条例|办法|规定|细则|(?:方|预|议)案|规划|纲要|计划|答记者问|公约|章程|倡议书|公开信|责任[书状]|议程|须知",
}
_KIND_END = re.compile("|".join(f"(?P<{kind}>{words})$" for kind, words in _KINDS.items()))
_BARE = re.compile(r"(?:会议)?(?:纪要|记录)|通知|通报|公告|(?:领导)?(?:讲话|发言)稿?")
_REPORTS = re.compile(r"听取|审议|召开|举行|主持|出席|发表|强调|部署|调研|会见|学习贯彻|开幕|闭幕|印发(?=《)")
_RUN_ON = re.compile(
    rf"[^\s;,:!?()]{{6,80}}?的(?:通知|通报|决定|意见|批复|公告|决议)(?=[ \u3000]{{0,4}}{_DOCUMENT_NUMBER})"
)
_TITLE_BEGIN = re.compile(rf"[{HAN}\d\"《【(\-]")


class Line(NamedTuple):
    """A line of the head, without the white space around it."""

    start: int
    end: int
    text: str


class Head(NamedTuple):
    """The head of a document.

    `lines`: all its lines. `title`: the spans of the title's lines, [] if it has none. `kind`: the kind of
    document that the title says, and `kind_span` the word that says it. `body`: where the text goes on.
    `gap`: what stands for a line break in the title.
    """

    lines: list[Line]
    title: list[Span]
    kind: str | None
    kind_span: Span | None
    body: int
    gap: str = ""


def read_head(folded: str) -> Head:
    """The head of a document in folded text."""
    lines, body = _head_lines(folded)
    run_on = _RUN_ON.match(folded, body) if not lines else None
    if run_on:
        return Head([], [run_on.span()], "notice", (run_on.end() - 2, run_on.end()), run_on.end())
    found = [taken for i in range(len(lines)) if (taken := _titled(lines, i)) is not None]
    if found:
        # 会议纪要 may be the letterhead above 关于…的会议纪要.
        title, (kind, start, end) = next((t for t in found if not _is_bare(folded, t[0])), found[0])
        whole = _kind_of(folded[title[0][0] : title[0][1]]) is not None or not folded.startswith("--", title[-1][0])
        return Head(lines, title, kind, (start, end), body, "" if whole else " ")
    return Head(lines, _headline(folded, lines, body), None, None, body, " ")


def _is_bare(folded: str, title: list[Span]) -> bool:
    return _BARE.fullmatch("".join(folded[i:j] for i, j in title)) is not None


def _head_lines(folded: str) -> tuple[list[Line], int]:
    lines: list[Line] = []
    for found in _LINE.finditer(folded):
        text = found[0].rstrip()
        if text[0] in _CLOSING:  # a sentence is broken into lines, by links: 审议了 / 政府工作报告 / 。会议决定…
            return _whole_lines(folded, lines, found.start())
        if len(lines) >= _MOST_LINES or _is_body(text):
            return lines, found.start()
        lines.append(Line(found.start(), found.start() + len(text), text))
    return lines, len(folded)


def _whole_lines(folded: str, lines: list[Line], body: int) -> tuple[list[Line], int]:
    """The lines without the paragraph that goes on at `body`, and where that begins."""
    while lines:
        line = lines.pop()
        apart = folded.count("\n", line.end, body) > 1
        if apart and line.end != body:
            return [*lines, line], body
        body = line.start
    return lines, body


def _is_body(line: str) -> bool:
    """Whether the text itself begins with this line: a salutation, a sentence, a numbered heading."""
    if _LABEL.match(line):
        return False
    if len(line) > _LONGEST or ";" in line.rstrip(";)") or line.endswith(tuple(";,:!?.、")):
        return True
    return bool(_SALUTATION.match(line) or numbering(line)) and not _LETTERHEAD.fullmatch(line)


def is_beside_title(line: Line) -> bool:
    """Whether a line of the head is a date, a name, a label or a letterhead, and not part of a title."""
    text = line.text
    return bool(
        _DATE.fullmatch(text)
        or _LABEL.match(text)
        or _LETTERHEAD.fullmatch(text)
        or _OCCASION.fullmatch(text)
        or is_office_line(text)
        or byline(text, titled=True)
        or not _TITLE_BEGIN.match(text)
    )


def _titled(lines: list[Line], i: int) -> tuple[list[Span], tuple[str, int, int]] | None:
    """The title that begins in line `i` and ends in the word of a kind, and that word; None if none does."""
    if is_beside_title(lines[i]) or lines[i].text.startswith("--"):
        return None
    spans: list[Span] = []
    words = ""
    for line in lines[i : i + 3]:
        if spans and not _continues(words, line):
            break
        end = _without_brackets(line)
        spans.append((line.start, end))
        words += line.text[: end - line.start]
        kind = _kind_of(words)
        if kind is not None and len(words) <= _LONGEST_TITLE:
            word, size = kind
            over = size - (end - line.start)  # characters of the word in the line above
            begin = spans[-2][1] - over if over > 0 else end - size
            return spans + _subtitle(lines, i + len(spans), word), (word, begin, end)
    return _motto(lines, i)


def _motto(lines: list[Line], i: int) -> tuple[list[Span], tuple[str, int, int]] | None:
    """A motto over one or two lines, with its subtitle: 坚定信心 真抓实干 / --在全县经济工作会议上的讲话."""
    for n, line in enumerate(lines[i : i + 3]):
        if line.text.startswith("--"):
            end = _without_brackets(line)
            kind = _kind_of(line.text[: end - line.start])
            if not n or kind is None:
                return None
            above = [(other.start, other.end) for other in lines[i : i + n]]
            return [*above, (line.start, end)], (kind[0], end - kind[1], end)
        if is_beside_title(line):
            return None
    return None


def _subtitle(lines: list[Line], i: int, kind: str) -> list[Span]:
    """The line below a title that says which speech it is: --在全县经济工作会议上的讲话."""
    if i >= len(lines) or not lines[i].text.startswith("--") or is_beside_title(lines[i]):
        return []
    end = _without_brackets(lines[i])
    found = _kind_of(lines[i].text[: end - lines[i].start])
    return [(lines[i].start, end)] if found and found[0] == kind else []


def _continues(words: str, line: Line) -> bool:
    """Whether a title whose first lines are `words`, which are not whole, goes on in `line`."""
    if line.text.startswith("关于"):
        return are_organs(words)
    if are_organs(words) and are_organs(line.text):
        return True
    if is_beside_title(line) and len(line.text) > 4:
        return False
    is_open = "关于" in words or (words.startswith("在") and not re.search(r"上的|讲话", words))
    return is_open or len(line.text) <= 4


def _kind_of(title: str) -> tuple[str, int] | None:
    """The kind of document that a title ends in, and how long its word is."""
    found = _KIND_END.search(title, max(0, len(title) - 70))
    if found is None or found.lastgroup is None:
        return None
    word = re.sub(r"^(?:的|关于.*(?=..$))", "", found[0])
    before = title[: len(title) - len(word)]
    # A headline says what was done: 县长听取工作汇报. A title names the document: …的报告.
    if not before.endswith("的") and _REPORTS.search(before) and found.lastgroup != "minutes":
        return None
    return found.lastgroup, len(word)


def _without_brackets(line: Line) -> int:
    """Where a line ends without what is in brackets at its end."""
    found = _BRACKETED.search(line.text)
    return line.start + found.start() if found and found.start() >= 4 else line.end


def _headline(folded: str, lines: list[Line], body: int) -> list[Span]:
    """The headline of a report: the one or two lines above its text that are neither date nor name."""
    left = [line for line in lines if not is_beside_title(line)]
    if len(left) > 2 or body >= len(folded) or is_digest(folded, body):
        return []  # a list, or several items of news
    if len(left) == 2 and folded.count("\n", left[0].end, left[1].start) > 1:
        left = [line for line in left if _REPORTS.search(line.text)][:1] or left[:1]
    if not left or left[0].end - left[0].start < _SHORTEST_HEADLINE or left[0].text.startswith("--"):
        return []
    return [(line.start, line.end) for line in left]


def is_digest(folded: str, body: int) -> bool:
    """Whether short lines and paragraphs take turns in the text, as in a list of items of news."""
    lines = [found[0].rstrip() for found in _LINE.finditer(folded, body, body + 3000)]
    short = [
        i
        for i, line in enumerate(lines)
        if len(line) <= 40 and not line.endswith(tuple(';,:!?")')) and not numbering(line)
    ]
    return len(short) >= 2 and all(b - a > 1 for a, b in pairwise(short)) and short[0] == 1
