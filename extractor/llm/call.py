"""Requests to a model and its replies, as plain JSON. Everything that reaches a model is a `Call`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from extractor.document import Json
from extractor.files import escape_surrogates

# More tokens than any one answer can have.
_MOST_TOKENS = 10**9


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests and tokens used; `estimated` counts the requests whose tokens the endpoint did not report."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    estimated: int = 0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.estimated + other.estimated,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.requests - other.requests,
            self.input_tokens - other.input_tokens,
            self.cached_tokens - other.cached_tokens,
            self.output_tokens - other.output_tokens,
            self.estimated - other.estimated,
        )

    def to_json(self) -> Json:
        return {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "cached_tokens": self.cached_tokens,
            "output_tokens": self.output_tokens,
            "estimated": self.estimated,
        }

    @classmethod
    def from_json(cls, value: Json) -> Usage:
        """The inverse of `to_json`; missing numbers are 0."""
        names = ("requests", "input_tokens", "cached_tokens", "output_tokens", "estimated")
        return cls(*(value.get(name, 0) for name in names))

    @classmethod
    def of(cls, completion: Json) -> Usage:
        """The usage of one chat completion; what the endpoint does not report, or is no count (-1, NaN, "n/a"), is 0."""
        usage = completion.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        read, written = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
        # Some (Gemini) leave the tokens of thoughts out of completion_tokens, and bill them.
        written = max(written, _count(usage.get("total_tokens")) - read)
        return cls(1, read, min(read, _cached_tokens(usage)), written)


def _cached_tokens(usage: Json) -> int:
    """The input tokens that the provider had in its cache, in whichever field it reports them."""
    details = usage.get("prompt_tokens_details")
    reported = (
        details.get("cached_tokens") if isinstance(details, dict) else None,  # OpenAI and most others
        usage.get("prompt_cache_hit_tokens"),  # DeepSeek
        usage.get("cached_tokens"),  # StepFun, Moonshot, Together
    )
    return next((count for count in map(_count, reported) if count), 0)


def _count(value: object) -> int:
    """The value as a number of tokens; 0 if it can't be one."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else 0


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    `body` is the chat completion request that is sent, and all that the answer depends on. `about` says what
    the question is for (document, start, end, field) and is never sent. `on_reply` is called with the reply
    before the next question may be sent in its place, so that a kill costs no more answers than are under way.
    """

    body: Json
    about: Json = field(default_factory=dict)
    on_reply: Callable[[Reply], None] = lambda reply: None


@dataclass(frozen=True, slots=True)
class Reply:
    """A chat completion, who answered (model, version, digest, endpoint), and how many attempts it took."""

    body: Json
    by: Json = field(default_factory=dict)
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has ended: its number (from 1), duration, and usage or the kind of its error."""

    request: Request
    number: int
    seconds: float
    usage: Usage
    error: str | None = None


Call = Callable[[Request], Reply]


def with_changed_reply(call: Call, request: Request, change: Callable[[Reply], Reply]) -> Reply:
    """The changed reply to a request; `on_reply` gets it changed as well."""
    return change(call(replace(request, on_reply=lambda reply: request.on_reply(change(reply)))))


REASKED = "reasked"
"""A key of `about`: the question is asked again, because its answer did not fit the schema or was cut off."""


AnswerFormat = Literal["json_schema", "strict", "json_object", "text"]
ANSWER_FORMATS: dict[str, AnswerFormat] = {
    "json-schema": "json_schema",
    "strict": "strict",
    "json-object": "json_object",
    "none": "text",
}
"""What `--answer-format` takes."""


def option_of(answer: AnswerFormat | None) -> str | None:
    """What `--answer-format` calls it."""
    return next((name for name, known in ANSWER_FORMATS.items() if known == answer), None)


LimitField = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How to ask a model.

    style        "read": the model reads the passage and lists what it finds. "form": if a field's type and
                 cue allow it, code finds candidates (names, numbers, dates, clauses), and the model only
                 chooses among them and describes them. A small model copies well, but enumerates and judges
                 poorly.
    passage      the maximum number of visible characters of text in a question
    rows         the maximum number of candidates in a form
    output       the maximum number of tokens in an answer
    sampling     further fields of the request, such as the temperature
    answer       how the request describes the answer: by a JSON Schema beside the messages ("strict": for
                 OpenAI's strict mode), or in words, for an endpoint that takes no schema ("text": nor a
                 `response_format` at all)
    limit        the request field that limits the answer's tokens
    second_pass  ask once more if something that a field expects is left uncited
    verify       ask the model to confirm each item
    sure         the minimum probability of that yes, if the endpoint reports it; None: every yes counts
    combine      ask for several fields in one question
    """

    style: Literal["read", "form"] = "read"
    passage: int = 3000
    rows: int = 20
    output: int = 4000
    sampling: Json = field(default_factory=dict)
    answer: AnswerFormat = "json_schema"
    limit: LimitField = "max_tokens"
    second_pass: bool = False
    verify: bool = False
    sure: float | None = None
    combine: bool = False


def request_key(body: Json) -> str:
    """The request's key: the sha256 of its canonical JSON."""
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(escape_surrogates(canonical).encode()).hexdigest()
