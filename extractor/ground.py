"""Ground: find each value of an answer in the speech, or say that it is not there.

Takes what the model wrote (or pointed at) and gives items whose every value is cut from the source. What is not found
is a Problem, never a value. A model's own words survive in two kinds only: a `Worded` value all of whose characters
stand in its sentence, and a choice, whose words (`Shown`) must stand in a sentence of its item.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from extractor.data import Answer, Excerpt, Problem, Row
from extractor.fold import fold
from extractor.locate import Index, Match, Place, locate
from extractor.passages import clauses, sentences
from extractor.shape import Field, Leaf

Span = tuple[int, int]

# A clause with fewer words than this beside its number ("达到4倍") says too little alone: evidence takes the one before.
FEWEST_WORDS = 4
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_SPACES = re.compile("[ \u3000]+")
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
# Signs that stand for a name left out, folded: 张某, 李xx, 王__, 陈□□; an x or o beside other Latin letters is none.
_REDACTED = re.compile(r"[_#*×〇某\u25a0-\u25ff]|(?<![a-z])[xo]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class Value:
    """A value that stands in the source: `text` as the record holds it, `clean` without noise, its source offsets."""

    text: str
    clean: str
    start: int
    end: int
    how: Match


@dataclass(frozen=True, slots=True)
class Item:
    """One grounded item (or leaf field): leaf name → Value, list of Values, plain string(s) of a choice or a wording,
    or None; the places (source offsets) that show it, the first being where it stands; and `marks`: in what it is less
    sure than others ("folded": its words are the text's but for width, signs or a slip)."""

    field: str
    values: dict[str, Any]
    places: tuple[Span, ...]
    marks: frozenset[str] = frozenset()


@dataclass
class Prepared:
    """A speech made ready for grounding: index, sentences and clauses built once; where repeats were left off."""

    speech: Excerpt
    index: Index
    sentences: list[Span]
    clauses: list[Span]
    used: dict[tuple[str, str], int] = field(default_factory=dict)

    def sentence(self, i: int, j: int) -> Span:
        """The sentence (or the run of sentences) that holds the visible characters i:j."""
        return _covering(self.sentences, i, j)

    def clause(self, i: int, j: int) -> Span:
        """The clause (or the run of clauses) that holds the visible characters i:j."""
        return _covering(self.clauses, i, j)


def prepare(speech: Excerpt) -> Prepared:
    """A speech made ready for grounding."""
    return Prepared(speech, Index(speech), list(sentences(speech.text)), list(clauses(speech.text)))


def ground(answer: Answer, shape: Field, prepared: Prepared) -> tuple[list[Item], list[Problem]]:
    """The answer's rows as items that stand in the source, and a problem for each value that does not."""
    items: list[Item] = []
    problems: list[Problem] = []
    lo = bisect_left(prepared.speech.starts, answer.passage.start)
    hi = bisect_left(prepared.speech.starts, answer.passage.end)
    for row in answer.rows:
        item, trouble = _ground_row(row, shape, prepared, (lo, hi))
        problems += trouble
        if item is not None:
            items.append(item)
    return items, problems


def _ground_row(row: Row, shape: Field, prepared: Prepared, passage: Span) -> tuple[Item | None, list[Problem]]:
    problems: list[Problem] = []
    anchor = shape.anchor
    values = row.values.get(anchor.name)
    quotes = values if isinstance(values, list) else [values]
    if row.place is not None:
        end = min(passage[0] + row.place[1], passage[1])
        place: Place | None = Place(passage[0] + row.place[0], end, Match.EXACT)
    else:
        place = _find_anchor(anchor, quotes[0] or "", shape.name, prepared, passage)
    if place is None or _is_redacted(anchor, quotes[0] or ""):
        return None, [_absent(shape, anchor, quotes[0], prepared, passage)]
    grounded: dict[str, Any] = {}
    for leaf in shape.asked:
        if leaf is anchor:
            grounded[leaf.name] = _value(leaf, place, prepared)
            continue
        grounded[leaf.name], trouble = _ground_leaf(leaf, row.values.get(leaf.name), shape, prepared, place, passage)
        problems += trouble
    missing = next((leaf for leaf in shape.asked if _is_missing(leaf, grounded[leaf.name])), None)
    if missing is not None:
        start, end = prepared.speech.span(place.start, place.end)
        detail = f"left out: a {shape.name} needs {missing.name}, and none was found in its sentence"
        return None, [*problems, Problem("incomplete", shape.name, grounded[anchor.name].text, start, end, detail)]
    places = _evidence(shape, grounded, prepared, place, passage)
    return Item(shape.name, grounded, tuple(places), _marks(grounded)), problems


def wording_of(item: Item, shape: Field, prepared: Prepared) -> tuple[str, str]:
    """An item's own words, and the clause that shows it, as a model sees them."""
    value = item.values[shape.anchor.name]
    first = value[0] if isinstance(value, list) else value
    starts = prepared.speech.starts
    i, j = (bisect_left(starts, offset) for offset in item.places[0])
    return first.clean, prepared.speech.text[i:j]


def _marks(grounded: dict[str, Any]) -> frozenset[str]:
    values = [v for value in grounded.values() for v in (value if isinstance(value, list) else [value])]
    folded = any(isinstance(v, Value) and v.how is not Match.EXACT for v in values)
    return frozenset({"folded"} if folded else ())


def _find_anchor(leaf: Leaf, quote: str, name: str, prepared: Prepared, passage: Span) -> Place | None:
    """The next place of the quote that this field has not taken yet; the first again when all are taken."""
    key = (name, fold(quote))
    place = locate(
        quote,
        prepared.index,
        lo=passage[0],
        hi=passage[1],
        after=prepared.used.get(key, passage[0]),
        near=leaf.kind == "clause",
    )
    if place is not None:
        prepared.used[key] = place.end
    return place


def _is_redacted(leaf: Leaf, words: str) -> bool:
    return leaf.kind == "name" and _REDACTED.search(fold(words)) is not None


def _is_missing(leaf: Leaf, value: Any) -> bool:
    """Whether a record could not hold the item for want of this value."""
    return value is None and not leaf.optional and not (leaf.shown and leaf.shown.otherwise)


def _ground_leaf(
    leaf: Leaf, said: Any, shape: Field, prepared: Prepared, anchor: Place, passage: Span
) -> tuple[Any, list[Problem]]:
    if said is None or said == []:
        return ([] if leaf.many else _fallback(leaf, prepared, anchor)), []
    quotes = said if isinstance(said, list) else [said]
    kept: list[Any] = []
    problems = []
    for quote in dict.fromkeys(quotes):
        value = _ground_one(leaf, quote, shape, prepared, anchor, passage)
        if value is None:
            problems.append(_absent(shape, leaf, quote, prepared, passage, anchor))
        elif value not in kept:
            kept.append(value)
    if leaf.many:
        return kept, problems
    return (kept[0] if kept else _fallback(leaf, prepared, anchor)), problems


def _ground_one(leaf: Leaf, quote: str, shape: Field, prepared: Prepared, anchor: Place, passage: Span) -> Any:
    if leaf.kind == "choice":
        return quote if _is_shown(leaf, quote, shape, prepared, anchor, passage) else None
    if leaf.kind == "worded":
        return _wording(quote, prepared, anchor)
    place = _nearest(leaf, quote, prepared, anchor, passage)
    return None if place is None or _is_redacted(leaf, quote) else _value(leaf, place, prepared)


def _nearest(leaf: Leaf, quote: str, prepared: Prepared, anchor: Place, passage: Span) -> Place | None:
    """The quote in its item's sentence; or, where the field may reach further, before it in the passage, else after."""
    near = leaf.kind == "clause"
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


def _is_shown(leaf: Leaf, choice: str, shape: Field, prepared: Prepared, anchor: Place, passage: Span) -> bool:
    """Whether the words that a choice needs stand in a sentence of the passage that names its item."""
    pattern = leaf.shown.patterns.get(choice) if leaf.shown else None
    return pattern is None or any(
        re.search(pattern, prepared.speech.text[i:j]) for i, j in _sentences_naming(prepared, anchor, passage)
    )


def _sentences_naming(prepared: Prepared, anchor: Place, passage: Span) -> list[Span]:
    text = prepared.speech.text
    name = text[anchor.start : anchor.end]
    spans = []
    at = text.find(name, passage[0], passage[1])
    while at >= 0:
        span = prepared.sentence(at, at + len(name))
        if span not in spans:
            spans.append(span)
        at = text.find(name, at + len(name), passage[1])
    return spans


def _wording(quote: str, prepared: Prepared, anchor: Place) -> str | None:
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


def _fallback(leaf: Leaf, prepared: Prepared, anchor: Place) -> str | None:
    """What stands for a wording that is missing or not the sentence's: the clause's own words around the value."""
    if leaf.kind != "worded" or leaf.optional:
        return None
    text = prepared.speech.text
    i, j = _telling_clause(prepared, anchor)
    before = _BREAK.split(text[i : anchor.start])[-1]
    after = _BREAK.split(text[anchor.end : j])[0]
    # 奖励10万元 is told by what goes before, 对100家先进单位 by what follows.
    words = before if len(_HAN.findall(before)) > 1 else after if len(_HAN.findall(after)) > 1 else text[i:j]
    return _FRAME.sub("", words[: leaf.longest].strip()) or words[: leaf.longest].strip()


def _value(leaf: Leaf, place: Place, prepared: Prepared) -> Value:
    """Clauses read clean; names, quantities and other verbatim words keep the noise of the source, but for a page's
    markup and the spaces in a name."""
    start, end = prepared.speech.span(place.start, place.end)
    clean = prepared.speech.text[place.start : place.end]
    document = prepared.speech.document
    text = clean if leaf.kind == "clause" or document.media == "html" else document.text[start:end]
    if leaf.kind == "name":
        text, clean = _SPACES.sub("", text), _SPACES.sub("", clean)
    return Value(text, clean, start, end, place.how)


def _evidence(shape: Field, grounded: dict[str, Any], prepared: Prepared, anchor: Place, passage: Span) -> list[Span]:
    """The places that show an item, source offsets: its own clause; for a named one also where its choices are shown."""
    if shape.anchor.kind == "date":
        return [prepared.speech.span(anchor.start, anchor.end)]
    if shape.anchor.kind == "quantity":
        return [prepared.speech.span(*_telling_clause(prepared, anchor))]
    if shape.anchor.kind != "name":
        return [prepared.speech.span(*_touching(prepared, anchor))]
    spans = [prepared.clause(anchor.start, anchor.end)]
    for leaf in shape.leaves:
        if leaf.shown is None:
            continue
        chosen = grounded[leaf.name] if leaf.many else [grounded[leaf.name]]
        for choice in chosen:
            spans += _showing(leaf, choice, prepared, anchor, passage)
    return [prepared.speech.span(*span) for span in dict.fromkeys(spans)]


def _touching(prepared: Prepared, anchor: Place) -> Span:
    """A clause item's evidence: the clause it is (part of), or exactly its own words where it spans several."""
    i, j = prepared.clause(anchor.start, anchor.end)
    whole = sum(1 for s, e in prepared.clauses if i <= s and e <= j)
    return (i, j) if whole <= 1 else (anchor.start, anchor.end)


def _telling_clause(prepared: Prepared, anchor: Place) -> Span:
    """The clause of a number, with the one before it where it has too few words of its own."""
    i, j = prepared.clause(anchor.start, anchor.end)
    lowest, _ = prepared.sentence(anchor.start, anchor.end)
    text = prepared.speech.text
    while len(_HAN.findall(text[i : anchor.start] + text[anchor.end : j])) < FEWEST_WORDS and i > lowest:
        at = bisect_left(prepared.clauses, (i, 0)) - 1
        if at < 0 or prepared.clauses[at][0] < lowest:
            break
        i = prepared.clauses[at][0]
    return i, j


def _showing(leaf: Leaf, choice: str, prepared: Prepared, anchor: Place, passage: Span) -> list[Span]:
    """The clauses from an item's name to the words that show a choice, in the first sentence that has both."""
    pattern = leaf.shown.patterns.get(choice) if leaf.shown else None
    if pattern is None:
        return []
    text = prepared.speech.text
    name = text[anchor.start : anchor.end]
    for i, j in _sentences_naming(prepared, anchor, passage):
        at = text.index(name, i) if name in text[i:j] else i
        match = re.compile(pattern).search(text, at, j) or re.compile(pattern).search(text, i, j)
        if match:
            return [prepared.clause(min(at, match.start()), max(at + len(name), match.end()))]
    return []


def _absent(
    shape: Field, leaf: Leaf, quote: str | None, prepared: Prepared, passage: Span, anchor: Place | None = None
) -> Problem:
    lo, hi = passage if anchor is None else prepared.sentence(anchor.start, anchor.end)
    start, end = prepared.speech.span(lo, hi)
    name = shape.name if shape.item is None else f"{shape.name}.{leaf.name}"
    reasons = {
        "choice": ("unsupported", "no sentence that names the item has the words for this"),
        "worded": (
            "reworded",
            "worded with characters that its sentence does not have; the clause's own words stand for it",
        ),
    }
    kind, detail = reasons.get(leaf.kind, ("ungrounded", "not found in the passage that was asked about"))
    if quote is None:
        return Problem(kind, name, None, start, end, "the answer has an item without this, so it has no place")
    if _is_redacted(leaf, quote):
        return Problem("redacted", name, quote, start, end, "a name that the text leaves out is no name")
    if kind == "ungrounded" and anchor is not None and leaf.within == "sentence":
        detail = "not found in the sentence of its item"
    return Problem(kind, name, quote, start, end, detail)


def _covering(spans: Sequence[Span], i: int, j: int) -> Span:
    """The run of spans (in order, disjoint) that covers i:j; i:j itself where it lies between them."""
    first = max(0, bisect_right(spans, (i, 1 << 60)) - 1)
    last = max(first, bisect_left(spans, (j, 0)) - 1)
    if not spans or spans[first][1] <= i:
        return i, j
    return min(i, spans[first][0]), max(j, spans[last][1])
