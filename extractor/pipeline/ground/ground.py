"""Ground: find each value of an answer in the speech, or say that it is not there.

Takes what the model wrote (or pointed at) and gives items whose every value is cut from the source. What is not found
is a Problem, never a value. A model's own words survive in two kinds only: a `Worded` value all of whose characters
stand in its sentence, and a choice, whose words (`Shown`) must stand in a sentence of its item.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from extractor.lang.fold import fold
from extractor.pipeline.answer import Answer, AnswerItem, Problem
from extractor.pipeline.ground.evidence import HAN, Prepared, Span, places_of, sentences_naming, telling_clause
from extractor.pipeline.ground.locate import Match, MatchKind, locate
from extractor.schema.shape import Field, Leaf

# What ties an indicator to its number and is no part of it: 出生人口性别比从…, 人均收入达到.
_LINKING = re.compile(r"(?:(?<=..)[从由].{0,12}|(?<=..)(?:达到|达|为|是|到|约|共|仅|有|占|和|与|的))$")
# Where the words about one number end: punctuation, another number, 和.
_BREAK = re.compile(
    r"[，,；;：:、。！？!?()（）\n]|[0-9]+[.0-9]*[十百千万亿]*(?:美元|年|月|日|元|人|个|家|项|名|户|亩|倍|例|次|所|[%％‰])?的?|[和与及]"
)
# What goes before or after the words proper: 然后对项目库中137家, 占全部总投资的76%.
_FRAME = re.compile(
    r"^(?:然后|其中|同时|目前|我们|已经?|将|对|在|从|由|把|是|使|有|的|了|也|还|又|但|仍)+|(?:达到|在|为|有|的|是|了|到|达|至|约|共|已|中|占|等)+$"
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value that stands in the source: `text` as the record holds it, `clean` without noise, its source offsets."""

    text: str
    clean: str
    start: int
    end: int
    how: MatchKind


@dataclass(frozen=True, slots=True)
class Item:
    """One grounded item (or leaf field): leaf name → Value, list of Values, plain string(s) of a choice or a wording,
    or None; the places (source offsets) that show it, the first being where it stands; and `marks`: in what it is less
    sure than others ("folded": its words are the text's but for width, signs or a slip)."""

    field: str
    values: dict[str, Any]
    places: tuple[Span, ...]
    marks: frozenset[str] = frozenset()


def ground(answer: Answer, field: Field, prepared: Prepared) -> tuple[list[Item], list[Problem]]:
    """The answer's rows as items that stand in the source, and a problem for each value that does not."""
    items: list[Item] = []
    problems: list[Problem] = []
    lo = bisect_left(prepared.speech.starts, answer.passage.start)
    hi = bisect_left(prepared.speech.starts, answer.passage.end)
    for row in answer.items:
        item, trouble = _ground_row(row, field, prepared, (lo, hi))
        problems += trouble
        if item is not None:
            items.append(item)
    return items, problems


def _ground_row(row: AnswerItem, field: Field, prepared: Prepared, passage: Span) -> tuple[Item | None, list[Problem]]:
    problems: list[Problem] = []
    anchor = field.anchor
    values = row.values.get(anchor.name)
    quotes = values if isinstance(values, list) else [values]
    if row.place is not None:
        end = min(passage[0] + row.place[1], passage[1])
        place: Match | None = Match(passage[0] + row.place[0], end, MatchKind.EXACT)
    else:
        place = _find_anchor(anchor, quotes[0] or "", field.name, prepared, passage)
    if place is None or not anchor.kind.accepts(quotes[0] or ""):
        return None, [_absent(field, anchor, quotes[0], prepared, passage)]
    grounded: dict[str, Any] = {}
    for leaf in field.asked:
        if leaf is anchor:
            grounded[leaf.name] = _value(leaf, place, prepared)
            continue
        grounded[leaf.name], trouble = _ground_leaf(leaf, row.values.get(leaf.name), field, prepared, place, passage)
        problems += trouble
    missing = next((leaf for leaf in field.asked if _is_missing(leaf, grounded[leaf.name])), None)
    if missing is not None:
        start, end = prepared.speech.span(place.start, place.end)
        detail = f"left out: a {field.name} needs {missing.name}, and none was found in its sentence"
        return None, [*problems, Problem("incomplete", field.name, grounded[anchor.name].text, start, end, detail)]
    places = places_of(field, grounded, prepared, place, passage)
    return Item(field.name, grounded, tuple(places), _marks(grounded)), problems


def wording_of(item: Item, field: Field, prepared: Prepared) -> tuple[str, str]:
    """An item's own words, and the clause that shows it, as a model sees them."""
    value = item.values[field.anchor.name]
    first = value[0] if isinstance(value, list) else value
    starts = prepared.speech.starts
    i, j = (bisect_left(starts, offset) for offset in item.places[0])
    return first.clean, prepared.speech.text[i:j]


def _marks(grounded: dict[str, Any]) -> frozenset[str]:
    values = [v for value in grounded.values() for v in (value if isinstance(value, list) else [value])]
    folded = any(isinstance(v, Value) and v.how is not MatchKind.EXACT for v in values)
    return frozenset({"folded"} if folded else ())


def _find_anchor(leaf: Leaf, quote: str, name: str, prepared: Prepared, passage: Span) -> Match | None:
    """The next place of the quote that this field has not taken yet; the first again when all are taken."""
    key = (name, fold(quote))
    place = locate(
        quote,
        prepared.index,
        lo=passage[0],
        hi=passage[1],
        after=prepared.used.get(key, passage[0]),
        near=leaf.kind.forgives_slips,
    )
    if place is not None:
        prepared.used[key] = place.end
    return place


