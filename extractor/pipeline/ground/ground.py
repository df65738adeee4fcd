"""Ground: find each value of an answer in the speech, or report that it is not there.

Every value of a grounded item is cut from the source. A value that is not found becomes a Problem. There are
two exceptions: a `Worded` value stays in the model's own words if its sentence has all their characters, and
a choice stays if a sentence about its item (for a label of the whole text, the passage) has the words that it
needs (`Shown`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from extractor.lang.changes import Direction, changes_in, direction_of
from extractor.lang.sentences import Span
from extractor.lang.subjects import end_of_labels
from extractor.pipeline.answer import Answer, AnswerItem, Problem
from extractor.pipeline.ground.evidence import (
    Prepared,
    places_of,
    quoted,
    sentences_naming,
    shown_by,
    unbroken,
)
from extractor.pipeline.ground.locate import Match, MatchKind, locate
from extractor.pipeline.ground.ownership import as_a_whole, as_stated, is_title_beside, objection
from extractor.pipeline.ground.placing import Placed, place_items
from extractor.pipeline.ground.whole import locate_whole
from extractor.pipeline.ground.wording import names_another, worded, words_around
from extractor.schema.shape import Field, Leaf

# A sentence of so many characters may list hundreds of persons, each with a title: how far from a name its own may be.
_LISTS_PERSONS, _TITLES_REACH = 600, 120
# The mark of items whose words stand at another place that fits them as well.
UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Value:
    """A value: `text` as the record holds it, `clean` without noise, `source` with all noise, and its source offsets.

    `change` is the direction that the text gives a number, `unit` the unit that its table does.
    """

    text: str
    clean: str
    start: int
    end: int
    how: MatchKind
    source: str
    change: Direction | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One grounded item, or the value of a field without items.

    `values` maps the name of each leaf to a Value, a plain string (a choice or a wording), a list of these,
    or None. `places` are the source offsets that show the item, its own place first; a label has none. `marks`
    say why it is less certain than others: "folded" means that its words differ from the text in width,
    punctuation or a slip.
    """

    field: str
    values: dict[str, Any]
    places: tuple[Span, ...]
    marks: frozenset[str] = frozenset()


def ground(answer: Answer, field: Field, prepared: Prepared) -> tuple[list[Item], list[Problem]]:
    """The items of the answer that are found in the source, and a problem for each value that is not."""
    items: list[Item] = []
    problems: list[Problem] = []
    lo = bisect_left(prepared.speech.starts, answer.passage.start)
    hi = bisect_left(prepared.speech.starts, answer.passage.end)
    if field.is_label:
        return _ground_label(answer, field, prepared, (lo, hi))
    read = [item for item in answer.items if item.place is None]
    places = iter(place_items(read, field, prepared, (lo, hi)))
    for answer_item in answer.items:
        placed = _offered(answer_item.place, (lo, hi)) if answer_item.place is not None else next(places)
        item, item_problems = _ground_item(answer_item, placed, field, prepared, (lo, hi))
        problems += item_problems
        if item is not None:
            items.append(item)
    return items, problems


def _ground_label(answer: Answer, field: Field, prepared: Prepared, passage: Span) -> tuple[list[Item], list[Problem]]:
    """The choices of the answer whose words, if they need any, stand in the passage; else `otherwise`, if it is set."""
    shown, text = field.anchor.shown, prepared.speech.text[slice(*passage)]
    said = [str(item.values[field.name]) for item in answer.items if item.values[field.name] is not None]
    patterns = shown.patterns if shown else {}
    kept = [choice for choice in said if choice not in patterns or re.search(patterns[choice], text)]
    detail = "the passage that was asked about does not have the words that this choice needs"
    problems = [
        Problem("unsupported", field.name, choice, *prepared.speech.span(*passage), detail)
        for choice in said
        if choice not in kept
    ]
    # A question that failed leaves it open what the text is.
    if not kept and shown and shown.otherwise and not answer.failed:
        kept = [shown.otherwise]
    return [Item(field.name, {field.name: choice}, ()) for choice in kept], problems


