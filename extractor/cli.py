"""The command line: arguments to calls, errors to sentences. Heavy imports wait until a command needs them."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from extractor import compare  # noqa: F401 (its command joins `schema`)
from extractor.batch import batch_app, check_batch
from extractor.commands import model_app, stop
from extractor.estimate import estimate
from extractor.evaluate import evaluate
from extractor.launch import abandon_stdout, launch
from extractor.options import (
    ApartOption,
    BaseUrlOption,
    ConcurrencyOption,
    ConfirmOption,
    EncodingOption,
    FillOption,
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
    TextColumnOption,
    TpmOption,
    read_concurrency,
    read_price,
)
from extractor.schema_commands import schema_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn Chinese government speeches and meeting reports into JSONL records whose every value points at the "
    "characters that it came from.",
)
replies_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Recorded replies: see whether they are current."
)
app.add_typer(schema_app, name="schema")
app.add_typer(model_app, name="model")
app.add_typer(replies_app, name="replies")
app.add_typer(batch_app, name="batch")
app.command("eval", epilog="Example: extractor eval fixtures/gold records.jsonl --slips")(evaluate)
app.command(epilog="Example: extractor estimate speeches/ --model deepseek/deepseek-flash -o records.jsonl")(estimate)


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"extractor {installed('meeting-extractor')}")
        raise typer.Exit()


@app.command(epilog="Example: extractor extract speeches/ -o records.jsonl")
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
    fill: FillOption = False,
    confirm: ConfirmOption = False,
    apart: ApartOption = False,
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
    from extractor.account import Limits
    from extractor.settings import Settings

    settings = Settings(
        inputs,
        schema,
        model,
        base_url,
        replies,
        mode.value,
        encoding,
        text_column,
        id_column,
        fill,
        confirm,
        read_concurrency(concurrency),
        rpm,
        tpm,
        ordered,
        restart,
        tuple(retry or ()) if retry or retry_failed else None,
        max_failures,
        read_price(price_in, price_out),
        Limits(max_cost, max_tokens),
        log_json,
        apart,
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
    from extractor.faults import Fault, kinds

    known = sorted({*kinds(Fault), "empty", "bug"})
    for kind in retry:
        if kind not in known:
            stop(f"--retry takes a kind of failure, not {kind!r}: one of {', '.join(known)}.")


@replies_app.command("check", epilog="Example: extractor replies check seeds")
def replies_check(
    inputs: Inputs,
    schema: SchemaOption = "meeting",
    model: ModelOption = "local",
    base_url: BaseUrlOption = None,
    replies: RepliesOption = None,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
    id_column: IdColumnOption = None,
    fill: FillOption = False,
    confirm: ConfirmOption = False,
    apart: ApartOption = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete the recordings that no question asks for.")] = False,
) -> None:
    """Say which recorded replies are missing or unused for these inputs, and why.

    Exit code 0: all are there and in use; 1: some are missing or unused; 2: wrong usage.
    """
    from extractor.faults import Fault
    from extractor.read import InputError
    from extractor.replies import check_replies
    from extractor.settings import Settings
    from extractor.shape import SchemaError

    settings = Settings(
        inputs, schema, model, base_url, replies, "replay", encoding, text_column, id_column, fill, confirm, apart=apart
    )
    try:
        findings, lines = check_replies(settings, prune)
    except (SchemaError, InputError, Fault) as error:
        stop(str(error), code=getattr(error, "exit_code", 2))
    for line in lines:
        print(line)
    raise typer.Exit(1 if findings else 0)


def _prepare_streams() -> None:
    """UTF-8 and \\n everywhere; a closed standard error must not lead messages into the records."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")


def main() -> None:
    """The `extractor` command."""
    _prepare_streams()
    code: object = 0
    try:
        app()
    except SystemExit as ended:
        code = ended.code
    except OSError as error:  # of a print
        code = _say_unwritten(error)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        code = code or _say_unwritten(error)
        abandon_stdout()
    sys.exit(code)  # type: ignore[arg-type]


def _say_unwritten(error: OSError) -> int:
    if not isinstance(error, BrokenPipeError):
        print(f"extractor: Standard output can't be written: {error.strerror or error}.", file=sys.stderr)
        return 2
    return 1
