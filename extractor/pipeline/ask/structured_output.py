"""One question through instructor, which parses and validates the answer and sends an error back once.

The only module that imports instructor. Requests and completions are plain JSON on both sides of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel

from extractor.document import Json
from extractor.errors import AnswerError, ExtractorError, InvalidAnswerError, TruncatedError
from extractor.llm.call import REASKED, Call, Profile, Request, request_key
from extractor.llm.strict_schema import strict_schema, violations
from extractor.pipeline.ask.questions import system_text
from extractor.pipeline.recipe import Recipe

_SCHEMA_IN_WORDS = "\n按此 JSON Schema 输出 JSON："
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.S)
_CUT_OFF = "The answer was cut off at its length limit."
Model = TypeVar("Model", bound=BaseModel)


def put(text: str, model: type[Model], about: Json, settings: Json, recipe: Recipe, call: Call) -> tuple[Model, Json]:
    """Ask one question; returns the validated answer and the completion that holds it.

    `about` goes with the request but is never sent, `settings` are sent. Raises ExtractorError: an
    AnswerError if the answer is cut off or does not fit the schema, even after a second try.
    """
    from instructor.core.exceptions import IncompleteOutputException, InstructorRetryException

    profile = recipe.profile
    messages = [
        {"role": "system", "content": system_text(recipe.schema.prompts)},
        {"role": "user", "content": text + _schema_in_words(model, profile)},
    ]
    requests: list[Request] = []
    completions: list[Json] = []

    def send(body: Json) -> Json:
        if profile.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif profile.answer == "strict":
            body["response_format"]["json_schema"] |= _strict(model)
        # instructor asks again if an answer does not fit.
        requests.append(Request(body, {**about, REASKED: True} if completions else about))
        completions.append(call(requests[-1]).body)
        return completions[-1]

    create = instructed(send)
    try:
        answer = create(
            model=recipe.model,
            messages=messages,
            response_model=_wrapped(model),
            max_retries=1,
            **settings,
            **profile.sampling,
        )
    except IncompleteOutputException as cause:
        raise _with_requests(TruncatedError(_CUT_OFF), requests) from cause
    except InstructorRetryException as cause:
        error = _error_within(cause)
        if error is not None:
            raise error from None
        if _was_cut_off(cause):
            raise _with_requests(TruncatedError(_CUT_OFF), requests) from cause
        if not _is_invalid_answer(cause):
            # A bug in this code or in a library is not a bad answer: let it surface.
            raise
        raise _with_requests(
            InvalidAnswerError("The answer did not fit the schema, nor did the second try."), requests
        ) from cause
    return answer, completions[-1]


def _with_requests(error: AnswerError, requests: list[Request]) -> AnswerError:
    """The error with the keys of its requests, so that a retry does not reuse their cached answers."""
    error.requests = tuple(request_key(request.body) for request in requests)
    return error


def _schema_in_words(model: type[BaseModel], profile: Profile) -> str:
    """The answer's JSON Schema as text, for an endpoint that accepts no schema beside the messages."""
    if profile.answer != "json_object":
        return ""
    return f"{_SCHEMA_IN_WORDS}{json.dumps(model.model_json_schema(), ensure_ascii=False)}"


def answer_schema_of(body: Json) -> Json:
    """The answer's JSON Schema, from beside the messages or from the question's text."""
    beside: Json | None = body["response_format"].get("json_schema", {}).get("schema")
    if beside is not None:
        return beside
    question = next(message["content"] for message in body["messages"] if message["role"] == "user")
    in_words: Json = json.loads(question.rpartition(_SCHEMA_IN_WORDS)[2])
    return in_words


@lru_cache(maxsize=256)
def _strict(model: type[BaseModel]) -> Json:
    """The part of `response_format` that turns strict mode on, which instructor does not."""
    schema = strict_schema(model.model_json_schema())
    return {"schema": schema, "strict": True} if not violations(schema) else {}


class _Create(Protocol):
    def __call__(self, *, response_model: type[Model], **body: Any) -> Model: ...


def instructed(send: Callable[[Json], Json]) -> _Create:
    """instructor's `create` on top of a function from request body to completion, both plain JSON.

    instructor edits messages and usage in place, so `send` gets a copy and must return a new completion.
    """
    import instructor
    from openai.types.chat import ChatCompletion

    def create(**body: Any) -> ChatCompletion:
        # Not validated, like in the openai client itself: endpoints leave out fields.
        return ChatCompletion.construct(**_unfenced(send(_plain(body))))

    _quiet_instructor()
    patched: _Create = instructor.patch(create=create, mode=instructor.Mode.JSON_SCHEMA)
    return patched


def _unfenced(completion: Json) -> Json:
    """The completion without the ```json fence that some models put around their JSON."""
    first, *others = completion["choices"]
    message = first.get("message") or {}
    fenced = _FENCE.fullmatch(message.get("content") or "")
    if fenced is None:
        return completion
    return {**completion, "choices": [{**first, "message": {**message, "content": fenced.group(1)}}, *others]}


@lru_cache(maxsize=256)
def _wrapped(model: type[Model]) -> type[Model]:
    """The model wrapped for instructor, cached: instructor would wrap it again for every call."""
    import instructor

    return cast("type[Model]", instructor.openai_schema(model))


@cache
def _quiet_instructor() -> None:
    import logging
    import os

    # A re-ask would contain a URL with pydantic's version, and an upgrade would make every recording stale.
    os.environ["PYDANTIC_ERRORS_INCLUDE_URL"] = "0"
    logging.getLogger("instructor").setLevel(logging.CRITICAL)


def _plain(body: dict[str, Any]) -> Json:
    """A copy of the request as plain JSON."""
    plain: Json = json.loads(json.dumps(body, ensure_ascii=False))
    return plain


def _error_within(error: BaseException) -> ExtractorError | None:
    """The ExtractorError that instructor wrapped, if one ended the call."""
    seen: set[int] = set()
    inner: BaseException | None = error
    while inner is not None and id(inner) not in seen:
        if isinstance(inner, ExtractorError):
            return inner
        seen.add(id(inner))
        inner = inner.__cause__ or inner.__context__
    return None


def _is_invalid_answer(error: BaseException) -> bool:
    """Whether the cause is an answer that does not fit the schema, and nothing else."""
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