def _ground_item(
    answer_item: AnswerItem, placed: Placed, field: Field, prepared: Prepared, passage: Span
) -> tuple[Item | None, list[Problem]]:
    problems: list[Problem] = []
    anchor = field.anchor
    answered = answer_item.values
    quotes = answered.get(anchor.name)
    quote = quotes[0] if isinstance(quotes, list) else quotes
    match = placed.match
    if match is None or not anchor.kind.accepts(quote or ""):
        return None, [_absent(field, anchor, quote, prepared, passage)]
    if answer_item.place is None or anchor.own_date is not None:
        match, why = as_stated(field, match, prepared)
        if why is not None:
            start, end = prepared.speech.span(*prepared.clause(match.start, match.end))
            return None, [Problem("misplaced", _name_of(field, anchor), quote, start, end, why)]
    grounded: dict[str, Any] = {}
    for leaf in field.asked:
        if leaf is anchor:
            grounded[leaf.name] = _value(leaf, match, prepared)
            continue
        grounded[leaf.name], absent = _ground_leaf(leaf, answered.get(leaf.name), field, prepared, match, passage)
        problems += absent
    _read_changes(field, grounded, prepared, match)
    problems += _repeated(field, grounded)
    missing = next((leaf for leaf in field.asked if _is_missing(leaf, grounded[leaf.name])), None)
    if missing is not None:
        start, end = prepared.speech.span(match.start, match.end)
        detail = f"left out, because it needs {missing.name} and none was found in its sentence"
        return None, [*problems, Problem("incomplete", field.name, grounded[anchor.name].text, start, end, detail)]
    places = places_of(field, grounded, prepared, match, passage)
    marks = _marks(grounded) | ({UNSURE} if placed.unsure else set())
    return Item(field.name, grounded, tuple(places), marks), problems


def _read_changes(field: Field, grounded: dict[str, Any], prepared: Prepared, anchor: Match) -> None:
    """Set both numbers of a change that the item's clause has, if one of them is given (`ChangesTo`)."""
    for leaf in field.asked:
        reached = next((other for other in field.asked if other.name == leaf.changes_to), None)
        given = [grounded[name] for name in (leaf.name, leaf.changes_to) if name and grounded.get(name) is not None]
        if reached is None or not given:
            continue
        i, j = prepared.clause(anchor.start, anchor.end)
        for old, new in changes_in(prepared.speech.text[i:j]):
            values = [
                _value(part, Match(i + span[0], i + span[1], MatchKind.EXACT), prepared)
                for part, span in ((leaf, old), (reached, new))
            ]
            if any(_overlap(value, one) for value in values for one in given):
                grounded[leaf.name], grounded[reached.name] = values
                break


def _overlap(value: Value, other: Value) -> bool:
    return value.start < other.end and other.start < value.end


def _repeated(field: Field, grounded: dict[str, Any]) -> list[Problem]:
    """Take out the values that are the same number of the text as the part that they must differ from (`ChangesTo`)."""
    problems = []
    for leaf in field.asked:
        value, other = grounded[leaf.name], grounded.get(leaf.changes_to or "")
        if not (isinstance(value, Value) and isinstance(other, Value)):
            continue
        if _overlap(value, other):
            grounded[leaf.name] = None
            detail = f"the same number of the text as {leaf.changes_to}, from which it must differ"
            problems.append(
                Problem("repeated", f"{field.name}.{leaf.name}", value.text, value.start, value.end, detail)
            )
    return problems


def _offered(place: Span, passage: Span) -> Placed:
    """The place of a candidate that code had offered."""
    start, end = (passage[0] + offset for offset in place)
    return Placed(Match(start, min(end, passage[1]), MatchKind.EXACT))


def wording_of(item: Item, field: Field, prepared: Prepared) -> tuple[str, str]:
    """The words of an item and the clause that shows it, as a model sees them."""
    value = item.values[field.anchor.name]
    first = value[0] if isinstance(value, list) else value
    starts = prepared.speech.starts
    i, j = (bisect_left(starts, offset) for offset in item.places[0])
    return first.clean, prepared.speech.text[i:j]


