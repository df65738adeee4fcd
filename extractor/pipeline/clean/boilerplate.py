"""Finds boilerplate: what a web site adds around a speech and inside its lines.

All patterns except that of web addresses match folded text: lower case, Simplified, one form of each
punctuation mark (`,.:;!?()"`). The pattern of a line must match the whole line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from extractor.lang.characters import HAN
from extractor.lang.fold import fold
from extractor.lang.sentences import Span
from extractor.lang.surnames import COMPOUND_SURNAMES, SURNAMES
from extractor.pipeline.clean.omissions import CONTENT, Cut
from extractor.pipeline.clean.page_breaks import find_page_breaks

# Surnames that begin words as often as names: (党委 农业局) does not name two reporters, and a lost line is
# worse than a byline that stays.
_WORD_LIKE = frozenset(
    "戢文尚饶阳农简麦党冷商沙巫查苑官鞠荆南原栗楚鄢劳粟冼楼盘伊仝海阚花帅豆朴盖练井漆巴丰卿国晋敬都普"
    "浦戈鹿雍阿乌母修赫况宿鲜隆茹诺战危玉银亢嵇公哈宾戎勾於呼居揭尉冶斯檀展智奉植衡富尧闭凡化占强鄂"
)
# The first characters of reporters' names, for the brackets of a pattern.
REPORTERS = "".join(sorted(SURNAMES - _WORD_LIKE))
_NAME = rf"(?:{'|'.join(sorted(COMPOUND_SURNAMES))}|[{REPORTERS}])[{HAN}]{{1,2}}"
_NAMES = rf"{_NAME}(?:[ 、,/]{_NAME}){{0,9}}"
_PEN = r"(?:本[报网刊台]|首席|见习|实习|特约|驻[^()\s]{1,4})?(?:全媒体)?(?:记者|通讯员|实习生)"
_PERSON = (
    rf"(?:作者|(?:责任|本期|值班|网络|执行)?编辑|责编|{_PEN}|校对|[初复终]?审核?|监制|主编|撰[稿文]|摄影"
    r"|供稿人?|录入[者人员]?|发布[者人])"
)
# `来源:焦作日报 作者:张三 时间:2014-05-28 点击:12次 字号:大 中 小`
_FIELD_KINDS = (
    rf"{_PERSON} ?: ?(?:{_NAMES}|admin\w{{0,8}}|佚名|未知|网络|本站|小编|管理员)?",
    r"(?:(?:文章|本文|信息|稿件|新闻|资料)?(?:来源|出处)|栏目|所属分类|供稿单位|发布(?:单位|机构)) ?: ?"
    r"(?:https?://)?(?:[^ |,.;:、()\[\]]|\.(?=[a-z0-9])){0,25}",
    r"(?:关键[词字]|标签) ?: ?(?>[^ |,.;:、()\[\]]{1,15}[ ;,、]{0,2}(?![^ ]{2,6} ?:)){0,9}",
    r"(?:点击|浏览|阅读|访问|人气)(?:次数|[数率量])?(?: ?[:(] ?)?\d+ ?次?\)?",
    r"字[号体] ?:?(?: ?[\[【]? ?[大中小] ?[\]】]?){1,3}",
    r"(?P<date>(?:(?:发布|发表|更新|录入|上传)?(?:时间|日期) ?: ?)?"
    r"\d{2,4}[-/年.]\d{1,2}[-/月.]\d{1,2}日?(?: \d{1,2}:\d{2}(?::\d{2})?)?)",
)
_FIELD = re.compile(rf"(?:{'|'.join(_FIELD_KINDS)})[ |/]{{0,9}}")
_FIELDS = re.compile(rf"[(【\[]?(?:{_FIELD.pattern.replace('?P<date>', '?:')}){{1,9}}[)】\]]?")
_RECOMMENDED = re.compile(
    r"(?:【[^【】]{1,80}】)?[*#>【]{0,3}(?:猜你喜欢|大家都在看|您可能(?:还|也)?(?:喜欢|感兴趣).{0,6}|"
    r"(?:推荐|相关|延伸|扩展|拓展|热门|热点|最新|更多相关|精彩)(?:阅读|链接|新闻|文章|推荐|专题|范文)(?:推荐)?)"
    r"[】*]{0,3} ?[:>]{0,3}"
)
# A title with the day of its publication: 全镇会议领导讲话01-26.
_LINKED = re.compile(r".{2,80}?[ (\[]{0,2}(?<!\d)(?:(?:19|20)\d\d[-/.])?(?:0\d|1[0-2])-(?:[0-2]\d|3[01])[)\]]?")
_COUNT = r"[\d一二三四五六七八九十]{1,3}"
_LINE_RULES = {
    "comments": r"已有 ?\d* ?人(?:发表了?|参与了?)(?:评论|讨论).{0,20}|(?:我要|发表|网友)评论[(\d):>条]*|评论\(\d+\)"
    r"|(?:查看|显示)?(?:全部|所有|更多|最新)评论[(\d):>条]*",
    "hotline": r"[^,.;]{0,20}(?:热线|电话|传真|客服|qq群?|邮箱|微信号?)[^,.;:]{0,6}: ?[\d\-()转/、, ]{5,60}",
    "byline": rf"\((?:{_PEN}|文|图|文图|整理|供稿|摄影)[:/ ]{{0,2}}{_NAMES}"
    rf"(?:[ ,、/]{{0,2}}(?:{_PEN}|图|文|整理|供稿|摄影|报道)[:/ ]{{0,2}}(?:{_NAMES})?){{0,9}}\)",
    "signature": rf"\({_NAME}(?:[ 、,]{_NAME}){{1,9}}(?: ?(?:文|图|整理|供稿|摄影|报道))?\)",
    "copyright": r"(?!.{121})(?:.{0,30}(?:版权所有(?![人者权])|copyright|©|icp备|公网安备|all rights reserved).*"
    r"|[(\[【]?(?:免责|版权|特别)声明 ?[:】].*|.{0,20}转载请注明.*"
    r"|.{0,30}未经[^,.]{0,12}(?:授权|许可|允许|同意)[^,.]{0,6}[,.]?(?:不得|禁止|严禁|请勿)[^,.]{0,8}(?:转载|复制).*)",
    "share": r"(?:一键)?分享(?:到|至|给|本文|按钮)?:?"
    r"(?:[ |,、]{0,2}(?:微信|朋友圈|(?:新浪|腾讯)?微博|qq空间|qq好友|人人网?|开心网|豆瓣|贴吧|好友|更多)){0,12}",
    "neighbours": r"[上下]一[篇页条则](?:文章|新闻)?(?: ?[: ].{0,100}|没有了|)|首页|[尾末]页"
    r"|(?:当前位置|您(?:现在|当前)?的位置) ?:.{0,60}",
    "buttons": r"(?=.*(?:打印|关闭|字号|字体|返回|收藏|纠错))(?:[ |:()\[\]【】]|字[号体]|[大中小]字?"
    r"|返回(?:顶部|首页|列表)?|回到顶部|(?:加入|我要|添加|文章|本文|本页|此页|页面|窗口)?(?:打印|关闭|收藏|纠错)(?:本文|本页|此页|页面)?){1,30}",
    "login": r"(?=.*(?:登[录陆]|注册|会员|下载|点击|扫码|扫一扫))(?:请|您|你|需要?|先|后|即可|可以?|免费|立即|马上|点击"
    r"|这里|此处|按钮|登[录陆]|注册|会员|用户|下载|全文|文档|本文|查看|阅读|完整|继续|更多|内容|成为|正式|vip|账号|密码|忘记|微信|扫码"
    r"|扫一扫|关注|公众号|手机|客户端|app|或|[,!.…>|: ]){1,20}|点击[^,.;]{0,12}(?:下载|查看|阅读)[^,.;]{0,30}",
    "compilation-title": r".{4,60}\((?:推荐|精选|通用|优秀|热门|实用|集锦|汇编|合集|范文|最新|荐|共|整理|大全|必备"
    rf"|集合|锦集){_COUNT}篇\)"
    rf"|.{{0,50}}(?:讲话|发言|致辞|范文)(?:稿|材料|要点|范文|精选)?\(?{_COUNT}篇\)?",
    "piece-title": rf"【?(?:第{_COUNT}篇|篇{_COUNT})】?:?|.{{4,60}}[ (【]?篇{_COUNT}[)】]?",
}
_LINE = re.compile("|".join(f"(?P<{rule.replace('-', '_')}>{words})" for rule, words in _LINE_RULES.items()))
_INLINE = re.compile(
    # "……(新文秘网省略440字,正式会员可完整阅读)……"
    r"(?P<notice>[ …]{0,12}\((?:未完待续|[^()\n]{0,60}?(?:省略|隐藏|略去)\d+字[^()\n]{0,80}"
    r"|[^()\n]{0,30}(?:正式会员|登[录陆]后)[^()\n]{0,30}(?:阅读|查看|下载)[^()\n]{0,20})\)…{0,12})"
    # "(未完,全文共1943字,当前仅显示1235字,请阅读下面提示信息。\n收藏《…》)"
    r"|(?P<unfinished>[ …]{0,12}\(未完,全文共\d+字[^()\n]{0,120}"
    r"(?:\n *收藏[^()\n]{0,80}(?:\([^()\n]{0,30}\)[^()\n]{0,20})?)?(?:\)|(?=\n)|$))"
    rf"|(?P<byline>\({_PEN}[: ]{{0,2}}{_NAMES}(?:[ ,、]{{0,2}}{_PEN}[: ]{{0,2}}{_NAMES}){{0,9}}\))"
    # 全程导医网 徐州健康信息: before a report
    rf"|(?P<lead>(?:^|(?<=\n))[ \u3000\t]{{0,12}}[{HAN}]{{2,8}}网[ ·][{HAN}]{{2,8}}(?:信息|资讯|新闻|讯):(?=.{{20}}))"
)
# Matched on the unfolded text: folding turns the 。 after an address into a dot, which addresses contain.
_URL = re.compile(r"(?:https?://|www\.)[a-z0-9._~:/?#@!$&*+=%-]{3,2000} ?", re.IGNORECASE)
_LONGEST_LINE = 160  # characters; a longer line is prose, whatever its words
_TITLE = re.compile(r"[^。；！？;!?]{1,60}")
# [00:01:20] before what was said then. A time of the day (9:30) has two numbers and no brackets.
_TIME_CODE = re.compile(
    r"(?m)^[ \t\u3000]{0,8}(?:[\[(（【]\d{1,2}(?::\d{2}){1,2}(?:[.,]\d{1,3})?[\])）】][ \t]{0,4}"
    r"|\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?(?: ?--> ?\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?)?(?:[ \t]{1,4}|$))"
)
_BLANK = re.compile(r"[^\S\n]*")


def find_notices(text: str) -> list[Cut]:
    """What the site added inside the lines: notices of omitted text, reporters' names, web addresses."""
    folded = fold(text)
    cuts = [Cut(*m.span(), "url") for m in _URL.finditer(text)]
    for m in _INLINE.finditer(folded):
        rule = m.lastgroup or ""
        inside = rule in ("notice", "unfinished") and not _at_line_end(folded, *m.span())
        cuts.append(Cut(*m.span(), rule, "…" if inside else ""))
    return sorted(cuts, key=lambda cut: (cut.start, -cut.end))


