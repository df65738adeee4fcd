"""A schema tried on a few texts: what the model is asked and answers, what of it stands in the text, and what does not.

The ordinary line converts the texts; here is only a Call that notes what passes through it, and the printing of what it
noted beside what came of it.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, create_model

from extractor.document import Excerpt, Json
from extractor.llm.call import Call, Profile, Reply, Request, Usage
from extractor.pipeline.answer import Problem
from extractor.pipeline.ask.ask import is_cued
from extractor.pipeline.ask.candidates import find_candidates
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.convert import Converted, convert
from extractor.pipeline.read.read import Unreadable
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.passages import split_passages
from extractor.pipeline.split.speeches import split_speeches
from extractor.runs.call_stack import assemble_call
from extractor.runs.session import open_session
from extractor.runs.settings import Settings
from extractor.runs.wording import counted
from extractor.schema.loading import Schema
from extractor.schema.shape import Field, SchemaError

# How wide the column of labels is, and how it looks on the lines that follow.
LABEL = 9
WIDEST = 200


@dataclass(frozen=True)
class Exchange:
    """One question and its answer; whether it was recorded, or what kept it from being answered."""

    request: Request
    reply: Reply | None
    recorded: bool
    fault: str | None = None


class Noted:
    """Calls that note what passes: `over` above the tape all of it, `below` what the tape had to ask for."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._asked: set[int] = set()

    def below(self, call: Call) -> Call:
        def asking(request: Request) -> Reply:
            self._asked.add(id(request))
            return call(request)

        return asking

    def over(self, call: Call) -> Call:
        def noting(request: Request) -> Reply:
            try:
                reply = call(request)
            except Exception as error:
                self.exchanges.append(Exchange(request, None, False, str(error)))
                raise
            self.exchanges.append(Exchange(request, reply, id(request) not in self._asked))
            return reply

        return noting


def try_schema(settings: Settings, names: Sequence[str], full: bool, say: Callable[[str], None]) -> bool:
    """Say, text by text, what a schema's questions (those of the named fields, if any) lead to. Whether all texts were
    read and all questions answered. Raises SchemaError, InputError, Fault."""
    began = time.monotonic()
    documents = settings.documents()
    noted = Noted()
    usage = Usage()
    whole = True
    with open_session(settings) as ready:
        recipe = replace(ready.recipe, schema=narrowed(ready.recipe.schema, names))
        call = noted.over(assemble_call(ready.call_stack(on_asked=noted.below)))
        for document in documents:
            if isinstance(document, Unreadable):
                say(f"{document.reason}\n")
                whole = False
                continue
            first = len(noted.exchanges)
            converted = convert(document, recipe, call)
            for speech, one in zip(split_speeches(clean(document)), converted, strict=True):
                for line in _tell(one, speech, recipe, noted.exchanges[first:], full):
                    say(line)
                whole = whole and not one.failures
                first = len(noted.exchanges)
    recorded = sum(x.recorded for x in noted.exchanges)
    for exchange in noted.exchanges:
        usage += Usage.of(exchange.reply.body) if exchange.reply else Usage()
    say(
        f"{counted(len(noted.exchanges), 'question')} ({recorded} answered from recordings), {usage.input_tokens} tokens in, "
        f"{usage.output_tokens} out, {time.monotonic() - began:.1f} s"
    )
    return whole


def narrowed(schema: Schema, names: Sequence[str]) -> Schema:
    """The schema with the named fields only; as it is where none is named. Raises SchemaError."""
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


# --- telling ---


def _tell(one: Converted, speech: Excerpt, recipe: Recipe, exchanges: Sequence[Exchange], full: bool) -> Iterator[str]:
    """One speech: its fields, passage by passage, then what belongs to none."""
    profile = recipe.profile
    passages = split_passages(speech, profile.passage)
    yield f"# {one.line['id']}: {len(speech.text)} characters in {counted(len(passages), 'passage')}"
    for field in recipe.schema.fields:
        items = list(_items(field, one.line))
        problems = [Problem(**problem) for problem in one.line["problems"] if _of(problem["field"], field)]
        for passage in passages:
            inside = [x for x in exchanges if _asks_for(x, field) and _is_in(x, passage)]
            found = [x for x in items if _begins_in(_first(x), passage)]
            lost = [x for x in problems if _begins_in(x.start, passage)]
            failed = any(x.reply is None for x in inside)
            head = f"\n{field.name} · characters {passage.start}-{passage.end}"
            if not inside:
                yield f"{head} · not asked: {_why_not(field, passage, speech, profile)}"
            else:
                yield head
                yield from _tell_asked(field, speech, inside, full)
            for item in found:
                items.remove(item)
                yield from _labelled("kept", _tell_item(item, one.line["marks"], field))
            for problem in lost:
                problems.remove(problem)
                if failed and problem.kind == "unanswered":  # the question itself has told
                    continue
                yield from _labelled("dropped", _tell_problem(problem))
        if items or problems:
            yield f"\n{field.name} · elsewhere"
        for item in items:
            yield from _labelled("kept", _tell_item(item, one.line["marks"], field))
        for problem in problems:
            yield from _labelled("dropped", _tell_problem(problem))
    yield ""


