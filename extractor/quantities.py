"""Numbers, units and approximators as Chinese official texts word them: what they say, and where they stand."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

from extractor.fields import Quantity
from extractor.fold import simplify

Approx = Literal["min", "max", "about", "over", "nearly"]

# --- the vocabulary -----------------------------------------------------------------------------------------------

def _words(*lines: str) -> list[str]:
    return " ".join(lines).split()


_APPROX_BEFORE: dict[str, Approx] = {
    **dict.fromkeys(_words("至少 不低于 不少于 不小于 不下于 不下 最少 起码 上"), "min"),
    **dict.fromkeys(_words("不超过 不得超过 不高于 不多于 不大于 至多 最多 低于 少于 小于"), "max"),
    **dict.fromkeys(_words("不足 不到 不满 未满"), "max"),
    **dict.fromkeys(_words("大约 大概 大致 大体 约为 约"), "about"),
    **dict.fromkeys(_words("超过 超出 突破 高于 大于 多于 超 逾 过"), "over"),
    **dict.fromkeys(_words("将近 接近 逼近 几近 几乎 近"), "nearly"),
}
_APPROX_AFTER: dict[str, Approx] = {
    **dict.fromkeys(_words("及以上 或以上 以上 之上"), "min"),
    **dict.fromkeys(_words("及以下 或以下 以下 之下 以内 之内"), "max"),
    **dict.fromkeys(_words("左右 上下 前后"), "about"),
    "有余": "over",
}
# Where several meet (超过20%以上, 约10多个), the one that says most holds.
_STRENGTH: tuple[Approx, ...] = ("over", "max", "min", "nearly", "about")

# Units that a date, a clock, an edition or a document number has too: parsed, but found only as durations.
_DATED = _words("周年 年度 年代 年级 年 月份 月 日 号 届 版 世纪 时 点")
# Counting words that stand in headings and slogans (五个坚持, 三项原则) as often as before things that are counted.
_WEAK = _words("个 项 条 种 类 件 位 次 批 轮 场 期")
_COUNTED = _words(
    "人次 车次 架次 班次 件次 户次 批次 例次 人份 人天 人年 人 名 户 家 例 所 座 栋 幢 间 套 辆 台 架 艘 头 只",
    "匹 羽 尾 棵 株 册 份 篇 本 张 幅 枚 片 根 支 门 节 席 股 笔 宗 起 处 段 层 部 盏 口 眼 孔 道 块 床位 床",
    "学时 课时 标准箱 标箱 桶 担",
)
_MEASURED = _words(
    "个百分点 百分点 个工作日 工作日 个小时 小时 分钟 秒 个月 个季度 周岁 岁 天 周",
    "元 美元 港元 欧元 日元 英镑 卢布 角 分钱 块钱 平方公里 平方千米 平方米 平米 公顷 亩",
    "公里 千米 海里 厘米 毫米 微米 米 立方米 立方 毫升 升 吨标准煤 标准煤 载重吨 吨公里 吨 公斤 千克 斤 毫克 微克 克",
    "千瓦时 千瓦 兆瓦 瓦 千伏 伏 摄氏度 度 分贝 倍 成 番 强 分 % ‰ ℃ ㎡ m² m³ km² km kg mg cm mm kWh kW MW GW",
)
# What a counting word must not run on into: 家庭, 名列, 条例, 所有 are words of their own.
_NOT_BEFORE = {
    "人": "均大员才民事力", "家": "庭长电具属禽畜园", "名": "列称单字副", "户": "籍型", "所": "有在以谓属得需",
    "间": "接隔", "套": "餐", "台": "湾风胞商阶账", "头": "等", "只": "有要能是增占为", "份": "额",
    "本": "级地市省区县届年月来着质", "张": "家", "片": "区面", "根": "据本", "支": "持出付部援撑柱配",
    "门": "类", "节": "能约日目点", "股": "份", "起": "来草步点诉", "处": "理罚于在分置级",
    "部": "分门委队长署", "口": "岸号", "道": "路德理", "块": "头", "条": "例件款", "项": "目",
    "种": "植子养粮", "类": "似别", "位": "于居列次置", "次": "生要序级", "批": "准复评发示", "场": "所地馆面",
    "期": "间末望限待", "度": "假过", "成": "为员立果功就绩效熟本长了都品分年份", "周": "边围密到",
    "天": "然津", "元": "旦素", "点": "击", "时": "间期代", "日": "益本常", "月": "球", "号": "召称",
    "米": "粮", "克": "服", "角": "度色", "升": "级至到",
}  # fmt: skip
_TENTHS = {character: digit for digit, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}

# One character to one: full-width ASCII, the many dashes, and old or financial numerals.
_PLAIN = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys("‐‑‒–—―─−~～〜∼", "-")
    | {"﹪": "%", "．": ".", "∶": ":", "○": "〇", "馀": "余", "倆": "两"}
)
_FINANCIAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")

# --- the grammar: every repetition is bounded, so any text passes in linear time ------------------------------------


def _any_of(words: Iterable[str]) -> str:
    """Alternation of words, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


