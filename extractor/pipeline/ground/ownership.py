"""Values that stand in the text, but say something else than the item they were given for.

The base of a comparison is no period (比2018年增长8%), the whole among which a rank holds no region (居全省第2位), and the
body that a clause before names is not in charge of one that has a subject of its own. The text around the value
decides, whoever gave it: a model or code.
"""

from __future__ import annotations

from dataclasses import replace

from extractor.lang.attributes import is_base, is_scope
from extractor.lang.negation import forbidding, is_denied
from extractor.lang.sentences import Span
from extractor.lang.statements import why_no_fact, why_no_statement
from extractor.lang.subjects import governor_of, is_object, may_name_body, named_in, subjects_in
from extractor.lang.titles import is_title_of_another, may_be_title, whole_title
from extractor.pipeline.ground.evidence import Prepared
from extractor.pipeline.ground.locate import Match
from extractor.schema.shape import Field, Leaf

# Fewer characters than this say nothing that could be done.
_LEFT = 2


def objection(leaf: Leaf, match: Match, prepared: Prepared, anchor: Match) -> str | None:
    """Why a value at this place can't be a value of the item at `anchor`; None if nothing speaks against it."""
    text, span = prepared.speech.text, (match.start, match.end)
    if leaf.period is not None and is_base(text, span, (anchor.start, anchor.end)):
        return "something is compared with it: it is not when the item holds"
    if leaf.like is not None and is_scope(text, span):
        return "it is the whole among which the item is counted, not where the item holds"
    if leaf.beside is not None and is_title_of_another(text, span, text[anchor.start : anchor.end], prepared.people):
        return "it stands beside the name of another person"
    if leaf.beside is not None and not may_be_title(text[slice(*span)]):
        return "these words are no title"
    return None if leaf.subject is None else _objection_to_subject(span, prepared, anchor)


def with_qualifier(leaf: Leaf, match: Match, prepared: Prepared) -> Match:
    """A title with what makes another office of it (副, 原), other values as they are."""
    if leaf.beside is None:
        return match
    start, end = whole_title(prepared.speech.text, (match.start, match.end))
    return replace(match, start=start, end=end)


def as_stated(field: Field, match: Match, prepared: Prepared) -> tuple[Match, str | None]:
    """What an item's clause states of the words quoted from it, and why it is not what the field holds.

    A quote is taken with the word that forbids it: 建立小金库 of 不得建立小金库 becomes the whole. 实现目标 of 未能实现目标 says the
    opposite of the text, and a number that is planned is no fact (`Unless`).
    """
    text = prepared.speech.text
    clause, span = prepared.clause(match.start, match.end), (match.start, match.end)
    if field.anchor.kind.reads == "number":
        return match, why_no_fact(text, clause, span) if field.unless is not None else None
    if field.anchor.kind.cued_by != "clause":
        return match, None
    if is_denied(text, clause[0], match.start):
        return match, "the text denies these words"
    if any(who[0] <= span[0] and span[1] <= who[1] for who, _ in subjects_in(text, *clause)):
        return match, "these words only name who is to act"
    begin = forbidding(text, clause[0], match.start)
    if begin is not None:
        return replace(match, start=begin), None
    return match, why_no_statement(text, clause, span, field.mood is not None)


def _objection_to_subject(span: Span, prepared: Prepared, anchor: Match) -> str | None:
    """Why the words don't name who is in charge of the item."""
    text = prepared.speech.text
    if not may_name_body(text[slice(*span)]):
        return "these words name no body"
    start, end = prepared.sentence(anchor.start, anchor.end)
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
