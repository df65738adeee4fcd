"""Have the model fill the schema from one passage, a field a question.

The passage goes first and the question last, so that the questions about one passage share their prefix. Each
question is the shape of its own field only: a field that is added, changed or removed leaves the others as they were.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.document import Excerpt, Json
from extractor.errors import FATAL, AnswerError, ExtractorError
from extractor.lang.sentences import clauses, sentences
from extractor.llm.call import REASKED, Call, Profile
from extractor.pipeline.answer import Answer, AnswerItem
from extractor.pipeline.ask.candidates import Candidate, find_candidates, in_mood
from extractor.pipeline.ask.questions import (
    NO,
    YES,
    Question,
    Verification,
    build_form,
    build_group,
    build_read,
    confirm_text,
    items_read,
    open_candidates,
    settle_without_model,
)
from extractor.pipeline.ask.structured_output import put
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.passages import split_passages
from extractor.schema.shape import Field

# A lead and a sign-off: how far from the ends of a speech a field with `where="ends"` is looked for.
HEAD, TAIL = 300, 150
# A passage that is answered at too great a length is halved down to this; then it is reported.
SMALLEST_PASSAGE = 120


def ask(field: Field, passage: Excerpt, speech: Excerpt, recipe: Recipe, call: Call) -> Answer:
    """The field's items in the passage, as the model words them; a question that failed is on its list, with its
    fault. Raises only a fault after which no other question can be answered either (FATAL)."""
    candidates = find_candidates(field, passage, speech) if recipe.profile.style == "form" else None
    if candidates is None:
        if not is_cued(field, passage, speech):
            return Answer(field.name, passage)
        return ask_again(field, passage, recipe, call)
    if field.cue is not None and field.cue.where == "ends":
        candidates = [c for c in candidates if at_ends(passage, c.place, speech)]
    rows = settle_without_model(field, candidates)
    failed: list[tuple[int, int, Exception]] = []
    for batch in _batches(open_candidates(field, candidates), recipe.profile.rows):
        try:
            more, trouble = _ask_form(field, passage, batch, recipe, call)
        except FATAL:
            raise
        except ExtractorError as fault:
            failed.append((*passage.span(batch[0].place[0], batch[-1].place[1]), fault))
            continue
        rows += more
        failed += trouble
    rows.sort(key=lambda row: row.place or (0, 0))
    return Answer(field.name, passage, tuple(rows), tuple(failed))


def ask_group(fields: Sequence[Field], passage: Excerpt, speech: Excerpt, recipe: Recipe, call: Call) -> list[Answer]:
    """Several fields' items in the passage, asked for in one question; apart, where the answer is too long for one or
    does not fit. As `ask` for each of them."""
    cued = [field for field in fields if is_cued(field, passage, speech)]
    if len(cued) < 2:
        return [ask(field, passage, speech, recipe, call) for field in fields]
    question = build_group(cued, passage, recipe.schema.prompts)
    about = {**_about(cued[0], passage), "field": "+".join(field.name for field in cued)}
    try:
        answer, _ = put(
            question.text, question.model, about, {recipe.profile.limit: recipe.profile.output}, recipe, call
        )
    except FATAL:
        raise
    except AnswerError:
        apart = {field.name: _ask_apart(field, passage, recipe, call) for field in cued}
        return [apart.get(field.name) or Answer(field.name, passage) for field in fields]
    except ExtractorError as fault:
        failed = ((passage.start, passage.end, fault),)
        return [Answer(field.name, passage, failed=failed if field in cued else ()) for field in fields]
    return [Answer(f.name, passage, tuple(items_read(f, answer)) if f in cued else ()) for f in fields]


def _ask_apart(field: Field, passage: Excerpt, recipe: Recipe, call: Call, parts: bool = True) -> Answer:
    try:
        return _ask_reading(field, passage, recipe, call, parts)
    except FATAL:
        raise
    except ExtractorError as fault:
        return Answer(field.name, passage, failed=((passage.start, passage.end, fault),))


def ask_again(field: Field, passage: Excerpt, recipe: Recipe, call: Call) -> Answer:
    """The field's items in a passage of which something is left uncited: to be read, whatever the profile's style."""
    return _ask_apart(field, passage, recipe, call, parts=False)


def confirm(field: Field, passage: Excerpt, words: str, clause: str, recipe: Recipe, call: Call) -> bool:
    """Whether the model, asked about this one item, says that it is one. Raises Fault."""
    profile = recipe.profile
    # A model that tells probabilities answers at once; another may think first, within the same limit.
    settings: Json = {profile.limit: profile.output}
    if profile.sure is not None:
        settings = {profile.limit: 20, "logprobs": True, "top_logprobs": 5}
    # Without the example, whose items the model would compare with: it then tells right from wrong less well.
    prompts = replace(recipe.schema.prompts, example=None)
    recipe = replace(recipe, schema=replace(recipe.schema, prompts=prompts))
    text = confirm_text(field, passage, words, clause, prompts)
    answer, completion = put(text, Verification, {**_about(field, passage), "verifying": True}, settings, recipe, call)
    probability = _probability_of_yes(completion) if profile.sure is not None else None
    return answer.answer == YES if probability is None or profile.sure is None else probability >= profile.sure


def _probability_of_yes(completion: Json) -> float | None:
    """How probable 是 was beside 否 where the answer stands; None where the endpoint does not tell."""
    told = completion["choices"][0].get("logprobs") or {}
    for token in told.get("content") or ():
        if YES in token["token"] or NO in token["token"]:
            weights = {t["token"]: math.exp(t["logprob"]) for t in token.get("top_logprobs") or ()}
            yes = sum(w for t, w in weights.items() if YES in t)
            no = sum(w for t, w in weights.items() if NO in t)
            return yes / (yes + no) if yes + no else None
    return None


def is_cued(field: Field, passage: Excerpt, speech: Excerpt) -> bool:
    """Whether the passage has the words of the field's cue; one for clauses is held against each clause."""
    if field.mood is not None and not in_mood(field.mood.kind, passage, speech):
        return False
    if field.cue is None:
        return True
    pattern = re.compile(field.cue.pattern)
    if field.item is not None and field.anchor.kind.cued_by == "clause":
        return any(pattern.search(passage.text[i:j]) for i, j in clauses(passage.text))
    spans = sentences(passage.text) if field.anchor.kind.cued_by == "sentence" else [(0, len(passage.text))]
    places = [(i + m.start(), i + m.end()) for i, j in spans for m in pattern.finditer(passage.text[i:j])]
    return any(field.cue.where == "anywhere" or at_ends(passage, place, speech) for place in places)


