"""Ask: have the model fill the schema from one passage.

A model that reads answers one question about all fields of a group (`ask_reader`). A model that fills forms
answers a question for each field (`ask`), which holds the JSON Schema of its own field only, so adding,
changing or removing a field does not affect the others.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.document import Excerpt, Json
from extractor.errors import FATAL, AnswerError, ExtractorError, TruncatedError
from extractor.lang.sentences import clauses, sentences
from extractor.llm.call import REASKED, Call, Profile
from extractor.pipeline.answer import Answer, AnswerItem, Problem
from extractor.pipeline.ask.answer_models import NO, YES, Confirmation
from extractor.pipeline.ask.candidates import Candidate, at_ends, find_candidates, in_mood
from extractor.pipeline.ask.lenient import Loss, items_in, unasked_in
from extractor.pipeline.ask.questions import (
    Question,
    build_form,
    build_read,
    build_reading,
    open_candidates,
    settle_without_model,
    verification_text,
)
from extractor.pipeline.ask.structured_output import put, put_leniently
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.passages import split_passages
from extractor.schema.shape import Field

# A passage whose answer is truncated is halved until it is shorter than this; then the failure is reported.
SMALLEST_PASSAGE = 120
# How often a part of a passage is halved again if the answer of a model that reads is cut off, and how many
# questions come of one passage at most.
MOST_HALVINGS = 3
MOST_QUESTIONS = 2 ** (MOST_HALVINGS + 1) - 1

Failed = tuple[int, int, Exception]
"""A question that got no answer: its place in the source and the error."""


def ask(field: Field, passage: Excerpt, speech: Excerpt, recipe: Recipe, call: Call) -> Answer:
    """The field's items in the passage, in the model's words; questions that failed are listed in `failed`.

    Raises only the errors in FATAL, after which no other question can be answered either.
    """
    if is_left_to_large_models(field, recipe.profile):
        return Answer(field.name, passage)
    candidates = find_candidates(field, passage, speech) if recipe.profile.style == "form" else None
    if candidates is None:
        if not is_cued(field, passage, speech):
            return Answer(field.name, passage)
        return ask_by_reading(field, passage, recipe, call)
    if field.cue is not None and field.cue.where == "ends":
        candidates = [c for c in candidates if at_ends(passage, c.place, speech)]
    items = settle_without_model(field, candidates)
    failed: list[Failed] = []
    for batch in _batches(open_candidates(field, candidates), recipe.profile.rows):
        try:
            batch_items, batch_failed = _ask_form(field, passage, batch, recipe, call)
        except FATAL:
            raise
        except ExtractorError as error:
            failed.append((*passage.span(batch[0].place[0], batch[-1].place[1]), error))
            continue
        items += batch_items
        failed += batch_failed
    items.sort(key=lambda item: item.place or (0, 0))
    return Answer(field.name, passage, tuple(items), tuple(failed))


def ask_reader(
    fields: Sequence[Field], passage: Excerpt, recipe: Recipe, call: Call, reasked: bool = False, halvings: int = 0
) -> list[Answer]:
    """Have a model that reads list the items of the fields, whatever their cues: an answer for each, like `ask`.

    Only an answer that was cut off is asked for in halves. Raises like `ask`.
    """
    question = build_reading(fields, passage, recipe.schema.prompts)
    # The card is asked along with other fields: its cost and its failures are theirs.
    noted = [field.name for field in fields if not field.on_card]
    about = {**_about(fields[0], passage), "field": "+".join(noted), **({REASKED: True} if reasked else {})}
    try:
        answer = put_leniently(question, about, recipe, call)
    except FATAL:
        raise
    except TruncatedError as error:
        halves = _halves(passage)
        if halvings >= MOST_HALVINGS or len(passage.text) < SMALLEST_PASSAGE or len(halves) < 2:
            return _all_failed(fields, passage, error)
        answers = [ask_reader(fields, half, recipe, call, True, halvings + 1) for half in halves]
        return [_joined(field, passage, parts) for field, *parts in zip(fields, *answers, strict=True)]
    except ExtractorError as error:
        return _all_failed(fields, passage, error)
    unasked = unasked_in(fields, answer)
    return [_read_field(field, answer, passage, unasked) for field in fields]


def _halves(passage: Excerpt) -> list[Excerpt]:
    """Two parts of a passage, cut where a passage may begin; the passage alone if it can't be cut."""
    first, *others = split_passages(passage, len(passage.text) // 2 + 1)
    if not others:
        return [passage]
    # Three parts if the middle lies in a long sentence: the last two are one half.
    begin = bisect_left(passage.starts, others[0].start)
    return [first, passage.cut(begin, len(passage.text), others[0].headings)]


def _all_failed(fields: Sequence[Field], passage: Excerpt, error: ExtractorError) -> list[Answer]:
    failed = ((passage.start, passage.end, error),)
    return [Answer(field.name, passage, failed=() if field.on_card else failed) for field in fields]


def _read_field(field: Field, answer: Json, passage: Excerpt, unasked: Sequence[Loss]) -> Answer:
    items, losses = items_in(field, answer)
    losses += [loss for loss in unasked if loss[0] == field.name]
    problems = [Problem("unfit", name, words, passage.start, passage.end, why) for name, words, why in losses]
    return Answer(field.name, passage, tuple(items), problems=tuple(problems))


def _joined(field: Field, passage: Excerpt, parts: Sequence[Answer]) -> Answer:
    return Answer(
        field.name,
        passage,
        tuple(item for part in parts for item in part.items),
        tuple(failed for part in parts for failed in part.failed),
        tuple(problem for part in parts for problem in part.problems),
    )


def ask_by_reading(field: Field, passage: Excerpt, recipe: Recipe, call: Call, reasked: bool = False) -> Answer:
    """Have the model read the passage, whatever the profile's style and the field's cue. Raises like `ask`.

    `reasked` marks the question as a part of one that was answered badly.
    """
    if recipe.profile.style == "read":
        return ask_reader([field], passage, recipe, call, reasked)[0]
    if is_left_to_large_models(field, recipe.profile):
        return Answer(field.name, passage)
    try:
        return _read_or_halve(field, passage, recipe, call, reasked)
    except FATAL:
        raise
    except ExtractorError as error:
        return Answer(field.name, passage, failed=((passage.start, passage.end, error),))


def verify(field: Field, passage: Excerpt, words: str, clause: str, recipe: Recipe, call: Call) -> bool:
    """Ask the model about one item: whether it is an item of the field. Raises ExtractorError."""
    profile = recipe.profile
    # A model that returns probabilities answers at once; any other may think first, within the usual limit.
    settings: Json = {profile.limit: profile.output}
    if profile.sure is not None:
        settings = {profile.limit: 20, "logprobs": True, "top_logprobs": 5}
    # Without the example: the model would compare with its items and judge less accurately.
    prompts = replace(recipe.schema.prompts, example=None)
    recipe = replace(recipe, schema=replace(recipe.schema, prompts=prompts))
    text = verification_text(field, passage, words, clause, prompts)
    answer, completion = put(text, Confirmation, {**_about(field, passage), "verifying": True}, settings, recipe, call)
    probability = _probability_of_yes(completion) if profile.sure is not None else None
    return answer.answer == YES if probability is None or profile.sure is None else probability >= profile.sure


def _probability_of_yes(completion: Json) -> float | None:
    """The probability of 是 against 否 at the token of the answer; None if the endpoint returns none."""
    logprobs = completion["choices"][0].get("logprobs") or {}
    for token in logprobs.get("content") or ():
        if YES in token["token"] or NO in token["token"]:
            weights = {t["token"]: math.exp(t["logprob"]) for t in token.get("top_logprobs") or ()}
            yes = sum(w for t, w in weights.items() if YES in t)
            no = sum(w for t, w in weights.items() if NO in t)
            return yes / (yes + no) if yes + no else None
    return None


def is_left_to_large_models(field: Field, profile: Profile) -> bool:
    """Whether a model that fills forms is asked for nothing of the field."""
    return profile.style == "form" and not field.asked_of_any


def label_passage(field: Field, passages: Sequence[Excerpt], speech: Excerpt) -> Excerpt | None:
    """The one passage that a model that fills forms is asked about for a label: the first that matches its cue."""
    return next((passage for passage in passages if is_cued(field, passage, speech)), None)


def is_cued(field: Field, passage: Excerpt, speech: Excerpt) -> bool:
    """Whether the passage has the words of the field's cue and a clause in its mood."""
    if field.mood is not None and not in_mood(field.mood.kind, passage, speech):
        return False
    if field.cue is None:
        return True
    pattern = re.compile(field.cue.pattern)
    if field.item is not None and field.anchor.kind.cued_by == "clause":
        return any(pattern.search(passage.text[i:j]) for i, j in clauses(passage.text))
    spans = sentences(passage.text) if field.anchor.kind.cued_by == "sentence" else [(0, len(passage.text))]
    places = ((i + m.start(), i + m.end()) for i, j in spans for m in pattern.finditer(passage.text[i:j]))
    return any(field.cue.where == "anywhere" or at_ends(passage, place, speech) for place in places)


def _read_or_halve(field: Field, passage: Excerpt, recipe: Recipe, call: Call, reasked: bool) -> Answer:
    """Ask about the passage; if the answer is truncated or invalid, ask about its halves."""
    question = build_read(field, passage, recipe.schema.prompts)
    try:
        return Answer(field.name, passage, tuple(_ask_question(question, recipe, call, reasked)))
    except AnswerError as error:
        halves = split_passages(passage, max(1, len(passage.text) // 2 + 1))
        if len(passage.text) < SMALLEST_PASSAGE or len(halves) < 2:
            return Answer(field.name, passage, failed=((passage.start, passage.end, error),))
    # Each half is asked about even if the other fails. Items that a model reads have no place that would need
    # shifting.
    answers = [ask_by_reading(field, half, recipe, call, reasked=True) for half in halves]
    items = tuple(item for answer in answers for item in answer.items)
    return Answer(field.name, passage, items, tuple(failed for answer in answers for failed in answer.failed))


def _ask_form(
    field: Field,
    passage: Excerpt,
    candidates: Sequence[Candidate],
    recipe: Recipe,
    call: Call,
    reasked: bool = False,
) -> tuple[list[AnswerItem], list[Failed]]:
    """Ask about the candidates; if the answer is truncated or invalid, about each half of them."""
    question = build_form(field, passage, candidates, recipe.schema.prompts)
    try:
        return _ask_question(question, recipe, call, reasked), []
    except AnswerError as error:
        if len(candidates) == 1 or field.item is None:
            return [], [(*passage.span(*candidates[0].place), error)]
    half = len(candidates) // 2
    halves = [_ask_form(field, passage, part, recipe, call, True) for part in (candidates[:half], candidates[half:])]
    return [item for items, _ in halves for item in items], [one for _, failed in halves for one in failed]


def _batches(candidates: Sequence[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    """Batches of at most `size`, as even as possible."""
    if not candidates:
        return
    count = -(-len(candidates) // size)
    for i in range(count):
        yield candidates[len(candidates) * i // count : len(candidates) * (i + 1) // count]


def _ask_question(question: Question, recipe: Recipe, call: Call, reasked: bool) -> list[AnswerItem]:
    """Ask one question and read its answer back. Raises ExtractorError."""
    settings: Json = {recipe.profile.limit: _max_tokens(question, recipe.profile)}
    about = {**_about(question.field, question.passage), **({REASKED: True} if reasked else {})}
    answer, _ = put(question.text, question.model, about, settings, recipe, call)
    return question.read_back(answer)


def _about(field: Field, passage: Excerpt) -> Json:
    return {"document": passage.document.id, "start": passage.start, "end": passage.end, "field": field.name}


def _max_tokens(question: Question, profile: Profile) -> int:
    """The token limit of an answer: for a form by the number of rows, at most what the profile allows."""
    if not question.candidates:
        return profile.output
    return min(profile.output, 40 + 80 * len(question.candidates))
