"""The words beside a number: units, counting words and approximators."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from extractor.lang.characters import HAN

Approx = Literal["min", "max", "about", "over", "nearly"]


def words_in(*lines: str) -> list[str]:
    return " ".join(lines).split()


NEGATIONS = words_in("不得 不能 不应 不可 不会 不宜 不准 未 没有 并未 从未 未能")

APPROX_BEFORE: dict[str, Approx] = {
    **dict.fromkeys(words_in("至少 不低于 不少于 不小于 不下于 不下 最少 起码 上"), "min"),
    **dict.fromkeys(words_in("不超过 不高于 不多于 不大于 至多 最多 低于 少于 小于"), "max"),
    # A negation reverses them: 少于 is a ceiling and 不得少于 a floor, 未超过 a ceiling.
    **{no + bound: "min" for no in NEGATIONS for bound in words_in("少于 低于 小于 不足")},
    **{no + bound: "max" for no in NEGATIONS for bound in words_in("超过 超出 突破 高于 大于 多于")},
    **dict.fromkeys(words_in("不足 不到 不满 未满"), "max"),
    **dict.fromkeys(words_in("大约 大概 大致 大体 约为 约"), "about"),
    **dict.fromkeys(words_in("超过 超出 突破 高于 大于 多于 超 逾 过"), "over"),
    **dict.fromkeys(words_in("将近 接近 逼近 几近 几乎 近"), "nearly"),
}
APPROX_AFTER: dict[str, Approx] = {
    **dict.fromkeys(words_in("及以上 或以上 以上 之上"), "min"),
    **dict.fromkeys(words_in("及以下 或以下 以下 之下 以内 之内"), "max"),
    **dict.fromkeys(words_in("左右 上下 前后"), "about"),
    "有余": "over",
}
# If there are several (超过20%以上, 约10多个), the first of these counts.
STRENGTH: tuple[Approx, ...] = ("over", "max", "min", "nearly", "about")

# Units that dates, clock times, editions and document numbers have too. They are parsed, but found only as
# durations.
DATED = frozenset(words_in("周年 年度 年代 年级 年 月份 月 日 号 届 版 世纪 时 点"))
# Counting words that are as common in headings and slogans (五个坚持, 三项原则) as in counts of things.
WEAK = frozenset(words_in("个 项 条 种 类 件 位 次 批 轮 场 期"))
_COUNTED = words_in(
    "人次 车次 架次 班次 场次 件次 户次 批次 例次 人份 人天 人年 人 名 户 家 例 所 座 栋 幢 间 套 辆 台 架 艘 头 只",
    "匹 羽 尾 棵 株 册 份 篇 本 张 幅 枚 片 根 支 门 节 席 股 笔 宗 起 处 段 层 部 盏 口 眼 孔 道 块 床位 床",
    "学时 课时 标准箱 标箱 桶 担",
)
_MEASURED = words_in(
    "个百分点 百分点 个工作日 工作日 个小时 小时 分钟 秒 个月 个季度 周岁 岁 天 周",
    "元 美元 港元 欧元 日元 英镑 卢布 角 分钱 块钱 平方公里 平方千米 平方米 平米 公顷 亩",
    "公里 千米 海里 厘米 毫米 微米 米 立方米 立方 毫升 升 吨标准煤 标准煤 载重吨 吨公里 吨 公斤 千克 斤 毫克 微克 克",
    "千瓦时 兆瓦时 千瓦 兆瓦 瓦 千伏 伏 摄氏度 度 分贝 倍 成 番 强 分 % ‰ ℃ ㎡ m² m³ km² km kg mg cm mm kWh kW MW GW",
)
# Characters that make another word of a counting word: 家庭, 名列, 条例, 所有.
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


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


def first_of(words: Iterable[str]) -> str:
    """A lookahead for the first character of the words.

    Before an alternation of a hundred it is ten times as fast.
    """
    return f"(?=[{''.join(sorted({re.escape(word[0]) for word in words}))}])"


def _unit(word: str) -> str:
    if word.isascii() and word.isalpha():
        return rf"{word}(?![A-Za-z])"
    if word == "分":  # a score; not 分别 or 分配
        return rf"分(?=以|左|的|[^{HAN}]|$)"
    return re.escape(word) + (f"(?![{_NOT_BEFORE[word]}])" if word in _NOT_BEFORE else "")


_UNITS = sorted({*DATED, *WEAK, *_COUNTED, *_MEASURED}, key=lambda word: (-len(word), word))
UNIT = f"{first_of(_UNITS)}(?:{'|'.join(map(_unit, _UNITS))})"