def at_ends(passage: Excerpt, place: tuple[int, int], speech: Excerpt) -> bool:
    """Whether a place in the passage lies in the lead or the sign-off of the speech (source offsets)."""
    start, end = passage.span(*place)
    first, last = speech.starts[0], speech.ends[-1]
    head = speech.ends[min(HEAD, len(speech.ends)) - 1]
    tail = speech.starts[max(0, len(speech.starts) - TAIL)]
    return first <= start <= head or tail <= end <= last


def _ask_reading(field: Field, passage: Excerpt, recipe: Recipe, call: Call, parts: bool = False) -> Answer:
    question = build_read(field, passage, recipe.schema.prompts, recipe.profile)
    try:
        return Answer(field.name, passage, tuple(_put(question, recipe, call, parts)))
    except AnswerError as fault:
        halves = split_passages(passage, max(1, len(passage.text) // 2 + 1))
        if len(passage.text) < SMALLEST_PASSAGE or len(halves) < 2:
            return Answer(field.name, passage, failed=((passage.start, passage.end, fault),))
    # Asking for less: the same question about each half, whatever becomes of the other. Rows of a half have no place, so
    # they need no shifting.
    answers = [_ask_apart(field, half, recipe, call) for half in halves]
    rows = tuple(row for answer in answers for row in answer.items)
    return Answer(field.name, passage, rows, tuple(failed for answer in answers for failed in answer.failed))


def _ask_form(
    field: Field,
    passage: Excerpt,
    candidates: Sequence[Candidate],
    recipe: Recipe,
    call: Call,
    parts: bool = False,
) -> tuple[list[AnswerItem], list[tuple[int, int, Exception]]]:
    question = build_form(field, passage, candidates, recipe.schema.prompts)
    try:
        return _put(question, recipe, call, parts), []
    except AnswerError as fault:
        if len(candidates) == 1 or field.item is None:
            return [], [(*passage.span(*candidates[0].place), fault)]
    half = len(candidates) // 2
    halves = [_ask_form(field, passage, part, recipe, call, True) for part in (candidates[:half], candidates[half:])]
    return [row for rows, _ in halves for row in rows], [failed for _, more in halves for failed in more]


def _batches(candidates: Sequence[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    """Even batches of at most `size`."""
    if not candidates:
        return
    count = -(-len(candidates) // size)
    for i in range(count):
        yield candidates[len(candidates) * i // count : len(candidates) * (i + 1) // count]


def _put(question: Question, recipe: Recipe, call: Call, parts: bool) -> list[AnswerItem]:
    """One question, and its answer as rows; whether it is a part of one that was answered at too great a length.
    Raises Fault."""
    limit: Json = {recipe.profile.limit: _most_tokens(question, recipe.profile)}
    about = {**_about(question.field, question.passage), **({REASKED: True} if parts else {})}
    answer, _ = put(question.text, question.model, about, limit, recipe, call)
    return question.read_back(answer)


def _about(field: Field, passage: Excerpt) -> Json:
    return {"document": passage.document.id, "start": passage.start, "end": passage.end, "field": field.name}


def _most_tokens(question: Question, profile: Profile) -> int:
    """What a full answer may need: rows are bounded in form; never more than the profile allows."""
    if not question.candidates:
        return profile.output
    return min(profile.output, 40 + 80 * len(question.candidates))
