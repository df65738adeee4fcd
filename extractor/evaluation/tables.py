"""Tables of scores, pooled over documents.

An interval is the middle 95 % of 2,000 resamples of the documents.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from extractor.document import Json
from extractor.evaluation.scoring import Counts, Scored, ScoreError

RESAMPLES = 2000
# Stands for the marks of an item that has none.
UNMARKED = "none"

Sampled = TypeVar("Sampled")


@dataclass(frozen=True)
class Row:
    """One row of the table: pooled precision, recall and F1, with the interval of F1."""

    name: str
    precision: float
    recall: float
    f1: float
    low: float
    high: float


@dataclass(frozen=True)
class Gap:
    """A difference in F1, with its interval."""

    f1: float
    low: float
    high: float


def tabulate(scored: Mapping[str, Scored], fields: Sequence[str]) -> list[Row]:
    """A row for each measure, and "mean": the mean F1 of the record's fields."""
    names = list(dict.fromkeys(name for one in scored.values() for name in one.counts))
    samples = list(_resample(list(scored.values())))
    rows = []
    for name in names:
        pooled = _pool(scored.values(), name)
        low, high = _middle([_pool(sample, name).f1 for sample in samples])
        rows.append(Row(name, pooled.precision, pooled.recall, pooled.f1, low, high))
    low, high = _middle([mean_f1(sample, fields) for sample in samples])
    mean = mean_f1(scored.values(), fields)
    return [*rows, Row("mean", mean, mean, mean, low, high)]


def tabulate_marks(scored: Mapping[str, Scored], lines: Mapping[str, Json]) -> dict[tuple[str, str], Counts]:
    """For each field and mark (and UNMARKED), how many items there are and how many are right.

    A marked item should be right less often. A clause is right if at least half of its characters are
    annotated. Raises ScoreError if a line's marks can't be read.
    """
    counts: dict[tuple[str, str], Counts] = {}
    for name, one in scored.items():
        marks = _marks_of(lines.get(name, {}), name)
        for field, items in one.right.items():
            for number, right in enumerate(items):
                for mark in marks.get((field, number)) or [UNMARKED]:
                    counts[field, mark] = counts.get((field, mark), Counts()) + Counts(int(right), 1, 1)
    return counts


def _marks_of(line: Json, name: str) -> dict[tuple[str, int], list[str]]:
    try:
        return {(m["field"], m["item"] or 0): list(m["marks"]) for m in line.get("marks", [])}
    except (KeyError, TypeError, AttributeError) as error:
        raise ScoreError(f"The marks of {name} are not as `extractor extract` writes them ({error!r}).") from error


def difference(scored: Mapping[str, Scored], other: Mapping[str, Scored], fields: Sequence[str]) -> dict[str, Gap]:
    """For each field and "mean": F1 of the first minus F1 of the second, on the same resamples."""
    pairs = [(scored[name], other[name]) for name in scored]
    samples = list(_resample(pairs))
    return {
        name: Gap(_gap(pairs, name, fields), *_middle([_gap(sample, name, fields) for sample in samples]))
        for name in (*fields, "mean")
    }


def _gap(pairs: Iterable[tuple[Scored, Scored]], name: str, fields: Sequence[str]) -> float:
    mine, theirs = zip(*pairs, strict=True)
    if name == "mean":
        return mean_f1(mine, fields) - mean_f1(theirs, fields)
    return _pool(mine, name).f1 - _pool(theirs, name).f1


def mean_f1(scored: Iterable[Scored], fields: Sequence[str]) -> float:
    """The mean of the fields' pooled F1."""
    documents = list(scored)
    return sum(_pool(documents, name).f1 for name in fields) / len(fields)


def _pool(scored: Iterable[Scored], name: str) -> Counts:
    return sum((one.counts.get(name, Counts()) for one in scored), Counts())


def _resample(things: Sequence[Sampled]) -> Iterator[list[Sampled]]:
    chance = random.Random(0)
    for _ in range(RESAMPLES):
        yield chance.choices(things, k=len(things))


def _middle(values: list[float]) -> tuple[float, float]:
    """The bounds of the middle 95 %."""
    values = sorted(values)
    return values[int(0.025 * len(values))], values[min(len(values) - 1, int(0.975 * len(values)))]
