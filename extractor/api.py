"""The library: convert documents one at a time, with records as typed values."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, cast, get_args

from pydantic import BaseModel
from typing_extensions import TypeVar

from extractor.cancellation import Cancellation
from extractor.document import Document
from extractor.llm.call import ANSWER_FORMATS, AnswerFormat
from extractor.llm.prices import Price
from extractor.llm.recordings import Mode, Recordings
from extractor.output.event_log import document_events, open_event_log
from extractor.pipeline.line_format import OutputLine
from extractor.pipeline.read.read import Unreadable
from extractor.pipeline.read.sizes import parse_size
from extractor.runs.budget import Limits
from extractor.runs.run import outcomes, stop_at
from extractor.runs.session import open_session
from extractor.runs.settings import Settings
from extractor.runs.summary import Outcome, Summary
from extractor.schema.loading import load_schema

_LOGGER = logging.getLogger("extractor")
# The schema's model. A type checker can't know it for a schema given by name: its records are then Any.
R = TypeVar("R", bound=BaseModel, default=Any)

MAX_CONCURRENCY = 512

Name = str | os.PathLike[str]
Inputs = Name | Iterable[Name] | Iterable[Document | Unreadable]
"""A file, folder, glob or `-`; several of them; or documents from `read` or `Document.from_text`."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a question failed (about `field`, in characters `start` to `end`), or the whole document."""

    kind: str
    reason: str
    field: str | None
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """A finished document: its records (one per speech), their output lines, and its failures.

    `records[i]` is `lines[i]["record"]` as an instance of the schema's model.
    """

    id: str
    path: str
    records: tuple[R, ...]
    lines: tuple[OutputLine, ...]
    failures: tuple[Failed, ...]


class Extraction(Iterator[Done[R]]):
    """Documents as they are finished. `summary` grows with them: usage, failures by kind, coverage.

    To stop early, leave the loop, or `close()`: nothing more is asked, and the model is closed.

    Wrong arguments raise at the first document: SchemaError, InputError, OutputError (of the log). A failure
    within a document is a value in its `failures`. An error that every further question would meet
    (SetupError: no model, a limit is reached; KeyRefusedError, QuotaUsedUpError) is raised after the finished
    documents.
    """

    def __init__(self, done: Generator[Done[R]], summary: Summary) -> None:
        # Not a generator made by a method: it would refer to this object, so leaving the loop would not
        # close it at once.
        self._done = done
        self.summary = summary

    def __next__(self) -> Done[R]:
        return next(self._done)

    def close(self) -> None:
        """Stop converting."""
        self._done.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def extract(
    inputs: Inputs,
    *,
    schema: type[R] | str = "meeting",
    model: str = "local",
    base_url: str | None = None,
    replies: Name | Recordings | None = None,
    mode: Mode = "auto",
    encoding: str | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    title_column: str | None = None,
    date_column: str | None = None,
    keep_column: Sequence[str] | None = None,
    max_document_size: str | int = "16MB",
    second_pass: bool = False,
    verify: bool = False,
    separate_fields: bool = False,
    timeout: float | None = None,
    max_outage: float | None = None,
    max_output_tokens: int | None = None,
    temperature: float | None = None,
    reasoning_effort: str | None = None,
    answer_format: Literal["json-schema", "strict", "json-object", "none"] | None = None,
    header: Sequence[str] | None = None,
    concurrency: int | Literal["auto"] = "auto",
    rpm: float | None = None,
    tpm: float | None = None,
    ordered: bool = False,
    max_failures: int | None = None,
    price_in: float | None = None,
    price_out: float | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    log_json: Name | None = None,
) -> Extraction[R]:
    """Convert documents, each when it is asked for; the options are those of `extractor extract`.

    `schema` is a shipped schema's name, a file, or a model class, which gives records of that type.
    `replies` is a folder, or a Recordings, which has a mode of its own. Raises ValueError for options that
    no run could have. Nothing is read or asked before the first document; see Extraction for what is raised
    from then on. That an endpoint slows or pauses the run is logged as a warning of the logger "extractor".
    """
    settings = Settings(
        inputs=[],
        schema=schema if isinstance(schema, str) else schema.__name__,
        model=model,
        base_url=base_url,
        replies=None if replies is None or isinstance(replies, Recordings) else Path(replies),
        mode=replies.mode if isinstance(replies, Recordings) else _checked_mode(mode),
        encoding=encoding,
        text_column=text_column,
        id_column=id_column,
        title_column=title_column,
        date_column=date_column,
        keep_columns=tuple(keep_column or ()),
        max_document_size=_checked_size(max_document_size),
        second_pass=second_pass,
        verify=verify,
        separate_fields=separate_fields,
        timeout=timeout,
        max_outage=max_outage,
        max_output_tokens=max_output_tokens,
        temperature=temperature,
        reasoning_effort=reasoning_effort,
        answer_format=_answer_format(answer_format),
        headers=tuple(header or ()),
        concurrency=_checked_concurrency(concurrency),
        rpm=rpm,
        tpm=tpm,
        ordered=ordered,
        max_failures=max_failures,
        price=_price(price_in, price_out),
        limits=Limits(max_cost, max_tokens),
        log=None if log_json is None else Path(log_json),
    )
    summary = Summary()
    recordings = replies if isinstance(replies, Recordings) else None
    return Extraction(_each(inputs, schema, settings, recordings, summary), summary)


