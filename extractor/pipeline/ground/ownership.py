"""Values that stand in the text, but say something else than the item they were given for.

The base of a comparison is no period (比2018年增长8%), the whole among which a rank holds no region (居全省第2位), and the
body that a clause before names is not in charge of one that has a subject of its own. The text around the value
decides, whoever gave it: a model or code.
"""

from __future__ import annotations

import re
from dataclasses import replace

from extractor.lang.attributes import (
    is_base,
    is_elsewhere,
    is_of_a_thing,
    is_qualifier,
    is_scope,
    is_superseded,
    may_be_place,
    may_be_time,
    may_not_reach,
    places_in,
    whole_interval,
)
from extractor.lang.event_dates import is_of_something_else
from extractor.lang.negation import forbidding, gives_up, is_denied
from extractor.lang.sentences import Span
from extractor.lang.statements import whole_statement, why_no_fact, why_no_statement
from extractor.lang.subjects import end_of_labels, governor_of, is_object, may_name_body, named_in, subjects_in
from extractor.lang.titles import is_beside, whole_title, why_no_title
from extractor.pipeline.ground.evidence import Prepared
from extractor.pipeline.ground.locate import Match
from extractor.schema.kinds import QUANTITY
from extractor.schema.shape import Field, Leaf

_QUALIFIES = "it says which things are counted, not how many"
_LONGEST_INTERVAL = 30
_HAS_OTHER = "the item's own clause comes before it, or has another one"
_JOINTS = ("、", "和", "与", "及")
# Fewer characters than this say nothing that could be done.
_LEFT = 2


def objection(leaf: Leaf, match: Match, prepared: Prepared, anchor: Match) -> str | None:
    """Why a value at this place can't be a value of the item at `anchor`; None if nothing speaks against it."""
    text, span = prepared.speech.text, (match.start, match.end)
    if leaf.period is not None or leaf.like is not None:
        return _objection_to_circumstance(leaf, span, prepared, anchor)
    if leaf.kind.reads == "number" and is_qualifier(text, span, prepared.found(leaf.kind)):
        return _QUALIFIES
    if leaf.beside is not None:
        return why_no_title(text, span, text[anchor.start : anchor.end], prepared.people)
    return None if leaf.subject is None else _objection_to_subject(span, prepared, anchor)


def is_title_beside(match: Match, prepared: Prepared, anchor: Match) -> bool:
    """Whether a title stands beside the name of its person."""
    text = prepared.speech.text
    return is_beside(text, (match.start, match.end), text[anchor.start : anchor.end], prepared.people)


def as_a_whole(leaf: Leaf, match: Match, prepared: Prepared) -> Match:
    """A title with what makes another office of it (副, 原), an interval for one of its ends, other values as they are."""
    text, span = prepared.speech.text, (match.start, match.end)
    if leaf.beside is not None:
        start, end = whole_title(text, span)
    elif leaf.period is not None:
        start, end = whole_interval(text, span, prepared.periods_in((match.start - _LONGEST_INTERVAL, match.end)))
    else:
        return match
    return replace(match, start=start, end=end)


def as_stated(field: Field, match: Match, prepared: Prepared) -> tuple[Match, str | None]:
    """What an item's clause states of the words quoted from it, and why it is not what the field holds.

    A quote is taken with the word that forbids it: 建立小金库 of 不得建立小金库 becomes the whole. 实现目标 of 未能实现目标 says the
    opposite of the text, and a number that is planned is no fact (`Unless`).
    """
    text = prepared.speech.text
    clause, span = prepared.clause(match.start, match.end), (match.start, match.end)
    if field.anchor.kind.reads == "number":
        if is_qualifier(text, span, prepared.found(field.anchor.kind)):
            return match, _QUALIFIES
        return match, why_no_fact(text, clause, span) if field.unless is not None else None
    if field.anchor.own_date is not None:
        is_other = is_of_something_else(text, span, prepared.sentence(*span))
        return match, "the words around it give this date to something else" if is_other else None
    if field.anchor.kind.cued_by != "clause":
        return match, None
    if is_denied(text, clause[0], match.start):
        return match, "the text denies these words"
    if any(who[0] <= span[0] and span[1] <= who[1] for who, _ in subjects_in(text, *clause)):
        return match, "these words only name who is to act"
    why = why_no_statement(text, clause, span, field.mood is not None)
    begin = forbidding(text, clause[0], match.start)
    if begin is not None and why is None:
        is_given_up = field.mood is not None and field.mood.kind == "goal" and gives_up(text[begin : match.start])
        return replace(match, start=begin), "the text gives this up" if is_given_up else None
    start, end = whole_statement(text, clause, span)
    return replace(match, start=start, end=end), why