def _first_of(words: Iterable[str]) -> str:
    """Looks at one character before an alternation of a hundred is tried: ten times as fast."""
    return f"(?=[{''.join(sorted({re.escape(word[0]) for word in words}))}])"


def _unit(word: str) -> str:
    if word.isascii() and word.isalpha():
        return rf"{word}(?![A-Za-z])"
    if word == "分":  # a score, not 分别, 分配
        return r"分(?=以|左|的|[^\u4e00-\u9fff]|$)"
    return re.escape(word) + (f"(?![{_NOT_BEFORE[word]}])" if word in _NOT_BEFORE else "")


_UNITS = sorted({*_DATED, *_WEAK, *_COUNTED, *_MEASURED}, key=lambda word: (-len(word), word))
_UNIT = f"{_first_of(_UNITS)}(?:{'|'.join(map(_unit, _UNITS))})"
_DIGIT = "零〇一二两三四五六七八九"
# 百分点, 千瓦, 千克 are units: their first character multiplies nothing.
_POWER = r"(?:[十万亿]|百(?!分)|千(?![瓦克米伏兆]))"
_ARABIC = r"(?<!\d)(?<!\d\.)(?:\d{1,3}(?:,\d{3}){1,5}+|\d{1,16}+)(?:\.\d{1,8}+)?+(?!\.?\d)"
_CHINESE = (
    rf"(?<![{_DIGIT}十百千万亿])(?!一半)(?:[{_DIGIT}廿]|{_POWER}){{1,24}}+(?![{_DIGIT}])"
    rf"(?:点[{_DIGIT}]{{1,8}}+)?+"
)
_SECOND_TERM = rf"(?:(?:\d{{1,4}}|[{_DIGIT}])(?:[多余]?{_POWER}){{1,3}})"  # the 5千 of 3万5千
_NUMBER = rf"(?:{_ARABIC}|{_CHINESE})(?:[多余几]?{_POWER}){{0,4}}+{_SECOND_TERM}?"
_OVER = rf"(?:[多余几]|来(?=(?:{_UNIT})))"
_PER = rf"(?:(?:/(?:\d{{0,4}}[十百千万亿](?:{_UNIT})?|\d{{0,4}}(?:{_UNIT}|季度|季))){{1,2}}(?:·(?:{_UNIT}))?)?"
_AHEAD = rf"(?=.{{0,20}}[\d{_DIGIT}十百千万亿])"
_EACH = rf"(?:每{_AHEAD}(?:[一两十百千万亿半]|\d{{1,4}}[万亿]?)?(?:{_UNIT}|季度|季|学期|亩|班))"
_BEFORE = (
    rf"(?:{_first_of(_APPROX_BEFORE)}(?:(?<![附最靠邻相临亲])近|(?<![节公契条合制预签特])约|"
    r"(?<![超通经])过(?=[十百千万亿])|上(?=[百千万亿])|"
    rf"{_any_of(word for word in _APPROX_BEFORE if word not in '近约过上')}))"
)
_LEAD = (
    rf"(?:倒数第|第|(?<![目从以之])前(?=[\d{_DIGIT}十百]{{1,4}}[名位强])|翻了?|"
    rf"(?:\d{{1,4}}万?|[{_DIGIT}十百千万]{{1,3}})分之)"
)
_BEFORE_WORDS, _AFTER_WORDS = re.compile(_any_of(_APPROX_BEFORE)), re.compile(_any_of(_APPROX_AFTER))
_HALF = rf"(?<![{_DIGIT}十百千万亿])半(?![年数天径导成]|个月)"
_STARTS = _first_of([*_APPROX_BEFORE, *"每倒第前翻负+-0123456789廿十百千万亿", *_DIGIT])
_QUANTITY = re.compile(
    rf"""
    {_STARTS}
    (?:(?P<each>{_EACH}{{1,3}})(?P<gap>[\u4e00-\u9fff]{{0,8}}?))?
    (?P<before>{_BEFORE}{{0,2}}) (?P<lead>{_LEAD}?) (?P<inner>(?:(?<=[之翻了]){_BEFORE}{{1,2}})?)
    (?P<sign>(?:[+-]|负(?=[\d百]))?) (?P<first>{_NUMBER})
    (?P<over>{_OVER}?) (?P<half>(?:个半(?=月|小时))?) (?P<unit>(?:{_UNIT})?)
    (?:(?P<to>--?|至|到)(?P<lead2>{_LEAD}?)(?P<second>{_NUMBER})(?P<over2>{_OVER}?)(?P<unit2>(?:{_UNIT})?))?
    (?P<per>{_PER}) (?P<rest>(?:(?<=成)[{_DIGIT}]|{_HALF}|多(?=月|百分点|[^\u4e00-\u9fff]|[的左以]|$))?)
    (?P<tail>(?:(?<=多)(?:月|百分点))?) (?P<after>(?:{_any_of(_APPROX_AFTER)}){{0,2}})
    """,
    re.VERBOSE,
)
_AROUND = rf"({_BEFORE}?){{}}({_any_of(_APPROX_AFTER)})?"
_TERM = r"\d{1,9}+(?:\.\d{1,4}+)?+"
_RATIO = re.compile(_AROUND.format(rf"(?<![\d./:])({_TERM})[/:比]({_TERM})(?![\d./:十百千万亿])"))
_NAMED = {
    **dict.fromkeys(_words("半数 一半 过半 大半 多半"), (0.5, None)),
    **dict.fromkeys(_words("翻番 翻倍"), (2, "倍")),
    **{f"半{unit}": (0.5, unit) for unit in _words("年 个月 小时")},
}
_NAMED_NUMBER = re.compile(_AROUND.format(f"({_any_of(_NAMED)})"))
_ANNOTATION = re.compile(r"(?<=[\u4e00-\u9fff])[(](?:(?![\u4e00-\u9fff])[^\W\d_]){1,7}[)]")  # pinyin: 第三名(míng)
_SPACE = re.compile(r"\s+")
_COLUMNS = re.compile(r"(?<=\d\d)\s+(?=\d)|(?<=\d)\s+(?=\d\d)")  # 100 200 is two numbers, 2 0 0 is one

