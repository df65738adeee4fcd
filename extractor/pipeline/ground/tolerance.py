"""How a quote may differ from the source: in a few characters, but not in numbers, directions or names.

Texts are keys here: folded, without white space and noise. Only the `protected` names are as written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator

from extractor.lang.characters import HAN
from extractor.lang.sentences import Span
from extractor.lang.surnames import COMPOUND_SURNAMES, OFFICE, SURNAMES
from extractor.pipeline.ground.folded_text import make_key

# Surnames that begin ordinary words as often as names (和, 全, 国): beside an office they would make names of half the
# words. Those that are names more often stay, since a slip in a name is never forgiven.
_ORDINARY = frozenset(
    "丰乌井亢从仝仰伊修充党全公农况冶冼凡劳勾南危卿原呼和哈商国奉官宾宿富尉尧居展嵇巫帅广怀戈戎战戢揭"
    "敬斯於昌晋普智朴栗楼檀母水沃沙浦海漆牧玉盖盘相秋简粟练经苑茹荆衡诸诺豆赫都鄢银闭阚阿隆雍鞠饶鲜鹿"
)
_NAMING = SURNAMES - _ORDINARY

# benchmarks/grounding.py measures which quotes the next three let through.
# A shorter quote must be equal to its place, since short official phrases can differ in a single word.
_SHORTEST_NEAR = 12
# How many characters may differ, as a share of the quote.
_NEAR_EDITS = 0.06
# Characters around a place that are searched for names that cross its edges.
_CONTEXT = 12

TIMES = "十百千万亿"
NUMERALS = frozenset("〇零一二三四五六七八九两几廿卅" + TIMES)
NUMBER = re.compile(
    rf"(?:\d+(?:[.,]\d+)*|[{''.join(sorted(NUMERALS))}]+)"
    r"(?:[%‰℃倍成折元人户个名例件次项年月日号时分秒岁亩吨里米]|平方|公)?"
)
DIRECTION = re.compile(
    "超过|超出|不足|不到|达到|以上|以下|以内|以外|以前|以后|之前|之后|之内|左右|至少|至多|最多|最少|最高|最低|"
    "[高低多少大小优劣早晚好差]于|扩大|加大|加快|放缓|减缓|加强|减弱|弱化|强化|缩小|缩短|延长|提前|推迟|提[高升]|"
    "[增减升降涨跌][长加多少大小低高幅速]?|下[降滑跌调]|上[升涨调]|回[落升]|[盈亏]|[顺逆]差|同比|环比|翻番"
)
NEGATION = re.compile("[不未无没非勿莫禁]|没有|严禁|禁止")
_LATIN = re.compile("[a-z]+")
_REGION = re.compile(rf"[{HAN}]{{2}}(?<![全我各本该省地城都村乡市县区上下内外个级州])(?=[省市县州旗](?!场|长[^沙]))")

_OFFICE = re.compile(rf"{OFFICE}|同志(?!们)|代表|教授|先生|女士")
_SPEECH = re.compile(
    "强调|指出|要求|表示|认为|说(?![明服])|主持|宣读|出席|参加|陪同|讲话|通报|作(?:了|重要|工作)|带领|率领|致辞|介绍"
)
_HAN = re.compile(f"[{HAN}·]+(?<!的)")
_LIST = re.compile(
    f"(?:[{HAN}]{{2,4}}、){{2,}}[{HAN}]{{2,4}}|[{HAN}]{{2,4}}、[{HAN}]{{2,3}}(?=等|出席|参加|陪同|主持|同志|分别|带领)"
)


def allowed_edits(core: str) -> tuple[int, int]:
    """How many characters, and how many punctuation marks, may differ in a quote."""
    size = sum(map(str.isalnum, core))
    if size < _SHORTEST_NEAR - 1:  # one character of it may be missing
        return 0, size // 6
    return max(1, math.ceil(size * _NEAR_EDITS)), 1 + size // 10


def keeps_meaning(core: str, key: str, a: int, b: int, protected: Collection[str]) -> bool:
    """Whether a quote differs from its place key[a:b] in few characters and not in meaning."""
    from rapidfuzz.distance import Levenshtein

    seen = key[a:b]
    if any(p.findall(core) != p.findall(seen) for p in (NUMBER, DIRECTION, NEGATION)):
        return False
    operations = [(op.tag, op.src_pos, op.dest_pos) for op in Levenshtein.editops(core, seen)]
    edits = [(i, j, "" if tag == "insert" else core[i], "" if tag == "delete" else seen[j]) for tag, i, j in operations]
    letters, marks = allowed_edits(max(core, seen, key=lambda text: sum(map(str.isalnum, text))))
    wrong = sum(old.isalnum() or new.isalnum() for _, _, old, new in edits)
    if wrong > letters or len(edits) - wrong > marks:
        return False
    names = [make_key(name)[0] for name in protected]
    first = max(0, a - _CONTEXT)
    here = _fixed_characters(core, names)
    there = _fixed_characters(key[first : b + _CONTEXT], names, regions=True)[a - first : b - first]
    return not any(_breaks(here, i, bool(old)) or _breaks(there, j, bool(new)) for i, j, old, new in edits)


def _breaks(fixed: list[int], i: int, present: bool) -> bool:
    """Whether an edit at `i` changes a fixed character, or inserts one inside a fixed piece."""
    if present:
        return fixed[i] != 0
    return 0 < i < len(fixed) and fixed[i - 1] == fixed[i] != 0


def _fixed_characters(key: str, names: Collection[str], regions: bool = False) -> list[int]:
    """For each character of `key` the number of the fixed piece that it belongs to, or 0 if it may differ.

    `regions` also fixes the two characters before 市, 县 …. It is for the source only: a quote may have
    可县 for 我县.
    """
    spans = [m.span() for p in (NUMBER, DIRECTION, NEGATION, _LATIN) for m in p.finditer(key)]
    spans += _find_names(key)
    spans += [m.span() for m in _REGION.finditer(key)] if regions else []
    spans += [m.span() for name in names if name for m in re.finditer(re.escape(name), key)]
    fixed = [0] * len(key)
    for number, (a, b) in enumerate(spans, 1):
        for i in range(a, min(b, len(key))):
            fixed[i] = number
    return fixed


def _find_names(key: str) -> Iterator[Span]:
    """Where `key` may name people: a surname and given name beside an office or verb of speech, or a list.

    It finds too many rather than too few: a name too many only makes a quote fail that has a mistake in it.
    """
    for office in _OFFICE.finditer(key):
        a, b = office.span()
        if office[0] == "同志" or _is_name(key[b : b + 2]):
            yield from ((max(0, a - 2), a),) if office[0] == "同志" else ((b, b + 3),)
    for trigger in (*_OFFICE.finditer(key), *_SPEECH.finditer(key)):
        a = trigger.start()
        for size in (4, 3, 2, 1):
            name = key[max(0, a - size) : a]
            if _is_name(name) and (size < 4 or name[:2] in COMPOUND_SURNAMES) and (size > 1 or trigger.re is _OFFICE):
                yield a - len(name), a
                break
    for row in _LIST.finditer(key):
        first, *middle, last = row[0].split("、")
        named = [_is_name(first[-3:]) or _is_name(first[-2:]), _is_name(last)]  # 市领导 may precede the first
        named += [_is_name(item) and (len(item) < 4 or item[:2] in COMPOUND_SURNAMES) for item in middle]
        if named.count(False) <= len(named) // 4:
            yield row.span()


def _is_name(text: str) -> bool:
    return _HAN.fullmatch(text) is not None and (text[:1] in _NAMING or text[:2] in COMPOUND_SURNAMES)
