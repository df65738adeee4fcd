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
from extractor.lang.characters import HAN_CHARACTER
from extractor.lang.fold import fold
from extractor.lang.negation import find_affirmed
from extractor.lang.sentences import Span
from extractor.pipeline.answer import Answer, AnswerItem, Problem
from extractor.pipeline.ground.evidence import (
    Prepared,
    places_of,
    quoted,
    sentences_about,
    sentences_naming,
    telling_clause,
    unbroken,
)
from extractor.pipeline.ground.locate import Match, MatchKind, locate
from extractor.pipeline.ground.ownership import objection, with_negation
from extractor.pipeline.ground.placing import Placed, place_items
from extractor.pipeline.ground.whole import locate_whole
from extractor.schema.shape import Field, Leaf

# Words that link an indicator to its number and don't belong to it: 出生人口性别比从…, 人均收入达到.
_LINKING = re.compile(r"(?:(?<=..)[从由].{0,12}|(?<=..)(?:达到|达|为|是|到|约|共|仅|有|占|和|与|的))$")
# What a number went by, at the end of a wording: 事故起数同比下降. The number itself says the direction (`change`).
_MOVED = re.compile(
    r"(?<=..)(?:同比|环比|分别|比上年|比去年|较上年|较去年|均|年均)*(?:增长|增加|提高|上升|上涨|下降|减少|降低|回落|下跌)(?:了|幅度)?$"
)
# Words for what is counted that an indicator may end in though the text lacks them: they say no more than its unit.
_GENERIC_HEAD = re.compile(
    r"(?<=..)(?:人数|户数|总数|个数|件数|数量|数额|金额|总额|比重|比例|占比|标准|规模|面积|名次|排名|率|数|额|量)$"
)
# How much of the rest must stand in the sentence.
_KEPT = 0.7
# What ends the words about one number: punctuation, another number, 和.
_BREAK = re.compile(
    r"[，,；;：:、。！？!?()（）\n]|[0-9]+[.0-9]*[十百千万亿]*(?:美元|年|月|日|元|人|个|家|项|名|户|亩|倍|例|次|所|[%％‰])?的?|[和与及]"
)
# Function words around the words proper: 然后对项目库中137家, 占全部总投资的76%.
_FRAME = re.compile(
    r"^(?:然后|其中|同时|目前|我们|已经?|将|对|在|从|由|把|是|使|有|的|了|也|还|又|但|仍)+|(?:达到|在|为|有|的|是|了|到|达|至|约|共|已|中|占|等)+$"
)
# The mark of items whose words stand at another place that fits them as well.
UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Value:
    """A value: `text` as the record holds it, `clean` without noise, `source` with all noise, and its source offsets.

    `change` is the direction that the text gives a number.
    """

    text: str
    clean: str
    start: int
    end: int
    how: MatchKind
    source: str
    change: Direction | None = None


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
    if anchor.kind.cued_by == "clause" and answer_item.place is None:
        match, denied = with_negation(match, prepared)
        if denied:
            start, end = prepared.speech.span(*prepared.clause(match.start, match.end))
            return None, [Problem("misplaced", _name_of(field, anchor), quote, start, end, denied)]
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
        return ([] if leaf.many else _fallback(leaf, prepared, anchor)), []
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
    return (kept[0] if kept else _fallback(leaf, prepared, anchor)), problems


def _ground_one(leaf: Leaf, quote: str, field: Field, prepared: Prepared, anchor: Match, passage: Span) -> Any:
    if leaf.kind.grounded_as == "choice":
        return quote if _is_shown(leaf, quote, field, prepared, anchor, passage) else None
    if leaf.kind.grounded_as == "wording":
        return _wording(quote, field, prepared, anchor)
    match = _nearest(leaf, quote, prepared, anchor, passage)
    if match is not None and objection(leaf, match, prepared, anchor) is not None:
        return None
    if match is None and field.anchor.kind.is_entity:
        match = _beside_name(leaf, quote, prepared, anchor, passage)
    return _value(leaf, match, prepared) if match is not None and leaf.kind.accepts(quote) else None