# --- what the words say --------------------------------------------------------------------------------------------


def parse_quantity(words: str) -> Quantity | None:
    """The number, unit and approximator in `words`; None where they hold none (几十个) or several (从3提高到5).

    A fraction or ratio is its value to six digits, without a unit: 三分之二 and 2:3 are 0.666667, 半数 is 0.5; but
    a ratio to 100 is its first term (118.8:100 is 118.8). 翻两番 is 4 倍, 两成 is 20 %, 每年组织1次 is 1 次/年.
    """
    plain = _COLUMNS.sub(";", simplify(words.translate(_PLAIN)).translate(_FINANCIAL))
    plain = _SPACE.sub("", plain)
    plain = _ANNOTATION.sub("", plain)
    return _ratio(words, plain) or _counted(words, plain) or _named(words, plain)


def _counted(words: str, plain: str) -> Quantity | None:
    found = _matches(plain)
    if len(found) != 1:
        return None
    match = found[0]
    if _is_change(plain[: match.start()], match):
        return None
    first, second = _bounds(match)
    if first is None or (match["second"] and second is None) or _units_differ(match):
        return None
    approx = _approximation(match)
    unit = _unit_of(match)
    if second is None:
        return Quantity(text=words, number=_json_number(first), unit=unit, approx=approx)
    low, high = sorted((first, second))
    return Quantity(text=words, low=_json_number(low), high=_json_number(high), unit=unit, approx=approx)


