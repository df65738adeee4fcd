"""Candidates: names, numbers, dates and clauses that could be items of a field, found by code."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal

from extractor.document import Excerpt, Json
from extractor.fields import Deadline, Unless
from extractor.lang.attributes import is_base, is_qualifier, is_scope
from extractor.lang.changes import changes_in
from extractor.lang.characters import HAN
from extractor.lang.date_spans import find_dates, find_deadlines, find_periods
from extractor.lang.directives import find_directives, headings_of
from extractor.lang.distribution import Share, shares_in
from extractor.lang.negation import find_affirmed
from extractor.lang.people import find_people
from extractor.lang.quantities import find_quantities, parse_quantity
from extractor.lang.sentences import Span, after_marker, clauses, sentences
from extractor.lang.subjects import body_names, end_of_labels, governor_of, labelled_in, led_by
from extractor.lang.tables import Cell, find_cells
from extractor.schema.shape import Field, Leaf

# The lead and the sign-off, where a field with `where="ends"` is looked for: their lengths in visible
# characters.
HEAD, TAIL = 300, 150
# What separates the members of a list of persons: 、 or 和, and the title of the next one.
_JOINT = re.compile(rf"(?:[、和与及，,]|以及)?(?:[{HAN}]{{0,10}}、)?[{HAN}]{{0,14}}")
_CLAUSE_END = re.compile(r"[，,。；;！!？?：:\n]")
# A clause that ends so soon after a name says nothing about the person; one character is 等.
_NOTHING_SAID = 1
# What separates two numbers of one list.
_LISTED = re.compile(r"[^，,。；;！？\n]{0,20}[、和与及]")
# The characters that a clause begins after.
_HEADS = "，,。；;！!？?：:\n"
# How many characters before a speaker in brackets the title of a speech may begin.
_LONGEST_TITLE = 400
# How many characters before a name its titles may begin.
_TITLES_REACH = 40


@dataclass(frozen=True, eq=False)
class Candidate:
    """A place in a passage (visible characters) that could be an item, with its clause and its sentence.

    `known` holds the values of leaves that code has read off.
    """

    text: str
    place: tuple[int, int]
    clause: str
    sentence: str
    known: Json = field(default_factory=dict)

    def shows(self, pattern: str) -> bool:
        """Whether the candidate's sentence has the words of a cue."""
        return re.search(pattern, self.sentence) is not None


def find_candidates(field: Field, passage: Excerpt, speech: Excerpt) -> list[Candidate] | None:
    """The field's candidates in the passage; None if code can't find values of its type."""
    match field.anchor.kind.offered_as:
        case "person" if field.item is not None:
            return _people(field, passage.text)
        case "clause" if field.item is not None:
            return _clauses(field, passage, speech)
        case "number" if field.item is not None:
            return _placed(field, passage.text, _numbers(field, passage, speech))
        case "date" if field.item is None and not field.many:
            return _dates(field, passage.text)
        case "span" if field.item is not None:
            return _placed(field, passage.text, _spans(field, passage.text))
    return None


def _spans(field: Field, text: str) -> list[Span]:
    """The spans that the kind finds, in clauses that match the field's cue."""
    find, clause_spans = field.anchor.kind.find, clauses(text)
    spans = find(text) if find else []
    return [
        s for s in spans if field.cue is None or re.search(field.cue.pattern, text[slice(*_around(clause_spans, *s))])
    ]


def is_in_unit(leaf: Leaf, words: str) -> bool:
    """Whether a leaf takes a number in these words, by its unit."""
    if leaf.unit is None:
        return True
    quantity = parse_quantity(words)
    return quantity is not None and leaf.takes(quantity.unit)


_start, _end = attrgetter("start"), attrgetter("end")


def in_mood(mood: Literal["action", "goal"], passage: Excerpt, speech: Excerpt) -> list[Span]:
    """The clauses of the passage in this mood (visible characters)."""
    first = bisect_left(speech.starts, passage.start)
    last = first + len(passage.text)
    directives = find_directives(speech.text)
    near = directives[bisect_right(directives, first, key=_end) : bisect_left(directives, last, key=_start)]
    return [
        (max(d.start, first) - first, min(d.end, last) - first)
        for d in near
        if (d.is_action if mood == "action" else d.is_goal)
    ]


def at_ends(passage: Excerpt, place: tuple[int, int], speech: Excerpt) -> bool:
    """Whether a place in the passage (visible characters) is in the lead or the sign-off of the speech."""
    start, end = passage.span(*place)
    first, last = speech.starts[0], speech.ends[-1]
    head = speech.ends[min(HEAD, len(speech.ends)) - 1]
    tail = speech.starts[max(0, len(speech.starts) - TAIL)]
    return first <= start <= head or tail <= end <= last


