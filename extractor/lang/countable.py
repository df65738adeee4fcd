"""Which numerals count something, and which are dates, list numbers, addresses or figures of speech."""

from __future__ import annotations

import re

from extractor.lang.characters import HAN, HAN_CHARACTER
from extractor.lang.numerals import DIGIT
from extractor.lang.quantity_pattern import approximation, in_digits, is_change, is_indefinite
from extractor.lang.sentences import Span
from extractor.lang.units import DATED, UNIT, WEAK

# Text that looks like a quantity but is not one: dates, clock times, document and phone numbers, list
# numerals, ordinals, addresses, short quotations, titles, and words made with numerals. No quantity is
# looked for inside it.
SKIPPED = re.compile(
    rf"""
    (?=[ \t\u3000\d“「『"'‘《(〔\[A-Zhw第两百{DIGIT}十万])(?:
    [“「『"'‘][^“”「」『』"'‘’\n,。;]{{1,10}}[”」』"'’] | 《[^《》\n]{{1,80}}》
    | (?<!\d)[12]\d{{3}}(?:[-/至到][12]?\d{{1,3}})?[学财]?年(?:[度代级]|\d{{1,2}}月(?:份|\d{{1,2}}[日号])?)?
    | (?<!\d)\d{{2}}年(?=[^{HAN}]|[底初末\d])
    | (?<!\d)\d{{1,2}}(?:[-至到、]\d{{1,2}})?月(?:份|\d{{1,2}}(?:[-至到]\d{{1,2}})?[日号])?
    | (?<!\d)[01]?\d-[0-3]\d(?=[ \t]*$)                                   # the day behind a link
    | (?<![\d:为例是比达])\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?![\d:])           # clock times
    | [(〔\[]\d{{1,4}}[)〕\]](?:第?\d{{1,5}}号)? | [(〔\[][{DIGIT}十]{{1,3}}[)〕\]] | (?<!\d)\d{{2,4}}-\d{{6,8}}(?!\d)
    | (?<=拨打)\d{{3,12}} | (?<=电话)[:为]?\d{{5,12}}(?![\d.]*[万亿户部]) | (?<!\d)\d{{3,6}}(?=(?:服务|政务|投诉|便民|监督|市民)*(?:热线|平台|电话)|[国省县乡]道)
    | (?<![A-Za-z])(?:https?://|www\.)[!-~]{{1,200}}
    | (?<![A-Za-z])(?:PM\s{{0,2}}|[A-Z]{{1,2}})-?\d{{1,6}}(?:\.\d)?(?![\d%万亿元])
    | (?:^|(?<=[\n。;]))[ \t\u3000]{{0,8}}\d{{1,2}}[、.)](?!\d)
    | 第[{DIGIT}十百千\d]{{1,6}}(?=[届次个条批轮期章节步季产代线种类款项部号版卷{DIGIT}])
    | \d{{1,6}}(?:\.\d{{1,4}})?(?::\d{{1,6}}(?:\.\d{{1,4}})?){{2}}              # shares of three parts: 5:41:54
    | (?:五|三)位一体 | 百家争鸣 | (?<![{DIGIT}])[十万]分(?!之|钟) | 一成不变 | 万元户
    | [一二三四五六七八九十]元(?:化|论|结构|经济) | [两三四五六]套班子
    )
    """,
    re.VERBOSE | re.MULTILINE,
)
# After a small Chinese numeral, a weak counting word (个, 项 …) counts only if one of these nouns follows.
_COUNTABLE = re.compile(
    r"[,.;:。、)\s]|$|以上|左右|县|市(?!场|民)|区(?!间|域)|乡|镇|村|社区|街道|省|国家|城市|单位|部门|企业|公司|项目|园区|基地|"
    r"中心|站|学校|医院|家庭|孩子|子女|机构|试点|示范|品种|品牌|小组|[国省市]级|重点(?=[项企工镇县乡城])|大型|新建|"
    r"农[户场]|民族|港口|机场|行业|奖|百分点|工程"
)
# Nouns for the points of a speech: 3个方面 and 两项任务 count no things.
_LISTED = re.compile(
    r"大|方面|问题|意见|要求|任务|环节|特点|阶段|层面|原则|关键|坚持|代表|确保|统一|结合|转变|体系|文明|意识|自信|维护|确立|"
    r"全面|有利于|关系|目标|主题|突出|到位|机制|理念|字|时期|角度|认识|要点|因素|转化|不变|不准|必须|一律|严禁|着力|重点工作"
)
# The unit of a table's row: 粮食产量（万吨）18.2.
UNIT_AHEAD = re.compile(rf"[(]([十百千万亿]{{0,3}}(?:{UNIT}))[)]:?$")
_BARE_BEFORE = re.compile(r"(?:[为达到至是从由约占均比过的于率降升增减]|比例|指数|总数)(?:了|约)?$")
_BARE_AFTER = re.compile(rf"$|[^{HAN}A-Za-z]|下降|降|提高|上升|升|增|减|的|和|与|以|左|位|之")
_RANKED = re.compile(r"(?:居|列|排名?|排在|[省市区县国州球]|世界|同类|总[量数分])$")
_GROWN = re.compile(r"(?:增加|减少|新增|新建|建成|完成|达|共|有|近|培训|发放|查处)(?:了|到)?$")
_LASTED = re.compile(r"(?:连续|长达|缩短|延长|提前|平均|龄|限|寿命)(?:了|到|至|为)?$")
_RANKS = frozenset(("第", "倒数第", "前"))


