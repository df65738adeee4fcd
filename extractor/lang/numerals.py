"""Numerals in digits, in Chinese characters or in both: patterns and values."""

from __future__ import annotations

import re
from decimal import Decimal

DIGIT_VALUES = {character: digit for digit, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
# One character for one: full-width ASCII, the many dashes, and variants of numerals.
_PLAIN = (
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys("‐‑‒–—―─−~～〜∼", "-")
    | {"﹪": "%", "．": ".", "∶": ":", "○": "〇", "馀": "余", "倆": "两"}
)
FINANCIAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")

DIGIT = "零〇一二两三四五六七八九"
# Groups are atomic, (?>…), and not possessive, (…)+: in Python 3.11.2 a possessive group keeps what its last,
# failed turn has read, so that 8000万千瓦 is 8000万千 and 瓦.
# Not the first character of a unit: 百分点, 千瓦, 千克.
_POWER = r"(?:[十万亿]|百(?!分)|千(?![瓦克米伏兆]))"
_ARABIC = r"(?<!\d)(?<!\d\.)(?:\d{1,3}(?>(?:,\d{3}){1,5})|\d{1,16}+)(?>(?:\.\d{1,8})?)(?!\.?\d)"
_CHINESE = (
    rf"(?<![{DIGIT}十百千万亿])(?!一半)(?>(?:[{DIGIT}廿]|{_POWER}){{1,24}})(?![{DIGIT}])"
    rf"(?>(?:点[{DIGIT}]{{1,8}})?)"
)
# The 5千 of 3万5千, and the 2 of 13万2.
_SECOND_TERM = rf"(?:(?:\d{{1,4}}|[{DIGIT}])(?:[多余]?{_POWER}){{1,3}}|(?<=[百千万亿])[1-9](?![\d:/%‰十百千万亿年月日号时级]|[.,-]\d))"
NUMBER = rf"(?:{_ARABIC}|{_CHINESE})(?>(?:[多余几]?{_POWER}){{0,4}}){_SECOND_TERM}?"

_POWERS = {"十": 10, "百": 100, "千": 1000}
_IN_DIGITS = re.compile(r"(\d+(?:\.\d+)?)([十百千]*)(.*)")
# Ways to write a numeral that leave something out, in this order: 一百十五, 一千五十.
_WHOLE = {"〇": "零", "零十": "零一十", "零百": "零一百", "百十": "百一十"}
_ONE = "[一二两三四五六七八九]"
_SKIPS_HUNDREDS = re.compile(f"千(?={_ONE}?十)")
_TENS, _HUNDREDS = f"{_ONE}?十{_ONE}?", f"{_ONE}百(?:零{_ONE}|{_ONE}十{_ONE}?)?"
_WELL_FORMED = re.compile(f"{_ONE}千(?:零(?:{_TENS}|{_ONE})|{_HUNDREDS})?|{_HUNDREDS}|{_TENS}")
# 三百五 is 350, 两千三百四 is 2340.
_SPOKEN = re.compile(f"(?:[{DIGIT}]{{0,2}}[十百千]){{0,8}}[{DIGIT}]{{0,2}}(?P<last>[百千])[{DIGIT}]")
_POWER_BELOW = {"千": "百", "百": "十"}


def to_plain(text: str) -> str:
    """`text` with each character that has variants in numbers in its plain form; same length."""
    # Most texts have few of them, so looking for each is three times as fast as str.translate.
    for mark, plain in _PLAIN.items():
        if mark in text:
            text = text.replace(mark, plain)
    return text


def value_of(token: str) -> Decimal | None:
    """The value of a numeral in digits, Chinese or both (3万5千, 1亿3千多万); None if it is malformed."""
    token = re.sub(r"[多余几,]", "", token)
    for power, exponent in (("亿", 8), ("万", 4)):
        head, found, tail = token.rpartition(power)
        if found:
            times = value_of(head) if head else Decimal(1)
            plus = value_of(tail) if tail else Decimal(0)
            if times is None or plus is None:
                return None
            if head and _is_short(tail):
                plus = plus.scaleb(exponent - 1)
            return times.scaleb(exponent) + plus
    return _small_value(token)


def _is_short(tail: str) -> bool:
    """Whether the power of the last digit is left out: 三万五 and 3万5 are 35000."""
    return len(tail) == 1 and (tail in DIGIT_VALUES or tail.isdecimal()) and tail not in "零〇0"


def _small_value(token: str) -> Decimal | None:
    """The value of a numeral below 万."""
    digits = _IN_DIGITS.fullmatch(token)
    if digits:
        plus = value_of(digits[3]) if digits[3] else Decimal(0)
        power = sum(len(str(_POWERS[power])) - 1 for power in digits[2])
        if plus is not None and power and _is_short(digits[3]):  # 5千3 is 5300
            plus = plus.scaleb(power - 1)
        return None if plus is None else Decimal(digits[1]).scaleb(power) + plus
    token = token.lstrip("零〇") or "零"  # 三亿零五百万 leaves 零五百
    whole, point, decimals = token.partition("点")
    if point:
        if not all(digit in DIGIT_VALUES for digit in decimals):
            return None
        units = _small_value(whole) if whole else Decimal(0)
        tenths = Decimal("0." + "".join(str(DIGIT_VALUES[digit]) for digit in decimals))
        return None if units is None else units + tenths
    return _chinese_value("一" + token if token.startswith(("百", "千")) else token)


def _chinese_value(token: str) -> Decimal | None:
    """The value of a numeral in Chinese characters below 万, or of digits side by side (二〇一四)."""
    if all(character in DIGIT_VALUES for character in token):
        return Decimal("".join(str(DIGIT_VALUES[digit]) for digit in token))
    token = _SKIPS_HUNDREDS.sub("千零", token.replace("廿", "二十"))
    for short, whole in _WHOLE.items():
        token = token.replace(short, whole)
    if not _WELL_FORMED.fullmatch(token):
        spoken = _SPOKEN.fullmatch(token)
        if spoken is None:
            return None
        token += _POWER_BELOW[spoken["last"]]
    value, power = 0, 1
    for character in reversed(token):
        power = _POWERS.get(character, power)
        value += DIGIT_VALUES.get(character, 0) * power
    return Decimal(value + power if token[0] in _POWERS else value)


def neighbours(token: str) -> tuple[str, str] | None:
    """Both ends of an estimate by two digits side by side: 两三(百), 十五六, 三五."""
    match = re.fullmatch(r"(.*十)?([一两二三四五六七八])([二两三四五六七八九])([百千万亿]*|十[万亿]?)", token)
    if not match:
        return None
    tens, low, high, power = match[1] or "", match[2], match[3], match[4]
    if DIGIT_VALUES[high] - DIGIT_VALUES[low] != 1 and token != "三五":
        return None
    return tens + low + power, tens + high + power
