"""Numerals in Chinese characters."""

from __future__ import annotations

import re

import pytest

from extractor.lang.numerals import value_of

DIGITS = "零一二三四五六七八九"


def written(number: int) -> str:
    """1005 as 一千零五."""
    digits = str(number)
    words = "".join(
        DIGITS[int(digit)] + (["", "十", "百", "千"][len(digits) - 1 - at] if digit != "0" else "")
        for at, digit in enumerate(digits)
    )
    return re.sub("零+", "零", words).rstrip("零")


def test_every_number_below_ten_thousand() -> None:
    assert all(value_of(written(number)) == number for number in range(1, 10_000))


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("零", 0),
        ("〇", 0),
        ("十", 10),
        ("十五", 15),
        ("廿三", 23),
        ("百二", 120),
        ("一百十五", 115),
        ("一百零五", 105),
        ("三百五", 350),
        ("两千三百四", 2340),
        ("一千五十", 1050),
        ("一千零十五", 1015),
        ("二〇一四", 2014),
        ("三万五", 35_000),
        ("一亿零五百万", 105_000_000),
        ("两千三百万", 23_000_000),
        ("三点一四", 3.14),
    ],
)
def test_a_numeral(words: str, value: float) -> None:
    found = value_of(words)
    assert found is not None
    assert float(found) == value


@pytest.mark.parametrize(
    "words", ["千一千", "十百", "二十十", "百百", "一百二十三十", "三千二千", "二十二十三", "一二十"]
)
def test_a_malformed_numeral(words: str) -> None:
    assert value_of(words) is None
