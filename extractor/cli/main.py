"""The `extractor` command: registers the subcommands. Heavy imports wait until a subcommand needs them."""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Annotated, NoReturn

import typer

from extractor.cancellation import stop_signals
from extractor.cli.batch import batch_app
from extractor.cli.conclude import INTERRUPTED, abandon_stdout
from extractor.cli.cost import cost
from extractor.cli.estimate import estimate
from extractor.cli.evaluate import evaluate
from extractor.cli.extract import extract
from extractor.cli.model import model_app
from extractor.cli.replies import replies_app
from extractor.cli.schema import schema_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Turn Chinese government speeches and meeting reports into JSONL records in which every value points at the "
    "characters that it came from.",
)
app.add_typer(schema_app, name="schema")
app.add_typer(model_app, name="model")
app.add_typer(replies_app, name="replies")
app.add_typer(batch_app, name="batch")
app.command("eval", epilog="Example: extractor eval fixtures/gold records.jsonl --slips")(evaluate)
app.command(epilog="Example: extractor extract speeches/ -o records.jsonl")(extract)
app.command(epilog="Example: extractor estimate speeches/ --model deepseek/deepseek-flash -o records.jsonl")(estimate)
app.command(epilog="Example: extractor cost records.jsonl")(cost)


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"extractor {installed('meeting-extractor')}")
        raise typer.Exit()


def _prepare_streams() -> None:
    """Use UTF-8 and \\n everywhere, and keep messages out of the records if standard error is closed."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")


def main() -> None:
    """The `extractor` command."""
    _prepare_streams()
    for number in stop_signals():
        signal.signal(number, _stop)
    code: object = 0
    try:
        app()
    except SystemExit as ended:
        code = ended.code
    except OSError as error:  # raised by a print
        code = _report_unwritten(error)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        code = code or _report_unwritten(error)
        abandon_stdout()
    # All is done: what comes now would only end the interpreter in the middle of its own end.
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)  # type: ignore[arg-type]


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """End a command that has no handler of its own."""
    with suppress(OSError):
        os.write(2, b"extractor: Stopped. Run the same command again.\n")  # it may have come in the middle of a print
    raise SystemExit(INTERRUPTED)


def _report_unwritten(error: OSError) -> int:
    """Print why standard output can't be written, unless its reader has left; return the exit code."""
    if not isinstance(error, BrokenPipeError):
        print(f"extractor: Standard output can't be written: {error.strerror or error}.", file=sys.stderr)
        return 2
    return 1