def _nearest(leaf: Leaf, quote: str, prepared: Prepared, anchor: Match, passage: Span) -> Match | None:
    """The match of the quote in the item's sentence.

    If there is none and the leaf may reach further, it is the last match before the item in the passage, or
    else the first one after it.
    """
    lo, hi = prepared.sentence(anchor.start, anchor.end)
    # A sentence longer than a passage continues in the next one, which the model has not seen.
    lo, hi = max(lo, passage[0]), min(hi, passage[1])
    match = locate_whole(quote, leaf.kind, prepared, lo, hi)
    # The same words may stand there twice, once as the base of a comparison: 去年比前年…, 比去年….
    while match is not None and objection(leaf, match, prepared, anchor) is not None:
        later = locate_whole(quote, leaf.kind, prepared, match.end, hi)
        if later is None:
            break
        match = later
    if match is not None or leaf.within == "sentence":
        return match
    before = locate_whole(quote, leaf.kind, prepared, passage[0], anchor.start)
    while before is not None:
        later = locate_whole(quote, leaf.kind, prepared, before.end, anchor.start)
        if later is None:
            return before
        before = later
    return locate_whole(quote, leaf.kind, prepared, anchor.end, passage[1])


def _beside_name(leaf: Leaf, quote: str, prepared: Prepared, anchor: Match, passage: Span) -> Match | None:
    """The match of the quote in another sentence that names the person: the one that stands nearest to the name."""
    name = prepared.speech.text[anchor.start : anchor.end]
    found: list[tuple[int, int, Match]] = []
    for i, j in sentences_naming(prepared, anchor, passage):
        match = locate(quote, prepared.index, lo=max(i, passage[0]), hi=min(j, passage[1]))
        if match is not None:
            at = prepared.speech.text.index(name, i)
            found.append((min(abs(at - match.end), abs(match.start - at - len(name))), match.start, match))
    return min(found)[2] if found else None


def _is_shown(leaf: Leaf, choice: str, field: Field, prepared: Prepared, anchor: Match, passage: Span) -> bool:
    """Whether a sentence of the passage about the item has the words that the choice needs, and doesn't deny them."""
    pattern = leaf.shown.words_for(choice) if leaf.shown else None
    return pattern is None or any(
        find_affirmed(pattern, prepared.speech.text, i, j) for i, j in sentences_about(prepared, anchor, passage)
    )


def _wording(quote: str, field: Field, prepared: Prepared, anchor: Match) -> str | None:
    """The wording without the item's number; None unless the item's sentence has its characters.

    One that only repeats the words of a clause says nothing about it, so it is None too.

    General words for what is counted (率, 人数) need not be there. A few others that are missing are taken out, as
    long as most of the wording remains: the record holds nothing that the text does not say.
    """
    words = prepared.speech.text[anchor.start : anchor.end]
    if field.anchor.kind.reads != "number" and fold(quote).strip("。") == fold(words):
        return None
    quote = _without_numbers(quote, words)
    i, j = prepared.sentence(anchor.start, anchor.end)
    available = set(fold(prepared.speech.text[i:j]))
    head = _GENERIC_HEAD.search(quote)
    specific, generic = (quote[: head.start()], head.group()) if head else (quote, "")
    kept = "".join(c for c in specific if not c.isalnum() or fold(c) in available)
    letters = [sum(map(str.isalnum, words)) for words in (specific, kept)]
    if letters[1] < 2 or letters[1] < _KEPT * letters[0]:
        return None
    return kept + generic


def _without_numbers(wording: str, value: str) -> str:
    """出生人口性别比 for 出生人口性别比从120下降到110: a small model copies the clause with its numbers."""
    before, _, after = wording.partition(value)
    kept = before if len(before) >= len(after) else re.sub(r"^[^\w]+", "", after)
    head = re.split(r"[0-9０-９]", kept)[0]
    kept = head if len(head) > 1 else kept
    return _MOVED.sub("", _LINKING.sub("", kept.strip(" ，,。、：:；;")))


def _fallback(leaf: Leaf, prepared: Prepared, anchor: Match) -> str | None:
    """What replaces a missing or refused wording: the words of the clause around the value."""
    if leaf.kind.grounded_as != "wording" or leaf.optional:
        return None
    text = prepared.speech.text
    i, j = telling_clause(prepared, anchor)
    before = _BREAK.split(text[i : anchor.start])[-1]
    after = _BREAK.split(text[anchor.end : j])[0]
    # In 奖励10万元 the words before the number describe it, in 对100家先进单位 those after it.
    words = next((part for part in (before, after) if len(HAN_CHARACTER.findall(part)) > 1), text[i:j])
    return _FRAME.sub("", words[: leaf.longest].strip()) or words[: leaf.longest].strip()


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
    return Value(leaf.kind.tidy(text), leaf.kind.tidy(clean), start, end, match.how, source, change)


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
    return Problem(kind, name, quote, start, end, detail)
