"""Finds the names of people in official prose by an office, 同志, a verb of speech or a list beside them.

These are candidates. A name with none of these beside it is missed, and a word that looks like a name may
be taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from extractor.lang.characters import HAN
from extractor.lang.sentences import Span
from extractor.lang.surnames import COMPOUND_SURNAMES, OFFICE, SURNAMES, TRANSCRIBED

# Surnames that begin words far more often than names (常委, 全市, 强化): no name is taken to begin with one
# of them.
_WORD_LIKE = frozenset("水昌常和经诸牧全仰秋怀从充广沃相化占强")
_TRUSTED = SURNAMES - _WORD_LIKE

# What may follow a name: what the person does, another title, or punctuation.
_AFTER = (
    r"(?:强调|指出|要求|说|表示|认为|提出|主持|宣读|宣布|出席|参加|列席|陪同|[作做]|代表|充分|对|在|向|就|传达|通报|部署|介绍|汇报|讲话|致辞|"
    r"递交|签订|签署|带队|率|深入|分别|一行|调研|检查|督查|视察|发言|总结|回顾|分析|安排|点评|听取|受|参与|共同|一同|一道|一起|担任|任|同志|先生|女士|"
    r"等|和|与|及|以及|的|也|还|已|将|为|因|到|从|于|是|同|主要|亲自|报告(?!文学)|述职|应邀|逐一|逐项|现场|先后|首先|最后|随后|会见|接见|接受|宣讲|讲授|领|牵头|负责|委托|带领|[、，,。；;：:（(）)\s\n“”《]|$|"
    + OFFICE
    + ")"
)
# What may precede a name that is followed by its title: function words, times, the edge of a clause.
_BEFORE = (
    r"(?:^|[\n，,。；;：:、（(）)“”《》\s]|[受由对向和与及是在以请让按照随给到为]|刚才|下面|随后|最后|其中|同时|会上|日前|近日|"
    r"落实|传达|根据|按照|陪同|委托|学习|贯彻|人大|政协|街道|[省市县区]委|政府)"
)
_HAN = f"[{HAN}]"
_HAN_WORD = re.compile(f"{_HAN}+")

_BEFORE_NAME = re.compile(OFFICE)
_TITLED = re.compile(rf"(?:同志(?!们)|(?:副)?{OFFICE}|先生|女士)")
_SAID = re.compile(
    r"(?:强调|指出|要求|表示|认为|说[，,：:“]|主持|宣读|宣布|出席|致辞|讲话|带队|率队|[作做]了?[重讲动总工专]"
    r"|就(?=[^，,。]{2,24}(?:提出|讲|作|强调|发表|谈))|在(?=[^，,。]{2,40}(?:会|大会|会议|讲话)(?:上|的)))"
)
_LIST = re.compile(rf"{_HAN}{{2,30}}(?:、{_HAN}{{2,30}}){{1,60}}")
_SPACED = re.compile(rf"{OFFICE}[ \u3000]+(?P<name>(?P<surname>{_HAN})[ \u3000]+{_HAN})[ \u3000]*(?=\n|$)")
_SIGNED = re.compile(rf"(?:讲话|报告|发言|致辞)[(（](?P<name>{_HAN}{{2,4}})[)）]")
_LIST_OF_PEOPLE = re.compile(rf"(?:领导(?:同志)?|{OFFICE})[:：]?$")
# 市领导王新会、李建…: after such an announcement a name may end in a character that otherwise belongs to
# what follows.
_ANNOUNCED = re.compile(rf"领导(?:同志)?[:：]?(?P<name>{_HAN}{{2,3}})$")
_AND_OTHERS = re.compile(r"等(?:\d{1,3}|[一二三四五六七八九十几]{1,3})?(?:位|名)?(?:领导)?同志")
_AFTER_NAME = re.compile(_AFTER)
_BEFORE_END = re.compile(rf"{_BEFORE}$")
# Characters that no given name ends in: they belong to what follows.
_NEVER_LAST = frozenset(
    "省市县区乡镇村州局部委办厅某的了在为向对就是等及与还也已将让使把被要会都所但而并其这那各该同着过到从"
)
# Two-character words that begin with a surname and occur where names do.
# fmt: off
_WORDS = frozenset(
    [
        "单位", "领导", "负责", "有关", "各级", "全体", "主要", "同时", "方面", "项目", "成员", "时间", "高度", "任务",
        "计划", "关于", "向全", "和谐", "农村", "成立", "安全", "平安", "文明", "解决", "支部", "党委", "党组", "常务",
        "相关", "全市", "全省", "全县", "全区", "国家", "国务", "中央", "公安", "金融", "经济", "江苏", "云南", "海南",
        "安徽", "宁夏", "广西", "贵州", "易地", "管理", "石油", "华北", "华东", "水利", "连续", "强化", "武装", "钱塘",
        "时任", "原任", "现任", "兼任", "都是", "来自", "明确", "应当", "于是", "查处", "路线", "白天", "万人", "万元",
        "干部", "信访", "通报", "包括", "安排", "权力", "容易", "古代", "公共", "关键", "金额", "严格", "严肃", "盛大",
        "满意", "富裕", "修订", "商务", "利用", "居民", "展开", "智慧", "平均", "计生", "国土", "宣传", "海关", "门户",
        "都要", "支持", "普及", "曲折", "索取", "来访", "相应", "初步", "晋升", "丰富", "支书", "国资", "阳光", "时期",
        "简化", "项目", "连任", "成功", "项工", "应该", "何时", "任何", "任期", "付出", "万一", "左右", "查找", "解放",
        "包村", "包案", "包干", "施工", "于今", "向着", "易于", "曾经", "和平", "成绩", "成效", "成果", "成为", "成长",
    ]
)
# fmt: on


def find_people(text: str) -> list[Span]:
    """Spans of the names of people in clean Simplified `text`, every mention, in order."""
    spans = {
        *_after_office(text),
        *_transcribed(text),
        *_before_title(text),
        *_before_verb(text),
        *_spaced(text),
        *_signed(text),
    }
    spans = _drop_inner(spans)
    names = {text[i:j] for i, j in spans if j - i > 1}
    spans |= set(_in_lists(text, names))
    names |= {text[i:j] for i, j in spans if j - i > 1}
    return sorted(_drop_inner(spans | set(mentions_of(text, names))))


def mentions_of(text: str, names: Collection[str]) -> Iterator[Span]:
    """Where any of the names stands. All are looked for at once: a text may have thousands."""
    by_head: dict[str, list[str]] = {}
    for name in names:
        by_head.setdefault(name[:2], []).append(name)
    sizes = sorted({len(head) for head in by_head})
    ends = dict.fromkeys(names, 0)
    for at in range(len(text)) if by_head else ():
        for size in sizes:
            for name in by_head.get(text[at : at + size], ()):
                if at >= ends[name] and text.startswith(name, at):
                    ends[name] = at + len(name)
                    yield at, ends[name]


def is_name(words: str) -> bool:
    """Whether `words` have the form of a full name."""
    size = 4 if words[:2] in COMPOUND_SURNAMES else 3
    return (
        2 <= len(words) <= size
        and words[-1] not in _NEVER_LAST
        and not _SAID.match(words)
        and not _SAID.fullmatch(words[1:])
        and (words[0] in _TRUSTED or words[:2] in COMPOUND_SURNAMES)
        and words not in _WORDS
        and words[:2] not in _WORDS
        and not _TITLED.search(words)
        and _HAN_WORD.fullmatch(words) is not None
    )


def stands_like_a_name(text: str, start: int, end: int) -> bool:
    """Whether what stands before or behind text[start:end] can stand there if it is a name."""
    before = _BEFORE_END.search(text, max(0, start - 2), start) is not None
    return before or end == len(text) or after_name(text, end) is not None


def after_name(text: str, end: int) -> int | None:
    """Where the word or mark ends that begins at `end`, if it can follow a name; None if it can't."""
    match = _AFTER_NAME.match(text, end)
    return None if match is None else match.end()


