from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import CASES

from extractor.document import Document, Excerpt
from extractor.lang.fold import fold
from extractor.pipeline.ground.locate import Index, Match, MatchKind, locate

FOUND = json.loads((CASES / "locate.json").read_text(encoding="utf-8"))
KNOWN_FAILURES = json.loads((CASES / "locate_known_failures.json").read_text(encoding="utf-8"))
ABSENT = json.loads((CASES / "locate_absent.json").read_text(encoding="utf-8"))

# No digits, numerals or brackets: numbers that must not be cut have tests of their own.
WORDS = "计划生育人口工作会议强调AaＡ说說發发 \n,，。“”"
ANYTHING = st.text(
    alphabet=st.one_of(st.sampled_from("核(hé)一十0１.,万5%①分之不增长、王书记 \n\ud800"), st.characters())
)


def index_of(text: str) -> Index:
    return Index(Excerpt.whole(Document("d", "d", text, "")))


def squeeze(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())


@pytest.mark.parametrize("case", FOUND, ids=[c["label"] for c in FOUND])
def test_a_quote_is_found_at_its_place(case: dict[str, Any]) -> None:
    place = locate(case["quote"], index_of(case["text"]), near=case.get("near", False))
    assert place is not None
    assert (case["text"][place.start : place.end], str(place.how)) == (case["expect"], case["how"])
    assert place.start == case.get("start", place.start)


@pytest.mark.parametrize("case", ABSENT, ids=[c["label"] for c in ABSENT])
def test_a_quote_that_the_text_lacks_is_not_found(case: dict[str, Any]) -> None:
    index = index_of(case["text"])
    assert locate(case["quote"], index, near=True, protected=case.get("protected", ())) is None


@pytest.mark.xfail(strict=True, reason="only reading tells it apart from quotes that must be refused")
@pytest.mark.parametrize("case", KNOWN_FAILURES, ids=[c["label"] for c in KNOWN_FAILURES])
def test_quotes_that_are_known_to_be_missed_are_found(case: dict[str, Any]) -> None:
    assert locate(case["quote"], index_of(case["text"]), near=True) is not None


@pytest.mark.parametrize("case", [c for c in FOUND if c["how"] == "near"], ids=lambda c: c["label"])
def test_a_near_match_must_be_requested(case: dict[str, Any]) -> None:
    assert locate(case["quote"], index_of(case["text"])) is None


@pytest.mark.parametrize("near", [False, True])
def test_a_slip_in_an_unprotected_name_is_tolerated(near: bool) -> None:
    index = index_of("阿不都热合曼向大会报告了今年工作的进展情况")
    place = locate("阿不都热哈曼向大会报告了今年工作的进展情况", index, near=near)
    assert (place is not None) == near


def test_after_takes_successive_places_and_wraps_around() -> None:
    index = index_of("增长5%,下降5％,持平5%")
    assert locate("5%", index) == Match(2, 4, MatchKind.EXACT)
    assert locate("5%", index, after=4) == Match(7, 9, MatchKind.FOLDED)
    assert locate("5%", index, after=9) == Match(12, 14, MatchKind.EXACT)
    assert locate("5%", index, after=14) == Match(2, 4, MatchKind.EXACT)


def test_a_lone_surrogate_equals_only_itself() -> None:
    index = index_of("会议\ud800强调要抓好落实")
    assert locate("會議\ud800強調", index) == Match(0, 5, MatchKind.FOLDED)
    assert locate("會議\ud801強調", index) is None


def test_an_identical_place_is_preferred_to_a_folded_one() -> None:
    assert locate("5%", index_of("下降5％,持平5%")) == Match(7, 9, MatchKind.EXACT)


def test_misspelt_quotes_take_successive_places_too() -> None:
    clause = "各地要把稳定低生育水平作为重中之重来抓。"
    index, quote = index_of(clause * 2), clause.replace("作为", "当为")
    assert locate(quote, index, near=True) == Match(0, 20, MatchKind.NEAR)
    assert locate(quote, index, near=True, after=5) == Match(20, 40, MatchKind.NEAR)
    assert locate(quote, index, near=True, after=30) == Match(0, 20, MatchKind.NEAR)


@pytest.mark.parametrize(
    ("lo", "hi", "expect"),
    [(0, None, 0), (1, None, 5), (0, 4, 0), (1, 8, None), (1, 9, 5), (6, None, None), (-3, 99, 0), (9, 2, None)],
)
def test_the_search_stays_within_its_bounds(lo: int, hi: int | None, expect: int | None) -> None:
    place = locate("加强领导", index_of("加强领导,加强领导"), lo=lo, hi=hi)
    assert (place and place.start) == expect


def test_bounds_apply_to_misspelt_quotes_too() -> None:
    clause = "各地要把稳定低生育水平作为重中之重来抓。"
    index, quote = index_of(clause), clause.replace("作为", "当为")
    assert locate(quote, index, near=True, hi=len(clause)) is not None
    assert locate(quote, index, near=True, hi=10) is None
    assert locate(quote, index, near=True, lo=10) is None


def test_a_number_cut_by_the_bounds_is_not_found() -> None:
    assert locate("10万元", index_of("拨款110万元"), lo=3) is None


def test_a_quote_with_the_noise_of_the_source_is_exact() -> None:
    source = "一個(gè)核(hé)心"
    starts, ends = [0, 1, 6, 11], [1, 6, 11, 12]
    excerpt = Excerpt(
        Document("d", "d", source, ""), "一个核心", *(type(index_of("").starts)("q", x) for x in (starts, ends))
    )
    index = Index(excerpt)
    assert locate("核(hé)心", index) == Match(2, 4, MatchKind.EXACT)
    assert locate("核心", index) == Match(2, 4, MatchKind.EXACT)
    assert locate("核 心", index) == Match(2, 4, MatchKind.FOLDED)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_substring_is_found_at_an_equal_place(data: st.DataObject) -> None:
    text = data.draw(st.text(alphabet=WORDS, min_size=1, max_size=60))
    i = data.draw(st.integers(0, len(text) - 1))
    quote = text[i : data.draw(st.integers(i + 1, len(text)))]
    place = locate(quote, index_of(text))
    if not any(map(str.isalnum, quote)):
        assert place is None
    else:
        assert place is not None
        assert place.how is MatchKind.EXACT
        assert text[place.start : place.end] == quote.strip()


@given(ANYTHING, ANYTHING, st.booleans(), st.none() | st.integers(-5, 50))
@settings(max_examples=300, deadline=None)
def test_locate_never_raises_and_stays_within_the_text(quote: str, text: str, near: bool, after: int | None) -> None:
    place = locate(quote, index_of(text), near=near, after=after, protected=[quote[:2]])
    assert place is None or 0 <= place.start < place.end <= len(text)


@given(st.text(alphabet=WORDS, max_size=40), st.text(alphabet=WORDS, max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_folded_place_folds_to_the_quote(text: str, quote: str) -> None:
    place = locate(quote, index_of(text))
    if place is None:
        letters = "".join(fold(quote).split())
        assert not letters.strip(',."') or letters not in "".join(fold(text).split())
    else:
        assert squeeze(text[place.start : place.end]) == squeeze(quote)


@given(st.integers(0, 9999), st.integers(0, 9999))
@settings(max_examples=200, deadline=None)
def test_a_number_is_found_only_whole(number: int, other: int) -> None:
    place = locate(f"{number}人", index_of(f"共{other}人"), near=True)
    assert (place is not None) == (number == other)
