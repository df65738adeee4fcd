"""Finds directives: clauses of an official text that demand an action, and clauses that set a goal.

Chinese official prose drops subjects and rarely marks mood, so a clause is read in context: the words of
duty before it in its sentence, the kind of text (a news report quotes demands, a speech makes them) and the
heading above. Its own words then distinguish an action (a verb and its object) from an attitude, a
circumstance, a state or something already done.

These are rules of grammar over the words in `directive_words`; `rjieba` distinguishes verbs from nouns.
They give candidates: what the words do not show (irony, a plan stated as a fact) is missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from extractor.lang import directive_words
from extractor.lang.sentences import Span, clauses, numbering, paragraphs, sentences


@dataclass(frozen=True, slots=True)
class Directive:
    """A clause `text[start:end]` that demands an action, sets a goal, or does both (新建10个园区).

    It includes the clause of its topic, if one precedes it: 对其他责任人员,要予以追究.
    """

    start: int
    end: int
    is_action: bool
    is_goal: bool


@dataclass(slots=True)
class _Mood:
    """What earlier clauses of a sentence determine for the later ones."""

    narrative: bool  # the sentence reports what is or was
    bare: bool  # a clause without a word of duty may be a demand
    duty: bool = False
    planned: bool = False
    acted: bool = False
    copula: bool = False


_LONGEST_HEADING, _LONGEST_HEAD_OF_MANY = 40, 14
# A word of duty later in a clause than this belongs to something that the clause mentions.
_DUTY_WITHIN = 30


@lru_cache(maxsize=128)
def find_directives(text: str) -> tuple[Directive, ...]:
    """The directives of clean Simplified `text`, in order.

    `text` must be the whole speech: how a clause reads depends on the kind of text and the heading above.
    """
    sentence_spans = sentences(text)
    headings = set(headings_of(text, sentence_spans))
    in_sentence = _clauses_by_sentence(text, sentence_spans)
    found: list[Directive] = []
    for span, mood in zip(sentence_spans, _moods(text, sentence_spans), strict=True):
        if span not in headings:
            found += _read_sentence(text, in_sentence[span], mood)
    return tuple(found)


def is_report(text: str) -> bool:
    """Whether the text is a news report, which quotes what was said, and not a speech."""
    return directive_words.NEWS.search(text[:400]) is not None and directive_words.ADDRESSES.search(text[:300]) is None


def headings_of(text: str, sentence_spans: list[Span]) -> Iterator[Span]:
    """Numbered sentences that are only headings, like 二是要突出重点。 before the sentences that say how."""
    for (i, j), (k, m) in pairwise(sentence_spans):
        same_line = "\n" not in text[j:k] or text[j - 1] not in "。！？；"
        numbered = directive_words.HEAD.match(text, i, j) is not None and directive_words.HEAD.match(text, k, m) is None
        if j - i <= _LONGEST_HEADING and numbered and same_line:
            yield i, j


def _clauses_by_sentence(text: str, sentence_spans: list[Span]) -> dict[Span, list[Span]]:
    grouped: dict[Span, list[Span]] = {span: [] for span in sentence_spans}
    remaining = iter(sentence_spans)
    sentence = next(remaining, None)
    for clause in clauses(text):
        while sentence is not None and sentence[1] <= clause[0]:
            sentence = next(remaining, None)
        if sentence is not None:
            grouped[sentence].append(clause)
    return grouped


def _moods(text: str, sentence_spans: list[Span]) -> Iterator[_Mood]:
    """The mood in which each sentence begins.

    A speech demands, unless the heading announces a review. A news report demands in numbered points, and
    from the words that quote a demand to the end of their paragraph.
    """
    is_news = is_report(text)
    paragraph_ends = iter([end for _, end in paragraphs(text)])
    paragraph_end = 0
    demanding, reviewing = not is_news, False
    for i, j in sentence_spans:
        sentence = text[i:j]
        listed = directive_words.POINT.search(sentence) is not None
        if i >= paragraph_end:
            paragraph_end = next((end for end in paragraph_ends if end > i), j)
            demanding = demanding and (listed or not is_news)
        rank = numbering(sentence)
        if rank is not None and rank[0] <= 2 and j - i <= _LONGEST_HEADING + 20:
            reviewing = _reviews(sentence)
        plain = directive_words.without_quotes(sentence)
        duty = directive_words.DUTY.search(plain) is not None or directive_words.PLANNED.search(plain) is not None
        demanding = demanding or listed or directive_words.QUOTES_DEMANDS.search(sentence) is not None
        narrative = not duty and directive_words.DONE.search(plain) is not None
        yield _Mood(narrative=narrative, bare=demanding and not reviewing)


def _reviews(heading: str) -> bool:
    """Whether the heading announces a review of what was done."""
    review = directive_words.REVIEW_HEADING.search(heading) is not None
    return review and (
        directive_words.PLAN_HEADING.search(heading) is None
        or directive_words.ALWAYS_REVIEW.search(heading) is not None
    )


def _read_sentence(text: str, spans: list[Span], mood: _Mood) -> Iterator[Directive]:
    topic: Span | None = None
    for i, j in spans:
        if text[i - 1 : i] in ("；", ";"):
            mood.acted = False
        is_action, is_goal = _read_clause(text[i:j], mood)
        mood.acted = mood.acted or is_action
        if is_action or is_goal:
            # 对其他责任人员,要予以追究: the object of the action is in the clause before.
            begin = topic[0] if topic and is_action and text[topic[1] : i] in (",", "，") else i
            yield Directive(begin, j, is_action, is_goal)
        topic = (i, j) if directive_words.TOPIC.match(text, i, j) and not is_action else None


def _read_clause(clause: str, mood: _Mood) -> tuple[bool, bool]:
    """Whether the clause is an action, and whether it is a goal. Updates `mood` for the clauses after it."""
    attribution = directive_words.ATTRIBUTION.search(clause)
    if attribution is not None and attribution.end() == len(clause) and directive_words.DUTY.search(clause) is None:
        mood.narrative = False
        return False, False
    body = directive_words.LEAD_IN.sub(
        "", directive_words.ATTRIBUTION_PREFIX.sub("", clause) if attribution else clause
    )
    duty = _duty_of(body)
    before, predicate = (body[: duty.start()], body[duty.end() :]) if duty else ("", body)
    if duty is not None:
        mood.duty, mood.narrative, mood.copula = True, False, False
    if directive_words.BUDGET.search(body) is not None and not directive_words.SPENT.search(body):
        return False, True
    mood.planned = mood.planned or directive_words.PLANNED.search(body) is not None
    if mood.narrative or len(predicate) < 2 or _is_narrative(body, before, duty is not None, mood):
        return False, False
    return _is_action(body, before, predicate, duty is not None, mood), _is_goal(body, predicate, mood)


def _duty_of(body: str) -> re.Match[str] | None:
    duty, announced = directive_words.DUTY.search(body), directive_words.ANNOUNCED.match(body)
    if announced is not None and (duty is None or announced.start() < duty.start()):
        duty = announced
    return duty if duty is not None and duty.start() <= _DUTY_WITHIN else None


def _is_narrative(body: str, before: str, duty: bool, mood: _Mood) -> bool:
    """Whether the clause reports what is or was: 了, 已, X是Y and what continues it."""
    plain = directive_words.without_quotes(body)
    if duty:
        return "了" in before or directive_words.COPULA.search(before) is not None
    if directive_words.PLEDGE.match(body) is not None:
        return False
    if directive_words.DATED_CHANGE.search(plain) is not None and not mood.planned:
        mood.narrative = True  # and what the sentence goes on to compare
        return True
    if directive_words.COPULA.search(plain) is not None:
        mood.copula = not mood.planned  # after 今年的目标是 come goals, not facts
    done = directive_words.DONE.search(plain) is not None and not body.startswith("对")
    state = (
        len(body) > 5
        and directive_words.STATE.search(body) is not None
        and directive_words.NOT_STATE.match(body) is None
    )
    return (
        mood.copula
        or directive_words.COPULA.search(plain) is not None
        or done
        or state
        or directive_words.AGENDA.search(body) is not None
    )


def _is_action(body: str, before: str, predicate: str, duty: bool, mood: _Mood) -> bool:
    if directive_words.WORKING_AT.search(predicate) is not None:
        return duty or mood.duty or mood.bare
    topical = len(before) > 3 and directive_words.ORGAN_LAST.search(before) is None
    if directive_words.COPULA.search(predicate) or _is_talk(predicate, topical):
        return False
    if directive_words.CIRCUMSTANCE.search(predicate if duty else body) or directive_words.PHRASE_ONLY.search(
        predicate
    ):
        return False
    if directive_words.GOAL.search(predicate) or (
        not duty and mood.acted and directive_words.PURPOSE.search(predicate)
    ):
        return False
    return (duty or mood.duty or mood.bare) and _has_verb_and_object(predicate, duty, mood)


def _is_talk(predicate: str, topical: bool) -> bool:
    """Whether the predicate is mere attitude, principle, manner or the heading of several points.

    `topical`: the object of the action precedes the word of duty (该转移的群众要及时转移).
    """
    bare = directive_words.ADVERBS.sub("", predicate)
    return any(
        pattern.search(words) is not None
        for pattern, words in (
            (directive_words.ATTITUDE, predicate),
            (directive_words.SERVES, predicate),
            (directive_words.MANNER, "" if topical else predicate),
            (directive_words.HEADING_OF_MANY, predicate if len(predicate) <= _LONGEST_HEAD_OF_MANY else ""),
            (directive_words.RANKED, predicate),
            (directive_words.PRINCIPLE, bare),
        )
    )


def _has_verb_and_object(predicate: str, duty: bool, mood: _Mood) -> bool:
    """Whether the clause, without adverbs and prepositional phrases, begins with a verb and goes on."""
    import rjieba

    core = directive_words.ADVERBS.sub("", predicate)
    skipped = predicate[: len(predicate) - len(core)]
    if len(core) < 2:
        return False
    if directive_words.VERB.match(core) is not None:
        return len(core) > 2 or duty
    if directive_words.ADVERB_OR_VERB.search(skipped) is not None and not core.endswith("的"):
        return True
    words = rjieba.tag(core)
    first, tag = words[0]
    if tag == "p" or first in directive_words.PREPOSITIONS:
        if first in ("对", "对于"):
            return directive_words.DEALT_WITH.search(core) is not None
        return any(t in ("v", "vn", "vg", "l") for _, t in words[2:])
    if not duty and directive_words.TOPIC_LAST.search(core):
        return False
    if tag in ("v", "vi", "vg", "vn"):
        return len(words) > 1 or duty
    if tag in ("l", "i"):
        return len(words) > 1
    if tag in ("a", "ad", "d", "b", "m", "q", "f", "z", "t") and any(t in ("v", "vn") for _, t in words[1:4]):
        return True
    if duty:
        return any(t in ("v", "vn") for _, t in words)
    return directive_words.SUBJECT.match(core) is not None


def _is_goal(body: str, predicate: str, mood: _Mood) -> bool:
    if directive_words.CIRCUMSTANCE.search(body) or directive_words.COPULA.search(predicate):
        return False
    if (
        directive_words.GOAL.search(body)
        or directive_words.GOAL.search(predicate)
        or directive_words.RATE.search(predicate)
        or directive_words.REGULARLY.search(body)
    ):
        return True
    if directive_words.NUMBER.search(body) is None:
        return False
    return mood.duty or mood.planned or (mood.bare and directive_words.PLANNED_NUMBER.search(body) is not None)
