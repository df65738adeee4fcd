"""The `schema` commands, for authors of schemas."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import errors_as_messages, stop
from extractor.cli.options import (
    AnswerFormatOption,
    BaseUrlOption,
    EncodingOption,
    HeaderOption,
    Mode,
    ModelOption,
    ModeOption,
    RepliesOption,
    SeparateFieldsOption,
    TextColumnOption,
    read_answer_format,
)

if TYPE_CHECKING:
    from extractor.document import Excerpt

schema_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Schemas: what is extracted from a text.")

SchemaArgument = Annotated[
    str, typer.Argument(metavar="SCHEMA", help="A shipped schema's name, or a file: my.py or my.py:Class.")
]


@schema_app.command("list", epilog="Example: extractor schema list")
def schema_list() -> None:
    """List the shipped schemas and their fields."""
    from extractor.schema.loading import list_schemas, load_schema

    for name in list_schemas():
        schema = load_schema(name)
        print(f"{name:10} {schema.record.__name__}: {', '.join(field.name for field in schema.fields)}")


@schema_app.command("show", epilog="Example: extractor schema show meeting --output > meeting.schema.json")
def schema_show(
    schema: SchemaArgument = "meeting",
    output: Annotated[bool, typer.Option("--output", help="Show the JSON Schema of an output line.")] = False,
    asked: Annotated[
        bool, typer.Option("--asked", help="Show what a model is asked, with the schema's own example as the text.")
    ] = False,
    model: ModelOption = "local",
) -> None:
    """Show a schema's fields, or the JSON Schema of an output line, or what a model is asked."""
    from extractor.authoring.describe import describe_fields, describe_questions, output_schema

    if output and asked:
        stop("--output and --asked show different things: give one of them.")
    with errors_as_messages():
        if asked:
            print(describe_questions(schema, model))
        else:
            print(output_schema(schema) if output else describe_fields(schema))


@schema_app.command("check", epilog="Example: extractor schema check my.py speeches/")
def schema_check(
    schema: SchemaArgument,
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT…]", help="Files or folders: warn about patterns that match nothing in them."),
    ] = None,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
) -> None:
    """Check whether the engine can use a schema, and show what would work badly, with its line and a way to
    fix it.

    With texts, each pattern (of Cue, Unless, Expects, Like, Subject, Beside, Shown) is tried on what a run
    would try it on: clauses, sentences, passages, or the ends of a text. A pattern that matches nothing is a
    warning.

    Exit code 0: no errors (warnings and notes don't count); 1: something would work badly; 2: the schema
    can't be used.
    """
    from extractor.authoring.check import check_schema

    with errors_as_messages():
        findings = check_schema(schema, _read_speeches(texts or [], encoding, text_column))
    for error in findings.errors:
        print(error)
    for warning in findings.warnings:
        print(f"warning: {warning}")
    for note in findings.notes:
        print(f"note: {note}")
    if findings.errors:
        raise typer.Exit(1)
    print(f"{schema}: OK")


def _read_speeches(texts: list[str], encoding: str | None, text_column: str | None) -> list[Excerpt]:
    """The speeches in some texts. What can't be read is reported on standard error. Raises InputError."""
    from extractor.pipeline.clean.clean import clean
    from extractor.pipeline.read.read import ReadOptions, Unreadable, read
    from extractor.pipeline.split.speeches import split_speeches

    speeches = []
    for document in read(texts, ReadOptions(encoding, text_column)) if texts else ():
        if isinstance(document, Unreadable):
            print(f"extractor: {document.reason}", file=sys.stderr)
        else:
            speeches += split_speeches(clean(document))
    return speeches


@schema_app.command("try", epilog="Example: extractor schema try my.py speech.txt --field venue")
def schema_try(
    schema: SchemaArgument,
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXT…", help="A few files or folders, or - for standard input.")
    ],
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="NAME", help="Ask for this field only; may be repeated.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show whole messages instead of only the part about the field.")
    ] = False,
    separate_fields: SeparateFieldsOption = False,
    model: ModelOption = "local",
    base_url: BaseUrlOption = None,
    answer_format: AnswerFormatOption = None,
    header: HeaderOption = None,
    replies: RepliesOption = None,
    mode: ModeOption = Mode.auto,
    encoding: EncodingOption = None,
    text_column: TextColumnOption = None,
) -> None:
    """Show what a model is asked about a few texts, what it answers, and which values are kept, changed or
    dropped, and why.

    Nothing is written, except the replies with --mode record. Exit code 0: everything was answered; 1: some
    texts or questions failed; 2: wrong usage, or no model.
    """
    from extractor.authoring.try_out import try_schema
    from extractor.cli.progress import progress_display
    from extractor.runs.settings import Settings

    settings = Settings(
        inputs=texts,
        schema=schema,
        model=model,
        base_url=base_url,
        replies=replies,
        mode=mode.value,
        encoding=encoding,
        text_column=text_column,
        id_column=None,
        separate_fields=separate_fields,
        answer_format=read_answer_format(answer_format),
        headers=tuple(header or ()),
    )
    with errors_as_messages(), progress_display(quiet=False, to_stdout=True) as progress:
        complete = try_schema(settings, field or [], full, print, progress.announce)
    raise typer.Exit(0 if complete else 1)


@schema_app.command("new", epilog="Example: extractor schema new budget")
def schema_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The schema's name: budget makes budget.py.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The folder to write into.")] = Path("."),
) -> None:
    """Write a small schema, its example and a test: NAME.py, NAME.example.json, test_NAME.py."""
    from extractor.authoring.new import CannotWrite, write_schema

    try:
        written = write_schema(name, into)
    except CannotWrite as error:
        stop(str(error))
    for path in written:
        print(f"wrote {path}")
    schema, _, test = written
    print(f"next: extractor schema check {schema}; extractor schema try {schema} TEXT…; pytest {test}")
    print("guide: docs/adding-a-field.md; every type and marker: docs/fields.md")


@schema_app.command("diff", epilog="Example: extractor schema diff meeting my.py")
def schema_diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A schema, or an output, to take its schema.")],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="A shipped schema's name, or a file: my.py or my.py:Class.")
    ],
    model: ModelOption = "local",
    replies: Annotated[
        Path, typer.Option("--replies", help="A folder of recorded replies: count those of changed fields.")
    ] = Path("fixtures/replies"),
    gold: Annotated[
        Path, typer.Option("--gold", help="A folder of annotations: count those of changed fields.")
    ] = Path("fixtures/gold"),
) -> None:
    """Show which fields were added, removed, renamed or changed, and which must be asked again.

    To see what that costs, use `extractor estimate INPUT… --schema NEW -o OUTPUT`. Exit code 0: nothing must
    be asked again; 1: something must; 2: wrong usage.
    """
    from extractor.authoring.diff import compare, describe_changes, touched_annotations, touched_recordings

    with errors_as_messages():
        changes = compare(old, new, model)
        touched = [
            ("recordings", replies, touched_recordings(replies, changes)),
            ("annotations", gold, touched_annotations(gold, changes)),
        ]
    for line in describe_changes(changes):
        print(line)
    for what, folder, counts in touched:
        if counts:
            print(f"affected {what} in {folder}: {', '.join(f'{name} {n}' for name, n in counts.items())}")
    raise typer.Exit(1 if any(change.asks for change in changes) else 0)
