"""`extractor extract`: convert texts to records."""

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
    AnswerFormatOption,
    BaseUrlOption,
    ConcurrencyOption,
    DateColumnOption,
    EncodingOption,
    HeaderOption,
    IdColumnOption,
    Inputs,
    KeepColumnOption,
    MaxDocumentSizeOption,
    MaxOutageOption,
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
    TimeoutOption,
    TitleColumnOption,
    TpmOption,
    VerifyOption,
    read_answer_format,
    read_concurrency,
    read_price,
    read_size,
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
    title_column: TitleColumnOption = None,
    date_column: DateColumnOption = None,
    keep_column: KeepColumnOption = None,
    max_document_size: MaxDocumentSizeOption = "16MB",
    second_pass: SecondPassOption = False,
    verify: VerifyOption = False,
    separate_fields: SeparateFieldsOption = False,
    timeout: TimeoutOption = None,
    max_outage: MaxOutageOption = None,
    max_output_tokens: MaxOutputTokensOption = None,
    temperature: TemperatureOption = None,
    reasoning_effort: ReasoningEffortOption = None,
    answer_format: AnswerFormatOption = None,
    header: HeaderOption = None,
    concurrency: ConcurrencyOption = "auto",
    rpm: RpmOption = None,
    tpm: TpmOption = None,
    ordered: Annotated[
        bool,
        typer.Option("--ordered", help="Write records in the order of the inputs instead of as they are finished."),
    ] = False,
    restart: Annotated[
        bool,
        typer.Option("--restart", help="Convert everything again; OUTPUT is replaced when all new records are there."),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Also ask again about the failures listed in OUTPUT.failures.jsonl."),
    ] = False,
    retry: Annotated[
        list[str] | None,
        typer.Option("--retry", metavar="KIND", help="As --retry-failed, for this kind of failure; may be repeated."),
    ] = None,
    max_failures: Annotated[
        int | None, typer.Option("--max-failures", min=0, help="Stop when more than this many documents have failed.")
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
        Path | None,
        typer.Option("--log-json", help="Append events to this file, one JSON object per line (see above)."),
    ] = None,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Ask nothing now: submit the questions to the provider's batch API (see `extractor batch`).",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Convert texts to records, one JSON line per speech. With -o, a run resumes where an earlier one
    stopped.

    Exit code 0: all converted; 1: some failed, the rest are written, and the failures are listed in
    OUTPUT.failures.jsonl; 2: wrong usage, no model, a refused key, or an output that can't be written; 130:
    stopped by Ctrl-C.

    The events of --log-json have "time" (UTC) and "event". "attempt", for each attempt at a question:
    document, field, start, end, reasked, attempt (its number), seconds, error (a kind, or null),
    input_tokens, cached_tokens, output_tokens, estimated (whether the tokens are estimated, as the
    endpoint did not report them), cost. "failure", for each question or document that failed:
    document, kind, reason, field, start, end. "document", for each document that is finished: document,
    records, failures (numbers).
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
        title_column=title_column,
        date_column=date_column,
        keep_columns=tuple(keep_column or ()),
        max_document_size=read_size(max_document_size),
        second_pass=second_pass,
        verify=verify,
        separate_fields=separate_fields,
        timeout=timeout,
        max_outage=max_outage,
        max_output_tokens=max_output_tokens,
        temperature=temperature,
        reasoning_effort=reasoning_effort,
        answer_format=read_answer_format(answer_format),
        headers=tuple(header or ()),
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
    )
    output = None if output == Path("-") else output
    _check_options(settings, output)
    if batch:
        check_batch(settings, output)
    _launch(settings, output, quiet, batch)


def _check_options(settings: Settings, output: Path | None) -> None:
    """Exit if options contradict each other or --retry names no kind of failure."""
    retries = settings.retry is not None
    for option, given in (("--retry-failed", retries), ("--restart", settings.restart)):
        if given and output is None:
            stop(f"{option} needs -o: the finished records are in OUTPUT and the failures in a file beside it.")
    if settings.restart and retries:
        stop("--restart converts everything again, so there is nothing to retry: leave out one of the two.")
    for kind in settings.retry or ():
        if kind not in retry_kinds():
            stop(f"--retry takes a kind of failure, not {kind!r}: one of {', '.join(retry_kinds())}.")


def retry_kinds() -> list[str]:
    """The kinds that an entry of OUTPUT.failures.jsonl can have, without those of files that can't be read.

    Such files are read again in every run.
    """
    from extractor.errors import (
        BUG,
        NOT_REACHED,
        AnswerError,
        ExtractorError,
        PostponedError,
        ProviderError,
        RunInterruptedError,
        kinds,
    )

    groups = {error.kind for error in (ExtractorError, AnswerError, ProviderError)}
    not_failures = kinds(PostponedError, RunInterruptedError)
    return sorted(kinds(ExtractorError) - groups - not_failures | {"empty", BUG, NOT_REACHED})


def _launch(settings: Settings, output: Path | None, quiet: bool, batch: bool = False) -> None:
    """Convert to standard output, to a file, or into a batch, and exit."""
    from extractor.runs.batch import submit
    from extractor.runs.convert_to_file import convert_all, convert_to

    def convert(progress: ProgressDisplay, cancellation: Cancellation) -> Summary:
        if output is None:
            return convert_all(settings, progress, cancellation)
        return (submit if batch else convert_to)(settings, output, progress, cancellation, sys.argv[1:])

    conclude(convert, output, quiet, settings.restart)
