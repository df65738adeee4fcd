"""Choose the place of each item of an answer when its words stand in the passage more than once.

A place is judged by all values of the item: how many of its other values stand in the clause or the sentence around
it. Items with the same words share out their places so that they fit best together; where nothing tells two places
apart, the order of the answer does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from extractor.lang.fold import fold
from extractor.lang.sentences import Span
from extractor.pipeline.answer import AnswerItem
from extractor.pipeline.ground.evidence import Prepared
from extractor.pipeline.ground.locate import Match
from extractor.pipeline.ground.whole import locate_whole
from extractor.pipeline.ground.wording import beside
from extractor.schema.shape import Field

# Places tried for one quote. What stands more often is too common to be told apart.
_PLACES = 40
# What a value counts in the item's own clause and in the rest of its sentence.
_IN_CLAUSE, _IN_SENTENCE = 3.0, 2.0
# What a wording counts between the numbers around its own.
_BESIDE = 1.0
# What it counts that the words fill a clause, and that they stand in the title of a document or in a heading.
_FILLS_CLAUSE, _IN_TITLE, _IN_HEADING = 1.0, -6.0, -2.0
# A difference that no value makes: only the order of the answer.
_ORDER = 1e-3
_TITLE = re.compile(r"《[^《》\n]*》")
_EDGES = "，,。；;：:！!？?、（）()“”\"'‘’ \u3000\n"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an item stands; `unsure` if another free place fits its values as well."""

    match: Match | None
    unsure: bool = False


def place_items(items: Sequence[AnswerItem], field: Field, prepared: Prepared, passage: Span) -> list[Placed]:
    """A place for each item that a model has read, or none where its words don't stand in the passage."""
    quotes = [_quote(item, field) for item in items]
    placed = [Placed(None)] * len(items)
    twins: defaultdict[str, list[int]] = defaultdict(list)
    for number, quote in enumerate(quotes):
        twins[fold(quote)].append(number)
    for numbers in twins.values():
        quote = quotes[numbers[0]]
        matches = _matches(quote, field, prepared, passage)
        if not matches:
            continue
        if len(matches) == 1 or field.anchor.kind.is_entity:
            for number in numbers:
                placed[number] = Placed(matches[0])
            continue
        scores = [[_score(items[number], field, match, prepared) for match in matches] for number in numbers]
        chosen = _assign(scores)
        for number, row, column in zip(numbers, scores, chosen, strict=True):
            rivals = [c for c in range(len(matches)) if c != column and abs(row[c] - row[column]) < _ORDER]
            placed[number] = Placed(matches[column], bool(rivals) and _has_values(items[number], field))
    return placed


def _quote(item: AnswerItem, field: Field) -> str:
    value = item.values.get(field.anchor.name)
    return str((value[0] if value else "") if isinstance(value, list) else value or "")


def _matches(quote: str, field: Field, prepared: Prepared, passage: Span) -> list[Match]:
    """All places of the quote, in order. A near match, which forgives a slip, is the only one."""
    lo, hi = passage
    found: list[Match] = []
    while len(found) < _PLACES:
        match = locate_whole(quote, field.anchor.kind, prepared, lo, hi, field.anchor.kind.forgives_slips and not found)
        if match is None:
            return found
        found.append(match)
        lo = max(match.end, match.start + 1)
    return found


def _has_values(item: AnswerItem, field: Field) -> bool:
    """Whether the item says anything that a place could be wrong for."""
    return any(item.values.get(leaf.name) for leaf in field.asked if leaf is not field.anchor)


