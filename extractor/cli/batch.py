"""The `batch` commands: questions submitted to a provider's batch API, and their replies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.conclude import conclude
from extractor.cli.exit import errors_as_messages, stop
from extractor.cli.options import HeaderOption

if TYPE_CHECKING:
    from extractor.cancellation import Cancellation
    from extractor.cli.progress import ProgressDisplay
    from extractor.runs.settings import Settings
    from extractor.runs.summary import Summary

batch_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Batches: questions that `extractor extract … --batch` submitted to the provider's batch API.",
)
OutputArgument = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="The JSONL file that was named with -o in the command with --batch.")
]


@batch_app.command("status", epilog="Example: extractor batch status records.jsonl")
def batch_status(output: OutputArgument, header: HeaderOption = None) -> None:
    """Show how far the batches of an output are, one line each.

    Exit code 0: all are completed; 1: some are running, failed, expired or cancelled; 2: nothing was
    submitted.
    """
    from extractor.runs.batch import look

    with errors_as_messages():
        lines, code = look(output, header or ())
    for line in lines:
        print(line)
    raise typer.Exit(code)


@batch_app.command("collect", epilog="Example: extractor batch collect records.jsonl")
def batch_collect(
    output: OutputArgument,
    header: HeaderOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Download the replies of finished batches and write the records that they complete.

    The settings are those of the command with --batch; the key is read from the environment, headers are given again. To ask the
    questions that are still open, run that command again: with --batch they go into another batch, without
    it they are asked live. Costs are counted at the price of live answers: the provider's discount for
    batches is not known here.

    Exit code 0: all converted; 1: some failed or are open; 2: wrong usage, nothing was submitted, no key.
    """

    def convert(progress: ProgressDisplay, cancellation: Cancellation) -> Summary:
        from extractor.runs.batch_collect import collect

        return collect(output, progress, cancellation, sys.argv[1:], tuple(header or ()))

    conclude(convert, output, quiet)


@batch_app.command("cancel", epilog="Example: extractor batch cancel records.jsonl")
def batch_cancel(output: OutputArgument, header: HeaderOption = None) -> None:
    """Ask the provider to end the batches of an output. Replies that exist by then can be collected.

    Exit code 0: done; 2: nothing was submitted, or the provider refuses.
    """
    from extractor.runs.batch import cancel

    with errors_as_messages():
        lines = cancel(output, header or ())
    for line in lines:
        print(line)


def check_batch(settings: Settings, output: Path | None) -> None:
    """Exit if --batch can't be combined with the other options."""
    limited = settings.limits.cost is not None or settings.limits.tokens is not None
    conflicts = {
        "standard input, which can't be read again when the replies arrive: name a file": "-" in settings.inputs,
        "standard output: name a file with -o": output is None,
        "--mode replay, which asks nothing": settings.mode == "replay",
        "--restart: move the old output away, or name another": settings.restart,
        "--max-cost and --max-tokens, which stop a run that asks live": limited,
    }
    for other, given in conflicts.items():
        if given:
            stop(f"--batch can't be combined with {other}.")
    if output is not None and output.exists() and not output.is_file():
        stop(f"--batch needs a regular file, and {output} is something else: name another with -o.")