def _matches(plain: str) -> list[re.Match[str]]:
    """Readings of `plain` as a number; of several, those in digits, then those that are no date (2014年增长5.3%)."""
    found = [match for match in _QUANTITY.finditer(plain) if not _is_indefinite(plain, match)]
    for keep in (_in_digits, _is_undated):
        if len(found) > 1:
            found = [match for match in found if keep(match)] or found
    return found


def _is_indefinite(plain: str, match: re.Match[str]) -> bool:
    """数十, 几百, 万元: an order of magnitude, no number; 20xx: not all of one."""
    before, after = plain[max(0, match.start() - 1) : match.start("first")], plain[match.end() : match.end() + 1]
    if after.isascii() and after.isalpha():
        return True
    return before.endswith(("数", "几")) or (
        not match["first"].strip("百千万亿") and not match["lead"] and _approximation(match) is None
    )


def _is_change(before: str, match: re.Match[str]) -> bool:
    """从5%到7%: from one value to another, where 5%到7% alone is a range."""
    return match["to"] in ("至", "到") and before.endswith(("从", "由", "自"))


def _units_differ(match: re.Match[str]) -> bool:
    return bool(match["unit"] and match["unit2"]) and match["unit"] != match["unit2"]


def _in_digits(match: re.Match[str]) -> bool:
    return any(character.isdecimal() for character in match["first"])


def _is_undated(match: re.Match[str]) -> bool:
    return (match["unit2"] or match["unit"]) not in _DATED


def _bounds(match: re.Match[str]) -> tuple[Decimal | None, Decimal | None]:
    """The number, or the two ends of a range."""
    lead, token = match["lead"], match["first"]
    pair = _neighbours(token)
    second: Decimal | None = None
    if match["second"]:
        first, second = _range_values(match)
    elif pair:
        first, second = _scaled(lead, _value(pair[0])), _scaled(lead, _value(pair[1]))
    else:
        first = _scaled(lead, _value(token))
    if first is not None and second is None:
        first = _with_remainder(match, first)
    sign = -1 if match["sign"] in ("-", "负") else 1
    times = sign * 10 if "成" in (match["unit"], match["unit2"]) else sign
    return first and first * times, second and second * times


def _range_values(match: re.Match[str]) -> tuple[Decimal | None, Decimal | None]:
    """1-10万元 is 10000 to 100000: the multiplier is the first number's too where that is bare and smaller."""
    lead, token, other = match["lead"], match["first"], match["second"]
    powers = re.search(r"[十百千万亿]*$", other)
    shared = powers[0] if powers and other[0].isdecimal() else ""
    first, second = _value(token), _value(other)
    mantissa = _value(other.removesuffix(shared)) if shared else None
    bare = token[-1] not in "十百千万亿" and not match["unit"]
    if first is not None and mantissa is not None and bare and first < mantissa:
        first = _value(token + shared)
    return _scaled(lead, first), _scaled(match["lead2"] or lead, second)


def _neighbours(token: str) -> tuple[str, str] | None:
    """两三(百), 十五六, 三五: an estimate by two digits side by side."""
    match = re.fullmatch(r"(.*十)?([一两二三四五六七八])([二两三四五六七八九])([百千万亿]*|十[万亿]?)", token)
    if not match:
        return None
    tens, low, high, power = match[1] or "", match[2], match[3], match[4]
    if _TENTHS[high] - _TENTHS[low] != 1 and token != "三五":
        return None
    return tens + low + power, tens + high + power