def _after_office(text: str) -> Iterator[Span]:
    """副市长李燕出席: a name right after an office."""
    for office in _BEFORE_NAME.finditer(text):
        start = office.end()
        span = _name_at(text, start + 1 if text[start : start + 1] in (" ", "\u3000") else start)
        if span:
            yield span


def _transcribed(text: str) -> Iterator[Span]:
    """州长罗布占堆指出, 副区长米热古丽·艾山: names of other languages right after an office, up to what can follow."""
    for office in _BEFORE_NAME.finditer(text):
        start = office.end() + text.startswith(("是", "为"), office.end())
        name = TRANSCRIBED.match(text, start)
        if name is None:
            continue
        shortest = max(name[0].rfind(dot) for dot in "·•．") + 3
        ends = range(start + max(shortest, 3), name.end() + 1)
        end = next((end for end in ends if end == len(text) or _AFTER_NAME.match(text, end)), None)
        if end is not None:
            yield start, end


def _name_at(text: str, start: int) -> Span | None:
    """The longest name at `start` that what follows allows: 李燕 of 李燕出席, 孙立坤 of 孙立坤充分."""
    for end in range(min(start + 4, len(text)), start + 1, -1):
        # 李飞作的报告: 作 is what he did.
        is_act = text[end - 1] in "作做" and text[end : end + 1] in "的了关"
        if is_name(text[start:end]) and _AFTER_NAME.match(text, end) and not is_act:
            return start, end
    return None