def _marks(grounded: dict[str, Any]) -> frozenset[str]:
    values = [v for value in grounded.values() for v in (value if isinstance(value, list) else [value])]
    folded = any(isinstance(v, Value) and v.how is not MatchKind.EXACT for v in values)
    return frozenset({"folded"} if folded else ())


def _is_missing(leaf: Leaf, value: Any) -> bool:
    """Whether the record can't hold the item because it lacks this value."""
    return value is None and not leaf.optional and not (leaf.shown and leaf.shown.otherwise)


def _ground_leaf(
    leaf: Leaf, answered: Any, field: Field, prepared: Prepared, anchor: Match, passage: Span
) -> tuple[Any, list[Problem]]:
    if answered is None or answered == []:
        return ([] if leaf.many else words_around(leaf, prepared, anchor)), []
    quotes = answered if isinstance(answered, list) else [answered]
    kept: list[Any] = []
    problems = []
    for quote in dict.fromkeys(quotes):
        value = _ground_one(leaf, quote, field, prepared, anchor, passage)
        if value is None:
            problems.append(_absent(field, leaf, quote, prepared, passage, anchor))
        elif value not in kept:
            kept.append(value)
    if leaf.many:
        return kept, problems
    return (kept[0] if kept else words_around(leaf, prepared, anchor)), problems


def _ground_one(leaf: Leaf, quote: str, field: Field, prepared: Prepared, anchor: Match, passage: Span) -> Any:
    if leaf.kind.grounded_as == "choice":
        needs_words = leaf.shown is not None and leaf.shown.words_for(quote) is not None
        return None if needs_words and shown_by(leaf, quote, prepared, anchor, passage) is None else quote
    if leaf.kind.grounded_as == "wording":
        return worded(quote, field, prepared, anchor)
    match = _nearest(leaf, quote, prepared, anchor, passage)
    if match is not None and objection(leaf, match, prepared, anchor) is not None:
        match = None
    if match is None and field.anchor.kind.is_entity:
        match = _beside_name(leaf, quote, prepared, anchor, passage)
    if match is None or not leaf.kind.accepts(quote):
        return None
    return _value(leaf, as_a_whole(leaf, match, prepared), prepared)


def _nearest(leaf: Leaf, quote: str, prepared: Prepared, anchor: Match, passage: Span) -> Match | None:
    """The match of the quote in the item's sentence.

    If there is none and the leaf may reach further, it is the last match before the item in the passage, or
    else the first one after it.
    """
    lo, hi = prepared.sentence(anchor.start, anchor.end)
    hi = hi if leaf.subject is None else end_of_labels(prepared.speech.text, hi)
    if leaf.beside is not None and hi - lo > _LISTS_PERSONS:
        right_before = locate_whole(
            quote, leaf.kind, prepared, max(lo, passage[0], anchor.start - len(quote)), anchor.start
        )
        if right_before is not None and objection(leaf, right_before, prepared, anchor) is None:
            return right_before
        lo, hi = max(lo, anchor.start - _TITLES_REACH), min(hi, anchor.end + _TITLES_REACH)
    # A sentence longer than a passage continues in the next one, which the model has not seen.
    lo, hi = max(lo, passage[0]), min(hi, passage[1])
    match = locate_whole(quote, leaf.kind, prepared, lo, hi)
    # The same words may stand there twice, once as the base of a comparison: 去年比前年…, 比去年….
    while match is not None and objection(leaf, match, prepared, anchor) is not None:
        later = locate_whole(quote, leaf.kind, prepared, match.end, hi)
        if later is None:
            break
        match = later
    match = _beside_its_name(leaf, quote, match, prepared, anchor, hi)
    if match is not None or leaf.within == "sentence":
        return match
    before = locate_whole(quote, leaf.kind, prepared, passage[0], anchor.start)
    while before is not None:
        later = locate_whole(quote, leaf.kind, prepared, before.end, anchor.start)
        if later is None:
            return before
        before = later
    return locate_whole(quote, leaf.kind, prepared, anchor.end, passage[1])


