"""Find the patterns of a schema that match nothing in some texts.

The engine's own functions do the matching, with one marker at a time switched on or off, so the result is
what a run would find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from extractor.document import Excerpt
from extractor.fields import Beside, Unless
from extractor.lang.sentences import clauses, sentences
from extractor.llm.models import SMALL
from extractor.pipeline.ask.ask import is_cued
from extractor.pipeline.ask.candidates import Candidate, at_ends, find_candidates
from extractor.pipeline.coverage import find_expected
from extractor.pipeline.split.passages import split_passages
from extractor.schema.loading import Schema
from extractor.schema.shape import Field, Leaf
from extractor.schema.source_lines import field_place

# Matches nothing: replaces the half of a marker that is not being tried.
NEVER = "(?!)"
LONGEST_SHOWN = 50


@dataclass(frozen=True)
class Trial:
    """One pattern, and how to count the places that it is tried on and those that it matches."""

    place: str
    marker: str
    pattern: str
    against: str
    count: Callable[[Excerpt, Excerpt], tuple[int, int]]
    """Takes a passage and its speech; returns how many places match, and how many there are."""


def check_patterns(schema: Schema, path: Path, speeches: Sequence[Excerpt]) -> tuple[list[str], list[str]]:
    """Warnings about patterns that match nowhere, and notes about those that could not be tried."""
    warnings, notes = [], []
    passages = [(passage, speech) for speech in speeches for passage in split_passages(speech, SMALL.passage)]
    for field in schema.fields:
        for trial in _trials(field, schema, path):
            counts = [trial.count(passage, speech) for passage, speech in passages]
            hits, places = sum(n for n, _ in counts), sum(n for _, n in counts)
            pattern = f"{trial.place}: the {trial.marker} {_short(trial.pattern)}"
            if not places:
                notes.append(f"{pattern} was not tried: the texts have no {trial.against}.")
            elif not hits:
                warnings.append(
                    f"{pattern} matches nothing in the texts. It is tried on {trial.against}; the texts have {places}. "
                    f"{_elsewhere(trial.pattern, speeches)}"
                )
    return warnings, notes


def _elsewhere(pattern: str, speeches: Sequence[Excerpt]) -> str:
    """What to do about a pattern, and where in the texts it would match if it were tried there."""
    for speech in speeches:
        match = next((m for m in re.finditer(pattern, speech.text) if m.group()), None)
        if match is not None:
            start, end = speech.span(*match.span())
            return (
                f"It would match {_short(match.group())} at {speech.document.path}:{start}-{end}, where it is not tried: "
                "change the pattern, or delete it."
            )
    return "Change or delete it, or try texts that have what it looks for."


def _short(words: str) -> str:
    words = words.replace("\n", " ")
    return repr(words if len(words) <= LONGEST_SHOWN else f"{words[:LONGEST_SHOWN]}…")


def _trials(field: Field, schema: Schema, path: Path) -> Iterator[Trial]:
    here = f"{field_place(schema.record, field.name, path)}: {schema.record.__name__}.{field.name}"
    if field.cue is not None:
        yield Trial(here, "Cue", field.cue.pattern, _against_cue(field), lambda p, s: _count_cue(field, p, s))
    if field.unless is not None and field.item is not None and field.anchor.kind.offered_as in ("clause", "number"):
        numbers = field.anchor.kind.offered_as == "number"
        against = "numbers, each with its clause" if numbers else "clauses, each with its sentence"
        only = Unless(field.unless.pattern)
        yield Trial(here, "Unless", only.pattern, against, lambda p, s: _count_ruled_out(field, only, p, s))
        if field.unless.before and numbers:
            before = Unless(NEVER, before=field.unless.before)
            against = "numbers, each with the part of its sentence before it"
            yield Trial(
                here,
                "Unless(before=…)",
                field.unless.before,
                against,
                lambda p, s: _count_ruled_out(field, before, p, s),
            )
    if field.expects is not None and field.expects.pattern:
        on_clause = field.anchor.kind.cued_by == "clause"
        against = "clauses" if on_clause else "passages"
        yield Trial(here, "Expects", field.expects.pattern, against, lambda p, s: _count_expected(field, p))
    for leaf in field.leaves:
        owner = field.item or schema.record
        at = f"{field_place(owner, leaf.name, path)}: {owner.__name__}.{leaf.name}"
        yield from _leaf_trials(at, field, leaf)


def _leaf_trials(at: str, field: Field, leaf: Leaf) -> Iterator[Trial]:
    if leaf.cue is not None and field.item is not None:
        cue = leaf.cue
        yield Trial(
            at, "Cue", cue.pattern, f"sentences of {field.name}", lambda p, s: _count_leaf_cue(field, cue.pattern, p, s)
        )
    if leaf.beside is not None:
        before, after = leaf.beside.before, leaf.beside.after
        names = f"names of {field.name}"
        yield Trial(
            at,
            "Beside(before=…)",
            before,
            names,
            lambda p, s: _count_known(field, leaf, p, s, beside=Beside(before, NEVER)),
        )
        yield Trial(
            at,
            "Beside(after=…)",
            after,
            names,
            lambda p, s: _count_known(field, leaf, p, s, beside=Beside(NEVER, after)),
        )
    if leaf.subject is not None:
        heads = f"clauses of {field.name}, each with the clauses before it in its sentence"
        yield Trial(at, "Subject", leaf.subject.pattern, heads, _counting_subject(field, leaf.subject.pattern))
    if leaf.like is not None:
        like = re.compile(leaf.like.pattern)
        yield Trial(at, "Like", leaf.like.pattern, "passages", lambda p, s: (bool(like.search(p.text)), 1))
    for choice, words in leaf.shown.patterns.items() if leaf.shown else ():
        pattern = re.compile(words)
        yield Trial(
            at, f"Shown({choice}=…)", words, f"sentences with a name of {field.name}", _counting_shown(field, pattern)
        )


# --- counting ---


def _against_cue(field: Field) -> str:
    ends = " at the ends of the texts" if field.cue and field.cue.where == "ends" else ""
    if field.item is not None and field.anchor.kind.cued_by == "clause":
        return f"clauses{f' in the mood {field.mood.kind!r}' if field.mood else ''}{ends}"
    if field.anchor.kind.cued_by == "sentence":
        return f"sentences with a date{ends}"
    if field.item is not None and field.anchor.kind.offered_as == "number":
        return f"clauses with a number{ends}"
    return f"passages{ends}"


def _count_cue(field: Field, passage: Excerpt, speech: Excerpt) -> tuple[int, int]:
    places = find_candidates(replace(field, cue=None), passage, speech)
    if places is not None and not field.anchor.kind.is_entity:
        matching = find_candidates(field, passage, speech) or []
        if field.cue is not None and field.cue.where == "ends":
            places = [c for c in places if at_ends(passage, c.place, speech)]
            matching = [c for c in matching if at_ends(passage, c.place, speech)]
        return len(matching), len(places)
    whole = replace(field, cue=replace(field.cue, pattern="(?s)^.|.$")) if field.cue else field
    return int(is_cued(field, passage, speech)), int(is_cued(whole, passage, speech))


def _count_ruled_out(field: Field, unless: Unless, passage: Excerpt, speech: Excerpt) -> tuple[int, int]:
    everything = find_candidates(replace(field, unless=None), passage, speech) or []
    left = find_candidates(replace(field, unless=unless), passage, speech) or []
    return len(everything) - len(left), len(everything)


def _count_expected(field: Field, passage: Excerpt) -> tuple[int, int]:
    places = len(clauses(passage.text)) if field.anchor.kind.cued_by == "clause" else 1
    return len(find_expected(field, passage)), places


def _count_leaf_cue(field: Field, pattern: str, passage: Excerpt, speech: Excerpt) -> tuple[int, int]:
    candidates = _candidates(field, passage, speech)
    return sum(candidate.shows(pattern) for candidate in candidates), len(candidates)


def _count_known(
    field: Field, leaf: Leaf, passage: Excerpt, speech: Excerpt, beside: Beside | None = None
) -> tuple[int, int]:
    """Candidates for which code fills this leaf by this marker alone."""
    only = replace(leaf, beside=beside) if beside else leaf
    field = replace(field, leaves=tuple(only if x is leaf else x for x in field.leaves))
    candidates = _candidates(field, passage, speech)
    return sum(bool(candidate.known.get(leaf.name)) for candidate in candidates), len(candidates)


def _counting_subject(field: Field, words: str) -> Callable[[Excerpt, Excerpt], tuple[int, int]]:
    """Candidates whose sentence has the pattern: code reads some bodies off without it."""
    pattern = re.compile(words)

    def count(passage: Excerpt, speech: Excerpt) -> tuple[int, int]:
        candidates = _candidates(field, passage, speech)
        return sum(bool(pattern.search(candidate.sentence)) for candidate in candidates), len(candidates)

    return count


def _counting_shown(field: Field, pattern: re.Pattern[str]) -> Callable[[Excerpt, Excerpt], tuple[int, int]]:
    def count(passage: Excerpt, speech: Excerpt) -> tuple[int, int]:
        named = {candidate.sentence for candidate in _candidates(field, passage, speech)}
        # If code can't find candidates, any sentence may name one.
        if find_candidates(field, passage, speech) is None:
            named = {passage.text[i:j] for i, j in sentences(passage.text)}
        return sum(bool(pattern.search(sentence)) for sentence in named), len(named)

    return count


def _candidates(field: Field, passage: Excerpt, speech: Excerpt) -> list[Candidate]:
    return find_candidates(field, passage, speech) or []
