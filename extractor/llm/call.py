"""What is asked of a model and what comes back, as plain JSON: the one seam to every model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from extractor.document import Json
from extractor.files import escape_halves


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls cost, in tokens."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.requests - other.requests,
            self.input_tokens - other.input_tokens,
            self.cached_tokens - other.cached_tokens,
            self.output_tokens - other.output_tokens,
        )

    def to_json(self) -> Json:
        return {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "cached_tokens": self.cached_tokens,
            "output_tokens": self.output_tokens,
        }

    @classmethod
    def from_json(cls, told: Json) -> Usage:
        """What `to_json` tells; what is left out is none."""
        names = ("requests", "input_tokens", "cached_tokens", "output_tokens")
        return cls(*(told.get(name, 0) for name in names))

    @classmethod
    def of(cls, completion: Json) -> Usage:
        """What one chat completion cost, as far as it tells."""
        told = completion.get("usage") or {}
        cached = (told.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return cls(1, told.get("prompt_tokens") or 0, cached, told.get("completion_tokens") or 0)


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. `body` is what is sent (chat completion, plain JSON) and is all that the
    answer depends on; `about` says what it was asked for (document, start, end, field) and is never sent."""

    body: Json
    about: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """The chat completion as plain JSON, who answered (model, version, digest), and at which attempt."""

    body: Json
    by: Json = field(default_factory=dict)
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a request has ended: the how manieth, after how many seconds, and what it cost or which kind of
    fault it met."""

    request: Request
    number: int
    seconds: float
    usage: Usage
    fault: str | None = None


Call = Callable[[Request], Reply]


REASKED = "reasked"
"""In `about`: the question is put another time, since the answer to it did not fit or was cut off."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a model is best asked.

    `style` "read": it reads the passage and lists what it finds. "form": where a field's type and cue let code
    find candidates (names, numbers, dates, clauses), the model only chooses among them and describes them; a small
    model copies well but neither enumerates nor judges. `passage` is visible characters a question, `rows` candidates a form, `output` the
    most tokens an answer may have, `sampling` what goes into the request beside the messages. `answer` is how the
    shape of the answer is told: as a JSON Schema beside the messages (`strict`: as OpenAI's strict mode wants it), or,
    where an endpoint knows no such thing, in words. `limit` is the request field that bounds the answer. `second_pass` asks once more where the signs of a field are left
    uncited, `verify` puts each item to the model once more; `sure` is how probable its yes must then be, where the
    endpoint tells probabilities (None: it doesn't, and a yes is a yes).
    """

    style: Literal["read", "form"] = "read"
    passage: int = 3000
    rows: int = 20
    output: int = 4000
    sampling: Json = field(default_factory=dict)
    answer: Literal["json_schema", "strict", "json_object"] = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    second_pass: bool = False
    verify: bool = False
    sure: float | None = None
    combine: bool = False


def request_key(body: Json) -> str:
    """Names the request by its meaning: sha256 of its canonical JSON."""
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(escape_halves(canonical).encode()).hexdigest()
