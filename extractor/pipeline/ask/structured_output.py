"""One question to a model: sent with its JSON Schema, answered, and asked once more if the answer can't be used.

The only module that imports instructor, which words the request and validates the answer. Requests and
completions are plain JSON on both sides of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import cache, lru_cache
from typing import Any, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError

from extractor.document import Json
from extractor.errors import AnswerError, ExtractorError, InvalidAnswerError, TruncatedError
from extractor.llm.answer_format import SCHEMA_IN_WORDS, in_words, schema_beside
from extractor.llm.call import REASKED, Call, Profile, Request, request_key
from extractor.llm.strict_schema import strict_schema, violations
from extractor.pipeline.ask.answer_json import answer_text, quoted, read_answer
from extractor.pipeline.ask.misfit import second_try
from extractor.pipeline.ask.questions import ReadingQuestion, system_text
from extractor.pipeline.recipe import Recipe

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
    conversation = _Conversation(model, model, (), about, recipe, call)
    answer = conversation.ask(messages, settings)
    return answer, conversation.completions[-1]


def put_leniently(question: ReadingQuestion, about: Json, recipe: Recipe, call: Call) -> Json:
    """Ask one question of a model that reads; returns the object that answers it, unchecked but for being JSON.

    Only what can't be read as JSON is asked again, once. Raises ExtractorError, as `put` does.
    """
    profile = recipe.profile
    rules, passage = question.messages
    # The schema is the same for every passage, so it belongs in front of them.
    messages = [{**rules, "content": rules["content"] + _schema_in_words(question.model, profile)}, passage]
    # Items can only come bare if one thing was asked for.
    parts = [leaf.name for field in question.fields for leaf in field.asked if field.item and len(question.fields) == 1]
    conversation = _Conversation(question.model, _open_model(question.model), parts, about, recipe, call)
    conversation.ask(messages, {profile.limit: profile.output})
    return conversation.answers[-1]


class _Conversation:
    """The requests of one question and what came back.

    `model` is the answer's schema, `accepts` what an answer must fit, `parts` the keys of items that may come
    bare.
    """

    def __init__(
        self,
        model: type[BaseModel],
        accepts: type[BaseModel],
        parts: Collection[str],
        about: Json,
        recipe: Recipe,
        call: Call,
    ) -> None:
        self._model, self._accepts, self._parts = model, accepts, parts
        self._about, self._recipe, self._call = about, recipe, call
        self.requests: list[Request] = []
        self.completions: list[Json] = []
        self.answers: list[Json] = []

    def ask(self, messages: list[Json], settings: Json) -> Any:
        """What `accepts` makes of the answer, the second if the first can't be used. Raises ExtractorError."""
        try:
            return self._attempt(messages, settings)
        except TruncatedError:
            raise  # the second answer would be as long
        except AnswerError as error:
            last = messages[-1]
            again = second_try(self._model, _validation_error(error))
        return self._attempt([*messages[:-1], {**last, "content": f"{last['content']}{again}"}], settings)

    def _attempt(self, messages: list[Json], settings: Json) -> Any:
        from instructor.core.exceptions import InstructorRetryException

        try:
            return instructed(self._send)(
                model=self._recipe.model,
                messages=messages,
                response_model=_wrapped(self._accepts),
                max_retries=0,
                **settings,
                **self._recipe.profile.sampling,
            )
        except InstructorRetryException as cause:
            error = _error_within(cause)
            if isinstance(error, AnswerError):
                raise self._with_requests(error) from None
            if error is not None:
                raise error from None
            misfit = _validation_error(cause)
            if misfit is None:
                # A bug in this code or in a library is not a bad answer: let it surface.
                raise
            raise self._with_requests(InvalidAnswerError(_misfit(misfit, self.completions[-1]))) from misfit

    def _send(self, body: Json) -> Json:
        profile = self._recipe.profile
        if profile.answer == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif profile.answer == "text":
            del body["response_format"]
        elif profile.answer == "strict":
            body["response_format"]["json_schema"] |= _strict(self._model)
        # A question that is sent a second time is asked again because the first answer can't be used.
        about = {**self._about, REASKED: True} if self.completions else self._about
        self.requests.append(Request(body, about))
        self.completions.append(self._call(self.requests[-1]).body)
        self.answers.append(read_answer(self.completions[-1], tuple(self._model.model_fields), self._parts))
        return _with_content(self.completions[-1], self.answers[-1])

    def _with_requests(self, error: AnswerError) -> AnswerError:
        """The error with the keys of its requests, so that a retry does not reuse their cached answers."""
        error.requests = tuple(request_key(request.body) for request in self.requests)
        return error


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


def _misfit(error: ValidationError, completion: Json) -> str:
    """What does not fit, and the beginning of the answer."""
    first = " ".join(str(error).split())[:200]
    return f"The answer did not fit the schema, nor did the second try ({first}): {quoted(answer_text(completion))}."


def _schema_in_words(model: type[BaseModel], profile: Profile) -> str:
    """The answer's JSON Schema as text, for an endpoint that accepts no schema beside the messages."""
    if profile.answer not in ("json_object", "text"):
        return ""
    return in_words(model.model_json_schema())


def answer_schema_of(body: Json) -> Json:
    """The answer's JSON Schema, from beside the messages or the question's text; any object if there is none."""
    beside = schema_beside(body)
    if beside is not None:
        return beside
    for message in body.get("messages", ()):
        _, mark, after = message["content"].rpartition(SCHEMA_IN_WORDS)
        if mark:
            # What a second try adds comes behind it.
            schema: Json = json.JSONDecoder().raw_decode(after)[0]
            return schema
    return {"type": "object"}


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
        return ChatCompletion.construct(**send(_plain(body)))

    _quiet_instructor()
    patched: _Create = instructor.patch(create=create, mode=instructor.Mode.JSON_SCHEMA)
    return patched


@lru_cache(maxsize=256)
def _wrapped(model: type[Model]) -> type[Model]:
    """The model wrapped for instructor, cached: instructor would wrap it again for every call."""
    import instructor

    return cast("type[Model]", instructor.openai_schema(model))


@cache
def _quiet_instructor() -> None:
    import logging
    import os

    # Reasons of failures would contain a URL.
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


def _validation_error(error: BaseException) -> ValidationError | None:
    """The error of pydantic that is the first cause, if the answer does not fit the schema."""
    cause: BaseException | None = error
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    return cause if isinstance(cause, ValidationError) else None
