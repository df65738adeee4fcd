"""Options shared by several commands, and the parsing of their values."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import stop

if TYPE_CHECKING:
    from extractor.llm.call import AnswerFormat
    from extractor.llm.prices import Price


class AnswerForm(StrEnum):
    """How the answer is described to an endpoint."""

    json_schema = "json-schema"
    strict = "strict"
    json_object = "json-object"
    none = "none"


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
    str | None, typer.Option("--base-url", help="An OpenAI-compatible server; --model is then a name that it knows.")
]
RepliesOption = Annotated[
    Path | None,
    typer.Option("--replies", help="The folder of recorded replies [default: fixtures/replies, if it exists]."),
]
ModeOption = Annotated[
    Mode,
    typer.Option(
        help="auto: recorded replies if there are any, else the model; replay: recorded replies only; record: as auto, "
        "and new replies are recorded; live: the model only."
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option("--encoding", help="Read all files in this encoding instead of guessing: utf-8, gb18030 …"),
]
TextColumnOption = Annotated[str | None, typer.Option("--text-column", help="JSONL and CSV: the column with the text.")]
SecondPassOption = Annotated[
    bool,
    typer.Option(
        "--second-pass", help="Ask again about sentences with numbers, dates, persons or demands that no item cites."
    ),
]
SeparateFieldsOption = Annotated[
    bool,
    typer.Option(
        "--separate-fields", help="Ask for each field in a separate question, even if the schema groups some of them."
    ),
]
VerifyOption = Annotated[
    bool,
    typer.Option("--verify", help="Ask the model about each item found, and mark the items that it does not confirm."),
]
PriceInOption = Annotated[
    float | None,
    typer.Option("--price-in", min=0, help="US dollars per million tokens read, instead of the listed price."),
]
PriceOutOption = Annotated[
    float | None, typer.Option("--price-out", min=0, help="US dollars per million tokens written.")
]
IdColumnOption = Annotated[str | None, typer.Option("--id-column", help="JSONL and CSV: the column with the id.")]
TitleColumnOption = Annotated[
    str | None,
    typer.Option("--title-column", help="JSONL and CSV: the column with the title [default: title, 标题 …]."),
]
DateColumnOption = Annotated[
    str | None,
    typer.Option(
        "--date-column",
        help="JSONL and CSV: the column with the date of publication, which gives the year that a text leaves out "
        "[default: publish_date, date, 发布日期 …].",
    ),
]
KeepColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep-column",
        metavar="NAME",
        help="JSONL and CSV: a column to copy into the output lines, under columns; may be repeated.",
    ),
]
MaxDocumentSizeOption = Annotated[
    str,
    typer.Option(
        "--max-document-size",
        metavar="SIZE",
        help="Read no file, page or row that is larger, in bytes or as 500KB, 50MB, 1GB.",
    ),
]
ConcurrencyOption = Annotated[
    str,
    typer.Option(
        "--concurrency",
        help="Questions in flight at a time: a number, or auto: as many as the endpoint can take, up to 32.",
    ),
]
RpmOption = Annotated[float | None, typer.Option("--rpm", min=0.1, help="The endpoint's limit of requests per minute.")]
TpmOption = Annotated[float | None, typer.Option("--tpm", min=1, help="The endpoint's limit of tokens per minute.")]

TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", min=1, help="Seconds to wait for one answer [default: 180; embedded model: 900]."),
]
MaxOutageOption = Annotated[
    float | None,
    typer.Option(
        "--max-outage",
        min=0,
        help="Minutes to wait for an endpoint that no longer answers any question, before the run stops [default: 30].",
    ),
]
MaxOutputTokensOption = Annotated[
    int | None,
    typer.Option("--max-output-tokens", min=100, help="The longest answer, thinking included [default: 6000]."),
]
TemperatureOption = Annotated[
    float | None,
    typer.Option(
        "--temperature", min=0, max=2, help="Sampling temperature [default: 0, or none if the model refuses it]."
    ),
]
ReasoningEffortOption = Annotated[
    str | None,
    typer.Option("--reasoning-effort", help="How much the model thinks, in the provider's word: minimal, low, high …"),
]

AnswerFormatOption = Annotated[
    AnswerForm | None,
    typer.Option(
        "--answer-format",
        help="How the answer is described to the endpoint: json-schema, strict (OpenAI's strict mode), json-object, or "
        "none, in words only [default: what the provider takes; with --base-url it is found out].",
    ),
]
HeaderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="NAME: VALUE",
        help="Send this header with every request; may be repeated. Its value is in no file and no message.",
    ),
]


def read_answer_format(form: AnswerForm | None) -> AnswerFormat | None:
    """The format given by --answer-format, as a request has it."""
    from extractor.llm.call import ANSWER_FORMATS

    return ANSWER_FORMATS[form.value] if form else None


def read_price(price_in: float | None, price_out: float | None) -> Price | None:
    """The price given by --price-in and --price-out; None without them."""
    from extractor.llm.prices import Price

    if price_in is None and price_out is None:
        return None
    if price_in is None or price_out is None:
        stop("--price-in and --price-out belong together: give both, in US dollars per million tokens.")
    return Price(price_in, price_out)


def read_size(words: str) -> int:
    """The bytes given by --max-document-size."""
    from extractor.pipeline.read.sizes import parse_size

    try:
        return parse_size(words)
    except ValueError as error:
        stop(f"--max-document-size {error}")


def read_concurrency(words: str) -> int | None:
    """The number given by --concurrency; None for auto."""
    if words == "auto":
        return None
    if words.isascii() and words.isdecimal() and 1 <= int(words) <= 512:
        return int(words)
    stop(f"--concurrency takes auto or a number from 1 to 512, not {words!r}.")
