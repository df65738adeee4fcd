"""Have the model fill the schema from one passage, a field a question.

The passage goes first and the question last, so that the questions about one passage share their prefix. Each
question is the shape of its own field only: a field that is added, changed or removed leaves the others as they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel

from extractor.candidates import Candidate, find_candidates, in_mood
from extractor.data import Answer, Call, Excerpt, Json, Problem, Profile, Request, Row
from extractor.faults import FATAL, Fault
from extractor.passages import clauses, sentences, split_passages
from extractor.question import Question, build_form, build_read, open_candidates, settle_without_model, system_text
from extractor.recipe import Recipe
from extractor.shape import Field

# A lead and a sign-off: how far from the ends of a speech a field with `where="ends"` is looked for.
HEAD, TAIL = 300, 150
# A passage that is answered at too great a length is halved down to this; then it is reported.
SMALLEST_PASSAGE = 120
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.S)


def ask(field: Field, passage: Excerpt, speech: Excerpt, recipe: Recipe, call: Call) -> Answer:
    """The field's items in the passage, as the model words them; a question that failed is on its list, with its
    fault. Raises only a fault after which no other question can be answered either (FATAL)."""
    candidates = find_candidates(field, passage, speech) if recipe.profile.style == "form" else None
    if candidates is None:
        if not _is_cued(field, passage, speech):
            return Answer(field.name, passage)
        return ask_again(field, passage, recipe, call)
    if field.cue is not None and field.cue.where == "ends":
        candidates = [c for c in candidates if _at_ends(passage, c.place, speech)]
    rows = settle_without_model(field, candidates)
    problems: list[Problem] = []
    failed: list[tuple[int, int, Exception]] = []
    for batch in _batches(open_candidates(field, candidates), recipe.profile.rows):
        try:
            more, trouble = _ask_form(field, passage, batch, recipe, call)
        except FATAL:
            raise
        except Fault as fault:
            failed.append((*passage.span(batch[0].place[0], batch[-1].place[1]), fault))
            continue
        rows += more
        problems += trouble
    rows.sort(key=lambda row: row.place or (0, 0))
    return Answer(field.name, passage, tuple(rows), tuple(problems), tuple(failed))


def ask_again(field: Field, passage: Excerpt, recipe: Recipe, call: Call) -> Answer:
    """The field's items in a passage of which something is left uncited: to be read, whatever the profile's style."""
    try:
        return _ask_reading(field, passage, recipe, call)
    except FATAL:
        raise
    except Fault as fault:
        return Answer(field.name, passage, failed=((passage.start, passage.end, fault),))


def _is_cued(field: Field, passage: Excerpt, speech: Excerpt) -> bool:
    """Whether the passage has the words of the field's cue; one for clauses is held against each clause."""
    if field.mood is not None and not in_mood(field.mood.kind, passage, speech):
        return False
    if field.cue is None:
        return True
    pattern = re.compile(field.cue.pattern)
    if field.item is not None and field.anchor.kind == "clause":
        return any(pattern.search(passage.text[i:j]) for i, j in clauses(passage.text))
    spans = sentences(passage.text) if field.anchor.kind == "date" else [(0, len(passage.text))]
    places = [(i + m.start(), i + m.end()) for i, j in spans for m in pattern.finditer(passage.text[i:j])]
    return any(field.cue.where == "anywhere" or _at_ends(passage, place, speech) for place in places)


def _at_ends(passage: Excerpt, place: tuple[int, int], speech: Excerpt) -> bool:
    """Whether a place in the passage lies in the lead or the sign-off of the speech (source offsets)."""
    start, end = passage.span(*place)
    first, last = speech.starts[0], speech.ends[-1]
    head = speech.ends[min(HEAD, len(speech.ends)) - 1]
    tail = speech.starts[max(0, len(speech.starts) - TAIL)]
    return first <= start <= head or tail <= end <= last


