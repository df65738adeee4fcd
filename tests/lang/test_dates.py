"""Dates to EDTF, spans of dates and periods, the year of a meeting: tables in cases/, properties here."""

from __future__ import annotations

import json
import re
import warnings
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import CASES, ROOT

from extractor.lang.date_context import DateContext
from extractor.lang.date_spans import find_dates, find_periods
from extractor.lang.dates import EdtfValue, parse_date, plan_years
from extractor.lang.fold import simplify
from extractor.lang.meeting_year import infer_year

with warnings.catch_warnings():  # edtf-validate 2.0 uses deprecated names of pyparsing when it is imported
    warnings.simplefilter("ignore")
    from edtf_validate.valid_edtf import is_valid

SEEDS = ROOT / "seeds"
WORDS = json.loads((CASES / "dates.json").read_text(encoding="utf-8"))
SPANS = json.loads((CASES / "dates_spans.json").read_text(encoding="utf-8"))
YEARS = json.loads((CASES / "dates_year.json").read_text(encoding="utf-8"))
COMPLETED = json.loads((CASES / "dates_complete.json").read_text(encoding="utf-8"))

# Pieces of date expressions, so that random strings come near the grammar.
DATE_PIECES = st.lists(
    st.sampled_from(
        [
            *"0123456789〇○一二三四五九十年月日号至到-—~.、/xX_ “”(底前从",
            *["2014", "20xx", "今年", "去年", "上半年", "季度", "以来", "次年", "十二五", "期间"],
            *["年代", "世纪", "截至", "上午", "两个", "周年"],
        ]
    ),
    max_size=14,
).map("".join)
A_YEAR = st.none() | st.integers(1949, 2100)


def _texts(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize("case", WORDS, ids=lambda case: case["label"])
def test_words_become_edtf(case: dict[str, Any]) -> None:
    value = parse_date(case["input"], year=case["year"])
    assert (value and {"edtf": value.edtf, "year_inferred": value.year_inferred}) == case["expect"]


@pytest.mark.parametrize("case", [c for c in WORDS if c["expect"]], ids=lambda case: case["label"])
def test_expected_edtf_is_valid(case: dict[str, Any]) -> None:
    assert is_valid(case["expect"]["edtf"])


@pytest.mark.parametrize("case", SPANS["found"], ids=lambda case: case["label"])
def test_dates_and_periods_are_found(case: dict[str, Any]) -> None:
    text = case["input"]
    assert _texts(text, find_dates(text)) == case["dates"]
    assert _texts(text, find_periods(text)) == case["periods"]


@pytest.mark.parametrize("text", SPANS["negative"])
def test_other_numbers_are_left_alone(text: str) -> None:
    assert _texts(text, find_dates(text)) == []
    assert _texts(text, find_periods(text)) == []


@pytest.mark.parametrize("case", COMPLETED, ids=lambda case: case["label"])
def test_dates_complete_each_other(case: dict[str, Any]) -> None:
    published = date.fromisoformat(case["published"]) if case["published"] else None
    value, is_from_row = DateContext(case["text"], case["title"], published).read(case["words"])
    assert value is not None
    assert {"edtf": value.edtf, "year_inferred": value.year_inferred, "from_row": is_from_row} == case["expect"]


@pytest.mark.parametrize("case", YEARS, ids=lambda case: case["label"])
def test_year_of_the_meeting(case: dict[str, Any]) -> None:
    found = infer_year(case["input"], extra=case["extra"])
    evidence = found and {
        "year": found.year,
        "evidence": case["input"][found.start : found.end],
        "written": found.written,
    }
    assert evidence == case["expect"]


@pytest.mark.parametrize(("seed", "year"), [("000", 2014), ("001", None), ("002", 2015), ("003", None), ("004", None)])
def test_year_of_the_seeds(seed: str, year: int | None) -> None:
    text = next(SEEDS.glob(f"{seed}_*.txt")).read_text(encoding="utf-8")
    found = infer_year(text)
    assert (found.year if found else None) == year


@pytest.mark.xfail(strict=True, reason="a year scrubbed down to 20年 is taken for a span of twenty years")
def test_scrubbed_year_is_found() -> None:
    assert find_dates("20年全市生产总值") == [(0, 3)]


@pytest.mark.xfail(strict=True, reason="EDTF of 去年同期 needs the date that it is compared with")
def test_same_period_of_last_year() -> None:
    assert parse_date("去年同期", year=2014) is not None


def test_plans_run_for_five_years() -> None:
    assert [plan_years(n) for n in (0, 1, 2, 3, 12, 14, 20)] == [
        None,
        (1953, 1957),
        (1958, 1962),
        (1966, 1970),
        (2011, 2015),
        (2021, 2025),
        None,
    ]


@given(DATE_PIECES | st.text(max_size=40), A_YEAR, st.none() | st.integers(1, 12))
@settings(max_examples=400, deadline=None)
def test_every_result_is_valid_edtf(words: str, year: int | None, month: int | None) -> None:
    value = parse_date(words, year=year, month=month)
    assert value is None or is_valid(value.edtf), value


@given(st.lists(DATE_PIECES, max_size=4).map("\n".join), DATE_PIECES, DATE_PIECES, st.none() | st.dates())
@settings(max_examples=300, deadline=None)
def test_every_completed_date_is_valid_edtf(text: str, words: str, title: str, published: date | None) -> None:
    value, is_from_row = DateContext(text + words, title, published).read(words)
    assert value is None or is_valid(value.edtf), value
    assert not is_from_row or (value is not None and value.year_inferred and (title or published))


@given(DATE_PIECES)
@settings(max_examples=300, deadline=None)
def test_no_year_is_inferred_unless_given(words: str) -> None:
    value = parse_date(words)
    assert value is None or not value.year_inferred


@given(st.dates(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_real_days_are_read_and_found(day: Any, spaced: bool) -> None:
    gap = " " if spaced else ""
    written = f"{day.year}{gap}年{gap}{day.month}{gap}月{gap}{day.day}{gap}日"
    if day.year >= 1000:
        value = parse_date(written)
        assert value is not None
        assert value.edtf == day.isoformat()
    if 1800 <= day.year < 2100:
        assert find_dates(f"本报讯,{written},会议") == [(4, 4 + len(written))]


@given(DATE_PIECES | st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_spans_are_ordered_and_inside(text: str) -> None:
    for find in (find_dates, find_periods):
        edge = 0
        for start, end in find(text):
            assert edge <= start < end <= len(text)
            edge = end
    found = infer_year(text, extra=text)
    assert found is None or 0 <= found.start <= found.end <= len(text)


@pytest.mark.parametrize(
    "unit",
    [
        *("年", "一", "2014年", "从", "今年是", "以来", "十五", "\n", " ", "1", "(2014", "总结", "20xx"),
        *("发布时间", "今天(", "本报", "8月21日", "2014-08-21", "2014年8月21日,"),
    ],
)
def test_long_repetitive_input_is_handled(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert all(end <= len(text) for _, end in find_periods(text) + find_dates(text))
    assert infer_year(text) is None
    assert parse_date(text) is None
    assert DateContext(text).read("20日") == (EdtfValue("XXXX-XX-20", False), False)


def test_periods_do_not_depend_on_the_script() -> None:
    for seed in SEEDS.glob("*.txt"):
        text = re.sub(r"\([a-zūúǔùīíǐìāáǎàēéěèōóǒòüǖǘǚǜ]+\)", "", seed.read_text(encoding="utf-8"))
        assert find_periods(text) == find_periods(simplify(text))
