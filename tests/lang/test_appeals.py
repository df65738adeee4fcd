"""Appeals and frames, which say how or why to act, and clauses that say what to do."""

from __future__ import annotations

import time

import pytest
from scripted import cases

from extractor.lang.appeals import is_slight

CASES = cases("appeals")


@pytest.mark.parametrize("clause", CASES["slight"])
def test_a_frame_or_an_appeal_is_slight(clause: str) -> None:
    assert is_slight(clause)


@pytest.mark.parametrize("clause", CASES["actions"])
def test_an_action_is_not_slight(clause: str) -> None:
    assert not is_slight(clause)


@pytest.mark.parametrize("words", ["要", "把", "要结合", "在要求", "坚持采取"])
def test_a_long_clause_takes_no_long_time(words: str) -> None:
    began = time.perf_counter()
    is_slight(words * 20_000)
    assert time.perf_counter() - began < 1.0
