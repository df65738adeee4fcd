"""The nouns of the line. Plain frozen data: no stage's logic lives here."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """One source text as decoded. All offsets anywhere are code points of `text`.

    `media` is "text" or "html"; an HTML page keeps its markup in `text`, `clean` leaves it out.
    `sha256` is of the file's bytes (of the row's UTF-8 text for a JSONL or CSV row).
    """

    id: str
    path: str
    text: str
    sha256: str
    media: Literal["text", "html"] = "text"


@dataclass(frozen=True, slots=True)
class Omission:
    """Characters `start:end` of the source that no model sees, and the rule that left them out."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some of a document's characters, in order, as a model sees them, with their place in the source.

    `text[i]` stands for `document.text[starts[i]:ends[i]]`: usually one character; more where inline noise
    belongs to it (核(hé) is one visible character, 5 source characters).
    """

    document: Document
    text: str
    starts: array[int]
    ends: array[int]
    omissions: tuple[Omission, ...] = ()
    headings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.text) == len(self.starts) == len(self.ends):
            raise ValueError("an Excerpt needs one start and one end for each character")

    @classmethod
    def whole(cls, document: Document) -> Excerpt:
        """The document itself, nothing left out."""
        n = len(document.text)
        return cls(document, document.text, array("q", range(n)), array("q", range(1, n + 1)))

    @property
    def start(self) -> int:
        """First source offset covered (0 when empty)."""
        return self.starts[0] if self.starts else 0

    @property
    def end(self) -> int:
        """Source offset after the last character covered."""
        return self.ends[-1] if self.ends else 0

    def cut(self, i: int, j: int, headings: tuple[str, ...] | None = None) -> Excerpt:
        """Visible characters i:j as an Excerpt of their own."""
        part = replace(self, text=self.text[i:j], starts=self.starts[i:j], ends=self.ends[i:j])
        return part if headings is None else replace(part, headings=headings)

    def span(self, i: int, j: int) -> tuple[int, int]:
        """Source offsets of the visible characters i:j, noise inside included."""
        return self.starts[i], self.ends[j - 1]

    def source(self, i: int, j: int) -> str:
        """The source's own characters behind the visible ones i:j."""
        start, end = self.span(i, j)
        return self.document.text[start:end]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was asked or answered and did not make it into the record, and why."""

    kind: str
    field: str
    value: str | None = None
    start: int | None = None
    end: int | None = None
    detail: str = ""

    def to_json(self) -> Json:
        return {
            "kind": self.kind,
            "field": self.field,
            "value": self.value,
            "start": self.start,
            "end": self.end,
            "detail": self.detail,
        }


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

AGAIN = "again"
"""In `about`: the question is put another time, since the answer to it did not fit or was cut off."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a model is best asked.

    `style` "read": it reads the passage and lists what it finds. "form": where a field's type and cue let code
    find candidates (names, numbers, dates, clauses), the model only chooses among them and describes them; a small
    model copies well but neither enumerates nor judges. `passage` is visible characters a question, `rows` candidates a form, `output` the
    most tokens an answer may have, `sampling` what goes into the request beside the messages. `answer` is how the
    shape of the answer is told: as a JSON Schema beside the messages (`strict`: as OpenAI's strict mode wants it), or,
    where an endpoint knows no such thing, in words. `limit` is the request field that bounds the answer. `fill` asks once more where the signs of a field are left
    uncited, `confirm` puts each item to the model once more; `sure` is how probable its yes must then be, where the
    endpoint tells probabilities (None: it doesn't, and a yes is a yes).
    """

    style: Literal["read", "form"] = "read"
    passage: int = 3000
    rows: int = 20
    output: int = 4000
    sampling: Json = field(default_factory=dict)
    answer: Literal["json_schema", "strict", "json_object"] = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    fill: bool = False
    confirm: bool = False
    sure: float | None = None
    together: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One item as the model answered it: leaf name → string, list of strings or None. `place` is where its anchor
    stands (visible characters of the passage), when code had offered that place as a candidate."""

    values: Json
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking for one field from one passage. `failed` holds the questions that got no answer: their place
    in the source and the fault (an exception) that is to blame."""

    field: str
    passage: Excerpt
    rows: tuple[Row, ...] = ()
    failed: tuple[tuple[int, int, Exception], ...] = ()
