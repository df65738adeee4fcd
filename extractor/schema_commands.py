"""The commands for those who write schemas."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from extractor.commands import stop
from extractor.options import (
    ApartOption,
    BaseUrlOption,
    EncodingOption,
    Mode,
    ModelOption,
    ModeOption,
    RepliesOption,
    TextColumnOption,
)

schema_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Schemas: what is extracted.")

SchemaArgument = Annotated[
    str, typer.Argument(metavar="SCHEMA", help="A shipped schema's name, or a file: my.py or my.py:Class.")
]


@schema_app.command("list", epilog="Example: extractor schema list")
def schema_list() -> None:
    """List the shipped schemas and their fields."""
    from extractor.catalog import list_schemas, load_schema

    for name in list_schemas():
        schema = load_schema(name)
        print(f"{name:10} {schema.record.__name__}: {', '.join(field.name for field in schema.fields)}")


@schema_app.command("show", epilog="Example: extractor schema show meeting --output > meeting.schema.json")
def schema_show(
    schema: SchemaArgument = "meeting",
    output: Annotated[bool, typer.Option("--output", help="The JSON Schema of an output line.")] = False,
    asked: Annotated[
        bool, typer.Option("--asked", help="The questions that a model is asked, about the schema's own example.")
    ] = False,
    model: ModelOption = "local",
) -> None:
    """Show a schema's fields, or the JSON Schema of an output line, or what a model is asked."""
    from extractor.describe import describe_fields, describe_questions, output_schema
    from extractor.faults import Fault
    from extractor.shape import SchemaError

    if output and asked:
        stop("--output and --asked show different things: give one of them.")
    try:
        print(describe_questions(schema, model) if asked else (output_schema if output else describe_fields)(schema))
    except (SchemaError, Fault) as error:
        stop(str(error))


@schema_app.command("check", epilog="Example: extractor schema check my.py speeches/")
def schema_check(
    schema: SchemaArgument,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT…]", help="Files or folders: name the patterns that match nothing in them."),
    ] = None,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
) -> None:
    """Check whether the engine can use a schema, and say what would work badly, with its line and the mend.

    With texts, each pattern (of Cue, Unless, Signs, Like, Subject, Beside, Shown) is held against what a run would hold
    it against: clauses, sentences, passages, or the ends of a text.

    Exit code 0: nothing found (notes don't count); 1: something would work badly; 2: the schema can't be used.
    """
    from extractor.clean import clean
    from extractor.read import InputError, ReadOptions, Unreadable, read
    from extractor.schema_check import check_schema
    from extractor.shape import SchemaError
    from extractor.speeches import split_speeches

    speeches = []
    try:
        for document in read(texts, ReadOptions(encoding, text_column)) if texts else ():
            if isinstance(document, Unreadable):
                print(f"extractor: {document.reason}", file=sys.stderr)
            else:
                speeches += split_speeches(clean(document))
        findings = check_schema(schema, speeches)
    except (SchemaError, InputError) as error:
        stop(str(error))
    for complaint in findings.complaints:
        print(complaint)
    for note in findings.notes:
        print(f"note: {note}")
    if findings.complaints:
        raise typer.Exit(1)
    print(f"{schema}: nothing to complain about")


@schema_app.command("try", epilog="Example: extractor schema try my.py speech.txt --field venue")
def schema_try(
    schema: SchemaArgument,
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXT…", help="Files, folders, or - for standard input: a few.")
    ],
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="NAME", help="Ask for this field only; may be repeated.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show whole messages, not just what is particular.")] = False,
    apart: ApartOption = False,
    model: ModelOption = "local",
    base_url: BaseUrlOption = None,
    replies: RepliesOption = None,
    mode: ModeOption = Mode.auto,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
) -> None:
    """Show what a model is asked about a few texts, what it answers, and what of that is kept or dropped, and why.

    Nothing is written but, with --mode record, the replies. Exit code 0: all was answered; 1: some texts or questions
    failed; 2: wrong usage, or no model.
    """
    from extractor.faults import Fault
    from extractor.read import InputError
    from extractor.schema_try import try_schema
    from extractor.settings import Settings
    from extractor.shape import SchemaError

    settings = Settings(texts, schema, model, base_url, replies, mode.value, encoding, text_column, None, apart=apart)
    try:
        whole = try_schema(settings, field or [], full, print)
    except (SchemaError, InputError, Fault) as error:
        stop(str(error), code=getattr(error, "exit_code", 2))
    raise typer.Exit(0 if whole else 1)


@schema_app.command("new", epilog="Example: extractor schema new budget")
def schema_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the schema is called: budget makes budget.py.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The folder to write into.")] = Path("."),
) -> None:
    """Write a small schema to begin with, its example, and a test of both: NAME.py, NAME.example.json, test_NAME.py."""
    from extractor.schema_new import CannotWrite, write_schema

    try:
        written = write_schema(name, into)
    except CannotWrite as error:
        stop(str(error))
    for path in written:
        print(f"wrote {path}")
    print(f"next: extractor schema check {written[0]}; extractor schema try {written[0]} TEXT…; pytest {written[2]}")
