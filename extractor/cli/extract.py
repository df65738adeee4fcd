"""`extractor extract`: texts to records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from extractor.cancellation import Cancellation
from extractor.cli.batch import check_batch
from extractor.cli.conclude import conclude
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
from extractor.cli.progress import ProgressDisplay
from extractor.runs.settings import Settings
from extractor.runs.summary import Summary


def extract(
    inputs: Inputs,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The JSONL file to write [default: standard output].")
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
    ordered: Annotated[
        bool, typer.Option("--ordered", help="Records in the order of the inputs; else as documents are done.")
    ] = False,
    restart: Annotated[
        bool,
        typer.Option("--restart", help="Begin anew: what OUTPUT holds is replaced once all new records are there."),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Ask again, too, about what OUTPUT.failures.jsonl names."),
    ] = False,
    retry: Annotated[
        list[str] | None,
        typer.Option(
            "--retry", metavar="KIND", help="As --retry-failed, for failures of this kind only; may be repeated."
        ),
    ] = None,
    max_failures: Annotated[
        int | None, typer.Option("--max-failures", min=0, help="Stop when more documents than this have failed.")
    ] = None,
    price_in: PriceInOption = None,
    price_out: PriceOutOption = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Stop before this run costs more, in US dollars.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=0, help="Stop before this run reads and writes more tokens.")
    ] = None,
    log_json: Annotated[
        Path | None, typer.Option("--log-json", help="Add a JSON line for each attempt at a question to this file.")
    ] = None,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch", help="Ask nothing now: submit the questions to the provider's batch API (see `extractor batch`)."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Convert texts to records, one JSON line a speech. With -o, a run goes on where an earlier one stopped.

    Exit code 0: all converted; 1: some failed, the rest are written, and the failures are named in
    OUTPUT.failures.jsonl; 2: wrong usage, no model, a refused key, or an output that can't be written; 130: stopped by
    Ctrl-C.
    """
    from extractor.runs.budget import Limits
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
        second_pass=second_pass,
        verify=verify,
        concurrency=read_concurrency(concurrency),
        rpm=rpm,
        tpm=tpm,
        ordered=ordered,
        restart=restart,
        retry=tuple(retry or ()) if retry or retry_failed else None,
        max_failures=max_failures,
        price=read_price(price_in, price_out),
        limits=Limits(max_cost, max_tokens),
        log=log_json,
        separate_fields=separate_fields,
    )
    if output == Path("-"):
        output = None
    for option, given in (("--retry-failed", retry_failed or retry), ("--restart", restart)):
        if given and output is None:
            stop(f"{option} needs -o: what is done and what failed is in OUTPUT and beside it.")
    if restart and (retry or retry_failed):
        stop("--restart converts all anew, so there is nothing to retry: leave out one of the two.")
    _check_kinds(retry or [])
    if batch:
        check_batch(settings, output)
    launch(settings, output, quiet, batch)


def _check_kinds(retry: list[str]) -> None:
    from extractor.errors import ExtractorError, kinds

    known = sorted({*kinds(ExtractorError), "empty", "bug"})
    for kind in retry:
        if kind not in known:
            stop(f"--retry takes a kind of failure, not {kind!r}: one of {', '.join(known)}.")


def launch(settings: Settings, output: Path | None, quiet: bool, batch: bool = False) -> None:
    """`extract`, whichever way."""
    from extractor.runs.batch import submit
    from extractor.runs.convert_to_file import convert_all, convert_to

    def convert(progress: ProgressDisplay, cancellation: Cancellation) -> Summary:
        if output is None:
            return convert_all(settings, progress, cancellation)
        return (submit if batch else convert_to)(settings, output, progress, cancellation, sys.argv[1:])

    conclude(convert, output, quiet)
