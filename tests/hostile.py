"""Texts that make slow code slow, and whether time grows with the square of a text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle, product

SIZES = (10_000, 20_000, 40_000, 80_000)
# Times how often the growth of the text its time may grow; noise of shared machines included.
SLACK = 3.0
# CPU seconds of the largest text that are fast whatever the growth: less can't be told from noise.
FREE = 0.02

# Each is repeated to the length of the text.
UNITS = [
    *"1一零万十百，、。；： \u3000\t\na工的年王不在由和（“《([〔「『【<\"'&*#|.-·…①𠀀",
    *(
        "万亿",
        "千百十",
        "1,",
        "1.",
        "1-",
        "1到",
        "1 ",
        "、1",
        "\n ",
        "（“《([〔「『【",
        "（）",
        "“‘",
        "a.",
        "工 ",
        "工，",
        "工、",
    ),
    *(
        "年月日",
        "1年1月1日",
        "2014年",
        "上半年",
        "2014年5月27日",
        "每年",
        "百分之",
        "3万元",
        "3万元、",
        "增长5%，",
        "1:",
    ),
    *(
        "由1元提高到2元，",
        "分别增长1%、2%，",
        "确保达到5%，",
        "要加强巡查，",
        "加强巡查、",
        "一、要加强巡查\n",
        "（一）要\n",
    ),
    *(
        "县长",
        "书记、",
        "同志",
        "县长李明、",
        "李明、",
        "李 明 ",
        "李明说",
        "书记李明主持，",
        "买买提·",
        "和与及",
        "代表和",
    ),
    *(
        "会议",
        "在会议上",
        "召开会议",
        "关于",
        "学习贯彻",
        "责任单位：",
        "（责任单位：",
        "县发改局、",
        "其中",
        "分别由",
        "同比",
    ),
    *(
        "<b>",
        "<div>",
        "</p>",
        "<!--",
        "<script>",
        "&#20013;",
        "http://",
        "www.",
        "来源:",
        "作者:",
        "第1页",
        "(记者李明)",
    ),
    *(
        "(sān)",
        "工作\n",
        "工作，\n",
        "1\n",
        "| 1 | 2 |\n",
        "县\t1\n",
        "李明：\n要加强。\n",
        "各位领导、",
        "关键词:工",
        "00:00:00 ",
    ),
]


_SURNAMES, _GIVEN = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚海波辉琳"


def names() -> Iterator[str]:
    """11,520 different names."""
    return map("".join, product(_SURNAMES, _GIVEN, _GIVEN))


def with_names(pattern: str, size: int) -> str:
    """The pattern again and again, each time with another name in the place of %."""
    words, length = [], 0
    for name in cycle(names()):
        words.append(pattern.replace("%", name))
        length += len(words[-1])
        if length >= size:
            return "".join(words)[:size]
    raise AssertionError("names do not end")


# Texts for the whole line: the unit, with % for a name that is another each time.
DOCUMENTS = [
    *(
        "1",
        "万亿",
        "（“《([〔",
        "工作",
        "工作\n",
        "要加强巡查，",
        "要加强巡查。",
        "增长5%，",
        "3万元",
        "3万元、",
        "1年1月1日",
    ),
    *("县长%、", "%、", "县长%主持，", "县长%主持会议。", "%同志", "主持：县长%\n出席：%、%\n", "%：\n要加强巡查。\n"),
    *(
        "由1元提高到2元，",
        "分别增长1%、2%，".replace("%", "％"),
        "（责任单位：县发改局）",
        "县\t1\t2\n",
        "| 县 | 1 |\n",
        "<div>",
        "<b>工",
    ),
]


def repeated(unit: str, size: int, head: str = "") -> str:
    """`head`, the unit so often that it has `size` characters, and an end that no pattern expects."""
    return head + (unit * (size // len(unit) + 1))[:size] + "\0"


def cpu_time(run: Callable[[str], object], make: Callable[[int], str], size: int, times: int = 1) -> float:
    """The least CPU time in seconds of several runs, each on a text of its own."""
    best = float("inf")
    for _ in range(times):
        text = make(size)
        start = time.thread_time()
        run(text)
        best = min(best, time.thread_time() - start)
    return best


def growth(
    run: Callable[[str], object], make: Callable[[int], str], sizes: tuple[int, ...] = SIZES, slack: float = SLACK
) -> str | None:
    """Says how the time of `run` grows if it grows much faster than the text; None if it does not.

    A suspicious measurement is repeated before it counts.
    """
    first = cpu_time(run, make, sizes[0])
    if first * sizes[-1] / sizes[0] < FREE / 2:
        return None
    for size in sizes[1:]:
        allowed = slack * size / sizes[0]
        took = cpu_time(run, make, size)
        if took > max(FREE, allowed * first):
            first, took = cpu_time(run, make, sizes[0], 3), cpu_time(run, make, size, 2)
        if took > max(FREE, allowed * first):
            return f"{first:.4f} s for {sizes[0]} characters, {took:.4f} s for {size}"
    return None


def seems_to_grow(run: Callable[[str], object], make: Callable[[int], str]) -> bool:
    """Whether `growth` is worth a look: of four times the text, the square would take 16 times as long."""
    took = cpu_time(run, make, SIZES[0])
    return took > FREE / 10 and took > 5 * cpu_time(run, make, SIZES[0] // 4)
