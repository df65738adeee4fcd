"""`extractor cost`: the bill of an output."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import errors_as_messages
from extractor.cli.options import PriceInOption, PriceOutOption, read_price

if TYPE_CHECKING:
    from extractor.runs.bill import Bill, Spent


def cost(
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The file that runs wrote with -o.")],
    price_in: PriceInOption = None,
    price_out: PriceOutOption = None,
) -> None:
    """Say what all runs into an output spent, killed runs included, and how much of it is behind its records.

    Answers from recordings and answers kept by an earlier run cost nothing again; a record counts them as its
    own. An answer that was under way when a run was killed is on no bill but the provider's.
    """
    from extractor.runs.bill import bill_of

    with errors_as_messages():
        bill = bill_of(output, read_price(price_in, price_out))
    for line in _lines(bill):
        print(line)


def _lines(bill: Bill) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("run", "started (UTC)", "model", *_HEAD, "ended")]
    rows += [
        (run.run, run.started[:19].replace("T", " "), run.model, *_cells(run.spent), run.ended) for run in bill.runs
    ]
    rows.append(("total", "", "", *_cells(bill.total), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.rjust(width) if 3 <= column <= 7 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
    yield f"behind the {bill.records} records: {_words(bill.in_records)}"
    if bill.total.usage.estimated:
        yield f"estimated: the tokens of {bill.total.usage.estimated} answers, which the endpoint did not report"


_HEAD = ("answers", "tokens read", "of them cached", "tokens written", "cost")


def _cells(spent: Spent) -> tuple[str, ...]:
    from extractor.wording import dollars

    usage = spent.usage
    counts = (usage.requests, usage.input_tokens, usage.cached_tokens, usage.output_tokens)
    return (*(f"{count:,}" for count in counts), "unknown" if spent.cost is None else dollars(spent.cost))


def _words(spent: Spent) -> str:
    answers, read, _, written, price = _cells(spent)
    return f"{answers} answers, {read} tokens read and {written} written, cost {price}"
