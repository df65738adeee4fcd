"""`extractor estimate`: what a run would ask and cost, as a table or as JSON. No model is asked."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import errors_as_messages
from extractor.cli.options import (
    AnswerFormatOption,
    BaseUrlOption,
    ConcurrencyOption,
    DateColumnOption,
    EncodingOption,
    IdColumnOption,
    Inputs,
    KeepColumnOption,
    MaxDocumentSizeOption,
    MaxOutputTokensOption,
    Mode,
    ModelOption,
    ModeOption,
    PriceInOption,
    PriceOutOption,
    ReasoningEffortOption,
    RepliesOption,
    RpmOption,
    SchemaOption,
    SecondPassOption,
    SeparateFieldsOption,
    TemperatureOption,
    TextColumnOption,
    TitleColumnOption,
    TpmOption,
    VerifyOption,
    read_answer_format,
    read_concurrency,
    read_price,
    read_size,
)
from extractor.wording import dollars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor.runs.estimate import Estimate, Range
    from extractor.runs.settings import Settings


def estimate(
    inputs: Inputs,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Estimate what resuming this output would cost; it is only read."),
    ] = None,
    schema: SchemaOption = "meeting",
    model: ModelOption = "local",
    base_url: BaseUrlOption = None,
    replies: RepliesOption = None,
    mode: ModeOption = Mode.auto,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
    id_column: IdColumnOption = None,
    title_column: TitleColumnOption = None,
    date_column: DateColumnOption = None,
    keep_column: KeepColumnOption = None,
    max_document_size: MaxDocumentSizeOption = "16MB",
    second_pass: SecondPassOption = False,
    verify: VerifyOption = False,
    separate_fields: SeparateFieldsOption = False,
    max_output_tokens: MaxOutputTokensOption = None,
    temperature: TemperatureOption = None,
    reasoning_effort: ReasoningEffortOption = None,
    answer_format: AnswerFormatOption = None,
    concurrency: ConcurrencyOption = "auto",
    rpm: RpmOption = None,
    tpm: TpmOption = None,
    price_in: PriceInOption = None,
    price_out: PriceOutOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what `extract` with the same options would ask and cost, in tokens, US dollars and time. No model
    is asked, nothing is written, and no key is needed.

    The texts are read and split as in a run, so these are the questions that it would ask. Input tokens are
    estimated, as a range; output tokens lie between the shortest possible answers and answers that quote the
    whole passage for each field. Answers from recordings cost nothing.

    Exit code 0: done; 2: wrong usage.
    """
    from extractor.runs.estimate import forecast
    from extractor.runs.settings import Settings

    settings = Settings(
        inputs=inputs,
        schema=schema,
        model=model,
        base_url=base_url,
        replies=replies,
        mode=mode.value,
        encoding=encoding,
        text_column=text_column,
        id_column=id_column,
        title_column=title_column,
        date_column=date_column,
        keep_columns=tuple(keep_column or ()),
        max_document_size=read_size(max_document_size),
        second_pass=second_pass,
        verify=verify,
        separate_fields=separate_fields,
        max_output_tokens=max_output_tokens,
        temperature=temperature,
        reasoning_effort=reasoning_effort,
        answer_format=read_answer_format(answer_format),
        concurrency=read_concurrency(concurrency),
        rpm=rpm,
        tpm=tpm,
        price=read_price(price_in, price_out),
    )
    with errors_as_messages():
        result = forecast(settings, None if output == Path("-") else output)
    _show(result, settings, as_json)


def _show(estimate: Estimate, settings: Settings, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_to_json(estimate, settings), ensure_ascii=False, indent=1))
        return
    for name, text in _rows(estimate, settings):
        print(f"{name:<12}{text}")


def _to_json(estimate: Estimate, settings: Settings) -> dict[str, object]:
    from extractor.llm.prices import source_of

    source = source_of(settings.model) if _is_listed(estimate, settings) else None
    return {
        **asdict(estimate),
        "recorded": estimate.recorded,
        "kept": estimate.kept,
        "cost": estimate.cost and asdict(estimate.cost),
        "price_source": source and {"name": source.name, "day": source.day.isoformat(), "note": source.note},
        "minutes_at_least": asdict(estimate.minutes(settings.rpm, settings.tpm)),
    }