def _scaled(lead: str, value: Decimal | None) -> Decimal | None:
    """The value after 百分之, 三分之, 翻."""
    if value is None:
        return None
    if lead.startswith("翻"):
        return Decimal(2) ** value if value == int(value) and 0 < value <= 10 else None
    if lead.endswith("分之") and not _part(lead):
        under = _value(lead.removesuffix("分之"))
        return round(value / under, 6) if under else None
    return value


_PARTS = {"百分之": "%", "千分之": "‰", "万分之": "/万"}


def _part(lead: str) -> str | None:
    """百分之 is %, 十万分之 is /十万."""
    return _PARTS.get(lead, "/" + lead.removesuffix("分之") if lead.endswith("万分之") else None)


def _with_remainder(match: re.Match[str], value: Decimal) -> Decimal:
    """What follows the unit: 三成五 is 35 %, 一倍半 1.5 倍, 两个半月 2.5 个月."""
    rest = match["rest"]
    if rest == "半" or match["half"]:
        value += Decimal("0.5")
    elif rest in _TENTHS:
        value += Decimal(_TENTHS[rest]) / 10
    return value


def _value(token: str) -> Decimal | None:
    """A numeral in digits, in Chinese, or in both (3万5千, 1亿3千多万)."""
    token = re.sub(r"[多余几,]", "", token)
    for power, exponent in (("亿", 8), ("万", 4)):
        head, found, tail = token.rpartition(power)
        if found:
            times = _value(head) if head else Decimal(1)
            plus = _value(tail) if tail else Decimal(0)
            if times is None or plus is None:
                return None
            if tail in _TENTHS and tail not in "零〇" and head:  # 三万五 is 35000
                plus = plus.scaleb(exponent - 1)
            return times.scaleb(exponent) + plus
    return _small_value(token)


def _small_value(token: str) -> Decimal | None:
    """A numeral below 万."""
    digits = re.fullmatch(r"(\d+(?:\.\d+)?)([十百千]*)(.*)", token)
    if digits:
        plus = _value(digits[3]) if digits[3] else Decimal(0)
        value = Decimal(digits[1]).scaleb(sum({"十": 1, "百": 2, "千": 3}[power] for power in digits[2]))
        return None if plus is None else value + plus
    token = token.lstrip("零〇") or "零"  # what is left of 三亿零五百万
    whole, point, decimals = token.partition("点")
    if point:
        if not all(digit in _TENTHS for digit in decimals):
            return None
        units = _small_value(whole) if whole else Decimal(0)
        return None if units is None else units + Decimal("0." + "".join(str(_TENTHS[digit]) for digit in decimals))
    from cn2an import cn2an  # type: ignore[import-untyped]  # 0.2 s, and only where a numeral is Chinese

    try:
        return Decimal(cn2an("一" + token if token.startswith(("百", "千")) else token, "normal"))
    except (ValueError, LookupError):  # it raises KeyError on some numerals that are none (千一千)
        return None


def _approximation(match: re.Match[str]) -> Approx | None:
    token = match["second"] or match["first"]
    inside = (match["over"], match["over2"], match["rest"], *token)
    said: set[Approx] = {"about"} if "来" in inside else set()
    if any(word in ("多", "余", "几") for word in inside):
        said.add("over")
    said |= {_APPROX_BEFORE[word] for word in _BEFORE_WORDS.findall(match["gap"] or "") if len(word) > 1}
    return _strongest(match["before"] + match["inner"], match["after"], said)


def _strongest(before: str, after: str | None, said: set[Approx]) -> Approx | None:
    said |= {_APPROX_BEFORE[word] for word in _BEFORE_WORDS.findall(before)}
    said |= {_APPROX_AFTER[word] for word in _AFTER_WORDS.findall(after or "")}
    return next((approx for approx in _STRENGTH if approx in said), None)


_UNIT_NAMES = {"成": "%", "个百分点": "百分点", "个小时": "小时", "个工作日": "工作日"}