def _checked_size(size: str | int) -> int:
    try:
        return parse_size(str(size))
    except ValueError as error:
        raise ValueError(f"max_document_size {error}") from None


def _checked_mode(mode: Mode) -> Mode:
    if mode not in get_args(Mode):
        raise ValueError(f"mode is one of {', '.join(get_args(Mode))}, not {mode!r}.")
    return mode


def _checked_concurrency(concurrency: int | Literal["auto"]) -> int | None:
    """The number; None for "auto"."""
    if concurrency == "auto":
        return None
    if not isinstance(concurrency, int) or not 1 <= concurrency <= MAX_CONCURRENCY:
        raise ValueError(f"concurrency is 'auto' or a number from 1 to {MAX_CONCURRENCY}, not {concurrency!r}.")
    return concurrency


def _answer_format(name: str | None) -> AnswerFormat | None:
    if name is not None and name not in ANSWER_FORMATS:
        raise ValueError(f"answer_format is one of {', '.join(ANSWER_FORMATS)}, not {name!r}.")
    return ANSWER_FORMATS[name] if name else None


def _price(price_in: float | None, price_out: float | None) -> Price | None:
    if price_in is None and price_out is None:
        return None
    if price_in is None or price_out is None:
        raise ValueError("price_in and price_out belong together: give both, in US dollars per million tokens.")
    return Price(price_in, price_out)


def _each(
    inputs: Inputs, schema: type[R] | str, settings: Settings, recordings: Recordings | None, summary: Summary
) -> Generator[Done[R]]:
    cancellation, loaded = Cancellation(), load_schema(schema)
    documents = _documents(inputs, settings)
    with (
        open_event_log(settings.log) as on_event,
        open_session(settings, cancellation, on_event, schema=loaded, notify=_LOGGER.warning) as session,
    ):
        summary.add_budget(session.budget)
        stack = session.call_stack(recordings=recordings)
        with closing(outcomes(documents, session.recipe, stack, session.workers, cancellation)) as done:
            for outcome in done:
                summary.add(outcome)
                stop_at(settings.max_failures, summary, cancellation)
                if on_event is not None:
                    for event in document_events(outcome.document.id, len(outcome.converted), outcome.failures):
                        on_event(event)
                yield _done(outcome, cast("type[R]", loaded.record))
    summary.stop(cancellation.error)
    if cancellation.error is not None:
        raise cancellation.error


def _documents(inputs: Inputs, settings: Settings) -> Iterator[Document | Unreadable]:
    """The documents that the inputs name, or the inputs themselves if the first one is a document."""
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    items: Iterator[Any] = iter(inputs)
    first = next(items, None)
    if first is not None and not isinstance(first, str | os.PathLike):
        return chain([first], items)
    names = [] if first is None else [first, *items]
    return replace(settings, inputs=[os.fspath(name) for name in names]).documents()


def _done(outcome: Outcome, model: type[R]) -> Done[R]:
    lines = tuple(made.line for made in outcome.converted)
    return Done(
        outcome.document.id,
        outcome.document.path,
        tuple(model.model_validate(line["record"]) for line in lines),
        lines,
        tuple(Failed(f["kind"], f["reason"], f["field"], f["start"], f["end"]) for f in outcome.failures),
    )
