"""The commands for those who write schemas."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import stop
from extractor.cli.options import (
    BaseUrlOption,
    EncodingOption,
    Mode,
    ModelOption,
    ModeOption,
    RepliesOption,
    SeparateFieldsOption,
    TextColumnOption,
)

schema_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Schemas: what is extracted.")

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
    output: Annotated[bool, typer.Option("--output", help="The JSON Schema of an output line.")] = False,
    asked: Annotated[
        bool, typer.Option("--asked", help="The questions that a model is asked, about the schema's own example.")
    ] = False,
    model: ModelOption = "local",
) -> None:
    """Show a schema's fields, or the JSON Schema of an output line, or what a model is asked."""
    from extractor.authoring.describe import describe_fields, describe_questions, output_schema
    from extractor.errors import ExtractorError
    from extractor.schema.shape import SchemaError

    if output and asked:
        stop("--output and --asked show different things: give one of them.")
    try:
        print(describe_questions(schema, model) if asked else (output_schema if output else describe_fields)(schema))
    except (SchemaError, ExtractorError) as error:
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
    from extractor.authoring.check import check_schema
    from extractor.pipeline.clean.clean import clean
    from extractor.pipeline.read.read import InputError, ReadOptions, Unreadable, read
    from extractor.pipeline.split.speeches import split_speeches
    from extractor.schema.shape import SchemaError

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
    separate_fields: SeparateFieldsOption = False,
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
    from extractor.authoring.try_out import try_schema
    from extractor.errors import ExtractorError
    from extractor.pipeline.read.read import InputError
    from extractor.runs.settings import Settings
    from extractor.schema.shape import SchemaError

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
    )
    try:
        whole = try_schema(settings, field or [], full, print)
    except (SchemaError, InputError, ExtractorError) as error:
        stop(str(error), code=getattr(error, "exit_code", 2))
    raise typer.Exit(0 if whole else 1)


@schema_app.command("new", epilog="Example: extractor schema new budget")
def schema_new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the schema is called: budget makes budget.py.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The folder to write into.")] = Path("."),
) -> None:
    """Write a small schema to begin with, its example, and a test of both: NAME.py, NAME.example.json, test_NAME.py."""
    from extractor.authoring.new import CannotWrite, write_schema

    try:
        written = write_schema(name, into)
    except CannotWrite as error:
        stop(str(error))
    for path in written:
        print(f"wrote {path}")
    print(f"next: extractor schema check {written[0]}; extractor schema try {written[0]} TEXT…; pytest {written[2]}")


if TYPE_CHECKING:
    from extractor.authoring.diff import Change


@schema_app.command("diff", epilog="Example: extractor schema diff meeting my.py")
def schema_diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A schema, or an output: the one that it was made by.")],
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="A shipped schema's name, or a file: my.py or my.py:Class.")
    ],
    model: ModelOption = "local",
    replies: Annotated[
        Path, typer.Option("--replies", help="The folder of recorded replies, of which touched ones are counted.")
    ] = Path("fixtures/replies"),
    gold: Annotated[
        Path, typer.Option("--gold", help="The folder of annotations, of which touched ones are counted.")
    ] = Path("fixtures/gold"),
) -> None:
    """Say which fields were added, removed, renamed or changed, and which must be asked again.

    For what that costs, use `extractor estimate INPUT… --schema NEW -o OUTPUT`. Exit code 0: nothing is to be asked; 1:
    something is; 2: wrong usage.
    """
    import os

    from extractor.authoring.diff import (
        describe_changes,
        differences,
        profile_of,
        recipe_of,
        recorded_recipe,
        touched_annotations,
        touched_recordings,
    )
    from extractor.errors import ExtractorError
    from extractor.llm.models import choose
    from extractor.output.files import OutputError
    from extractor.schema.shape import SchemaError

    try:
        if old.endswith(".jsonl"):
            before = recorded_recipe(Path(old))
            after = recipe_of(new, before["model"], profile_of(before))
        else:
            chosen = choose(model, None, os.environ)
            before = recipe_of(old, chosen.name, chosen.profile).to_json()
            after = recipe_of(new, chosen.name, chosen.profile)
        changes = differences(before, after)
        touched = [
            ("recordings", replies, touched_recordings(replies, changes)),
            ("annotations", gold, touched_annotations(gold, changes)),
        ]
    except (SchemaError, OutputError, ExtractorError) as error:
        stop(str(error))
    for line in describe_changes(changes):
        print(line)
    for what, folder, counts in touched:
        if counts:
            print(f"touched  {what} in {folder}: {', '.join(f'{name} {n}' for name, n in counts.items())}")
    raise typer.Exit(_code(changes))


def _code(changes: list[Change]) -> int:
    return 1 if any(change.asks for change in changes) else 0
