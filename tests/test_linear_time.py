"""Time grows with the length of a text, not with its square: of every pattern, and of the line from end to end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import all_patterns
import pytest
from all_patterns import Found
from hostile import DOCUMENTS, UNITS, cpu_time, growth, repeated, seems_to_grow, with_names
from scripted import document, nothing, recipe, scripted

from extractor.pipeline.clean.clean import clean
from extractor.pipeline.clean.html import main_text
from extractor.pipeline.convert import convert

PATTERNS = all_patterns.of_package()
UNBOUNDED = [found for found in PATTERNS if all_patterns.is_unbounded(found.pattern, found.flags)]
BOUNDED = [found for found in PATTERNS if found not in UNBOUNDED]
# Passages have at most this many characters, and cues are searched for in passages.
PASSAGE = 3000
# CPU seconds that no pattern takes for a text of this size, unless it tries exponentially many ways to match.
SIZE, SECONDS = 1500, 0.5


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    """Ends a test whose time is exponential: a match can be interrupted, since it looks for signals."""

    def stop(*_: object) -> None:
        raise AssertionError("no end after a minute")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def uses(found: Found) -> dict[str, Callable[[str], object]]:
    """The pattern's methods as functions of a text; finditer does what search, split and sub do."""
    pattern = found.compiled
    calls: dict[str, Callable[[str], object]] = {}
    if found.methods - {"match", "fullmatch"}:
        calls["finditer"] = lambda text: sum(1 for _ in pattern.finditer(text))
    for method in found.methods & {"match", "fullmatch"}:
        calls[method] = getattr(pattern, method)
    return calls


def texts(found: Found) -> dict[tuple[str, str], None]:
    """Heads and units of texts for the pattern."""
    return dict.fromkeys(("", unit) for unit in UNITS) | all_patterns.derived(found.pattern, found.flags)


@pytest.mark.parametrize("found", UNBOUNDED, ids=lambda found: found.name)
def test_time_of_a_pattern_grows_with_the_text(found: Found) -> None:
    for method, run in uses(found).items():
        for head, unit in texts(found):
            make = partial(repeated, unit, head=head)
            slow = growth(run, make) if seems_to_grow(run, make) else None
            assert slow is None, f"{method} of {found.pattern!r} on {head!r} + {unit!r} * n: {slow}"


@pytest.mark.parametrize("found", BOUNDED, ids=lambda found: found.name)
def test_a_pattern_with_bounds_tries_few_ways(found: Found) -> None:
    assert_fast(found, SIZE)


@pytest.mark.parametrize("found", all_patterns.of_schemas(), ids=lambda found: found.name)
def test_a_pattern_of_a_shipped_schema_is_fast_in_a_passage(found: Found) -> None:
    assert_fast(found, PASSAGE)


def assert_fast(found: Found, size: int) -> None:
    for method, run in uses(found).items():
        for head, unit in texts(found):
            make = partial(repeated, unit, head=head)
            took = cpu_time(run, make, size)
            took = took if took < SECONDS else cpu_time(run, make, size, 2)
            assert took < SECONDS, f"{method} of {found.pattern!r} on {head!r} + {unit!r} * n takes {took:.2f} s"


@pytest.mark.parametrize("style", ["read", "form"])
@pytest.mark.parametrize("unit", DOCUMENTS)
def test_time_of_a_conversion_grows_with_the_text(unit: str, style: str) -> None:
    how, call = recipe("meeting", style, second_pass=True), scripted(nothing)

    def run(text: str) -> object:
        return list(convert(document(text), how, call))

    run("会议。3月5日，县长李明主持会议，强调要加强巡查。")  # imports
    number = count()

    def make(size: int) -> str:  # another text each time, since what is computed of a text is remembered
        return f"{next(number)}\n{with_names(unit, size)}"

    slow = growth(run, make, sizes=(3_000, 20_000), slack=2.5)
    assert slow is None, slow


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<table><tr><td>", "<p>工", "<tr><td>1</td></tr>", "<!--", "&#20013;"])
def test_time_of_reading_a_page_grows_with_the_page(tag: str) -> None:
    def page(size: int) -> str:
        return f"<html><body>{tag * (size // len(tag))}要加强巡查。</body></html>"

    for run in (lambda text: main_text(document(text)), lambda text: clean(document(text))):
        slow = growth(run, page)
        assert slow is None, slow