def _unit_of(match: re.Match[str]) -> str | None:
    lead, unit = match["lead"], match["unit2"] or match["unit"]
    if part := _part(lead):
        return part
    if lead.startswith("翻"):
        return "倍"
    if match["half"] or match["tail"]:  # 两个半月, 3个多月, 3个多百分点
        unit = "个" + (match["tail"] or unit.removeprefix("个"))
    unit = _UNIT_NAMES.get(unit, unit)
    per = match["per"].replace("·", "/")
    each = re.findall("每[^每]+", match["each"] or "")
    if each and unit:
        return unit + "".join("/" + word.removeprefix("每").removeprefix("一") for word in each) + per
    return "".join(each) or unit + per or None


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _ratio(words: str, plain: str) -> Quantity | None:
    match = _RATIO.search(plain)
    if not match or len(re.findall(_TERM, plain)) != 2:
        return None
    over, under = Decimal(match[2]), Decimal(match[3])
    if not under:
        return None
    value = over if under == 100 and "/" not in match[0] else round(over / under, 6)
    return Quantity(text=words, number=_json_number(value), approx=_strongest(match[1], match[4], set()))


def _named(words: str, plain: str) -> Quantity | None:
    match = _NAMED_NUMBER.search(plain)
    if not match:
        return None
    number, unit = _NAMED[match[2]]
    said: set[Approx] = {"over"} if match[2] in ("过半", "大半", "多半") else set()
    return Quantity(text=words, number=number, unit=unit, approx=_strongest(match[1], match[3], said))

# --- where quantities stand ----------------------------------------------------------------------------------------

