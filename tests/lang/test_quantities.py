from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import CASES, ROOT

from extractor.lang.quantities import find_quantities, parse_quantity

NUMERALS = st.text(
    alphabet="0123456789.,-/:%零〇一二两三五九十百千万亿廿点半成倍番分之第每约近多余几个月人元至到 ", max_size=24
)


def _cases(name: str) -> list[Any]:
    cases = json.loads((CASES / f"quantities_{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(case, id=f"{case['label']}: {case['input'][:30]}") for case in cases]


@pytest.mark.parametrize("case", _cases("parse"))
def test_words_are_read_as_numbers(case: dict[str, Any]) -> None:
    quantity = parse_quantity(case["input"])
    read = None if quantity is None else quantity.model_dump(exclude={"text", "change"})
    assert read == case["expect"]


def test_whole_numbers_are_ints_and_the_words_are_kept() -> None:
    quantity = parse_quantity("75.42亿 元")
    assert quantity is not None
    assert type(quantity.number) is int
    assert quantity.text == "75.42亿 元"


@pytest.mark.parametrize("case", _cases("find"))
def test_quantities_are_found_with_approximator_range_and_unit(case: dict[str, Any]) -> None:
    text = case["input"]
    assert [text[i:j] for i, j in find_quantities(text)] == case["expect"]


@pytest.mark.parametrize("case", _cases("not_found"))
def test_numerals_that_count_nothing_are_not_found(case: dict[str, Any]) -> None:
    text = case["input"]
    assert [text[i:j] for i, j in find_quantities(text)] == []


@pytest.mark.xfail(strict=True, reason="only known counting words and units are read")
def test_an_unknown_unit_is_read() -> None:
    quantity = parse_quantity("7600多万重量箱")
    assert quantity is not None
    assert quantity.unit == "重量箱"


@pytest.mark.xfail(strict=True, reason="一 to 十 with 个 is found only before nouns known to be counted")
def test_a_small_chinese_count_of_any_noun_is_found() -> None:
    assert find_quantities("辖三个办事处") != []


@pytest.mark.parametrize("name", ["000_f3784ed5a834436f", "001_b33f20b64f905d37"])
def test_what_is_found_in_a_seed_can_be_read(name: str) -> None:
    text = (ROOT / "seeds" / f"{name}.txt").read_text(encoding="utf-8")
    spans = find_quantities(text)
    assert len(spans) >= 7
    unread = [text[i:j] for i, j in spans if parse_quantity(text[i:j]) is None]
    assert unread == []


@given(st.integers(0, 10**12))
@settings(max_examples=60, deadline=None)
def test_any_integer_is_read_back(number: int) -> None:
    for words in (f"{number}人", f"{number:,}人"):
        quantity = parse_quantity(words)
        assert quantity is not None
        assert (quantity.number, quantity.unit) == (number, "人")


@given(st.integers(0, 10**8).map(lambda n: n / 100))
@settings(max_examples=60, deadline=None)
def test_decimals_keep_their_digits(number: float) -> None:
    quantity = parse_quantity(f"{number:.2f}%")
    assert quantity is not None
    assert quantity.number == number


@given(st.text(max_size=60) | NUMERALS)
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_gives_none(words: str) -> None:
    quantity = parse_quantity(words)
    if quantity is not None:
        assert quantity.text == words
        assert (quantity.number is None) == (quantity.low is not None and quantity.high is not None)


@given(st.text(max_size=60) | NUMERALS)
@settings(max_examples=300, deadline=None)
def test_spans_are_ordered_apart_and_within_the_text(text: str) -> None:
    spans = find_quantities(text)
    ends = [0, *(end for _, end in spans)]
    assert all(before <= start < end <= len(text) for before, (start, end) in zip(ends, spans, strict=False))


@pytest.mark.parametrize("unit", ["1", "一", "每", "近", "“", "1,", "1-", "每年", "上百", "1 ", "百分之"])
def test_long_repetitive_text_is_handled(unit: str) -> None:
    text = unit * (30_000 // len(unit))
    assert parse_quantity(text) is None
    assert all(text[i:j].strip() for i, j in find_quantities(text))
