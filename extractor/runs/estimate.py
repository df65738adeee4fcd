"""Estimate: what a run would ask, counted by running the line on the least answers; no model is asked, nothing is written.

Tokens out lie between the least answer to each question and, for each field that it asks for, as many as its passage has,
since an answer quotes the passage; never more than the request allows. What the answers themselves lead to is not in it:
re-asks of answers that do not fit, questions put again in parts, and with `verify` those about items that a model finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from extractor.document import Document, Json
from extractor.errors import NotRecordedError
from extractor.llm.call import Call, Reply, Request, Usage
from extractor.llm.prices import Price
from extractor.llm.tokens import WITHIN, longest_answer, tokens_in, tokens_of, tokens_of_shape
from extractor.output.resume import look
from extractor.pipeline.ask.structured_output import shape_of
from extractor.pipeline.convert import nothing_known
from extractor.pipeline.read.read import Unreadable
from extractor.runs.run import run
from extractor.runs.session import open_session
from extractor.runs.settings import Settings


@dataclass(frozen=True, slots=True)
class Range:
    """From, to."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)


NOTHING = Range(0, 0)


@dataclass
class Estimate:
    """What a run would ask. `documents` are to be converted; `held` are done, `waiting` failed in an earlier run and are
    not asked about, `failed` can't be converted; `outdated` counts records to be back-filled. Of the `questions` those
    `untaped` have no recorded reply, those `unrecorded` would fail for want of one; `requests` are left to ask, and how
    many ask for a field is in `fields`. `shapes` are tokens of JSON Schemas beside the messages, which an endpoint may
    count or not: they are in the higher of `tokens_in`."""

    model: str
    is_local: bool
    price: Price | None
    documents: int = 0
    skipped: int = 0
    waiting: int = 0
    failed: int = 0
    outdated: int = 0
    speeches: int = 0
    passages: int = 0
    questions: int = 0
    unrecorded: int = 0
    untaped: int = 0
    requests: int = 0
    shapes: int = 0
    tokens_in: Range = NOTHING
    tokens_out: Range = NOTHING
    fields: dict[str, int] = field(default_factory=dict)

    @property
    def recorded(self) -> int:
        """Questions that recorded replies answer."""
        return self.questions - self.untaped - self.unrecorded

    @property
    def kept(self) -> int:
        """Questions whose answers a run that was cut short has kept."""
        return self.untaped - self.requests

    @property
    def cost(self) -> Range | None:
        """US dollars, no token read from the provider's cache; None where no price is known."""
        if self.price is None:
            return None
        low, high = (
            self.price.of(Usage(self.requests, round(tokens_in), 0, round(tokens_out)))
            for tokens_in, tokens_out in (
                (self.tokens_in.low, self.tokens_out.low),
                (self.tokens_in.high, self.tokens_out.high),
            )
        )
        return Range(low, high)

    def minutes(self, rpm: float | None, tpm: float | None) -> Range:
        """That the run takes at the least at these limits."""
        by_requests = self.requests / rpm if rpm else 0.0
        tokens = self.tokens_in + self.tokens_out
        by_tokens = Range(tokens.low / tpm, tokens.high / tpm) if tpm else NOTHING
        return Range(max(by_requests, by_tokens.low), max(by_requests, by_tokens.high))