def _spaced(text: str) -> Iterator[Span]:
    """市长  孙  伟: a two-character name spaced out to three at the end of a line, as on title pages."""
    for match in _SPACED.finditer(text):
        if match["surname"] in _TRUSTED:
            yield match.span("name")


def _signed(text: str) -> Iterator[Span]:
    """在动员会上的讲话(尤志军): the speaker in brackets after the title."""
    for match in _SIGNED.finditer(text):
        if is_name(match["name"]):
            yield match.span("name")


def _before_title(text: str) -> Iterator[Span]:
    """王君省长, 福德同志, 薛书记: a name right before its title, if what precedes it cannot be part of it."""
    for title in _TITLED.finditer(text):
        end = title.start()
        for size in (3, 4, 2, 1):
            start = end - size
            if start < 0 or not _BEFORE_END.search(text, max(0, start - 2), start):
                continue
            words = text[start:end]
            if words[0] == "向" and size > 1:  # 向科技部部长
                continue
            comrade = title.group() == "同志"
            given = comrade and size == 2 and words not in _WORDS and _HAN_WORD.fullmatch(words) and "的" not in words
            surname = size == 1 and words in _TRUSTED and not comrade and words not in "和成应相来都全国关于向明公党"
            if is_name(words) or given or surname:
                yield start, end
                break


def _before_verb(text: str) -> Iterator[Span]:
    """赵应云说: a name that begins a clause, right before a verb of speech."""
    for verb in _SAID.finditer(text):
        for size in (3, 4, 2):
            start = verb.start() - size
            if (
                start >= 0
                and is_name(text[start : verb.start()])
                and re.search(r"(?:^|[\n。，,；;、：:\s])$", text[:start][-1:] or "")
            ):
                yield start, verb.start()
                break


def _in_lists(text: str, names: set[str]) -> Iterator[Span]:
    """市领导孙立坤、张文深等: the names in a list, if one of them is known or officials are announced."""
    for match in _LIST.finditer(text):
        members = []
        at = match.start()
        for words in match.group().split("、"):
            members.append((at, words))
            at += len(words) + 1
        (first_at, first), (last_at, _) = members[0], members[-1]
        head = next((first_at + len(first) - n for n in (4, 3, 2) if n <= len(first) and is_name(first[-n:])), None)
        tail = _name_at(text, last_at)
        lead = _ANNOUNCED.search(first)
        if head is None and lead is not None and _is_short_name(lead["name"]):
            head = first_at + lead.start("name")
        may_be = _is_short_name if lead is not None else is_name
        found = [(head, first_at + len(first)) if head is not None else None]
        found += [(start, start + len(words)) if may_be(words) else None for start, words in members[1:-1]]
        found.append(tail)
        known = any(span is not None and text[span[0] : span[1]] in names for span in found)
        announced = head is not None and _LIST_OF_PEOPLE.search(text, max(0, head - 8), head) is not None
        # 周志学、孙清海等6位同志
        announced = announced or (tail is not None and _AND_OTHERS.match(text, tail[1]) is not None)
        if known or announced:
            yield from (span for span in found if span)


def _is_short_name(words: str) -> bool:
    return words not in _WORDS and 2 <= len(words) <= 3 and words[0] in _TRUSTED


def _drop_inner(spans: set[Span]) -> set[Span]:
    """The spans without those that overlap a longer one."""
    kept: set[Span] = set()
    taken = bytearray(max((end for _, end in spans), default=0))
    for start, end in sorted(spans, key=lambda s: (s[0] - s[1], s[0])):
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            kept.add((start, end))
    return kept