def _clauses(field: Field, passage: Excerpt, speech: Excerpt) -> list[Candidate]:
    """The clauses in the field's mood that match its cue.

    Headings whose content follows are left out, and so are sentences that `Unless` rules out.
    """
    text = passage.text
    cue = re.compile(field.cue.pattern) if field.cue else None
    unless = re.compile(field.unless.pattern) if field.unless else None
    sentence_spans = sentences(text)
    headings = set(headings_of(text, sentence_spans))
    places = []
    for i, j in in_mood(field.mood.kind, passage, speech) if field.mood else clauses(text):
        sentence = _around(sentence_spans, i, j)
        ruled_out = unless is not None and unless.search(text[slice(*sentence)])
        if (cue is None or cue.search(text[i:j])) and sentence not in headings and not ruled_out:
            places.append((i, j))
    return _placed(field, text, places)


def _dates(field: Field, text: str) -> list[Candidate]:
    """The dates whose sentence matches the field's cue.

    In a sentence with a day, a year alone is left out: it belongs to something else (5月16日召开2023年防汛会议).
    """
    found = _placed(field, text, find_dates(text))
    found = [c for c in found if field.cue is None or c.shows(field.cue.pattern)]
    with_day = {c.sentence for c in found if "日" in c.text}
    return [c for c in found if "日" in c.text or c.sentence not in with_day]


def _numbers(field: Field, passage: Excerpt, speech: Excerpt) -> list[Span]:
    """The numbers whose clause matches the field's cue, except those that `Unless` rules out."""
    text = passage.text
    cue, unless, clause_spans = field.cue, field.unless, clauses(text)
    numbers = find_quantities(text)
    if unless is not None:
        numbers = _not_ruled_out(unless, text, numbers)
        in_that_mood = set(in_mood(unless.mood, passage, speech)) if unless.mood else set()
        # If the pattern has ruled out some numbers of a clause, it decides on the others too (计划投资3亿元的8个项目).
        decided = {_around(clause_spans, *n) for n in set(find_quantities(text)) - set(numbers)}
        spans = {n: _around(clause_spans, *n) for n in numbers}
        numbers = [n for n in numbers if spans[n] in decided or not any(i < n[1] and n[0] < j for i, j in in_that_mood)]
    numbers = [n for n in numbers if is_in_unit(field.anchor, text[slice(*n)])]
    return [n for n in numbers if cue is None or re.search(cue.pattern, text[slice(*_around(clause_spans, *n))])]


def _not_ruled_out(unless: Unless, text: str, numbers: Sequence[Span]) -> list[Span]:
    pattern = re.compile(unless.pattern)
    before = re.compile(unless.before) if unless.before else None
    clause_spans, sentence_spans = clauses(text), sentences(text)
    found = []
    end, ruled_out = 0, False
    for i, j in numbers:
        begin = max(_around(clause_spans, i, j)[0], end)
        # 新建10个园区和200个文化屋: what rules out a number rules out the next one of its list.
        listed = ruled_out and _LISTED.fullmatch(text, end, i) is not None
        ruled_out = listed or pattern.search(text[begin:j]) is not None
        ruled_out = ruled_out or (
            before is not None and before.search(text, _around(sentence_spans, i, j)[0], i) is not None
        )
        if not ruled_out:
            found.append((i, j))
        end = j
    return found


def _placed(field: Field, text: str, places: Sequence[Span]) -> list[Candidate]:
    """Candidates at these places, with the values that code can read off around them."""
    clause_spans, sentence_spans = clauses(text), sentences(text)
    numbers = find_quantities(text) if any(x.kind.is_read_off or x.period or x.like for x in field.asked) else []
    values = {x.name: [m.span() for m in re.finditer(x.like.pattern, text)] for x in field.asked if x.like}
    values |= {
        x.name: find_deadlines(text) if isinstance(x.period, Deadline) else find_periods(text)
        for x in field.asked
        if x.period
    }
    cells = {cell.span: cell for cell in find_cells(text)}
    shares: dict[Span, list[Share]] = {}
    found = []
    for i, j in places:
        clause, sentence = _around(clause_spans, i, j), _around(sentence_spans, i, j)
        candidate = Candidate(text[i:j], (i, j), text[slice(*clause)], text[slice(*sentence)])
        if sentence not in shares:
            shares[sentence] = shares_in(text, sentence, _inside(sentence, numbers))
        for leaf in field.asked:
            if leaf is field.anchor:
                continue
            if leaf.kind.is_read_off and (leaf.changes_to or not leaf.large_model_only):
                own = [n for n in _inside((i, j), numbers) if is_in_unit(leaf, text[slice(*n)])]
                candidate.known[leaf.name] = _value_of(leaf, text, (i, j), own)
            elif leaf.subject is not None:
                candidate.known[leaf.name] = _subjects(leaf.subject.pattern, text, sentence, i, j)
            elif leaf.period is not None or leaf.like is not None:
                begin = max(sentence[0], text.rfind("；", sentence[0], i) + 1, text.rfind(";", sentence[0], i) + 1)
                given = _given(leaf, text, (i, j), cells, shares[sentence], values[leaf.name])
                span = given or _belonging(leaf, text, (i, j), values[leaf.name], clause, begin)
                candidate.known[leaf.name] = text[slice(*span)] if span else None
        found.append(candidate)
    return found