def forecast(settings: Settings, output: Path | None) -> Estimate:
    """What `extract` with these settings would ask; with an output, what going on with it would. Raises what `extract`
    raises for wrong settings, and Fault where the recordings can't be read."""
    if settings.mode == "record":  # which would write the least answers down
        settings = replace(settings, mode="auto")
    documents = settings.documents(output)
    with open_session(settings) as ready, ExitStack() as stack:
        told = Estimate(ready.recipe.model, ready.model.is_local, ready.recipe.price)
        counting = Counting(told)
        call: Call = counting.answer
        resumable = None
        if output is not None and (output.is_file() or not output.exists()):
            resumable, cache = stack.enter_context(look(output, ready.recipe))
            call = cache.over(call)
        summary = run(
            counting.reading(documents if resumable is None else resumable.pending(documents)),
            ready.recipe,
            counting.asked(ready.recordings.over(counting.untaped(call))),
            lambda document, lines, failures: None,
            known=resumable.known if resumable is not None else lambda document: nothing_known,
        )
    if summary.stopped is not None:
        raise summary.stopped
    told.speeches = summary.records
    told.documents = summary.documents - told.failed
    if resumable is not None:
        told.skipped, told.waiting, told.outdated = resumable.skipped, resumable.waiting, resumable.outdated
    return told


class Counting:
    """Counts the questions of a run, one document after the other, and those that nothing answers yet."""

    def __init__(self, told: Estimate) -> None:
        self._told = told
        self._text = ""
        self._passages: set[tuple[int, int]] = set()

    def reading(self, documents: Iterable[Document | Unreadable]) -> Iterator[Document | Unreadable]:
        """The documents, each looked at when it is taken."""
        for document in documents:
            self._passages.clear()
            if isinstance(document, Unreadable):
                self._told.failed += 1
            else:
                self._text = document.text
            yield document

    def asked(self, call: Call) -> Call:
        """`call`, with each question counted."""

        def counted(request: Request) -> Reply:
            about = request.about
            place = about["start"], about["end"]
            self._told.passages += place not in self._passages
            self._passages.add(place)
            self._told.questions += 1
            try:
                return call(request)
            except NotRecordedError:
                self._told.unrecorded += 1
                raise

        return counted

    def untaped(self, call: Call) -> Call:
        """`call`, with each question counted that no recording answers."""

        def counted(request: Request) -> Reply:
            self._told.untaped += 1
            return call(request)

        return counted

    def answer(self, request: Request) -> Reply:
        """The least answer to a question that would be asked."""
        reply = shortest_answer(request)
        told = self._told
        told.requests += 1
        names = request.about["field"].split("+")  # fields may share a question
        for name in names:
            told.fields[name] = told.fields.get(name, 0) + 1
        # The embedded model's server counts none for the shape: it is a rule for the answer there.
        shape = 0 if told.is_local else tokens_of_shape(request.body)
        told.shapes += shape
        read = tokens_in(request.body)
        told.tokens_in += Range(read * (1 - WITHIN), (read + shape) * (1 + WITHIN))
        told.tokens_out += self._tokens_out(request, len(names), reply)
        return reply

    def _tokens_out(self, request: Request, fields: int, reply: Reply) -> Range:
        least = tokens_of(reply.body["choices"][0]["message"]["content"])
        passage = tokens_of(self._text[request.about["start"] : request.about["end"]])
        most = min(passage * fields * (1 + WITHIN), longest_answer(request.body) or float("inf"))
        return Range(least * (1 - WITHIN), max(least, most))


"""The least answer: what a model says at the least where it has nothing to say, in the shape that it was asked for."""


def shortest_answer(request: Request) -> Reply:
    """A Call that asks nobody. Its replies say nothing of what was spent."""
    return Reply(completion_of(least(shape_of(request.body))))


def completion_of(answer: Any) -> Json:
    """A chat completion whose content is this answer."""
    message = {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}
    return {
        "id": "least",
        "object": "chat.completion",
        "created": 0,
        "model": "least",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def least(schema: Json, root: Json | None = None) -> Any:
    """The least value that fits a JSON Schema of the kind that pydantic writes: null, [] or 无 where it may be."""
    root = schema if root is None else root
    if "$ref" in schema:
        return least(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        null = any(option.get("type") == "null" for option in schema["anyOf"])
        return None if null else least(schema["anyOf"][0], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema["type"] == "object":
        return {name: least(inner, root) for name, inner in schema.get("properties", {}).items()}
    return {"array": [], "string": "无", "null": None}[schema["type"]]