def spans_of(plain: str, match: re.Match[str]) -> list[Span]:
    """The spans of quantities in a match: usually one, two for 从5%到7%, none if it counts nothing."""
    counts = _is_ranking if match["lead"] in _RANKS else _counts
    if not counts(plain, match) or is_indefinite(plain, match):
        return []
    start = match.start("before")
    gap = match["gap"]
    if match["each"] and (not gap or (len(gap) <= 4 and match["unit"] in ("次", "元", "场", "期", "小时", "天"))):
        start = match.start()
    if is_change(plain[max(0, start - 1) : start], match):
        return [(start, match.end("unit")), (match.start("lead2"), match.end())]
    return [(start, match.end())]


def _is_ranking(plain: str, match: re.Match[str]) -> bool:
    """Whether an ordinal is a rank: 第116名 and 居全省第一 are, 放在第一位 and 第一产业 are not."""
    before, after = plain[max(0, match.start() - 4) : match.start()], plain[match.end() : match.end() + 1]
    if match["unit"] in ("名", "位", "强"):
        return not before.endswith(("在", "到", "于")) or match["unit"] != "位"
    return not match["unit"] and bool(_RANKED.search(before)) and not HAN_CHARACTER.match(after)


def _counts(plain: str, match: re.Match[str]) -> bool:
    lead, token, unit, unit2 = match.group("lead", "first", "unit", "unit2")
    if lead:
        return True
    unit = unit2 or unit
    digits = in_digits(match)
    if not unit and not digits:
        return False
    before, after = plain[max(0, match.start() - 6) : match.start()], plain[match.end() : match.end() + 6]
    if _is_list_count(unit, after):
        return False
    if unit in DATED:
        return unit == "年" and ("." in token or bool(_LASTED.search(before)))
    hedged = bool(approximation(match))
    if digits:
        return _counts_in_digits(match, before, after, hedged)
    return _counts_in_characters(match, before, after, hedged)


def _is_list_count(unit: str | None, after: str) -> bool:
    """Whether the number counts the points of a speech: 3个方面, 三点意见, 两大任务."""
    return (not unit or unit in WEAK) and bool(_LISTED.match(after))


def _counts_in_digits(match: re.Match[str], before: str, after: str, hedged: bool) -> bool:
    """Whether digits count something.

    A bare number does only if the words around it say what has that value.
    """
    token = match["first"]
    if match["unit"] or match["unit2"] or match["per"]:
        return True
    if token[0] == "0" and token[1:2].isdecimal():
        return False
    is_year = token.isdecimal() and len(token) == 4 and token[:2] in ("19", "20")
    if is_year and not hedged:
        return False
    if hedged or not token.isdecimal() or match["second"] or UNIT_AHEAD.search(before):
        return True
    return bool(_BARE_BEFORE.search(before) and _BARE_AFTER.match(after))


def _counts_in_characters(match: re.Match[str], before: str, after: str, hedged: bool) -> bool:
    """Whether Chinese numerals count something. 一 is mostly an article, 二 to 十 mostly count points."""
    token, unit = match["first"], match["unit2"] or match["unit"]
    if unit in ("倍", "成", "元", "美元", "亩", "百分点", "个百分点"):
        return True
    if match["each"] and len(match["gap"]) <= 4 and unit in ("次", "场", "期"):  # 每半年开展一次
        return True
    if token in ("一", "零", "〇") or unit in ("角", "期", "伏", "度", "头"):  # 长三角, 二期工程, 危机四伏
        return False
    if hedged or len(token) > 1:
        return True
    if unit in WEAK:
        return bool(_COUNTABLE.match(after) or _GROWN.search(before))
    return True