def _inside(span: Span, numbers: Sequence[Span]) -> list[Span]:
    """The numbers, which are in order, that lie in the span."""
    near = numbers[bisect_left(numbers, (span[0], 0)) : bisect_left(numbers, (span[1], 0))]
    return [number for number in near if number[1] <= span[1]]


def _value_of(leaf: Leaf, text: str, clause: Span, own: Sequence[Span]) -> str | None:
    """The number that a clause states: where a change goes to, or else the first one that is no qualifier (亿元以上).

    For a part that changes to another (`ChangesTo`) it is where the change begins.
    """
    if not own:
        return None
    words = text[slice(*clause)]
    change = next(iter(changes_in(words)), None)
    if leaf.changes_to is not None:
        return words[slice(*change.old)] if change else None
    if change is not None:
        return words[slice(*change.new)]
    return text[slice(*next((n for n in own if not is_qualifier(text, n, own)), own[0]))]


_IN_ALL = re.compile("累计|总共|合计|共(?![同产和享建])")
_ONE_YEAR = re.compile("(?:[0-9]{4}|[一二三四五六七八九〇零]{4})年")
_SAME_YEAR = ("全年", "本年", "本年度", "当年")


def _given(
    leaf: Leaf, text: str, number: Span, cells: Mapping[Span, Cell], shares: Sequence[Share], values: Sequence[Span]
) -> Span | None:
    """The time that a table gives to a number, or the time or place that 分别 does: 2018年、2019年分别完成12亿元、15亿元."""
    if number in cells:
        return cells[number].time if leaf.period is not None else None
    share = next((share for share in shares if share.number == number), None)
    if share is None:
        return None
    inside = next((span for span in values if share.own[0] <= span[0] and span[1] <= share.own[1]), None)
    # Search takes 2018年、2019年 for one time.
    is_time = leaf.period is not None and find_periods(text[slice(*share.own)]) == [(0, share.own[1] - share.own[0])]
    return inside or (share.own if is_time else None)


def _is_elsewhere(leaf: Leaf, text: str, span: Span, place: Span) -> bool:
    """Whether a time or a place says something else: the base of a comparison, the whole among which a rank holds."""
    return is_base(text, span, place) if leaf.period is not None else is_scope(text, span)


def _belonging(leaf: Leaf, text: str, place: Span, spans: Sequence[Span], clause: Span, begin: int) -> Span | None:
    """The span that belongs to the item at `place`.

    In the item's own clause it is the last one before the item (从五普的120降到六普的110), or else the first one. If
    there is none and the field may reach further, it is the last one between `begin` and the item.
    """
    spans = [span for span in spans if not _is_elsewhere(leaf, text, span, place)]
    own = [span for span in spans if clause[0] <= span[0] and span[1] <= clause[1]]
    if own:
        before = [span for span in own if span[1] <= place[0]]
        told = [span for span in before if text[slice(*span)] not in _SAME_YEAR]
        return next(reversed(told or before), own[0])
    if leaf.within != "passage":
        return None
    earlier = [span for span in spans if begin <= span[0] and span[1] <= place[0]]
    # 2010年投入306亿元，共资助1200万人: what is added up is not that of one year.
    if leaf.period is not None and _IN_ALL.match(text, clause[0]):
        earlier = [span for span in earlier if not _ONE_YEAR.fullmatch(text, *span)]
    # 全年 and 本年 say less than the year that stands before them.
    told = [span for span in earlier if text[slice(*span)] not in _SAME_YEAR]
    return next(reversed(told or earlier), None)


