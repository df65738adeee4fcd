"""Score records against reference annotations. A field's type decides how it is compared.

| field                    | what is compared                                                                |
|--------------------------|---------------------------------------------------------------------------------|
| one date                 | its EDTF (or both are null)                                                     |
| one other value          | its words (or both are null)                                                    |
| label of the whole text  | the choice, exactly (or both are null); of several labels, each                 |
| list of values           | their words                                                                     |
| items anchored by name   | the name; for matched items each list (titles, roles) as a set                  |
| items anchored by number | overlapping evidence and equal digits; if matched, number, low, high and unit   |
| items anchored by clause | characters of evidence, each counted once                                       |
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.document import Json
from extractor.lang.fold import fold
from extractor.schema.shape import Field

_NUMERAL = re.compile(r"[0-9.〇零一二三四五六七八九十百千万亿两半]+")


class ScoreError(ValueError):
    """Annotations or records can't be compared. The message names the file and says what to do."""


@dataclass(frozen=True)
class Counts:
    """How many items were found and are right, how many were found, how many are annotated."""

    right: int = 0
    found: int = 0
    wanted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.found + other.found, self.wanted + other.wanted)

    @property
    def precision(self) -> float:
        """Share of the found items that are right; 1 if nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the annotated items that were found; 1 if nothing is annotated."""
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 if nothing was found and nothing is annotated."""
        return 2 * self.right / (self.found + self.wanted) if self.found + self.wanted else 1.0


@dataclass(frozen=True)
class Slip:
    """A miss (annotated, not found) or an invention (found, not annotated), with its words and its start."""

    document: str
    field: str
    kind: str
    text: str
    start: int | None


@dataclass
class Scored:
    """One document's result.

    `counts` by measure ("officials", "officials.titles" …); `right` holds for each field whether each of its
    items is right, in the record's order.
    """

    counts: dict[str, Counts] = dataclasses.field(default_factory=dict)
    slips: list[Slip] = dataclasses.field(default_factory=list)
    right: dict[str, list[bool]] = dataclasses.field(default_factory=dict)


def read_gold(path: Path) -> dict[str, Json]:
    """Read annotations, by document id, from a file or a folder; *.segments.json files are skipped.

    Raises ScoreError.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    gold: dict[str, Json] = {}
    for file in files:
        if file.name.endswith(".segments.json"):
            continue
        try:
            line = json.loads(file.read_text(encoding="utf-8"))
            gold[line["id"]] = line["record"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ScoreError(f'{file} is not an annotation with "id" and "record" ({_reason(error)}).') from error
    if not gold:
        raise ScoreError(f"{path} has no annotations: name a folder of *.json files, for example fixtures/gold.")
    return gold


def read_lines(path: Path) -> dict[str, Json]:
    """Read the lines of an output file, by document id. Raises ScoreError."""
    try:
        with path.open(encoding="utf-8") as stream:
            return {line["id"]: {**line, "record": dict(line["record"])} for line in map(json.loads, stream)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ScoreError(f"{path} is not an output of `extractor extract` ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def records_of(lines: Mapping[str, Json]) -> dict[str, Json]:
    """The records of output lines, by document id."""
    return {name: line["record"] for name, line in lines.items()}


def score(fields: Sequence[Field], gold: Mapping[str, Json], records: Mapping[str, Json]) -> dict[str, Scored]:
    """Score each annotated document. A document without a record is scored as an empty record."""
    return {name: _score_one(fields, name, gold[name], records.get(name, {})) for name in gold}


def _score_one(fields: Sequence[Field], name: str, wanted: Json, found: Json) -> Scored:
    scored = Scored()
    for field in fields:
        if field.name not in wanted:
            continue
        mine, theirs = found.get(field.name), wanted[field.name]
        if field.item is None and not isinstance(theirs, list):
            _score_value(scored, name, field, mine, theirs)
        elif field.item is None:
            key: Callable[[Any], str] = str if field.is_label else _folded
            _score_names(scored, name, field, mine or [], theirs, key)
        elif field.anchor.kind.scored_by == "names":
            _score_people(scored, name, field, _listed(mine), _listed(theirs))
        elif field.anchor.kind.scored_by == "numbers":
            _score_numbers(scored, name, field, _listed(mine), _listed(theirs))
        else:
            _score_clauses(scored, name, field, _listed(mine), _listed(theirs))
    return scored


def _folded(value: Any) -> str:
    return fold(str(value))


def _listed(value: Any) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _score_value(scored: Scored, name: str, field: Field, mine: Any, theirs: Any) -> None:
    """Score one value. A right value or null counts as one found of one annotated.

    F1 is then the share of right documents.
    """
    key = _date_of if field.anchor.kind.reads == "date" else _words_of
    right = mine == theirs if field.is_label else key(mine) == key(theirs)
    scored.right[field.name] = [right] if mine is not None else []
    scored.counts[field.name] = Counts(int(right), 1, 1)
    if not right:
        if theirs is not None:
            scored.slips.append(Slip(name, field.name, "miss", _words_of(theirs) or "", None))
        if mine is not None:
            scored.slips.append(Slip(name, field.name, "invention", _words_of(mine) or "", None))


def _date_of(value: Any) -> str | None:
    return value.get("edtf") if isinstance(value, dict) else None


def _words_of(value: Any) -> str | None:
    return None if value is None else fold(str(value["text"] if isinstance(value, dict) else value))


def _score_names(
    scored: Scored, name: str, field: Field, mine: list[Any], theirs: list[Any], key: Callable[[Any], str]
) -> set[str]:
    found, wanted = {key(x) for x in mine}, {key(x) for x in theirs}
    scored.right[field.name] = [key(x) in wanted for x in mine]
    scored.counts[field.name] = Counts(len(found & wanted), len(found), len(wanted))
    scored.slips += [Slip(name, field.name, "miss", x, None) for x in sorted(wanted - found)]
    scored.slips += [Slip(name, field.name, "invention", x, None) for x in sorted(found - wanted)]
    return found & wanted


def _score_people(scored: Scored, name: str, field: Field, mine: list[Json], theirs: list[Json]) -> None:
    anchor = field.anchor.name
    both = _score_names(scored, name, field, mine, theirs, lambda item: fold(item[anchor]))
    found = {fold(item[anchor]): item for item in mine}
    wanted = {fold(item[anchor]): item for item in theirs}
    for leaf in (leaf for leaf in field.asked if leaf.many):
        counts = Counts()
        annotated = [person for person in both if leaf.name in wanted[person]]
        if both and not annotated:
            continue  # the annotations are older than this part of the schema
        for person in annotated:
            a = {fold(x) for x in found[person].get(leaf.name, [])}
            b = {fold(x) for x in wanted[person][leaf.name]}
            counts += Counts(len(a & b), len(a), len(b))
        scored.counts[f"{field.name}.{leaf.name}"] = counts


def _score_numbers(scored: Scored, name: str, field: Field, mine: list[Json], theirs: list[Json]) -> None:
    anchor = field.anchor.name
    left = list(mine)
    matched = []
    for wanted in theirs:
        digits = _digits(wanted[anchor]["text"])
        hit = next((x for x in left if _digits(x[anchor]["text"]) == digits and _overlap(x, wanted)), None)
        if hit is None:
            scored.slips.append(_slip(name, field, "miss", wanted))
        else:
            left.remove(hit)
            matched.append((hit, wanted))
    scored.slips += [_slip(name, field, "invention", x) for x in left]
    scored.right[field.name] = [not any(x is other for other in left) for x in mine]
    scored.counts[field.name] = Counts(len(matched), len(mine), len(theirs))
    parts = ("number", "low", "high", "unit")
    right = sum(all(a[anchor][p] == b[anchor][p] for p in parts) for a, b in matched)
    scored.counts[f"{field.name}.{anchor}"] = Counts(right, len(matched), len(matched))


def _digits(words: str) -> str:
    return "".join(_NUMERAL.findall(fold(words)))


def _score_clauses(scored: Scored, name: str, field: Field, mine: list[Json], theirs: list[Json]) -> None:
    found, wanted = _characters(mine), _characters(theirs)
    scored.counts[field.name] = Counts(len(found & wanted), len(found), len(wanted))
    scored.slips += [_slip(name, field, "miss", x) for x in theirs if not _mostly(x, found)]
    scored.right[field.name] = [_mostly(x, wanted) for x in mine]
    scored.slips += [_slip(name, field, "invention", x) for x in mine if not _mostly(x, wanted)]


def _places(item: Json) -> list[Json]:
    evidence = item.get("evidence")
    return evidence if isinstance(evidence, list) else [evidence] if evidence else []


def _characters(items: Iterable[Json]) -> set[int]:
    """The characters of the items' first places: annotations mark a repeated item at its first mention."""
    return {i for item in items for place in _places(item)[:1] for i in range(place["start"], place["end"])}


def _mostly(item: Json, characters: set[int]) -> bool:
    """Whether at least half of an item's characters are among these."""
    own = _characters([item])
    return 2 * len(own & characters) >= len(own)


def _overlap(item: Json, other: Json) -> bool:
    return any(a["start"] < b["end"] and b["start"] < a["end"] for a in _places(item) for b in _places(other))


def _slip(name: str, field: Field, kind: str, item: Json) -> Slip:
    place = next(iter(_places(item)), None)
    words = item[field.anchor.name]
    text = words["text"] if isinstance(words, dict) else words
    if place is None:
        return Slip(name, field.name, kind, text, None)
    return Slip(name, field.name, kind, f"{text} ｜ {place['text']}", place["start"])


def fields_of(fields: Sequence[Field], gold: Mapping[str, Json]) -> list[str]:
    """The schema's fields that any annotation has."""
    return [field.name for field in fields if any(field.name in record for record in gold.values())]
