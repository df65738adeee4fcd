"""Options that several commands have in common."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Mode(StrEnum):
    """How recorded replies are used."""

    auto = "auto"
    replay = "replay"
    record = "record"
    live = "live"


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
        "and new replies are written down; live: the model only."
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", help="Read all files in this encoding instead of guessing: utf-8, gb18030 …"),
]
TextColumnOption = Annotated[str | None, typer.Option("--text-column", help="JSONL and CSV: which column is the text.")]
ApartOption = Annotated[
    bool,
    typer.Option("--apart", help="Ask for each field by itself, though the schema would have some share a question."),
]