def _score(item: AnswerItem, field: Field, match: Match, prepared: Prepared) -> float:
    text = prepared.speech.text
    clause, sentence = prepared.clause(match.start, match.end), prepared.sentence(match.start, match.end)
    in_clause, in_sentence = (fold(text[i:j]) for i, j in (clause, sentence))
    score = 0.0
    for leaf in field.asked:
        value = item.values.get(leaf.name)
        if leaf is field.anchor or not value or leaf.kind.grounded_as == "choice":
            continue
        for words in value if isinstance(value, list) else [value]:
            share = _share if leaf.kind.grounded_as == "wording" else _holds
            wanted = fold(str(words))
            score += max(_IN_CLAUSE * share(wanted, in_clause), _IN_SENTENCE * share(wanted, in_sentence))
            if leaf.kind.grounded_as == "wording" and field.anchor.kind.reads == "number":
                numbers = prepared.found_in(field.anchor.kind, sentence)
                around = beside(text, (match.start, match.end), sentence, numbers)
                score += _BESIDE * _share(wanted, fold("，".join(around)))
    if field.anchor.kind.cued_by == "clause":
        score += _FILLS_CLAUSE * _fills_clause(match, text)
        score += _IN_HEADING * _is_heading(sentence, text)
    return score + _IN_TITLE * _in_title(match, sentence, text)


def _holds(words: str, text: str) -> float:
    return float(words in text)


def _share(words: str, text: str) -> float:
    """How much of a wording stands in the text, by pairs of neighbouring characters."""
    pairs = {words[i : i + 2] for i in range(len(words) - 1)} or {words}
    return sum(pair in text for pair in pairs) / len(pairs)


def _fills_clause(match: Match, text: str) -> float:
    """An action ends where its clause does, whoever is named before it: the end counts more than the beginning."""
    before, after = text[match.start - 1 : match.start], text[match.end : match.end + 1]
    return 0.3 * (not before or before in _EDGES) + 0.7 * (not after or after in _EDGES)


def _is_heading(sentence: Span, text: str) -> bool:
    """Whether the sentence is a line without an end of its own."""
    i, j = sentence
    return (
        j - i < 40 and text[j - 1 : j] not in "。！？!?；;" and text[j : j + 1] in ("", "\n") and "，" not in text[i:j]
    )


def _in_title(match: Match, sentence: Span, text: str) -> bool:
    """Whether the words stand within 《》 without filling it."""
    i, j = sentence
    return any(i + title.start() < match.start and match.end < i + title.end() for title in _TITLE.finditer(text[i:j]))


def _assign(scores: Sequence[Sequence[float]]) -> list[int]:
    """A column for each row so that the sum of the scores is greatest; rows beyond the columns share the best one.

    Equal scores keep the order of the rows.
    """
    rows, columns = len(scores), len(scores[0])
    chosen = [max(range(columns), key=lambda c, row=row: (row[c], -c)) for row in scores]  # type: ignore[misc]
    free = min(rows, columns)
    costs = [
        [
            -score + _ORDER * ((r / max(rows - 1, 1) - c / max(columns - 1, 1)) ** 2 + c * _ORDER)
            for c, score in enumerate(row)
        ]
        for r, row in enumerate(scores[:free])
    ]
    for row_number, column in enumerate(_cheapest(costs)):
        chosen[row_number] = column
    return chosen


def _cheapest(costs: Sequence[Sequence[float]]) -> list[int]:
    """The assignment problem by the Hungarian method (rows <= columns), in O(rows² · columns)."""
    rows, columns = len(costs), len(costs[0])
    row_price, column_price = [0.0] * (rows + 1), [0.0] * (columns + 1)
    row_of, way = [0] * (columns + 1), [0] * (columns + 1)
    for row in range(1, rows + 1):
        row_of[0], column = row, 0
        least, used = [float("inf")] * (columns + 1), [False] * (columns + 1)
        while row_of[column]:
            used[column] = True
            current, delta, following = row_of[column], float("inf"), 0
            for c in range(1, columns + 1):
                if used[c]:
                    continue
                cost = costs[current - 1][c - 1] - row_price[current] - column_price[c]
                if cost < least[c]:
                    least[c], way[c] = cost, column
                if least[c] < delta:
                    delta, following = least[c], c
            for c in range(columns + 1):
                if used[c]:
                    row_price[row_of[c]] += delta
                    column_price[c] -= delta
                else:
                    least[c] -= delta
            column = following
        while column:
            row_of[column] = row_of[way[column]]
            column = way[column]
    assigned = [0] * rows
    for c in range(1, columns + 1):
        if row_of[c]:
            assigned[row_of[c] - 1] = c - 1
    return assigned
