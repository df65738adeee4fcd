"""Score: records against reference annotations. How a field is compared follows from its type.

| field                         | what counts                                                                                |
|-------------------------------|--------------------------------------------------------------------------------------------|
| one date                      | the same EDTF (or both null)                                                               |
| one other value               | the same words (or both null)                                                              |
| list of values                | the same words                                                                             |
| items that stand on a name    | the same name; on matched ones each list (titles, roles) as a set                          |
| items that stand on a number  | overlapping evidence and equal digits; on matched ones number, low, high and unit          |
| items that stand on a clause  | characters of evidence, each counted once                                                  |

Counts are pooled over documents; an interval is the middle 95 % of 2,000 resamples of the documents.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extractor.document import Json
from extractor.lang.fold import fold
from extractor.schema.shape import Field

RESAMPLES = 2000
_NUMERAL = re.compile(r"[0-9.〇零一二三四五六七八九十百千万亿两半]+")


class ScoreError(ValueError):
    """Annotations or records that can't be compared: says which file and what to do."""


@dataclass(frozen=True)
class Counts:
    """Found and right, found in all, to be found in all."""

    right: int = 0
    found: int = 0
    wanted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.found + other.found, self.wanted + other.wanted)

    @property
    def precision(self) -> float:
        """1 where nothing was found: nothing wrong was said."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """1 where nothing was to be found."""
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.found + self.wanted) if self.found + self.wanted else 1.0


@dataclass(frozen=True)
class Slip:
    """A miss (annotated, not found) or an invention (found, not annotated), with its words in the source."""

    document: str
    field: str
    kind: str
    text: str
    start: int | None


@dataclass
class Scored:
    """One document's counts by measure ("officials", "officials.titles" …), its slips, and whether each item of a field
    is right, in the record's order."""

    counts: dict[str, Counts] = field(default_factory=dict)
    slips: list[Slip] = field(default_factory=list)
    right: dict[str, list[bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One row of the table: pooled precision, recall and F1, with the interval of F1."""

    name: str
    precision: float
    recall: float
    f1: float
    low: float
    high: float


def read_gold(path: Path) -> dict[str, Json]:
    """Annotations by id: a file, or a folder of them (*.segments.json are of another kind and left out)."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    gold: dict[str, Json] = {}
    for file in files:
        if file.name.endswith(".segments.json"):
            continue
        try:
            line = json.loads(file.read_text(encoding="utf-8"))
            gold[line["id"]] = line["record"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ScoreError(f'{file} is no annotation with "id" and "record" ({_why(error)}).') from error
    if not gold:
        raise ScoreError(f"{path} holds no annotations: name a folder of *.json, such as fixtures/gold.")
    return gold


def read_lines(path: Path) -> dict[str, Json]:
    """The lines of an output file, by id."""
    try:
        with path.open(encoding="utf-8") as stream:
            return {line["id"]: {**line, "record": dict(line["record"])} for line in map(json.loads, stream)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScoreError(f"{path} is no output of `extractor extract` ({_why(error)}).") from error


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def records_of(lines: Mapping[str, Json]) -> dict[str, Json]:
    """The records alone."""
    return {name: line["record"] for name, line in lines.items()}


def score(shapes: Sequence[Field], gold: Mapping[str, Json], records: Mapping[str, Json]) -> dict[str, Scored]:
    """Each annotated document's counts; one without a record counts as an empty record."""
    return {name: _score_one(shapes, name, gold[name], records.get(name, {})) for name in gold}


def _score_one(shapes: Sequence[Field], name: str, wanted: Json, found: Json) -> Scored:
    scored = Scored()
    for shape in shapes:
        if shape.name not in wanted:
            continue
        mine, theirs = found.get(shape.name), wanted[shape.name]
        if shape.item is None and not isinstance(theirs, list):
            _score_value(scored, name, shape, mine, theirs)
        elif shape.item is None:
            _score_names(scored, name, shape, mine or [], theirs, lambda value: fold(str(value)))
        elif shape.anchor.kind.scored_by == "names":
            _score_people(scored, name, shape, _listed(mine), _listed(theirs))
        elif shape.anchor.kind.scored_by == "numbers":
            _score_numbers(scored, name, shape, _listed(mine), _listed(theirs))
        else:
            _score_clauses(scored, name, shape, _listed(mine), _listed(theirs))
    return scored


def _listed(value: Any) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _score_value(scored: Scored, name: str, shape: Field, mine: Any, theirs: Any) -> None:
    """A value that is right, or rightly absent, is one found of one wanted: so F1 is the share of right documents."""
    key = _date_of if shape.anchor.kind.reads == "date" else _words_of
    right = key(mine) == key(theirs)
    scored.right[shape.name] = [right] if mine is not None else []
    scored.counts[shape.name] = Counts(int(right), 1, 1)
    if not right:
        if theirs is not None:
            scored.slips.append(Slip(name, shape.name, "miss", _words_of(theirs) or "", None))
        if mine is not None:
            scored.slips.append(Slip(name, shape.name, "invention", _words_of(mine) or "", None))


def _date_of(value: Any) -> str | None:
    return value.get("edtf") if isinstance(value, dict) else None


def _words_of(value: Any) -> str | None:
    return None if value is None else fold(str(value["text"] if isinstance(value, dict) else value))


def _score_names(scored: Scored, name: str, shape: Field, mine: list[Any], theirs: list[Any], key: Any) -> set[str]:
    found, wanted = {key(x) for x in mine}, {key(x) for x in theirs}
    scored.right[shape.name] = [key(x) in wanted for x in mine]
    scored.counts[shape.name] = Counts(len(found & wanted), len(found), len(wanted))
    scored.slips += [Slip(name, shape.name, "miss", x, None) for x in sorted(wanted - found)]
    scored.slips += [Slip(name, shape.name, "invention", x, None) for x in sorted(found - wanted)]
    return found & wanted


def _score_people(scored: Scored, name: str, shape: Field, mine: list[Json], theirs: list[Json]) -> None:
    anchor = shape.anchor.name
    both = _score_names(scored, name, shape, mine, theirs, lambda item: fold(item[anchor]))
    found = {fold(item[anchor]): item for item in mine}
    wanted = {fold(item[anchor]): item for item in theirs}
    for leaf in (leaf for leaf in shape.asked if leaf.many):
        counts = Counts()
        for person in both:
            a = {fold(x) for x in found[person][leaf.name]}
            b = {fold(x) for x in wanted[person][leaf.name]}
            counts += Counts(len(a & b), len(a), len(b))
        scored.counts[f"{shape.name}.{leaf.name}"] = counts


def _score_numbers(scored: Scored, name: str, shape: Field, mine: list[Json], theirs: list[Json]) -> None:
    anchor = shape.anchor.name
    left = list(mine)
    matched = []
    for wanted in theirs:
        digits = _digits(wanted[anchor]["text"])
        hit = next((x for x in left if _digits(x[anchor]["text"]) == digits and _overlap(x, wanted)), None)
        if hit is None:
            scored.slips.append(_slip(name, shape, "miss", wanted))
        else:
            left.remove(hit)
            matched.append((hit, wanted))
    scored.slips += [_slip(name, shape, "invention", x) for x in left]
    scored.right[shape.name] = [not any(x is other for other in left) for x in mine]
    scored.counts[shape.name] = Counts(len(matched), len(mine), len(theirs))
    parts = ("number", "low", "high", "unit")
    right = sum(all(a[anchor][p] == b[anchor][p] for p in parts) for a, b in matched)
    scored.counts[f"{shape.name}.{anchor}"] = Counts(right, len(matched), len(matched))


def _digits(words: str) -> str:
    return "".join(_NUMERAL.findall(fold(words)))


def _score_clauses(scored: Scored, name: str, shape: Field, mine: list[Json], theirs: list[Json]) -> None:
    found, wanted = _characters(mine), _characters(theirs)
    scored.counts[shape.name] = Counts(len(found & wanted), len(found), len(wanted))
    scored.slips += [_slip(name, shape, "miss", x) for x in theirs if not _mostly(x, found)]
    scored.right[shape.name] = [_mostly(x, wanted) for x in mine]
    scored.slips += [_slip(name, shape, "invention", x) for x in mine if not _mostly(x, wanted)]


def _places(item: Json) -> list[Json]:
    evidence = item.get("evidence")
    return evidence if isinstance(evidence, list) else [evidence] if evidence else []


def _characters(items: Iterable[Json]) -> set[int]:
    """A repeated item counts once, at its first mention, as annotations have it."""
    return {i for item in items for place in _places(item)[:1] for i in range(place["start"], place["end"])}


def _mostly(item: Json, characters: set[int]) -> bool:
    """Whether half or more of an item's characters are among these."""
    own = _characters([item])
    return 2 * len(own & characters) >= len(own)


def _overlap(item: Json, other: Json) -> bool:
    return any(a["start"] < b["end"] and b["start"] < a["end"] for a in _places(item) for b in _places(other))


def _slip(name: str, shape: Field, kind: str, item: Json) -> Slip:
    place = next(iter(_places(item)), None)
    words = item[shape.anchor.name]
    text = words["text"] if isinstance(words, dict) else words
    if place is None:
        return Slip(name, shape.name, kind, text, None)
    return Slip(name, shape.name, kind, f"{text} ｜ {place['text']}", place["start"])


# --- the table ---


def tabulate(scored: Mapping[str, Scored], fields: Sequence[str]) -> list[Line]:
    """A line for each measure, and "mean": the mean F1 of the record's own fields."""
    names = list(dict.fromkeys(name for one in scored.values() for name in one.counts))
    samples = list(_resample(list(scored.values())))
    lines = []
    for name in names:
        pooled = _pool(scored.values(), name)
        low, high = _middle([_pool(sample, name).f1 for sample in samples])
        lines.append(Line(name, pooled.precision, pooled.recall, pooled.f1, low, high))
    low, high = _middle([mean_f1(sample, fields) for sample in samples])
    mean = mean_f1(scored.values(), fields)
    return [*lines, Line("mean", mean, mean, mean, low, high)]


UNMARKED = "none"


def tabulate_marks(scored: Mapping[str, Scored], lines: Mapping[str, Json]) -> dict[tuple[str, str], Counts]:
    """For each field and mark (and for items without one), how many items there are and how many are right: a marked
    item should be right less often. A clause is right where half of its characters or more are annotated."""
    counts: dict[tuple[str, str], Counts] = {}
    for name, one in scored.items():
        marks = _marks_of(lines.get(name, {}), name)
        for shape, items in one.right.items():
            for number, right in enumerate(items):
                for mark in marks.get((shape, number)) or [UNMARKED]:
                    counts[shape, mark] = counts.get((shape, mark), Counts()) + Counts(int(right), 1, 1)
    return counts


def _marks_of(line: Json, name: str) -> dict[tuple[str, int], list[str]]:
    try:
        return {(m["field"], m["item"] or 0): list(m["marks"]) for m in line.get("marks", [])}
    except (KeyError, TypeError, AttributeError) as error:
        raise ScoreError(f"The marks of {name} are none that `extractor extract` writes ({error!r}).") from error


def difference(
    scored: Mapping[str, Scored], other: Mapping[str, Scored], fields: Sequence[str]
) -> dict[str, tuple[float, float, float]]:
    """For each field and "mean": F1 of the first less F1 of the second, and the interval of that (same resamples)."""
    pairs = [(scored[name], other[name]) for name in scored]
    samples = list(_resample(pairs))
    differences = {}
    for name in (*fields, "mean"):

        def gap(sample: Iterable[tuple[Scored, Scored]], name: str = name) -> float:
            mine, theirs = zip(*sample, strict=True)
            if name == "mean":
                return mean_f1(mine, fields) - mean_f1(theirs, fields)
            return _pool(mine, name).f1 - _pool(theirs, name).f1

        differences[name] = (gap(pairs), *_middle([gap(sample) for sample in samples]))
    return differences


def mean_f1(scored: Iterable[Scored], fields: Sequence[str]) -> float:
    """The mean over the record's fields of their pooled F1."""
    documents = list(scored)
    return sum(_pool(documents, name).f1 for name in fields) / len(fields)


def _pool(scored: Iterable[Scored], name: str) -> Counts:
    return sum((one.counts.get(name, Counts()) for one in scored), Counts())


def _resample(things: Sequence[Any]) -> Iterator[list[Any]]:
    chance = random.Random(0)
    for _ in range(RESAMPLES):
        yield chance.choices(things, k=len(things))


def _middle(values: list[float]) -> tuple[float, float]:
    values = sorted(values)
    return values[int(0.025 * len(values))], values[min(len(values) - 1, int(0.975 * len(values)))]


def fields_of(shapes: Sequence[Field], gold: Mapping[str, Json]) -> list[str]:
    """The schema's fields that the annotations have."""
    return [shape.name for shape in shapes if any(shape.name in record for record in gold.values())]
