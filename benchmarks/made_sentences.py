"""Sentences with numbers, names, titles and dates of all kinds, for `transformations.py`."""

from __future__ import annotations

import random

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰飞鹏建国志远文博海涛晓东立新永康"
_OFFICES = [
    "市委书记", "市长", "副市长", "县委书记", "县长", "副县长", "区委副书记、区长", "市人大常委会主任",
    "县委副书记", "省卫生厅厅长", "市财政局局长", "县公安局局长", "市政协主席", "县委常委、常务副县长",
]  # fmt: skip
_ACTS = ["主持会议", "出席会议", "参加会议", "作了工作报告", "强调，要压实责任", "指出，工作成效明显", "通报了有关情况"]
_THINGS = [
    ("财政收入", ["亿元", "万元"]), ("固定资产投资", ["亿元"]), ("粮食产量", ["万吨", "吨", "斤"]),
    ("新增就业", ["人", "万人"]), ("受灾人口", ["人", "万人"]), ("出口总额", ["亿美元", "万美元"]),
    ("造林面积", ["亩", "万亩", "公顷"]), ("用电量", ["亿千瓦时", "万千瓦时"]), ("发放补贴", ["元", "万元"]),
    ("改造农村公路", ["公里"]), ("关闭企业", ["家", "户"]), ("培训农民", ["人次", "万人次"]),
]  # fmt: skip
_RATES = [
    "增长{}%",
    "下降{}%",
    "提高{}个百分点",
    "达到{}%",
    "下降到{}‰",
    "占{}%",
    "增长-{}%",
    "增幅{}%左右",
    "降幅超过{}%",
]
_PLANS = [
    "力争{period}{thing}达到{number}{unit}", "确保{period}{thing}突破{number}{unit}", "{period}要完成{thing}{number}{unit}以上",
    "要建立健全工作机制，加强督促检查，落实工作责任", "要加快推进项目建设，改善人居环境", "县财政局要及时拨付资金，县审计局要加强监督",
]  # fmt: skip
_PERIODS = ["今年", "2015年", "去年", "2014年底前", "今年上半年", "“十二五”期间", "2018年1月至6月", "近三年"]
_NUMERALS = "一二三四五六七八九"


def make_text(rng: random.Random) -> str:
    """A short report of three to seven sentences in one or more paragraphs."""
    opening = f"{_date(rng)}，全县经济工作会议在县城召开。{_person(rng)}{rng.choice(_ACTS)}。"
    kinds = [_fact, _fact, _rates, _people, _plan, _money, _range]
    sentences = [rng.choice(kinds)(rng) for _ in range(rng.randrange(2, 6))]
    text = opening
    for sentence in sentences:
        text += rng.choice(["", "", "\n"]) + sentence
    return text


def _date(rng: random.Random) -> str:
    year, month, day = rng.randrange(2009, 2024), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice(
        [
            f"{year}年{month}月{day}日",
            f"{year}年{month}月{day}日上午",
            f"{month}月{day}日",
            f"{year}年{month}月{day}日下午",
        ]
    )


def _name(rng: random.Random) -> str:
    return rng.choice(_SURNAMES) + "".join(rng.sample(_GIVEN, rng.choice([1, 2, 2])))


def _person(rng: random.Random) -> str:
    return rng.choice(_OFFICES) + _name(rng)


def _number(rng: random.Random) -> str:
    kind = rng.randrange(8)
    if kind == 0:
        return str(rng.randrange(2, 100))
    if kind == 1:
        return f"{rng.randrange(1000, 99999)}"
    if kind == 2:
        return f"{rng.randrange(1, 999)}.{rng.randrange(1, 99)}"
    if kind == 3:
        return f"{rng.randrange(1, 999)},{rng.randrange(1000):03}"
    if kind == 4:
        return f"{rng.randrange(1000, 99999)}.{rng.randrange(1, 9)}"
    if kind == 5:
        return f"{rng.choice(_NUMERALS[1:])}百{rng.choice(_NUMERALS)}十{rng.choice(_NUMERALS)}"
    if kind == 6:
        return f"{rng.choice(_NUMERALS[2:])}十{rng.choice(_NUMERALS)}"
    return f"{rng.randrange(100, 999)}"


def _amount(rng: random.Random) -> tuple[str, str]:
    thing, units = rng.choice(_THINGS)
    return thing, _number(rng) + rng.choice(units)


def _fact(rng: random.Random) -> str:
    thing, amount = _amount(rng)
    other, more = _amount(rng)
    hedge = rng.choice(["", "", "约", "超过", "近"])
    return f"{rng.choice(_PERIODS)}，全县{thing}{hedge}{amount}，{other}{more}。"


def _rates(rng: random.Random) -> str:
    thing, amount = _amount(rng)
    rates = [rate.format(f"{rng.randrange(1, 60)}.{rng.randrange(1, 99)}") for rate in rng.sample(_RATES, 2)]
    return f"全市{thing}{amount}，同比{rates[0]}，其中城镇{rates[1]}。"


def _people(rng: random.Random) -> str:
    return f"{_person(rng)}{rng.choice(_ACTS)}，{_person(rng)}、{_person(rng)}出席会议。"


def _plan(rng: random.Random) -> str:
    thing, units = rng.choice(_THINGS)
    words = rng.choice(_PLANS).format(
        period=rng.choice(["到2020年", "年底前", "今年"]), thing=thing, number=_number(rng), unit=rng.choice(units)
    )
    return f"{words}。"


def _money(rng: random.Random) -> str:
    return f"共筹集资金{_number(rng)}万元，对{rng.randrange(3, 400)}户困难家庭每户补助{rng.randrange(2, 90)}00元。"


def _range(rng: random.Random) -> str:
    low = rng.randrange(2, 40)
    high = low + rng.randrange(1, 9)
    rank = f"排名由第{rng.randrange(9, 30)}位上升到第{rng.randrange(2, 9)}位"
    return f"每亩增收{low}0-{high}0元，{rank}，近{_NUMERALS[rng.randrange(2, 9)]}千人受益。"
