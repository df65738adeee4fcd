from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.lang.fold import fold, simplify

ANYTHING = st.text(alphabet=st.one_of(st.sampled_from("乾淨隻麵答覆瞭望１，。①İß\ud83d\udc4d \n"), st.characters()))


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("會議答覆了群眾", "会议答复了群众"),
        ("大家明瞭任務", "大家明了任务"),
        ("不得藉口拖延", "不得借口拖延"),
        ("經濟復甦", "经济复苏"),
        ("衞生部門敍述", "卫生部门叙述"),
        ("傢俱好像著火", "家具好象着火"),
    ],
)
def test_two_writings_of_the_same_words_fold_to_one(traditional: str, simplified: str) -> None:
    assert fold(traditional) == fold(simplified) == fold(simplify(traditional))


@pytest.mark.parametrize("words", ["瞭望", "覆盖", "狼藉", "好像", "俱乐部"])
def test_simplify_keeps_characters_that_are_simplified_already(words: str) -> None:
    assert simplify(words) == words


@pytest.mark.parametrize("change", [fold, simplify])
def test_a_lone_surrogate_stays_as_it_is(change: Callable[[str], str]) -> None:
    assert change("\ud800會\udfff議") == "\ud800会\udfff议"
    assert change("\ud800") == "\ud800"


def test_words_decide_on_both_sides_of_a_lone_surrogate() -> None:
    assert simplify("乾淨\ud800乾坤") == "干净\ud800乾坤"


@given(ANYTHING)
@settings(max_examples=200, deadline=None)
def test_one_character_becomes_one(text: str) -> None:
    assert len(fold(text)) == len(simplify(text)) == len(text)
    assert [c.isspace() for c in fold(text)] == [c.isspace() for c in text]


@given(ANYTHING.filter(lambda text: "薴" not in text))  # OpenCC converts it to 苧, and 苧 to 苎
@settings(max_examples=200, deadline=None)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
