"""Where lists of names begin: what a pattern for a list says, which takes exponential time."""

from __future__ import annotations

import itertools
import re

from extractor.lang.directive_words import without_quotes
from extractor.lang.name_lists import list_starts


def test_starts_are_those_of_the_pattern() -> None:
    pattern = re.compile("[工和·]{2,3}(?:[、和][工和·]{2,3})+")
    for size in range(4, 9):
        for letters in itertools.product("工和、，", repeat=size):
            text = "".join(letters)
            expected = [at for at in range(size) if pattern.fullmatch(text, at)]
            assert list_starts(text, 0, size, 3) == expected, text


def test_quotes_are_those_of_the_pattern() -> None:
    pattern = re.compile("“[^”]*”|《[^》]*》|[(（][^)）]*[)）]")
    for letters in itertools.product("工“”《》(）", repeat=6):
        text = "".join(letters)
        assert without_quotes(text) == pattern.sub("〃", text), text