def _is_missing(leaf: Leaf, value: Any) -> bool:
    """Whether a record could not hold the item for want of this value."""
    return value is None and not leaf.optional and not (leaf.shown and leaf.shown.otherwise)


def _ground_leaf(
    leaf: Leaf, said: Any, field: Field, prepared: Prepared, anchor: Match, passage: Span
) -> tuple[Any, list[Problem]]:
    if said is None or said == []:
        return ([] if leaf.many else _fallback(leaf, prepared, anchor)), []
    quotes = said if isinstance(said, list) else [said]
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
    return (kept[0] if kept else _fallback(leaf, prepared, anchor)), problems


def _ground_one(leaf: Leaf, quote: str, field: Field, prepared: Prepared, anchor: Match, passage: Span) -> Any:
    if leaf.kind.grounded_as == "choice":
        return quote if _is_shown(leaf, quote, field, prepared, anchor, passage) else None
    if leaf.kind.grounded_as == "wording":
        return _wording(quote, prepared, anchor)
    place = _nearest(leaf, quote, prepared, anchor, passage)
    return _value(leaf, place, prepared) if place is not None and leaf.kind.accepts(quote) else None


def _nearest(leaf: Leaf, quote: str, prepared: Prepared, anchor: Match, passage: Span) -> Match | None:
    """The quote in its item's sentence; or, where the field may reach further, before it in the passage, else after."""
    near = leaf.kind.forgives_slips
    lo, hi = prepared.sentence(anchor.start, anchor.end)
    # A sentence that is longer than a passage goes on in the next one, which the model did not see.
    lo, hi = max(lo, passage[0]), min(hi, passage[1])
    place = locate(quote, prepared.index, lo=lo, hi=hi, near=near)
    if place is not None or leaf.within == "sentence":
        return place
    before = locate(quote, prepared.index, lo=passage[0], hi=anchor.start, near=near)
    while before is not None:
        later = locate(quote, prepared.index, lo=before.end, hi=anchor.start, near=near)
        if later is None:
            return before
        before = later
    return locate(quote, prepared.index, lo=anchor.end, hi=passage[1], near=near)


def _is_shown(leaf: Leaf, choice: str, field: Field, prepared: Prepared, anchor: Match, passage: Span) -> bool:
    """Whether the words that a choice needs stand in a sentence of the passage that names its item."""
    pattern = leaf.shown.patterns.get(choice) if leaf.shown else None
    return pattern is None or any(
        re.search(pattern, prepared.speech.text[i:j]) for i, j in sentences_naming(prepared, anchor, passage)
    )


def _wording(quote: str, prepared: Prepared, anchor: Match) -> str | None:
    """A wording, without the item's value in it, if each of its letters and digits stands in the item's sentence."""
    quote = _without_numbers(quote, prepared.speech.text[anchor.start : anchor.end])
    i, j = prepared.sentence(anchor.start, anchor.end)
    there = set(fold(prepared.speech.text[i:j]))
    words = [c for c in fold(quote) if c.isalnum()]
    return quote if len(words) > 1 and all(c in there for c in words) else None


def _without_numbers(wording: str, value: str) -> str:
    """出生人口性别比从120下降到110 → 出生人口性别比: a small model copies the clause, number and all."""
    before, _, after = wording.partition(value)
    kept = before if len(before) >= len(after) else re.sub(r"^[^\w]+", "", after)
    head = re.split(r"[0-9０-９]", kept)[0]
    kept = head if len(head) > 1 else kept
    return _LINKING.sub("", kept.strip(" ，,。、：:；;"))


def _fallback(leaf: Leaf, prepared: Prepared, anchor: Match) -> str | None:
    """What stands for a wording that is missing or not the sentence's: the clause's own words around the value."""
    if leaf.kind.grounded_as != "wording" or leaf.optional:
        return None
    text = prepared.speech.text
    i, j = telling_clause(prepared, anchor)
    before = _BREAK.split(text[i : anchor.start])[-1]
    after = _BREAK.split(text[anchor.end : j])[0]
    # 奖励10万元 is told by what goes before, 对100家先进单位 by what follows.
    words = before if len(HAN.findall(before)) > 1 else after if len(HAN.findall(after)) > 1 else text[i:j]
    return _FRAME.sub("", words[: leaf.longest].strip()) or words[: leaf.longest].strip()


def _value(leaf: Leaf, place: Match, prepared: Prepared) -> Value:
    """Clauses read clean; names, quantities and other verbatim words keep the noise of the source, but for a page's
    markup and the spaces in a name."""
    start, end = prepared.speech.span(place.start, place.end)
    clean = prepared.speech.text[place.start : place.end]
    document = prepared.speech.document
    text = clean if leaf.kind.is_clean or document.media == "html" else document.text[start:end]
    return Value(leaf.kind.tidy(text), leaf.kind.tidy(clean), start, end, place.how)


def _absent(
    field: Field, leaf: Leaf, quote: str | None, prepared: Prepared, passage: Span, anchor: Match | None = None
) -> Problem:
    lo, hi = passage if anchor is None else prepared.sentence(anchor.start, anchor.end)
    start, end = prepared.speech.span(lo, hi)
    name = field.name if field.item is None else f"{field.name}.{leaf.name}"
    kind, detail = leaf.kind.absence
    if quote is None:
        return Problem(kind, name, None, start, end, "the answer has an item without this, so it has no place")
    if not leaf.kind.accepts(quote):
        refusal, reason = leaf.kind.refusal
        return Problem(refusal, name, quote, start, end, reason)
    if leaf.kind.has_place and anchor is not None and leaf.within == "sentence":
        detail = "not found in the sentence of its item"
    return Problem(kind, name, quote, start, end, detail)