def _beside_its_name(
    leaf: Leaf, quote: str, match: Match | None, prepared: Prepared, anchor: Match, hi: int
) -> Match | None:
    """A later place of a title that stands beside its person's name, if this one does not: 副市长甲…，市长乙."""
    if leaf.beside is None:
        return match
    later = match
    while later is not None and not is_title_beside(later, prepared, anchor):
        later = locate(quote, prepared.index, lo=later.end, hi=hi)
    return later or match


def _beside_name(leaf: Leaf, quote: str, prepared: Prepared, anchor: Match, passage: Span) -> Match | None:
    """The match of the quote in another sentence that names the person: the one that stands nearest to the name."""
    name = prepared.speech.text[anchor.start : anchor.end]
    found: list[tuple[int, int, Match]] = []
    for i, j in sentences_naming(prepared, anchor, passage):
        match = locate(quote, prepared.index, lo=max(i, passage[0]), hi=min(j, passage[1]))
        if match is not None and objection(leaf, match, prepared, anchor) is None:
            at = prepared.speech.text.index(name, i)
            found.append((min(abs(at - match.end), abs(match.start - at - len(name))), match.start, match))
    return min(found)[2] if found else None


def _value(leaf: Leaf, match: Match, prepared: Prepared) -> Value:
    """The value at a match.

    Clauses are cleaned. Names, quantities and other verbatim words keep the noise of the source, except for its
    layout: markup, line ends, and spaces in a name.
    """
    start, end = prepared.speech.span(match.start, match.end)
    clean = unbroken(prepared.speech.text[match.start : match.end])
    text = clean if leaf.kind.is_clean else quoted(prepared.speech, match.start, match.end)
    source = prepared.speech.source(match.start, match.end)
    change = direction_of(prepared.speech.text, match.start, match.end) if leaf.kind.is_read_off else None
    cell = prepared.cells.get(match.start) if leaf.kind.is_read_off else None
    unit = cell.unit if cell is not None else None
    if cell is not None and cell.grew:
        change = "up"
    return Value(leaf.kind.tidy(text), leaf.kind.tidy(clean), start, end, match.how, source, change, unit)


def _name_of(field: Field, leaf: Leaf) -> str:
    return field.name if field.item is None else f"{field.name}.{leaf.name}"


def _absent(
    field: Field, leaf: Leaf, quote: str | None, prepared: Prepared, passage: Span, anchor: Match | None = None
) -> Problem:
    """The problem for a value that was not found or was refused."""
    lo, hi = passage if anchor is None else prepared.sentence(anchor.start, anchor.end)
    start, end = prepared.speech.span(lo, hi)
    name = _name_of(field, leaf)
    kind, detail = leaf.kind.absence
    if leaf.kind.grounded_as == "wording" and leaf.optional:
        kind, detail = "ungrounded", "worded with characters that its sentence does not have, or like the item itself"
    if (
        leaf.kind.grounded_as == "wording"
        and anchor is not None
        and quote
        and names_another(quote, field, prepared, anchor)
    ):
        detail = "it names what another number of the sentence counts" + (
            "" if leaf.optional else detail[detail.rfind(";") :]
        )
    if quote is None:
        return Problem(kind, name, None, start, end, "the answer lacks this value, so its item has no place")
    if not leaf.kind.accepts(quote):
        refusal, reason = leaf.kind.refusal
        return Problem(refusal, name, quote, start, end, reason)
    if leaf.kind.has_place and anchor is not None:
        match = _nearest(leaf, quote, prepared, anchor, passage)
        why = match and objection(leaf, match, prepared, anchor)
        if why:
            return Problem("misplaced", name, quote, start, end, why)
        if leaf.within == "sentence":
            detail = "not found in the sentence of its item"
    if leaf.kind.whole is not None and locate(quote, prepared.index, lo=lo, hi=hi) is not None:
        detail = leaf.kind.not_there
    return Problem(kind, name, quote, start, end, detail)
