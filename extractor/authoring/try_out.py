"""Try a schema on a few texts: show questions, answers, and which values are kept, changed or dropped.

The texts are converted as in a run; here the Call also records what passes through it.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic import BaseModel, create_model

from extractor.document import Document, Excerpt, Json
from extractor.llm.call import Call, Profile, Reply, Request, Usage
from extractor.llm.tokens import usage_of
from extractor.pipeline.answer import Problem
from extractor.pipeline.ask.answer_json import answer_text
from extractor.pipeline.ask.ask import is_cued
from extractor.pipeline.ask.candidates import find_candidates
from extractor.pipeline.ask.misfit import SECOND_TRY
from extractor.pipeline.ask.questions import ASKED_FIELD
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.convert import Converted, convert
from extractor.pipeline.line_format import EvidenceEntry, MarkEntry, OutputLine
from extractor.pipeline.read.read import Unreadable
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.passages import split_passages
from extractor.pipeline.split.speeches import split_speeches
from extractor.runs.call_stack import assemble_call
from extractor.runs.session import open_session
from extractor.runs.settings import Settings
from extractor.schema.loading import Schema
from extractor.schema.shape import Field, SchemaError
from extractor.wording import counted

# The width of the column of labels.
LABEL = 9
# The longest quote that is shown in full, in characters.
LONGEST_QUOTE = 200

Print = Callable[[str], None]


@dataclass(frozen=True)
class Exchange:
    """One question and its reply, whether the reply was recorded, or why there is none."""

    request: Request
    reply: Reply | None
    recorded: bool
    error: str | None = None


class Exchanges:
    """Collects questions and replies: `observe` goes above the recordings, `observe_asked` below them."""

    def __init__(self) -> None:
        self.all: list[Exchange] = []
        self._asked: set[int] = set()

    def observe_asked(self, call: Call) -> Call:
        """`call`, with the questions noted that no recording answers."""

        def observed(request: Request) -> Reply:
            self._asked.add(id(request))
            return call(request)

        return observed

    def observe(self, call: Call) -> Call:
        """`call`, with each exchange collected."""

        def observed(request: Request) -> Reply:
            try:
                reply = call(request)
            except Exception as error:
                self.all.append(Exchange(request, None, False, str(error)))
                raise
            self.all.append(Exchange(request, reply, id(request) not in self._asked))
            return reply

        return observed

    @property
    def usage(self) -> Usage:
        """The tokens of all replies."""
        replied = ((exchange.request, exchange.reply) for exchange in self.all if exchange.reply)
        return sum((usage_of(request.body, reply.body) for request, reply in replied), Usage())


def try_schema(settings: Settings, names: Sequence[str], full: bool, show: Print, announce: Print) -> bool:
    """Show, text by text, the questions for the named fields (default: all) and what the answers become.

    Returns whether all texts were read and all questions answered. Raises SchemaError, InputError and
    ExtractorError.
    """
    began = time.monotonic()
    documents = settings.documents()
    exchanges = Exchanges()
    complete = True
    with open_session(replace(settings, max_outage=0), announce=announce) as session:  # somebody is waiting
        recipe = replace(session.recipe, schema=narrowed(session.recipe.schema, names))
        call = exchanges.observe(assemble_call(session.call_stack(on_asked=exchanges.observe_asked)))
        for document in documents:
            if isinstance(document, Unreadable):
                show(f"{document.reason}\n")
                complete = False
            else:
                complete &= _try_document(document, recipe, call, exchanges, full, show)
    recorded = sum(exchange.recorded for exchange in exchanges.all)
    usage = exchanges.usage
    show(
        f"{counted(len(exchanges.all), 'question')} ({recorded} answered from recordings), "
        f"{usage.input_tokens} tokens in, {usage.output_tokens} out, {time.monotonic() - began:.1f} s"
    )
    return complete


def _try_document(
    document: Document, recipe: Recipe, call: Call, exchanges: Exchanges, full: bool, show: Print
) -> bool:
    """Show a document, speech by speech. Returns whether all its questions were answered."""
    complete = True
    first = len(exchanges.all)
    converted = convert(document, recipe, call)
    for speech, one in zip(split_speeches(clean(document)), converted, strict=True):
        for line in _describe_speech(one, speech, recipe, exchanges.all[first:], full):
            show(line)
        complete = complete and not one.failures
        first = len(exchanges.all)
    return complete


def narrowed(schema: Schema, names: Sequence[str]) -> Schema:
    """The schema with only the named fields; unchanged without names.

    Raises SchemaError for an unknown name.
    """
    if not names:
        return schema
    known = [field.name for field in schema.fields]
    for name in names:
        if name not in known:
            raise SchemaError(
                f"{schema.record.__name__} has no field {name!r}: --field takes one of {', '.join(known)}."
            )
    wanted: dict[str, Any] = {
        name: (info.annotation, info) for name, info in schema.record.model_fields.items() if name in names
    }
    record: type[BaseModel] = create_model(schema.record.__name__, **wanted)
    return replace(schema, record=record, fields=tuple(field for field in schema.fields if field.name in names))


# --- a speech, field by field ---


@dataclass(frozen=True)
class _Item:
    """An item of the record, the places that show it, and its index in a list."""

    value: Any
    places: list[EvidenceEntry]
    index: int | None

    @property
    def start(self) -> int | None:
        return self.places[0]["start"] if self.places else None


def _describe_speech(
    one: Converted, speech: Excerpt, recipe: Recipe, exchanges: Sequence[Exchange], full: bool
) -> Iterator[str]:
    profile = recipe.profile
    passages = split_passages(speech, profile.passage)
    yield f"# {one.line['id']}: {len(speech.text)} characters in {counted(len(passages), 'passage')}"
    for field in recipe.schema.fields:
        items = list(_items(field, one.line))
        problems = [Problem(**problem) for problem in one.line["problems"] if _is_of(problem["field"], field)]
        for passage in passages:
            inside = [x for x in exchanges if field.name in _fields_of(x) and _is_in(x, passage)]
            here = [item for item in items if _begins_in(item.start, passage)]
            lost = [problem for problem in problems if _begins_in(problem.start, passage)]
            items = [item for item in items if item not in here]
            problems = [problem for problem in problems if problem not in lost]
            if any(x.reply is None for x in inside):  # the failed question is shown
                lost = [problem for problem in lost if problem.kind != "unanswered"]
            head = f"\n{field.name} · characters {passage.start}-{passage.end}"
            yield head if inside else f"{head} · not asked: {_why_not(field, passage, speech, profile)}"
            yield from _describe_questions(field, speech, inside, full)
            yield from _describe_values(here, lost, one.line["marks"], field)
        if items or problems:
            where = "a label of the whole text" if field.is_label else "without a place in one of the passages"
            yield f"\n{field.name} · {where}"
            yield from _describe_values(items, problems, one.line["marks"], field)
    for problem in (Problem(**problem) for problem in one.line["problems"] if not problem["field"]):
        yield f"\nthe record as a whole\n  refused   {problem.detail}"
    yield ""


def _describe_questions(field: Field, speech: Excerpt, exchanges: Sequence[Exchange], full: bool) -> Iterator[str]:
    for exchange in exchanges:
        messages = exchange.request.body["messages"]
        first = _fields_of(exchange)[0]
        if first != field.name:
            yield from _labelled("asked", f"in one question with {first}, shown there")
            continue
        if full:
            for message in messages:
                yield from _labelled(message["role"], str(message["content"]))
        else:
            yield from _labelled("asked", _particular(messages, field, exchange, speech))
        if exchange.reply is None:
            yield from _labelled("failed", exchange.error or "")
            continue
        yield from _labelled("recorded" if exchange.recorded else "answer", answer_text(exchange.reply.body))


def _describe_values(
    items: Sequence[_Item], problems: Sequence[Problem], marks: Sequence[MarkEntry], field: Field
) -> Iterator[str]:
    for item in items:
        yield from _labelled("kept", _describe_item(item, marks, field))
    for problem in problems:
        label, text = describe_problem(problem)
        yield from _labelled(label, text)


def _why_not(field: Field, passage: Excerpt, speech: Excerpt, profile: Profile) -> str:
    """Why the passage was not asked about."""
    candidates = find_candidates(field, passage, speech) if profile.style == "form" else None
    if candidates is None:
        if is_cued(field, passage, speech):
            if field.is_label and profile.style == "form":
                return "a label of the whole text is asked for once"
            return "an earlier failure ended the run"
        return "its Cue or Mood does not match here"
    if not candidates:
        return "code finds nothing here that its type, Cue and Mood allow"
    if field.item is None:
        return "what code finds here is not at an end of the text"
    return "code finds and fills it"


def _particular(messages: Sequence[Json], field: Field, exchange: Exchange, speech: Excerpt) -> str:
    """The part of a question that is about its fields; for a repeated question, why it is asked again."""
    rules, text = (str(message["content"]) for message in messages)
    _, again, why = text.rpartition(SECOND_TRY)
    if again and "\n" not in why:
        return f"again: {again.strip()}{why}"
    about = exchange.request.about
    i, j = (bisect_left(speech.starts, about[key]) for key in ("start", "end"))
    lines = (text.partition(speech.text[i:j])[2] or text).splitlines()
    asked = [line for line in (*rules.splitlines(), *lines) if ASKED_FIELD.match(line)]
    if asked:  # a model that reads is asked before the passage, or behind it about a single field
        return "\n".join(asked)
    first = next((n for n, line in enumerate(lines) if field.name in line), 0)
    return "\n".join(line for line in lines[first:] if line.strip())


# --- items and problems ---


def _items(field: Field, line: OutputLine) -> Iterator[_Item]:
    value = line["record"][field.name]
    beside = list(line["evidence"].get(field.name, ()))
    many = isinstance(value, list)
    for n, item in enumerate(value if many else [value]):
        if item is None:
            continue
        places = list(_places(item))
        if not places:  # a plain value, with its places beside the record
            places = beside[n : n + 1] if many else beside
        yield _Item(item, places, n if many else None)


def _places(value: Any) -> Iterator[EvidenceEntry]:
    if isinstance(value, dict):
        if value.keys() == {"text", "start", "end"}:
            yield cast("EvidenceEntry", value)
        else:
            yield from _places(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner)


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if not (list(_places(v)) or k == "evidence")}
        return {k: _without_places(v) for k, v in kept.items()}
    return value


def _describe_item(item: _Item, marks: Sequence[MarkEntry], field: Field) -> str:
    marked = [", ".join(mark["marks"]) for mark in marks if (mark["field"], mark["item"]) == (field.name, item.index)]
    quotes = " and ".join(f"“{_short(place['text'])}” at {place['start']}-{place['end']}" for place in item.places)
    value = json.dumps(_without_places(item.value), ensure_ascii=False)
    if field.is_label:
        return value
    return f"{value} → {quotes or 'its place in the text is not recorded'}{f' [{marked[0]}]' if marked else ''}"


REWORDED = (
    "the answer has characters that are not in the sentence of its item, so the words of the clause are kept instead"
)


def describe_problem(problem: Problem) -> tuple[str, str]:
    """A label, "changed" or "dropped", and what became of a value and why."""
    words = "" if problem.value is None else f" “{_short(problem.value)}”"
    where = "" if problem.start is None else f" (characters {problem.start}-{problem.end})"
    changed = problem.kind in ("reworded", "restored")
    reason = REWORDED if problem.kind == "reworded" else problem.detail
    return "changed" if changed else "dropped", f"{problem.kind} {problem.field}{words}: {reason}{where}"


def _begins_in(start: int | None, passage: Excerpt) -> bool:
    return start is not None and passage.start <= start < passage.end


def _fields_of(exchange: Exchange) -> list[str]:
    """The fields that a question asks for."""
    return str(exchange.request.about.get("field", "")).split("+")


def _is_in(exchange: Exchange, passage: Excerpt) -> bool:
    start: int = exchange.request.about.get("start", -1)
    return passage.start <= start < passage.end


def _is_of(name: str, field: Field) -> bool:
    return name.partition(".")[0] == field.name


def _labelled(label: str, text: str) -> Iterator[str]:
    """Text in a column, with its label before the first line."""
    for n, line in enumerate(text.splitlines() or [""]):
        yield f"  {label if n == 0 else '':{LABEL}} {line}".rstrip()


def _short(words: str) -> str:
    words = words.replace("\n", " ")
    return words if len(words) <= LONGEST_QUOTE else f"{words[:LONGEST_QUOTE]}…"
