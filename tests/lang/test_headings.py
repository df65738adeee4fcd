"""The headings above a place of a text."""

from __future__ import annotations

import pytest
from scripted import cases, document, labels

from extractor.document import Json
from extractor.lang.headings import headings_above
from extractor.pipeline.clean.clean import clean


@pytest.mark.parametrize("case", cases("headings")["above"], ids=labels)
def test_gives_the_headings_above_a_place(case: Json) -> None:
    text = clean(document(case["input"])).text
    assert headings_above(text, text.index(case["at"])) == case["expect"]