def _tell_asked(field: Field, speech: Excerpt, exchanges: Sequence[Exchange], full: bool) -> Iterator[str]:
    for exchange in exchanges:
        messages = exchange.request.body["messages"]
        asks = _names(exchange)
        if asks[0] != field.name:
            yield from _labelled("asked", f"together with {asks[0]}, in one question: see there")
            continue
        if full:
            for message in messages:
                yield from _labelled(message["role"], str(message["content"]))
        else:
            yield from _labelled("asked", _particular(messages, field, exchange, speech))
        if exchange.reply is None:
            yield from _labelled("failed", exchange.fault or "")
            continue
        said = exchange.reply.body["choices"][0]["message"]["content"]
        yield from _labelled("answer" if not exchange.recorded else "recorded", str(said))


def _why_not(field: Field, passage: Excerpt, speech: Excerpt, profile: Profile) -> str:
    """Why the passage was not asked about."""
    candidates = find_candidates(field, passage, speech) if profile.style == "form" else None
    if candidates is None:
        return (
            "what failed before ended the run" if is_cued(field, passage, speech) else "its Cue or Mood is not met here"
        )
    if not candidates:
        return "code finds no place here that its type, Cue and Mood allow"
    if field.item is None:
        return "what code finds here does not stand at an end of the text"
    return "code finds and fills it"


def _particular(messages: Sequence[Json], field: Field, exchange: Exchange, speech: Excerpt) -> str:
    """What a question has that others about the passage have not; of a re-ask, what the model is told."""
    if len(messages) > 2:
        return f"again: {messages[-1]['content']}"
    about = exchange.request.about
    i, j = (bisect_left(speech.starts, about[key]) for key in ("start", "end"))
    text = str(messages[-1]["content"])
    lines = (text.partition(speech.text[i:j])[2] or text).splitlines()
    first = next((n for n, line in enumerate(lines) if field.name in line), 0)
    return "\n".join(line for line in lines[first:] if line.strip())


# --- items and problems ---


def _items(field: Field, line: Json) -> Iterator[tuple[Any, list[Json], int | None]]:
    """Each item of the record, the places that show it, and its number in a list."""
    value = line["record"][field.name]
    beside = list(line["evidence"].get(field.name, ()))
    many = isinstance(value, list)
    for n, item in enumerate(value if many else [value]):
        if item is None:
            continue
        places = list(_places(item))
        if not places:  # plain words: their places stand beside the record
            places = beside[n : n + 1] if many else beside
        yield item, places, n if many else None


def _places(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if value.keys() == {"text", "start", "end"}:
            yield value
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


def _tell_item(item: tuple[Any, list[Json], int | None], marks: Sequence[Json], field: Field) -> str:
    value, places, n = item
    marked = [", ".join(mark["marks"]) for mark in marks if (mark["field"], mark["item"]) == (field.name, n)]
    stands = " and ".join(f"“{_short(p['text'])}” at {p['start']}-{p['end']}" for p in places) or "(no place)"
    said = json.dumps(_without_places(value), ensure_ascii=False)
    return f"{said} → {stands}{f' [{marked[0]}]' if marked else ''}"


def _tell_problem(problem: Problem) -> str:
    words = "" if problem.value is None else f" “{_short(problem.value)}”"
    where = "" if problem.start is None else f" ({problem.start}-{problem.end})"
    return f"{problem.kind} {problem.field}{words}: {problem.detail}{where}"


def _first(item: tuple[Any, list[Json], int | None]) -> int | None:
    return item[1][0]["start"] if item[1] else None


def _begins_in(start: int | None, passage: Excerpt) -> bool:
    return start is not None and passage.start <= start < passage.end


def _names(exchange: Exchange) -> list[str]:
    """The fields that a question asks for."""
    return str(exchange.request.about.get("field", "")).split("+")


def _asks_for(exchange: Exchange, field: Field) -> bool:
    return field.name in _names(exchange)


def _is_in(exchange: Exchange, passage: Excerpt) -> bool:
    start: int = exchange.request.about.get("start", -1)
    return passage.start <= start < passage.end


def _of(name: str, field: Field) -> bool:
    return name.partition(".")[0] == field.name


def _labelled(label: str, text: str) -> Iterator[str]:
    """Text in a column, with its label before the first line."""
    for n, line in enumerate(text.splitlines() or [""]):
        yield f"  {label if n == 0 else '':{LABEL}} {line}".rstrip()


def _short(words: str) -> str:
    words = words.replace("\n", " ")
    return words if len(words) <= WIDEST else f"{words[:WIDEST]}…"