def _objection_to_circumstance(leaf: Leaf, span: Span, prepared: Prepared, anchor: Match) -> str | None:
    """Why a time or a place is not when or where the item holds."""
    text, item = prepared.speech.text, (anchor.start, anchor.end)
    share = prepared.share_of(item, QUANTITY)
    words = text[slice(*span)]
    if share is not None and words not in text[slice(*share.own)] and share.is_of_another(words):
        return "it is that of another number: the text gives each number its own"
    clause = prepared.clause(*item)
    if leaf.period is not None:
        if is_base(text, span, item):
            return "something is compared with it: it is not when the item holds"
        if not may_be_time(text[slice(*span)]):
            return "these words are no time"
        if is_of_a_thing(text, span):
            return "it is the time of something that the text names, not when the item holds"
        others = prepared.periods_in(clause)
    else:
        assert leaf.like is not None
        if is_scope(text, span, item):
            return "it is the whole among which the item is counted, not where the item holds"
        if not may_be_place(text[slice(*span)]):
            return "these words are no place"
        if is_elsewhere(text, span):
            return "something comes from it or goes to it: it is not where the item holds"
        others = [match.span() for match in re.finditer(leaf.like.pattern, text[slice(*clause)])]
        others = [(clause[0] + i, clause[0] + j) for i, j in others]
        others = [one for one in [*others, *places_in(text, clause)] if not is_scope(text, one) and one != span]
    later = prepared.clause(*span)
    # A place named later in the sentence can be that of all of it, unless a number there has it.
    if leaf.like is not None and not others and later[0] >= clause[1]:
        return _HAS_OTHER if prepared.found_in(QUANTITY, later) else None
    is_place = leaf.like is not None
    times = prepared.periods_in((span[1], item[0])) if leaf.period is not None else []
    if may_not_reach(text, span, item, times, is_place=is_place, is_passage=leaf.within == "passage"):
        return _HAS_OTHER
    # 整改率由去年的91%上升到97.5%: a number between them has the time.
    others = [one for one in others if not prepared.found_in(QUANTITY, (one[1], item[0]))]
    if is_superseded(text, span, item, clause, others):
        return _HAS_OTHER
    return None


def _objection_to_subject(span: Span, prepared: Prepared, anchor: Match) -> str | None:
    """Why the words don't name who is in charge of the item."""
    text = prepared.speech.text
    is_listed = text[span[0] - 1 : span[0]] in _JOINTS or text[span[1] : span[1] + 1] in _JOINTS
    if not may_name_body(text[slice(*span)], is_listed):
        return "these words name no body"
    start, end = prepared.sentence(anchor.start, anchor.end)
    end = end_of_labels(text, end)
    if span[0] < start or any(i <= span[0] and span[1] <= j for i, j in named_in(text, start, end)):
        return None
    if span[1] > anchor.end - _LEFT:
        return "nothing of the item is left for it to do, and it is not named as in charge"
    if is_object(text, span[0]):
        return "the item is done to it, not by it"
    governor = governor_of(text, start, end, anchor.start)
    if governor is not None and span[0] < governor.start:
        return "another body is the subject of the item's clause"
    return None