def _subjects(pattern: str, text: str, sentence: Span, at: int, j: int) -> list[str]:
    """The subjects that govern the clause at:j of the sentence.

    They are those that the sentence names as in charge behind the clause (（责任单位：县应急局）), or the last ones
    before its end: in a match of the pattern that starts a clause, before another word of duty, or in 由…牵头.
    """
    begin = sentence[0]
    heads = [m for m in re.finditer(pattern, text[begin:j]) if m.start() == 0 or text[begin + m.start() - 1] in _HEADS]
    found = [(begin + head.start(), head.group(1)) for head in heads[-1:]]
    governor = governor_of(text, begin, j, at)
    if governor is not None:
        found.append((governor.start, text[slice(*governor.who)]))
    found += [(start, text[start:end]) for start, end in led_by(text, begin, j)[-1:]]
    labelled = [text[slice(*span)] for span in labelled_in(text, at, end_of_labels(text, sentence[1]))]
    if not (found or labelled):
        return []
    words = "、".join(labelled) or max(found)[1]
    return body_names(words[after_marker(words) :])


def _people(field: Field, text: str) -> list[Candidate]:
    """Every mention of a person, with the titles beside the name and the choices that are shown after it."""
    spans = find_people(text)
    listed = _ends_of_lists(text, spans)
    clause_spans, sentence_spans = clauses(text), sentences(text)
    found = []
    for at, (i, j) in enumerate(spans):
        clause, sentence = _around(clause_spans, i, j), _around(sentence_spans, i, j)
        candidate = Candidate(text[i:j], (i, j), text[slice(*clause)], text[slice(*sentence)])
        for leaf in field.asked:
            if leaf.beside is not None:
                candidate.known[leaf.name] = _beside(leaf, text, spans, at)
            elif leaf.shown is not None and leaf.many:
                candidate.known[leaf.name] = _shown(leaf, _words_about(text, spans, at, listed[at], sentence))
        found.append(candidate)
    return found


def _beside(leaf: Leaf, text: str, spans: Sequence[Span], at: int) -> list[str]:
    """The values right before a name, joined by 、 (市委副书记、市长张文深), or else the one right after it (薛书记)."""
    assert leaf.beside is not None
    i, j = spans[at]
    floor = max(i - _TITLES_REACH, spans[at - 1][1] if at else 0)
    before = re.split(r"[，,。；;：:\n]", text[floor:i])[-1].rstrip()
    before = before[after_marker(before) :]
    values: list[str] = []
    for piece in reversed(before.split("、")):
        match = re.search(f"(?:{leaf.beside.before})$", piece)
        if match is None or not match.group():
            break
        values.insert(0, match.group())
        if match.start() > 0:
            break
    after = re.match(leaf.beside.after, text[j : j + 12])
    return values or ([after.group()] if after else [])


def _ends_of_lists(text: str, spans: Sequence[Span]) -> list[int]:
    """For each person the index of the last one of the list of names that goes on behind it."""
    last = list(range(len(spans)))
    for at in range(len(spans) - 2, -1, -1):
        end, i = spans[at][1], spans[at + 1][0]
        is_joint = _JOINT.fullmatch(text, end, i) and not (end < i and text[end] not in "、，,和与及以" and i - end > 8)
        last[at] = last[at + 1] if is_joint else at
    return last


def _words_about(text: str, spans: Sequence[Span], at: int, last: int, sentence: Span) -> str:
    """The words that say what a person does: the rest of the clause after the name or its list of names.

    `last` is the index of the last name of the list. If people without a name follow, it is the rest of the sentence
    (市领导张玄宇、郭建文,有关部门负责同志出席会议).
    """
    begin, end = spans[at]
    if text[begin - 1 : begin] in ("(", "（") and text[end : end + 1] in (")", "）"):  # …会议上的讲话(尤志军)
        first = max(0, begin - _LONGEST_TITLE)
        return text[max(first, text.rfind("\n", first, begin) + 1) : begin]
    end = spans[last][1]
    following = spans[last + 1][0] if last + 1 < len(spans) else len(text)
    stop = _CLAUSE_END.search(text, end, max(following, end + _NOTHING_SAID + 1))
    if stop and stop.start() - end <= _NOTHING_SAID and stop.group() in "，,":
        return text[end : min(following, sentence[1])]
    return text[end : min(stop.start() if stop else len(text), following)]


def _shown(leaf: Leaf, words: str) -> list[str]:
    assert leaf.shown is not None
    return [choice for choice, pattern in leaf.shown.patterns.items() if find_affirmed(pattern, words, 0, len(words))]


def _around(spans: Sequence[Span], i: int, j: int) -> Span:
    """The span that contains i:j, or i:j itself if there is none. The spans are in order and disjoint."""
    at = bisect_right(spans, (i, 1 << 60)) - 1
    if at >= 0 and spans[at][0] <= i and j <= spans[at][1]:
        return spans[at]
    return i, j
