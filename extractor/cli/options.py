"""Options that several commands take, and what their words mean."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import stop

if TYPE_CHECKING:
    from extractor.llm.prices import Price


class Mode(StrEnum):
    """How recorded replies are used."""

    auto = "auto"
    replay = "replay"
    record = "record"
    live = "live"


ModelOption = Annotated[
    str, typer.Option("--model", help="local, local:/path/to/any.gguf, or PROVIDER/NAME such as openai/gpt-4o.")
]
Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT…", help="Files, folders, quoted globs, or - for standard input.")
]
SchemaOption = Annotated[
    str, typer.Option("--schema", help="A shipped schema's name, or a file: my.py or my.py:Class.")
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
SecondPassOption = Annotated[
    bool,
    typer.Option(
        "--second-pass", help="Ask once more about sentences whose numbers, dates, persons or demands no item cites."
    ),
]
SeparateFieldsOption = Annotated[
    bool,
    typer.Option(
        "--separate-fields", help="Ask for each field by itself, though the schema would have some share a question."
    ),
]
VerifyOption = Annotated[
    bool,
    typer.Option("--verify", help="Ask a second time about each item found, and mark those that are not confirmed."),
]
PriceInOption = Annotated[
    float | None,
    typer.Option("--price-in", min=0, help="US dollars a million tokens read, in place of the known price."),
]
PriceOutOption = Annotated[
    float | None, typer.Option("--price-out", min=0, help="US dollars a million tokens written.")
]
IdColumnOption = Annotated[str | None, typer.Option("--id-column", help="JSONL and CSV: which column is the id.")]
ConcurrencyOption = Annotated[
    str,
    typer.Option(
        "--concurrency",
        help="Questions under way at a time: a number, or auto: what the endpoint bears, up to 32.",
    ),
]
RpmOption = Annotated[float | None, typer.Option("--rpm", min=0.1, help="Requests a minute that the endpoint allows.")]
TpmOption = Annotated[float | None, typer.Option("--tpm", min=1, help="Tokens a minute that the endpoint allows.")]


def read_price(price_in: float | None, price_out: float | None) -> Price | None:
    """--price-in and --price-out."""
    from extractor.llm.prices import Price

    if price_in is None and price_out is None:
        return None
    if price_in is None or price_out is None:
        stop("--price-in and --price-out belong together: give both, in US dollars a million tokens.")
    return Price(price_in, price_out)


def read_concurrency(words: str) -> int | None:
    """--concurrency; None: auto."""
    if words == "auto":
        return None
    if words.isascii() and words.isdecimal() and 1 <= int(words) <= 512:
        return int(words)
    stop(f"--concurrency takes auto or a number from 1 to 512, not {words!r}.")