# What reads like a number and is none, or is another field's: dates, clock times, document and phone numbers, list
# numerals, ordinals, addresses, what stands in short quotation marks or a title, and words made with numerals.
_SKIPPED = re.compile(
    rf"""
    (?=[\s\d“「『"'‘《(〔\[A-Zhw第两百{_DIGIT}十万])(?:
    [“「『"'‘][^“”「」『』"'‘’\n,。;]{{1,10}}[”」』"'’] | 《[^《》\n]{{1,80}}》
    | (?<!\d)[12]\d{{3}}(?:[-/至到][12]?\d{{1,3}})?[学财]?年(?:[度代级]|\d{{1,2}}月(?:份|\d{{1,2}}[日号])?)?
    | (?<!\d)\d{{2}}年(?=[^\u4e00-\u9fff]|[底初末\d])
    | (?<!\d)\d{{1,2}}(?:[-至到、]\d{{1,2}})?月(?:份|\d{{1,2}}(?:[-至到]\d{{1,2}})?[日号])?
    | (?<!\d)[01]?\d-[0-3]\d(?=[ \t]*$)                                   # the day in a list of links
    | (?<![\d:为例是比达])\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?![\d:])           # clock times
    | [(〔\[]\d{{1,4}}[)〕\]](?:第?\d{{1,5}}号)? | (?<!\d)\d{{2,4}}-\d{{6,8}}(?!\d)
    | (?<![A-Za-z])(?:https?://|www\.)[!-~]{{1,200}}
    | (?<![A-Za-z])(?:PM\s{{0,2}}|[A-Z]{{1,2}})-?\d{{1,6}}(?:\.\d)?(?![\d%万亿元])
    | (?:^|(?<=[\n。;]))[ \t\u3000]{{0,8}}\d{{1,2}}[、.)](?!\d)
    | 第[{_DIGIT}十百千\d]{{1,6}}(?=[届次个条批轮期章节步季产代线种类款项部号版卷{_DIGIT}])
    | \d{{1,6}}(?:\.\d{{1,4}})?(?::\d{{1,6}}(?:\.\d{{1,4}})?){{2}}              # shares of three: 5:41:54
    | (?:五|三)位一体 | 百家争鸣 | (?<![{_DIGIT}])[十万]分(?!之|钟) | 一成不变 | 万元户
    | [一二三四五六七八九十]元(?:化|论|结构|经济) | [两三四五六]套班子
    )
    """,
    re.VERBOSE | re.MULTILINE,
)
# What a weak counting word (个, 项 …) must stand before, after a small Chinese numeral: things that are counted.
_COUNTABLE = re.compile(
    r"[,.;:。、)\s]|$|以上|左右|县|市(?!场|民)|区(?!间|域)|乡|镇|村|社区|街道|省|国家|城市|单位|部门|企业|公司|项目|园区|基地|"
    r"中心|站|学校|医院|家庭|孩子|子女|机构|试点|示范|品种|品牌|小组|[国省市]级|重点(?=[项企工镇县乡城])|大型|新建|"
    r"农[户场]|民族|港口|机场|行业|奖|百分点|工程"
)
# What counts the points of a speech, not things: 3个方面, 两项任务.
_LISTED = re.compile(
    r"大|方面|问题|意见|要求|任务|环节|特点|阶段|层面|原则|关键|坚持|代表|确保|统一|结合|转变|体系|文明|意识|自信|维护|确立|"
    r"全面|有利于|关系|目标|主题|突出|到位|机制|理念|字|时期|角度|认识|要点|因素|转化|不变|不准|必须|一律|严禁|着力|重点工作"
)
_BARE_BEFORE = re.compile(r"(?:[为达到至是从由约占均比过的于率降升增减]|比例|指数|总数)(?:了|约)?$")
_BARE_AFTER = re.compile(r"$|[^\u4e00-\u9fffA-Za-z]|下降|降|提高|上升|升|增|减|的|和|与|以|左|位|之")
_RANKED = re.compile(r"(?:居|列|排名?|排在|[省市区县国州球]|世界|同类|总[量数分])$")
_GROWN = re.compile(r"(?:增加|减少|新增|新建|建成|完成|达|共|有|近|培训|发放|查处)(?:了|到)?$")
_LASTED = re.compile(r"(?:连续|长达|缩短|延长|提前|平均|龄|限|寿命)(?:了|到|至|为)?$")
_BLANK = r"[ \t\u3000\u200b\xa0]"
_SPACING = re.compile(
    rf"(?<=\d){_BLANK}{{1,3}}(?=[\u4e00-\u9fff%‰]|\.\d)|(?<=[\u4e00-\u9fff]){_BLANK}{{1,3}}(?=\d)|"
    rf"(?<=\D\d){_BLANK}(?=\d(?:{_BLANK}\d){{0,8}}(?:{_BLANK}?\.\d)?{_BLANK}?[\u4e00-\u9fff%‰])"
)
_PROPORTION = re.compile(
    rf"(?<=[为例是比达])(?<![{_DIGIT}])\d{{1,6}}+(?:\.\d{{1,4}}+)?+:\d{{1,6}}+(?:\.\d{{1,4}}+)?+|"
    r"(?<=[少占达近约为加])\d{1,2}/\d{1,3}(?![\d/月日])(?:以上|左右)?|"
    rf"(?:{_BEFORE})?(?:半数|(?<!另)一半(?!是|在)|过半(?!年))(?:{_any_of(_APPROX_AFTER)})?|翻番|翻倍"
)


def _spans_of(plain: str, match: re.Match[str]) -> list[tuple[int, int]]:
    """The span of a match that may be a quantity; two for 从5%到7%; none for what only holds a numeral."""
    counts = _is_ranking if match["lead"] in _RANKS else _counts
    if _is_indefinite(plain, match) or not counts(plain, match):
        return []
    start = match.start("before")
    gap = match["gap"]
    if match["each"] and (not gap or (len(gap) <= 4 and match["unit"] in ("次", "元", "场", "期", "小时", "天"))):
        start = match.start()
    if _is_change(plain[max(0, start - 1) : start], match):
        return [(start, match.end("unit")), (match.start("lead2"), match.end())]
    return [(start, match.end())]


_RANKS = ("第", "倒数第", "前")


