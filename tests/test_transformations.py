"""However a text is laid out, its record holds the same values, or fewer and says so: a sample of the benchmark
`benchmarks/transformations.py`, and cases of single kinds from text to record."""

from __future__ import annotations

import random
import sys
from functools import cache
from typing import Any

import pytest
from scripted import ROOT, cases, labels

from extractor.document import Json

sys.path.insert(0, str(ROOT / "benchmarks"))

from made_sentences import make_text
from transformations import Counts, Result, compare, convert_changed, untransformed
from transforms import TRANSFORMS, Changed

TEXTS = 10
# Where the text says all that it said before, in characters that stand for no other: nothing may be lost.
LOSSLESS = ["HTML without <html>", "HTML page", "full width", "blanks as thousands", "spaced decimals", "pinyin"]
# Code reads these off the lines around an item: a broken line may lose one.
BY_CODE = {f"{field}.{leaf}" for field in ("statistics", "targets", "measures") for leaf in ("speaker", "heading")}
# Of these a part may be lost, if the model that reads has copied a value whole and its place can't be told.
MOST_LOST = 0.01
# What forms lose or change where a line is broken between two words: a clause is then two.
MOST_BROKEN = 0.05


@cache
def sample() -> list[tuple[str, Result, Json, Result]]:
    texts = [make_text(random.Random(number)) for number in range(TEXTS)]
    return [(text, *untransformed(text)) for text in texts]


def counted(name: str, style: str) -> Counts:
    counts = Counts()
    for number, (text, form, answers, reading) in enumerate(sample()):
        changed = TRANSFORMS[name](random.Random(number), text)
        if changed is not None:
            base = form if style == "form" else reading
            compare(base, convert_changed(changed, style, answers), counts, changed)
    assert counts.values["unchanged"], "nothing was tried"
    assert not counts.wrong_evidence, counts.examples
    return counts


@pytest.mark.parametrize("style", ["form", "clean", "copied"])
@pytest.mark.parametrize("name", LOSSLESS)
def test_a_layout_without_loss_changes_no_value(name: str, style: str) -> None:
    counts = counted(name, style)
    assert set(counts.values) == {"unchanged"}, counts.examples


@pytest.mark.parametrize("style", ["clean", "copied"])
@pytest.mark.parametrize("name", [name for name in TRANSFORMS if name not in LOSSLESS])
def test_what_a_model_reads_is_never_changed_in_silence(name: str, style: str) -> None:
    counts = counted(name, style)
    assert not counts.values["changed"], counts.examples
    assert not [words for words in counts.examples if words.startswith("absent") and words.split()[1] not in BY_CODE]
    lost = counts.values["absent, noted"] + counts.values["changed, noted"]
    assert lost <= MOST_LOST * sum(counts.values.values()), counts.values


@pytest.mark.parametrize("name", [name for name in TRANSFORMS if name not in LOSSLESS])
def test_what_code_finds_hardly_changes(name: str) -> None:
    counts = counted(name, "form")
    assert sum(counts.values.values()) - counts.values["unchanged"] <= MOST_BROKEN * sum(counts.values.values())


@pytest.mark.parametrize("case", cases("layout"), ids=labels)
@pytest.mark.parametrize("style", ["clean", "form"])
def test_a_laid_out_text_gives_this_record(case: Json, style: str) -> None:
    changed = Changed("")
    changed.head, changed.media = case["text"], case.get("media", "text")
    found = convert_changed(changed, style, case["answers"])
    assert not found.wrong_evidence
    assert {name: shown(name, found.items.get(name, [])) for name in case["expect"]} == case["expect"]


def shown(name: str, items: list[Json]) -> list[Any]:
    """The items of a field in short: names with titles, numbers with units, dates as EDTF."""
    if name == "officials":
        return [[item["name"], *item["titles"]] for item in items]
    if name == "statistics":
        return [[item["value"]["number"], item["value"]["unit"]] for item in items]
    return [item["edtf"] for item in items]
