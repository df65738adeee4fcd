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
from extractor.errors import (
    AnswerError,
    BlankAnswerError,
    ExtractorError,
    InvalidAnswerError,
    RefusedError,
    TruncatedError,
)
from extractor.llm.call import REASKED, Call, Profile, Request, request_key
from extractor.llm.strict_schema import strict_schema, violations
from extractor.pipeline.ask.answer_json import CUT_OFF, answer_text, quoted, read_answer
from extractor.pipeline.ask.questions import system_text
from extractor.pipeline.recipe import Recipe

_SCHEMA_IN_WORDS = "\n按此 JSON Schema 输出 JSON："
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.S)
# Sent behind the question when an answer held no JSON that could be read.
_AGAIN = "\n（上一次的回答里没有可读的 JSON。这次只输出一个 JSON 对象，不要解释，不要代码块。）"
Model = TypeVar("Model", bound=BaseModel)


def put(text: str, model: type[Model], about: Json, settings: Json, recipe: Recipe, call: Call) -> tuple[Model, Json]:
    """Ask one question whose answer must fit `model`; returns the answer and the completion that holds it.

    `about` goes with the request but is never sent, `settings` are sent. Raises ExtractorError: an
    AnswerError if the answer is cut off or does not fit the schema, even after a second try.
    """
    messages = [
        {"role": "system", "content": system_text(recipe.schema.prompts)},
        {"role": "user", "content": text + _schema_in_words(model, recipe.profile)},
    ]
    conversation = _Conversation(model, about, recipe, call)
    answer = conversation.ask(messages, settings, max_retries=1)
    return answer, conversation.completions[-1]


def put_leniently(
    messages: list[Json], model: type[BaseModel], names: tuple[str, ...], about: Json, recipe: Recipe, call: Call
) -> Json:
    """Ask one question of a model that reads; returns the object that answers it, unchecked but for being JSON.

    Only what can't be read as JSON is asked again, once. Raises ExtractorError, as `put` does.
    """
    profile = recipe.profile
    settings: Json = {profile.limit: profile.output}
    conversation = _Conversation(_open_model(model), about, recipe, call, names)
    for attempt in range(2):
        try:
            conversation.ask(messages, settings, max_retries=0)
            return conversation.answers[-1]
        except (InvalidAnswerError, BlankAnswerError, RefusedError) as error:
            if attempt:
                error.requests = tuple(request_key(request.body) for request in conversation.requests)
                raise
            # A line more and not the former answer: what is wrong with it is that it is not there.
            messages = [*messages[:-1], {**messages[-1], "content": f"{messages[-1]['content']}{_AGAIN}"}]
    raise AssertionError("unreachable")


class _Conversation:
    """The requests of one question and what came back. `names` set: answers are read leniently."""

    def __init__(
        self, model: type[BaseModel], about: Json, recipe: Recipe, call: Call, names: tuple[str, ...] | None = None
    ) -> None:
        self._model, self._about, self._recipe, self._call, self._names = model, about, recipe, call, names
        self.requests: list[Request] = []
        self.completions: list[Json] = []
        self.answers: list[Json] = []

    def ask(self, messages: list[Json], settings: Json, max_retries: int) -> Any:
        """What instructor makes of the answer. Raises ExtractorError."""
        from instructor.core.exceptions import IncompleteOutputException, InstructorRetryException

        try:
            return instructed(self._send)(
                model=self._recipe.model,
                messages=messages,
                response_model=_wrapped(self._model),
                max_retries=max_retries,
                **settings,
                **self._recipe.profile.sampling,
            )
        except IncompleteOutputException as cause:
            raise _with_requests(TruncatedError(CUT_OFF), self.requests) from cause
        except InstructorRetryException as cause:
            error = _error_within(cause)
            if isinstance(error, AnswerError):
                raise _with_requests(error, self.requests) from None
            if error is not None:
                raise error from None
            if _was_cut_off(cause):
                raise _with_requests(TruncatedError(CUT_OFF), self.requests) from cause
            if not _is_invalid_answer(cause):
                # A bug in this code or in a library is not a bad answer: let it surface.
                raise
            raise _with_requests(InvalidAnswerError(_misfit(cause, self.completions[-1])), self.requests) from cause

    def _send(self, body: Json) -> Json:
        profile = self._recipe.profile
        if profile.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif profile.answer == "text":
            del body["response_format"]
        elif profile.answer == "strict":
            body["response_format"]["json_schema"] |= _strict(self._model)
        # A question that is sent a second time is asked again because the first answer does not fit.
        about = {**self._about, REASKED: True} if self.completions else self._about
        self.requests.append(Request(body, about))
        self.completions.append(self._call(self.requests[-1]).body)
        if self._names is None:
            return self.completions[-1]
        self.answers.append(read_answer(self.completions[-1], self._names))
        return _with_content(self.completions[-1], self.answers[-1])


def _with_content(completion: Json, answer: Json) -> Json:
    """The completion as if it held the answer and nothing else."""
    first, *others = completion["choices"]
    message = {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}
    return {**completion, "choices": [{**first, "message": message, "finish_reason": "stop"}, *others]}


@lru_cache(maxsize=256)
def _open_model(model: type[BaseModel]) -> type[BaseModel]:
    """A model with the JSON Schema of `model` that takes any object: what does not fit is read leniently later."""

    class Open(BaseModel):
        @classmethod
        def model_json_schema(cls, *args: Any, **settings: Any) -> dict[str, Any]:
            return model.model_json_schema(*args, **settings)

    Open.__name__ = Open.__qualname__ = model.__name__
    return Open


def _misfit(cause: BaseException, completion: Json) -> str:
    """What does not fit, and the beginning of the answer."""
    reason = cause
    while reason.__cause__ is not None:
        reason = reason.__cause__
    first = " ".join(str(reason).split())[:200]
    answer = quoted(answer_text(completion["choices"][0].get("message") or {}))
    return f"The answer did not fit the schema, nor did the second try ({first}): {answer}."


def _with_requests(error: AnswerError, requests: list[Request]) -> AnswerError:
    """The error with the keys of its requests, so that a retry does not reuse their cached answers."""
    error.requests = tuple(request_key(request.body) for request in requests)
    return error


def _schema_in_words(model: type[BaseModel], profile: Profile) -> str:
    """The answer's JSON Schema as text, for an endpoint that accepts no schema beside the messages."""
    if profile.answer not in ("json_object", "text"):
        return ""
    return f"{_SCHEMA_IN_WORDS}{json.dumps(model.model_json_schema(), ensure_ascii=False)}"


def answer_schema_of(body: Json) -> Json:
    """The answer's JSON Schema, from beside the messages or the question's text; any object if there is none."""
    beside: Json | None = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if beside is not None:
        return beside
    question = next(message["content"] for message in body["messages"] if message["role"] == "user")
    _, mark, in_words = question.rpartition(_SCHEMA_IN_WORDS)
    schema: Json = json.loads(in_words) if mark else {"type": "object"}
    return schema


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