def _is_ranking(plain: str, match: re.Match[str]) -> bool:
    """第116名, 居全省第一; not 放在第一位, 第一产业."""
    before, after = plain[max(0, match.start() - 4) : match.start()], plain[match.end() : match.end() + 1]
    if match["unit"] in ("名", "位", "强"):
        return not before.endswith(("在", "到", "于")) or match["unit"] != "位"
    return not match["unit"] and bool(_RANKED.search(before)) and not re.match(r"[\u4e00-\u9fff]", after or "。")


def _counts(plain: str, match: re.Match[str]) -> bool:
    before, after = plain[max(0, match.start() - 6) : match.start()], plain[match.end() : match.end() + 6]
    lead, token, unit = match["lead"], match["first"], match["unit2"] or match["unit"]
    if lead:
        return True
    if _is_list_count(unit, after):
        return False
    if unit in _DATED:
        return unit == "年" and ("." in token or bool(_LASTED.search(before)))
    hedged = bool(_approximation(match))
    if _in_digits(match):
        return _counts_in_digits(match, before, after, hedged)
    if not unit:
        return False
    return _counts_in_characters(match, before, after, hedged)


def _is_list_count(unit: str | None, after: str) -> bool:
    """3个方面, 三点意见, 两大任务: the points of a speech."""
    return bool(_LISTED.match(after)) and unit in (*_WEAK, "", None)


def _counts_in_digits(match: re.Match[str], before: str, after: str, hedged: bool) -> bool:
    """A bare number counts only where the words around it say that something has that value."""
    token = match["first"]
    if match["unit"] or match["unit2"] or match["per"]:
        return True
    if token[0] == "0" and token[1:2].isdecimal():
        return False
    is_year = token.isdecimal() and len(token) == 4 and token[:2] in ("19", "20")
    if is_year and not hedged:
        return False
    if hedged or not token.isdecimal() or match["second"]:
        return True
    return bool(_BARE_BEFORE.search(before) and _BARE_AFTER.match(after))


def _counts_in_characters(match: re.Match[str], before: str, after: str, hedged: bool) -> bool:
    """Chinese numerals: 一 is mostly an article, and 二 to 十 mostly count the points of a speech."""
    token, unit = match["first"], match["unit2"] or match["unit"]
    if unit in ("倍", "成", "元", "美元", "亩", "百分点", "个百分点"):
        return True
    if match["each"] and len(match["gap"]) <= 4 and unit in ("次", "场", "期"):  # 每半年开展一次
        return True
    if token in ("一", "零", "〇") or unit in ("角", "期", "伏", "度", "头"):  # 长三角, 二期工程, 危机四伏
        return False
    if hedged or len(token) > 1:
        return True
    if unit in _WEAK:
        return bool(_COUNTABLE.match(after) or _GROWN.search(before))
    return True


def find_quantities(text: str) -> list[tuple[int, int]]:
    """Spans of the expressions in clean Simplified `text` that may state a quantity, with approximator and unit."""
    plain, offsets = _close_up(text.translate(_PLAIN))
    spans: list[tuple[int, int]] = []
    position = 0
    for skipped in (*_SKIPPED.finditer(plain), None):
        end = skipped.start() if skipped else len(plain)
        for match in _QUANTITY.finditer(plain, position, end):
            spans.extend(_spans_of(plain, match))
        spans.extend(match.span() for match in _PROPORTION.finditer(plain, position, end))
        position = skipped.end() if skipped else end
    return [(offsets[start], offsets[end - 1] + 1) for start, end in _apart(spans)]


def _close_up(plain: str) -> tuple[str, Sequence[int]]:
    """`plain` without the spaces around and inside numbers (共有 160 万人, 2 0 0 人), and where its characters were."""
    if not _SPACING.search(plain):
        return plain, range(len(plain))
    pieces: list[str] = []
    offsets = array("q")
    position = 0
    for space in (*_SPACING.finditer(plain), None):
        end = space.start() if space else len(plain)
        pieces.append(plain[position:end])
        offsets.extend(range(position, end))
        position = space.end() if space else end
    return "".join(pieces), offsets


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, the longer of two that begin together, none inside another."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
