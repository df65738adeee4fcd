"""`extractor eval`: the scores of an output, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.cli.exit import errors_as_messages, stop

if TYPE_CHECKING:
    from extractor.evaluation.scoring import Counts, Slip
    from extractor.evaluation.tables import Gap, Row


@dataclass
class Scores:
    """All that the command reports."""

    documents: int
    without_record: list[str]
    rows: list[Row]
    gaps: dict[str, Gap]
    by_mark: dict[tuple[str, str], Counts]
    slips: list[Slip]


def evaluate(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Annotations: a folder of *.json files, or one file.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="The records to score.")],
    schema: Annotated[str, typer.Option("--schema", help="The schema of both.")] = "meeting",
    vs: Annotated[
        Path | None, typer.Option("--vs", help="Another output: show the difference in F1, with its interval.")
    ] = None,
    slips: Annotated[bool, typer.Option("--slips", help="List misses and inventions with their source text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score records against reference annotations: precision, recall and F1 of each field, with intervals.

    A field's type decides how it is compared (extractor/evaluation/scoring.py says how). Intervals are the
    middle 95 % of 2,000 resamples of the documents: with few documents they are wide, and they say nothing
    about other kinds of text.

    Exit code 0: done; 2: wrong usage, or files that can't be scored.
    """
    from extractor.evaluation.scoring import ScoreError

    try:
        with errors_as_messages():
            scores = _score(gold, output, schema, vs)
    except ScoreError as error:
        stop(str(error))
    if not slips:
        scores.slips = []
    if as_json:
        print(json.dumps(_to_json(scores), ensure_ascii=False, indent=1))
        return
    for line in _lines(scores):
        print(line)


def _score(gold: Path, output: Path, schema: str, vs: Path | None) -> Scores:
    from extractor.evaluation.scoring import ScoreError, fields_of, read_gold, read_lines, records_of, score
    from extractor.evaluation.tables import difference, tabulate, tabulate_marks
    from extractor.schema.loading import load_schema

    fields = load_schema(schema).fields
    wanted = read_gold(gold)
    lines = read_lines(output)
    scored = score(fields, wanted, records_of(lines))
    names = fields_of(fields, wanted)
    if not names:
        raise ScoreError(f"{gold} annotates no field of {schema}: name the schema of the annotations with --schema.")
    return Scores(
        documents=len(wanted),
        without_record=sorted(set(wanted) - set(lines)),
        rows=tabulate(scored, names),
        gaps=difference(scored, score(fields, wanted, records_of(read_lines(vs))), names) if vs else {},
        by_mark=dict(sorted(tabulate_marks(scored, lines).items())),
        slips=[slip for one in scored.values() for slip in one.slips],
    )


def _to_json(scores: Scores) -> dict[str, object]:
    return {
        "documents": scores.documents,
        "without_record": scores.without_record,
        "scores": {
            row.name: {"precision": row.precision, "recall": row.recall, "f1": row.f1, "interval": [row.low, row.high]}
            for row in scores.rows
        },
        "difference": {name: {"f1": gap.f1, "interval": [gap.low, gap.high]} for name, gap in scores.gaps.items()},
        "marks": [
            {"field": name, "mark": mark, "precision": counts.precision, "items": counts.found}
            for (name, mark), counts in scores.by_mark.items()
        ],
        "slips": [asdict(slip) for slip in scores.slips],
    }


def _lines(scores: Scores) -> Iterator[str]:
    from extractor.evaluation.tables import UNMARKED
    from extractor.wording import counted

    missing = scores.without_record
    without = f", {len(missing)} without a record: {', '.join(missing)}" if missing else ""
    yield counted(scores.documents, "document") + without
    yield f"{'':22} precision  recall      F1  interval"
    for row in scores.rows:
        yield f"{row.name:22} {row.precision:9.2f} {row.recall:7.2f} {row.f1:7.2f}  {row.low:.2f}-{row.high:.2f}"
    for name, gap in scores.gaps.items():
        yield f"difference in {name:12} {gap.f1:+.2f}  {gap.low:+.2f} to {gap.high:+.2f}"
    marked = {name for name, mark in scores.by_mark if mark != UNMARKED}
    if marked:
        yield "precision by mark"
    for (name, mark), counts in scores.by_mark.items():
        if name in marked:
            yield f"{name:12} {mark:12} {counts.precision:6.2f} of {counts.found}"
    for slip in scores.slips:
        place = "" if slip.start is None else f" at {slip.start}"
        yield f"{slip.kind:9} {slip.field}: {slip.document}{place}: {slip.text}"
