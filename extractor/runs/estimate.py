"""Estimate: what a run would ask, counted by running the pipeline on the shortest answers.

No model is asked and nothing is written. Tokens out lie between two bounds: the shortest answer to each
question, and, for each field that it asks for, as many tokens as its passage has, since an answer quotes the
passage; never more than the request allows. Not included is what only the answers would lead to: re-asks of
answers that don't fit, questions asked again in parts, and with `verify` those about the items found.
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
from extractor.llm.tokens import WITHIN, longest_answer, tokens_in, tokens_of, tokens_of_schema
from extractor.output.resume import look
from extractor.pipeline.ask.structured_output import answer_schema_of
from extractor.pipeline.read.read import Unreadable
from extractor.runs.call_stack import CallStack
from extractor.runs.run import no_records, run
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
    """What a run would ask."""

    model: str
    is_local: bool
    price: Price | None
    # Documents to convert.
    documents: int = 0
    # Documents that are done already.
    skipped: int = 0
    # Documents that failed in an earlier run and would not be asked about.
    waiting: int = 0
    # Documents that can't be read.
    failed: int = 0
    # Records to be back-filled.
    outdated: int = 0
    speeches: int = 0
    passages: int = 0
    questions: int = 0
    # Questions whose answers an earlier run kept.
    kept: int = 0
    # Questions that would fail, since no recording answers them and no model may be asked.
    unrecorded: int = 0
    # Questions that the model would be asked.
    requests: int = 0
    # Tokens of the JSON Schemas beside the messages. Not every endpoint counts them: they are in
    # `tokens_in.high` only.
    shapes: int = 0
    tokens_in: Range = NOTHING
    tokens_out: Range = NOTHING
    # How many of the requests ask for a field.
    fields: dict[str, int] = field(default_factory=dict)

    @property
    def recorded(self) -> int:
        """Questions that recorded replies answer."""
        return self.questions - self.kept - self.unrecorded - self.requests

    @property
    def cost(self) -> Range | None:
        """US dollars, if no token is read from the provider's cache; None if no price is known."""
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
        """The shortest time that the run can take under these limits."""
        by_requests = self.requests / rpm if rpm else 0.0
        tokens = self.tokens_in + self.tokens_out
        by_tokens = Range(tokens.low / tpm, tokens.high / tpm) if tpm else NOTHING
        return Range(max(by_requests, by_tokens.low), max(by_requests, by_tokens.high))


def forecast(settings: Settings, output: Path | None) -> Estimate:
    """What `extract` with these settings would ask; with an output, what resuming it would.

    Raises what `extract` raises for wrong settings, and ExtractorError if the recordings can't be read.
    """
    if settings.mode == "record":  # else the shortest answers would be recorded
        settings = replace(settings, mode="auto")
    documents = settings.documents(output)
    with open_session(settings) as session, ExitStack() as stack:
        estimate = Estimate(session.recipe.model, session.model.is_local, session.recipe.price)
        counter = QuestionCounter(estimate)
        resumable, cache = None, None
        if output is not None and (output.is_file() or not output.exists()):
            resumable, cache = stack.enter_context(look(output, session.recipe))
        summary = run(
            counter.count_documents(documents if resumable is None else resumable.pending(documents)),
            session.recipe,
            CallStack(
                model=counter.answer,
                cache=cache,
                on_unrecorded=counter.count_unrecorded,
                recordings=session.recordings,
                on_question=counter.count_questions,
            ),
            lambda document, lines, failures: None,
            known=no_records if resumable is None else resumable.known,
        )
    if summary.stopped is not None:
        raise summary.stopped
    estimate.speeches = summary.records
    estimate.documents = summary.documents - estimate.failed
    estimate.kept = counter.beyond_recordings - estimate.requests
    if resumable is not None:
        estimate.skipped, estimate.waiting = resumable.skipped, resumable.waiting
        estimate.outdated = resumable.outdated
    return estimate


class QuestionCounter:
    """Counts the documents and questions of a run into an estimate.

    The run must take one document at a time.
    """

    def __init__(self, estimate: Estimate) -> None:
        self._estimate = estimate
        self._text = ""
        self._passages: set[tuple[int, int]] = set()
        # Questions that no recording answers.
        self.beyond_recordings = 0

    def count_documents(self, documents: Iterable[Document | Unreadable]) -> Iterator[Document | Unreadable]:
        """The documents; the counter follows them."""
        for document in documents:
            self._passages.clear()
            if isinstance(document, Unreadable):
                self._estimate.failed += 1
            else:
                self._text = document.text
            yield document

    def count_questions(self, call: Call) -> Call:
        """`call`, with each question counted."""

        def counting(request: Request) -> Reply:
            passage = request.about["start"], request.about["end"]
            self._estimate.passages += passage not in self._passages
            self._passages.add(passage)
            self._estimate.questions += 1
            try:
                return call(request)
            except NotRecordedError:
                self._estimate.unrecorded += 1
                raise

        return counting

    def count_unrecorded(self, call: Call) -> Call:
        """`call`, with each question counted that the recordings did not answer."""

        def counting(request: Request) -> Reply:
            self.beyond_recordings += 1
            return call(request)

        return counting

    def answer(self, request: Request) -> Reply:
        """A Call that counts what the model would be asked and gives the shortest answer."""
        reply = shortest_reply(request)
        estimate = self._estimate
        estimate.requests += 1
        names = request.about["field"].split("+")  # fields may share a question
        for name in names:
            estimate.fields[name] = estimate.fields.get(name, 0) + 1
        # The embedded model's server takes no tokens for the schema: there it is a rule for the answer.
        schema = 0 if estimate.is_local else tokens_of_schema(request.body)
        estimate.shapes += schema
        read = tokens_in(request.body)
        estimate.tokens_in += Range(read * (1 - WITHIN), (read + schema) * (1 + WITHIN))
        estimate.tokens_out += self._tokens_out(request, len(names), reply)
        return reply

    def _tokens_out(self, request: Request, fields: int, reply: Reply) -> Range:
        shortest = tokens_of(reply.body["choices"][0]["message"]["content"])
        passage = tokens_of(self._text[request.about["start"] : request.about["end"]])
        longest = min(passage * fields * (1 + WITHIN), longest_answer(request.body) or float("inf"))
        return Range(shortest * (1 - WITHIN), max(shortest, longest))


def shortest_reply(request: Request) -> Reply:
    """A Call that asks no model: its answer is the shortest that fits. The reply has no usage."""
    return Reply(completion_of(shortest_answer(answer_schema_of(request.body))))


def completion_of(answer: Any) -> Json:
    """A chat completion with this answer as its content."""
    message = {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}
    return {
        "id": "shortest",
        "object": "chat.completion",
        "created": 0,
        "model": "shortest",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def shortest_answer(schema: Json, root: Json | None = None) -> Any:
    """The shortest value that fits a JSON Schema as pydantic writes them: null, [] or 无 if allowed."""
    root = schema if root is None else root
    if "$ref" in schema:
        return shortest_answer(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        null = any(option.get("type") == "null" for option in schema["anyOf"])
        return None if null else shortest_answer(schema["anyOf"][0], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][-1]
    if schema["type"] == "object":
        return {name: shortest_answer(inner, root) for name, inner in schema.get("properties", {}).items()}
    return {"array": [], "string": "无", "null": None}[schema["type"]]
