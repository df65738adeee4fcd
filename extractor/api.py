"""The library: documents in, what became of each out, one at a time and as typed values."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, cast, get_args

from pydantic import BaseModel
from typing_extensions import TypeVar

from extractor.cancellation import Cancellation
from extractor.document import Document, Json
from extractor.llm.prices import Price
from extractor.llm.recordings import Mode, Recordings
from extractor.output.event_log import open_event_log
from extractor.pipeline.read.read import Unreadable
from extractor.runs.budget import Limits
from extractor.runs.run import outcomes, stop_at
from extractor.runs.session import open_session
from extractor.runs.settings import Settings
from extractor.runs.summary import Outcome, Summary
from extractor.schema.loading import load_schema

# The schema's model. Where a schema is given by name no type checker can know it: its records are Any then.
R = TypeVar("R", bound=BaseModel, default=Any)

MOST_AT_A_TIME = 512

Name = str | os.PathLike[str]
Inputs = Name | Iterable[Name] | Iterable[Document | Unreadable]
"""A file, folder, glob or `-`; several of these; or documents, as `read` and `Document.from_text` make them."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What of a document failed, and why: a question (`field`, `start`, `end`), or the document as a whole."""

    kind: str
    reason: str
    field: str | None
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Done(Generic[R]):
    """What became of a document: its records (one a speech), the same as output lines, and what failed.

    `records[i]` is `lines[i]["record"]` as an instance of the schema's model.
    """

    id: str
    path: str
    records: tuple[R, ...]
    lines: tuple[Json, ...]
    failures: tuple[Failed, ...]


class Extraction(Iterator[Done[R]]):
    """Documents as they are done. `summary` grows with them: usage, failures by kind, coverage.

    To stop early, leave the loop, or `close()`: nothing more is asked, and the model is closed.
    """

    def __init__(self, done: Generator[Done[R]], summary: Summary) -> None:
        # Not a generator of our own method: it would hold us, and a loop that is left would end at no certain time.
        self._done = done
        self.summary = summary

    def __next__(self) -> Done[R]:
        return next(self._done)

    def close(self) -> None:
        """Stop, wherever it is."""
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
    second_pass: bool = False,
    verify: bool = False,
    separate_fields: bool = False,
    concurrency: int | Literal["auto"] = 1,
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
    """Convert documents, each as it is asked for; the options are those of `extractor extract`.

    `schema` is a shipped schema's name, a file, or a model class, which gives records of that type. `replies` is a folder,
    or a Tape, which has a mode of its own. Nothing is read or asked before the first document is asked for, and what can be
    wrong is raised there: SchemaError, InputError, OutputError (of the log). What fails in a document is among its
    `failures`. A fault that no later question can escape (SetupError: no model, a limit that is reached; KeyRefusedError,
    QuotaUsedUpError) is raised once the documents that were done have been given. Raises ValueError at once for options that
    no run could have.
    """
    price = _price(price_in, price_out)
    if mode not in get_args(Mode):
        raise ValueError(f"mode is one of {', '.join(get_args(Mode))}, not {mode!r}.")
    if concurrency != "auto" and (not isinstance(concurrency, int) or not 1 <= concurrency <= MOST_AT_A_TIME):
        raise ValueError(f"concurrency is 'auto' or a number from 1 to {MOST_AT_A_TIME}, not {concurrency!r}.")
    recordings = replies if isinstance(replies, Recordings) else None
    settings = Settings(
        inputs=[],
        schema=schema if isinstance(schema, str) else schema.__name__,
        model=model,
        base_url=base_url,
        replies=None if replies is None or isinstance(replies, Recordings) else Path(replies),
        mode=mode if recordings is None else recordings.mode,
        encoding=encoding,
        text_column=text_column,
        id_column=id_column,
        second_pass=second_pass,
        verify=verify,
        separate_fields=separate_fields,
        concurrency=None if concurrency == "auto" else concurrency,
        rpm=rpm,
        tpm=tpm,
        ordered=ordered,
        max_failures=max_failures,
        price=price,
        limits=Limits(max_cost, max_tokens),
        log=None if log_json is None else Path(log_json),
    )
    summary = Summary()
    return Extraction(_each(inputs, schema, settings, recordings, summary), summary)


def _price(price_in: float | None, price_out: float | None) -> Price | None:
    if price_in is None and price_out is None:
        return None
    if price_in is None or price_out is None:
        raise ValueError("price_in and price_out belong together: give both, in US dollars a million tokens.")
    return Price(price_in, price_out)


def _each(
    inputs: Inputs, schema: type[R] | str, settings: Settings, recordings: Recordings | None, summary: Summary
) -> Generator[Done[R]]:
    cancellation, loaded = Cancellation(), load_schema(schema)
    documents = _documents(inputs, settings)
    with (
        open_event_log(settings.log) as on_event,
        open_session(settings, cancellation, on_event, schema=loaded) as session,
    ):
        summary.add_budget(session.budget)
        stack = session.call_stack(recordings=recordings)
        with closing(outcomes(documents, session.recipe, stack, session.workers, cancellation)) as done:
            for outcome in done:
                summary.add(outcome)
                stop_at(settings.max_failures, summary, cancellation)
                yield _done(outcome, cast("type[R]", loaded.record))
    summary.stop(cancellation.fault)
    if cancellation.fault is not None:
        raise cancellation.fault


def _documents(inputs: Inputs, settings: Settings) -> Iterator[Document | Unreadable]:
    """The documents that the inputs name, or are: the first one tells."""
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
