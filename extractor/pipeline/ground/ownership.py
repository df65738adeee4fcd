"""Values that stand in the text, but say something else than the item they were given for.

The base of a comparison is no period (比2018年增长8%), the whole among which a rank holds no region (居全省第2位), and the
body that a clause before names is not in charge of one that has a subject of its own. The text around the value
decides, whoever gave it: a model or code.
"""

from __future__ import annotations

from dataclasses import replace

from extractor.lang.attributes import is_base, is_scope
from extractor.lang.negation import forbidding, is_denied
from extractor.lang.subjects import governor_of, named_in
from extractor.lang.titles import is_title_of_another, may_be_title, whole_title
from extractor.pipeline.ground.evidence import Prepared
from extractor.pipeline.ground.locate import Match
from extractor.schema.shape import Leaf


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
    if leaf.subject is not None and not _governs(span, prepared, anchor):
        return "another body is the subject of the item's clause"
    return None


def with_qualifier(leaf: Leaf, match: Match, prepared: Prepared) -> Match:
    """A title with what makes another office of it (副, 原), other values as they are."""
    if leaf.beside is None:
        return match
    start, end = whole_title(prepared.speech.text, (match.start, match.end))
    return replace(match, start=start, end=end)


def with_negation(match: Match, prepared: Prepared) -> tuple[Match, str | None]:
    """A quote of a clause with the word before it that forbids it, and why it is no statement if it is denied.

    建立小金库 of 不得建立小金库 becomes the whole; 实现目标 of 未能实现目标 says the opposite of the text.
    """
    text = prepared.speech.text
    start, _ = prepared.clause(match.start, match.end)
    if is_denied(text, start, match.start):
        return match, "the text denies these words"
    begin = forbidding(text, start, match.start)
    return (match if begin is None else replace(match, start=begin)), None


def _governs(span: tuple[int, int], prepared: Prepared, anchor: Match) -> bool:
    """Whether a body may be in charge of the item: no other one opens a clause between it and the item."""
    text = prepared.speech.text
    start, end = prepared.sentence(anchor.start, anchor.end)
    if span[0] < start or any(i <= span[0] and span[1] <= j for i, j in named_in(text, start, end)):
        return True
    governor = governor_of(text, start, end, anchor.start)
    return governor is None or span[0] >= governor.start
