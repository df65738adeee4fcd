"""The command that says what a change of a schema will do, before it is paid for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.commands import ModelOption, schema_app, stop

if TYPE_CHECKING:
    from extractor.difference import Change


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

    from extractor.difference import (
        describe_changes,
        differences,
        profile_of,
        recipe_of,
        recorded_recipe,
        touched_annotations,
        touched_recordings,
    )
    from extractor.faults import Fault
    from extractor.model import choose
    from extractor.output import OutputError
    from extractor.shape import SchemaError

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
    except (SchemaError, OutputError, Fault) as error:
        stop(str(error))
    for line in describe_changes(changes):
        print(line)
    for what, folder, counts in touched:
        if counts:
            print(f"touched  {what} in {folder}: {', '.join(f'{name} {n}' for name, n in counts.items())}")
    raise typer.Exit(_code(changes))


def _code(changes: list[Change]) -> int:
    return 1 if any(change.asks for change in changes) else 0