def find_time_codes(text: str) -> list[Cut]:
    """Time codes of a recording at the head of lines."""
    return [Cut(*m.span(), "time-code") for m in _TIME_CODE.finditer(text) if m.end() > m.start()]


def find_boilerplate(text: str) -> list[Cut]:
    """The lines that the site added around the speech."""
    folded = fold(text)
    lines = [m.span() for m in CONTENT.finditer(folded)]
    tail = _tail(text, lines)
    cuts = list(find_page_breaks(text, folded, lines))
    for number, (start, end) in enumerate(lines):
        if end - start <= _LONGEST_LINE:
            cuts += _line_cuts(folded, start, end)
            if _RECOMMENDED.fullmatch(folded, start, end):
                cuts += _recommended(folded, lines, number, tail)
    return sorted(cuts, key=lambda cut: (cut.start, -cut.end))


def _at_line_end(text: str, start: int, end: int) -> bool:
    after = _BLANK.match(text, end)
    stop = after.end() if after else end
    return start == 0 or text[start - 1] == "\n" or stop == len(text) or text[stop] == "\n"


def _line_cuts(folded: str, start: int, end: int) -> Iterator[Cut]:
    m = _LINE.fullmatch(folded, start, end)
    if m is None and _FIELDS.fullmatch(folded, start, end):
        fields = list(_FIELD.finditer(folded, start, end))
        # The day of publication is kept: it may be the only evidence of the year.
        dated = any(field["date"] for field in fields)
        yield from (Cut(*f.span(), "source") for f in fields if not f["date"]) if dated else [Cut(start, end, "source")]
    elif m is not None and (m.lastgroup != "signature" or _follows_sentence(folded, start)):
        yield Cut(start, end, (m.lastgroup or "").replace("_", "-"))


def _follows_sentence(text: str, start: int) -> bool:
    """Whether a sentence ends above. Bare names in brackets there are reporters; after a title, speakers."""
    while start and text[start - 1].isspace():
        start -= 1
    return start > 0 and text[start - 1] in '.!?"'


def _tail(text: str, lines: list[Span]) -> int:
    """Index of the first line after which there are only titles, no sentences."""
    for number in range(len(lines) - 1, -1, -1):
        if lines[number][1] - lines[number][0] > _LONGEST_LINE or not _TITLE.fullmatch(text, *lines[number]):
            return number + 1
    return 0


def _recommended(folded: str, lines: list[Span], number: int, tail: int) -> Iterator[Cut]:
    """The heading in line `number` with its links: dated titles, or nothing but titles to the end."""
    last = number
    while last + 1 < len(lines) and _is_linked(folded, lines[last + 1]):
        last += 1
    if number >= tail - 1:
        last = len(lines) - 1
    if last > number or number == len(lines) - 1:
        yield Cut(lines[number][0], lines[last][1], "recommended")


def _is_linked(folded: str, line: Span) -> bool:
    return line[1] - line[0] <= _LONGEST_LINE and _LINKED.fullmatch(folded, *line) is not None
