"""`extractor estimate`: what a run would ask and cost, for people or as JSON for machines. No model is asked."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import stop
from extractor.cli.options import (
    BaseUrlOption,
    ConcurrencyOption,
    EncodingOption,
    IdColumnOption,
    Inputs,
    Mode,
    ModelOption,
    ModeOption,
    PriceInOption,
    PriceOutOption,
    RepliesOption,
    RpmOption,
    SchemaOption,
    SecondPassOption,
    SeparateFieldsOption,
    TextColumnOption,
    TpmOption,
    VerifyOption,
    read_concurrency,
    read_price,
)
from extractor.runs.wording import dollars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor.runs.estimate import Estimate, Range
    from extractor.runs.settings import Settings


def estimate(
    inputs: Inputs,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="What going on with this output would cost; it is only read.")
    ] = None,
    schema: SchemaOption = "meeting",
    model: ModelOption = "local",
    base_url: BaseUrlOption = None,
    replies: RepliesOption = None,
    mode: ModeOption = Mode.auto,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
    id_column: IdColumnOption = None,
    second_pass: SecondPassOption = False,
    verify: VerifyOption = False,
    separate_fields: SeparateFieldsOption = False,
    concurrency: ConcurrencyOption = "auto",
    rpm: RpmOption = None,
    tpm: TpmOption = None,
    price_in: PriceInOption = None,
    price_out: PriceOutOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say what `extract` with the same options would ask and cost, in tokens, US dollars and time. No model is asked and
    nothing is written; no key is needed.

    The texts are read and cut as in a run, so the questions are those that it would ask. Tokens in are an estimate, a
    range; tokens out lie between the least answer and the whole passage quoted. What recordings answer costs nothing.

    Exit code 0: said; 2: wrong usage.
    """
    from extractor.errors import ExtractorError
    from extractor.output.files import OutputError
    from extractor.pipeline.read.read import InputError
    from extractor.runs.estimate import forecast
    from extractor.runs.settings import Settings
    from extractor.schema.shape import SchemaError

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
        second_pass=second_pass,
        verify=verify,
        concurrency=read_concurrency(concurrency),
        rpm=rpm,
        tpm=tpm,
        price=read_price(price_in, price_out),
        separate_fields=separate_fields,
    )
    try:
        told = forecast(settings, None if output == Path("-") else output)
    except (SchemaError, InputError, OutputError, ExtractorError) as error:
        stop(str(error), code=getattr(error, "exit_code", 2))
    if as_json:
        print(json.dumps(_to_json(told, settings), ensure_ascii=False, indent=1))
        return
    for name, said in _rows(told, settings):
        print(f"{name:<12}{said}")


def _to_json(told: Estimate, settings: Settings) -> dict[str, object]:
    from extractor.llm.prices import source_of

    source = source_of(settings.model) if _is_listed(told, settings) else None
    return {
        **asdict(told),
        "recorded": told.recorded,
        "kept": told.kept,
        "cost": told.cost and asdict(told.cost),
        "price_source": source and {"name": source.name, "day": source.day.isoformat(), "note": source.note},
        "minutes_at_least": asdict(told.minutes(settings.rpm, settings.tpm)),
    }


