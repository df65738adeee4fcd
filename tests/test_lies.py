"""An endpoint that lies within the text: which false answers get into a record, and that SECURITY.md says so.

`truths.json` has right answers in sentences where a careless check would refuse them.
"""

from __future__ import annotations

from collections import Counter

import pytest
from lies import PAGE, kept, outcome, page_with_table
from scripted import cases

from extractor.document import Json

LIES = cases("lies")
ACCEPTED = cases("lies_accepted")
TRUTHS = cases("truths")


@pytest.mark.parametrize("case", LIES, ids=[f"{case['kind']}: {case['text']}" for case in LIES])
def test_a_false_answer_is_not_accepted_unmarked(case: Json) -> None:
    assert outcome(case) != "accepted"


@pytest.mark.parametrize("case", ACCEPTED, ids=[f"{case['kind']}: {case['text']}" for case in ACCEPTED])
def test_what_is_said_to_be_accepted_is(case: Json) -> None:
    assert outcome(case) == "accepted"
    assert f"**{case['kind']}**" in PAGE.read_text(encoding="utf-8"), "SECURITY.md must name it and say why"


@pytest.mark.parametrize("case", TRUTHS, ids=[case["text"] for case in TRUTHS])
def test_a_right_answer_is_kept(case: Json) -> None:
    assert kept(case) == case["says"]


def test_there_are_forty_kinds() -> None:
    assert len(Counter(case["kind"] for case in LIES)) >= 40


def test_the_table_of_false_answers_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_with_table(), "run python tests/update_docs.py"
