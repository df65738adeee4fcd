"""`extractor eval`: the scores of an output, as a table for people or JSON for machines."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from extractor.cli.exit import stop


def evaluate(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Annotations: a folder of *.json, or one file.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="The records to score.")],
    schema: Annotated[str, typer.Option("--schema", help="The schema of both.")] = "meeting",
    vs: Annotated[Path | None, typer.Option("--vs", help="Another output: the difference, with its interval.")] = None,
    slips: Annotated[
        bool, typer.Option("--slips", help="List misses and inventions beside their source text.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Score records against reference annotations: precision, recall and F1 of each field, with intervals.

    How a field is compared follows from its type (extractor/evaluation.py says how). Intervals are the middle 95 % of 2,000
    resamples of the documents: with few documents they are wide, and they say nothing of other kinds of text.
    """
    from extractor.evaluation import (
        UNMARKED,
        ScoreError,
        difference,
        fields_of,
        read_gold,
        read_lines,
        records_of,
        score,
        tabulate,
        tabulate_marks,
    )
    from extractor.schema.loading import load_schema
    from extractor.schema.shape import SchemaError

    try:
        shapes = load_schema(schema).fields
        wanted = read_gold(gold)
        lines = read_lines(output)
        scored = score(shapes, wanted, records_of(lines))
        other = score(shapes, wanted, records_of(read_lines(vs))) if vs else None
        by_mark = tabulate_marks(scored, lines)
    except (SchemaError, ScoreError) as error:
        stop(str(error))
    names = fields_of(shapes, wanted)
    if not names:
        stop(f"{gold} annotates none of the fields of {schema}: name the schema that it was made for with --schema.")
    table = tabulate(scored, names)
    gaps = difference(scored, other, names) if other is not None else {}
    missing = sorted(set(wanted) - set(lines))
    if as_json:
        result = {
            "documents": len(wanted),
            "without_record": missing,
            "scores": {
                x.name: {"precision": x.precision, "recall": x.recall, "f1": x.f1, "interval": [x.low, x.high]}
                for x in table
            },
            "difference": {name: {"f1": gap, "interval": [low, high]} for name, (gap, low, high) in gaps.items()},
            "marks": [
                {"field": name, "mark": mark, "precision": x.precision, "items": x.found}
                for (name, mark), x in sorted(by_mark.items())
            ],
            "slips": [asdict(slip) for one in scored.values() for slip in one.slips] if slips else [],
        }
        print(json.dumps(result, ensure_ascii=False, indent=1))
        return
    print(f"{len(wanted)} documents" + (f", {len(missing)} without a record: {', '.join(missing)}" if missing else ""))
    print(f"{'':22} precision  recall      F1  interval")
    for x in table:
        print(f"{x.name:22} {x.precision:9.2f} {x.recall:7.2f} {x.f1:7.2f}  {x.low:.2f}-{x.high:.2f}")
    for name, (gap, low, high) in gaps.items():
        print(f"difference in {name:12} {gap:+.2f}  {low:+.2f} to {high:+.2f}")
    marked = sorted({name for name, mark in by_mark if mark != UNMARKED})
    if marked:
        print("precision by mark")
    for (name, mark), counts in sorted(by_mark.items()):
        if name in marked:
            print(f"{name:12} {mark:12} {counts.precision:6.2f} of {counts.found}")
    if slips:
        for one in scored.values():
            for slip in one.slips:
                place = "" if slip.start is None else f" at {slip.start}"
                print(f"{slip.kind:9} {slip.field}: {slip.document}{place}: {slip.text}")