def _ask_reading(field: Field, passage: Excerpt, recipe: Recipe, call: Call) -> Answer:
    question = build_read(field, passage, recipe.schema.prompts, recipe.profile)
    try:
        return Answer(field.name, passage, tuple(_put(question, recipe, call)))
    except Unfinished as unfinished:
        halves = split_passages(passage, max(1, len(passage.text) // 2 + 1))
        if len(passage.text) < SMALLEST_PASSAGE or len(halves) < 2:
            return Answer(field.name, passage, (), (_unanswered(field, passage, unfinished.reason),))
    # Asking for less: the same question about each half. Rows of a half have no place, so they need no shifting.
    answers = [_ask_reading(field, half, recipe, call) for half in halves]
    rows = tuple(row for answer in answers for row in answer.rows)
    return Answer(field.name, passage, rows, tuple(p for answer in answers for p in answer.problems))


def _ask_form(
    field: Field, passage: Excerpt, candidates: Sequence[Candidate], recipe: Recipe, call: Call
) -> tuple[list[Row], list[Problem]]:
    question = build_form(field, passage, candidates, recipe.schema.prompts)
    try:
        return _put(question, recipe, call), []
    except Unfinished as unfinished:
        if len(candidates) == 1 or field.item is None:
            start, end = passage.span(*candidates[0].place)
            return [], [_unanswered(field, passage, unfinished.reason, start, end)]
    half = len(candidates) // 2
    parts = [_ask_form(field, passage, part, recipe, call) for part in (candidates[:half], candidates[half:])]
    return [row for rows, _ in parts for row in rows], [p for _, problems in parts for p in problems]


def _batches(candidates: Sequence[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    """Even batches of at most `size`."""
    if not candidates:
        return
    count = -(-len(candidates) // size)
    for i in range(count):
        yield candidates[len(candidates) * i // count : len(candidates) * (i + 1) // count]


def _unanswered(
    field: Field, passage: Excerpt, reason: str, start: int | None = None, end: int | None = None
) -> Problem:
    return Problem(
        "unanswered",
        field.name,
        None,
        passage.start if start is None else start,
        passage.end if end is None else end,
        reason,
    )


# --- the way through instructor ---


class Unfinished(Exception):
    """The model's answer was cut off at its length limit, or did not fit the shape even when told so."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _put(question: Question, recipe: Recipe, call: Call) -> list[Row]:
    """One question through instructor: parsed, validated, errors fed back once. Raises Unfinished or Fault."""
    from instructor.core.exceptions import IncompleteOutputException, InstructorRetryException

    profile = recipe.profile
    messages = [
        {"role": "system", "content": system_text(recipe.schema.prompts)},
        {"role": "user", "content": question.text + _shape_in_words(question, profile)},
    ]
    about = {"start": question.passage.start, "end": question.passage.end, "field": question.field.name}

    def send(body: Json) -> Json:
        if profile.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        return call(Request(body, {"document": question.passage.document.id, **about})).body

    create = instructed(send)
    try:
        answer = create(
            model=recipe.model,
            messages=messages,
            response_model=question.model,
            max_retries=1,
            **{profile.limit: _most_tokens(question, profile)},
            **profile.sampling,
        )
    except IncompleteOutputException as error:
        raise Unfinished("the answer was cut off at its length limit, for a passage too small to halve") from error
    except InstructorRetryException as error:
        fault = _fault_within(error)
        if fault is not None:
            raise fault from None
        if _was_cut_off(error):
            raise Unfinished("the answer was cut off at its length limit, for a passage too small to halve") from error
        if not _is_misfit(error):
            # A bug of ours or of a library is no bad answer: let it be seen.
            raise
        raise Unfinished("the answer did not fit the schema, nor did the second try") from error
    return question.read_back(answer)


def _shape_in_words(question: Question, profile: Profile) -> str:
    """The answer's JSON Schema as text, for an endpoint that takes none beside the messages."""
    if profile.answer == "json_schema":
        return ""
    return f"\n按此 JSON Schema 输出 JSON：{json.dumps(question.model.model_json_schema(), ensure_ascii=False)}"


def _most_tokens(question: Question, profile: Profile) -> int:
    """What a full answer may need: rows are bounded in form; never more than the profile allows."""
    if not question.candidates:
        return profile.output
    return min(profile.output, 40 + 80 * len(question.candidates))


class _Create(Protocol):
    def __call__(self, *, response_model: type[BaseModel], **body: Any) -> BaseModel: ...


def instructed(send: Callable[[Json], Json]) -> _Create:
    """instructor's `create` over any function from request body to completion, both plain JSON.

    instructor edits messages and usage of what passes through it: `send` gets a copy, and gives a fresh completion.
    """
    import instructor
    from openai.types.chat import ChatCompletion

    def create(**body: Any) -> ChatCompletion:
        # As lenient as the openai client itself: endpoints leave out what they don't care for.
        return ChatCompletion.construct(**_unfenced(send(_plain(body))))

    _quiet_instructor()
    patched: _Create = instructor.patch(create=create, mode=instructor.Mode.JSON_SCHEMA)
    return patched


def _unfenced(completion: Json) -> Json:
    """The completion with its JSON freed of the ```json fence that some models put around it."""
    first, *others = completion["choices"]
    message = first.get("message") or {}
    fenced = _FENCE.fullmatch(message.get("content") or "")
    if fenced is None:
        return completion
    return {**completion, "choices": [{**first, "message": {**message, "content": fenced.group(1)}}, *others]}


@cache
def _quiet_instructor() -> None:
    import logging
    import os

    # A re-ask would hold a URL with pydantic's version, so that an upgrade would make every recording stale.
    os.environ["PYDANTIC_ERRORS_INCLUDE_URL"] = "0"
    logging.getLogger("instructor").setLevel(logging.CRITICAL)


def _plain(body: dict[str, Any]) -> Json:
    """The request as plain JSON, as it is at this moment."""
    plain: Json = json.loads(json.dumps(body, ensure_ascii=False))
    return plain


def _fault_within(error: BaseException) -> Fault | None:
    """The Fault that instructor wrapped, if a fault is what ended the call."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        if isinstance(inner, Fault):
            return inner
        seen.add(id(inner))
        inner = inner.__cause__ or inner.__context__
    return None


def _is_misfit(error: BaseException) -> bool:
    """Whether the model's answers, and nothing else, are to blame."""
    from instructor.core.exceptions import ResponseParsingError
    from pydantic import ValidationError

    cause = error.__cause__
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    return isinstance(cause, (ValidationError, ResponseParsingError, json.JSONDecodeError))


def _was_cut_off(error: BaseException) -> bool:
    from instructor.core.exceptions import IncompleteOutputException

    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, IncompleteOutputException):
            return True
        inner = inner.__cause__
    return False