def _rows(told: Estimate, settings: Settings) -> list[tuple[str, str]]:
    """What a person reads: names, and what there is to say."""
    others = [
        f"{n:,} {what}"
        for n, what in (
            (told.skipped, "done before"),
            (told.waiting, "failed before, not asked again without --retry-failed"),
            (told.failed, "can't be read"),
            (told.outdated, "records of an earlier recipe, to be back-filled"),
        )
        if n
    ]
    answered = [
        f"{n:,} {what}"
        for n, what in (
            (told.recorded, "answered by recordings"),
            (told.kept, "answered before, kept beside the output"),
            (told.unrecorded, "without a recording, would fail"),
            (told.requests, "to ask"),
        )
        if n
    ]
    rows = [
        ("model", told.model),
        ("documents", f"{told.documents:,} to convert" + "".join(f", {other}" for other in others)),
        ("speeches", f"{told.speeches:,}"),
        ("passages", f"{told.passages:,} asked about"),
        ("questions", f"{told.questions:,}" + (": " if answered else "") + ", ".join(answered)),
    ]
    if not told.requests:
        return [*rows, ("cost", "nothing: no model would be asked")]
    asked = ", ".join(f"{name} {n:,}" for name, n in sorted(told.fields.items(), key=lambda item: -item[1]))
    return [
        *rows,
        ("", f"for {asked}"),
        ("tokens in", f"{_span(told.tokens_in)} {_about_input(told)}"),
        ("tokens out", f"{_span(told.tokens_out)} (the least answers, to the passage quoted for each field)"),
        *_cost(told, settings),
        ("time", _time(told, settings)),
        *zip(("not in it", "", "", "", ""), _left_out(told, settings), strict=False),
    ]


def _about_input(told: Estimate) -> str:
    from extractor.llm.tokens import WITHIN

    shapes = (
        f"; {told.shapes:,} of answers' shapes, which not all endpoints count, in the higher" if told.shapes else ""
    )
    return f"(estimated, {WITHIN * 100:.0f} % either way{shapes})"


def _cost(told: Estimate, settings: Settings) -> Iterator[tuple[str, str]]:
    from extractor.llm.prices import is_old, source_of

    cost, price = told.cost, told.price
    if told.is_local:
        yield "cost", "nothing: the model runs on this machine"
        return
    if cost is None or price is None:
        yield "cost", f"unknown: no price is listed for {settings.model}; give --price-in and --price-out"
        return
    yield "cost", f"{dollars(cost.low)} to {dollars(cost.high)}"
    rates = f"${price.input:g} in, ${price.output:g} out a million tokens"
    source = source_of(settings.model) if _is_listed(told, settings) else None
    if source is None:
        yield "price", rates
        return
    yield "price", f"{rates}, of {source.day} ({source.name})"
    if source.note:
        yield "", source.note
    if is_old(source, date.today()):
        yield "", f"prices of {source.day}: check, or give --price-in and --price-out"


def _is_listed(told: Estimate, settings: Settings) -> bool:
    """Whether the price comes from the list, and not from the user."""
    return told.price is not None and settings.price is None and not told.is_local


def _time(told: Estimate, settings: Settings) -> str:
    """What can be known: limits hold from below; how fast an endpoint answers, only asking tells."""
    limits = [
        f"--{name} {n:g}" for name, n in (("rpm", settings.rpm), ("tpm", settings.tpm)) if n and not told.is_local
    ]
    least = told.minutes(settings.rpm, settings.tpm)
    bound = f"at least {_minutes(least)} at {' and '.join(limits)}, and " if limits else ""
    at_a_time = 1 if told.is_local else settings.concurrency
    if at_a_time is None:
        return f"{bound}as long as the endpoint takes for {told.requests:,} answers, up to 32 at a time"
    in_turn = -(-told.requests // at_a_time)
    return f"{bound}as long as {in_turn:,} answers take in turn" + f", {at_a_time:,} at a time" * (at_a_time > 1)


def _left_out(told: Estimate, settings: Settings) -> Iterator[str]:
    yield "re-asks of answers that do not fit or are too long"
    if not told.is_local:
        yield "a model's thinking, which is paid as tokens out"
        yield "what a provider's cache makes cheaper"
    if settings.verify:
        yield "--verify: one question for each item that the model finds"
    if settings.second_pass:
        yield "--second-pass: what it saves where the model finds things; it is counted as if none were found"


def _span(tokens: Range) -> str:
    return f"{tokens.low:,.0f} to {tokens.high:,.0f}"


def _minutes(least: Range) -> str:
    low, high = f"{least.low:,.1f}", f"{least.high:,.1f}"
    return f"{low} min" if low == high else f"{low} to {high} min"