def _rows(estimate: Estimate, settings: Settings) -> Iterator[tuple[str, str]]:
    """The rows of the table: a name, or "" to continue the row above, and its text."""
    documents = [
        (estimate.skipped, "already converted"),
        (estimate.waiting, "failed before and not asked about again without --retry-failed"),
        (estimate.failed, "unreadable"),
    ]
    questions = [
        (estimate.recorded, "answered by recordings"),
        (estimate.kept, "answered before and kept beside the output"),
        (estimate.unrecorded, "without a recording, which would fail"),
        (estimate.requests, "to ask"),
    ]
    yield "model", estimate.model
    yield "documents", ", ".join([f"{estimate.documents:,} to convert", *_counts(documents)])
    if estimate.outdated:
        yield "records", f"{estimate.outdated:,} of an earlier recipe, to be back-filled"
    yield "speeches", f"{estimate.speeches:,}"
    yield "passages", f"{estimate.passages:,} asked about"
    yield "questions", ": ".join(filter(None, [f"{estimate.questions:,}", ", ".join(_counts(questions))]))
    if not estimate.requests:
        yield "cost", "nothing: no model would be asked"
        return
    yield "", "for " + ", ".join(f"{name} {n:,}" for name, n in sorted(estimate.fields.items(), key=lambda x: -x[1]))
    yield "tokens in", f"{_span(estimate.tokens_in)} {_about_input(estimate)}"
    yield "tokens out", f"{_span(estimate.tokens_out)} (from the shortest answers to the passage quoted for each field)"
    yield from _cost(estimate, settings)
    yield "time", _time(estimate, settings)
    yield from zip(("excluded", "", "", "", ""), _excluded(estimate, settings), strict=False)


def _counts(parts: list[tuple[int, str]]) -> list[str]:
    return [f"{n:,} {what}" for n, what in parts if n]


def _about_input(estimate: Estimate) -> str:
    from extractor.llm.tokens import WITHIN

    schemas = f"; the upper bound includes {estimate.shapes:,} for answer schemas, which not every endpoint counts"
    return f"(estimated, {WITHIN * 100:.0f} % either way{schemas if estimate.shapes else ''})"


def _cost(estimate: Estimate, settings: Settings) -> Iterator[tuple[str, str]]:
    from extractor.llm.prices import is_old, source_of

    cost, price = estimate.cost, estimate.price
    if estimate.is_local:
        yield "cost", "nothing: the model runs on this machine"
        return
    if cost is None or price is None:
        yield "cost", f"unknown: no price is listed for {settings.model}; give --price-in and --price-out"
        return
    yield "cost", f"{dollars(cost.low)} to {dollars(cost.high)}"
    rates = f"${price.input:g} in, ${price.output:g} out per million tokens"
    source = source_of(settings.model) if _is_listed(estimate, settings) else None
    if source is None:
        yield "price", rates
        return
    yield "price", f"{rates}, as of {source.day} ({source.name})"
    if source.note:
        yield "", source.note
    if is_old(source, date.today()):
        yield "", f"this price is from {source.day}: check it, or give --price-in and --price-out"


def _is_listed(estimate: Estimate, settings: Settings) -> bool:
    """Whether the price comes from the price list and not from the user."""
    return estimate.price is not None and settings.price is None and not estimate.is_local


def _time(estimate: Estimate, settings: Settings) -> str:
    """A lower bound from the rate limits, and the number of answers to wait for, whose speed is unknown."""
    rates = (("rpm", settings.rpm), ("tpm", settings.tpm))
    limits = [f"--{name} {n:g}" for name, n in rates if n and not estimate.is_local]
    shortest = estimate.minutes(settings.rpm, settings.tpm)
    bound = f"at least {_minutes(shortest)} at {' and '.join(limits)}, and " if limits else ""
    at_a_time = 1 if estimate.is_local else settings.concurrency
    if at_a_time is None:
        return f"{bound}as long as the endpoint takes for {estimate.requests:,} answers, up to 32 at a time"
    rounds = -(-estimate.requests // at_a_time)
    return f"{bound}as long as {rounds:,} answers take one after another" + f", {at_a_time:,} at a time" * (
        at_a_time > 1
    )


def _excluded(estimate: Estimate, settings: Settings) -> Iterator[str]:
    yield "questions asked again because the answer does not fit or is too long"
    if not estimate.is_local:
        yield "a model's thinking, which is billed as output tokens"
        yield "the discount for input tokens in a provider's cache"
    if settings.verify:
        yield "--verify: one question for each item that the model finds"
    if settings.second_pass:
        yield "--second-pass: its questions are counted as if no item were found; found items save some"


def _span(tokens: Range) -> str:
    return f"{tokens.low:,.0f} to {tokens.high:,.0f}"


def _minutes(shortest: Range) -> str:
    low, high = f"{shortest.low:,.1f}", f"{shortest.high:,.1f}"
    return f"{low} min" if low == high else f"{low} to {high} min"
