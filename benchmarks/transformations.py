"""Count which values of a record survive when the same text is laid out in another way.

    python benchmarks/transformations.py [--texts N] [--only NAME ...] [--show N] [FILE.jsonl ...]

Texts are the paragraphs of the seeds, sentences made up here, and the `content` or `text` of the rows of FILEs. Each
text is converted as it is, and again in each layout (`transforms.py`). No model is asked: in the form style a script
takes every candidate and words nothing; in the reading style the answer to every question is the record of the
untransformed text, in its own words ("clean") or as the laid-out passage has them ("copied").

A value is unchanged; or absent, with a problem or without one; or changed in silence. Evidence must equal its slice.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from made_sentences import make_text
from transforms import TRANSFORMS, Changed

from extractor.document import Document, Excerpt, Json
from extractor.lang.fold import fold
from extractor.lang.quantities import find_quantities
from extractor.llm.call import Reply, Request
from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.ask.structured_output import answer_schema_of
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.convert import convert_speech
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.speeches import split_speeches
from extractor.runs.estimate import shortest_answer
from extractor.schema.loading import load_schema

ROOT = Path(__file__).parent.parent
STYLES = ("form", "clean", "copied")
VERDICTS = ("unchanged", "absent, noted", "absent", "changed, noted", "changed")
_LONGEST = 500


@dataclass
class Counts:
    """Values by verdict, evidence that is not its slice, and examples of what changed."""

    values: Counter[str] = field(default_factory=Counter)
    wrong_evidence: int = 0
    texts: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What one text gives: its items by field, its problems, and its evidence that is not its slice."""

    items: dict[str, list[Json]]
    problems: list[Json]
    wrong_evidence: list[Json]
    record: Json
    speeches: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(TRANSFORMS))
    parser.add_argument("--show", type=int, default=0)
    arguments = parser.parse_args()
    texts = sample_texts(random.Random(arguments.seed), arguments.texts, arguments.files)
    table = run(texts, arguments.only, arguments.seed)
    print(
        f"{len(texts)} texts\n{'':22}{'style':8}{'values':>8}"
        + "".join(f"{v:>15}" for v in VERDICTS)
        + f"{'evidence':>10}"
    )
    for (name, style), counts in table.items():
        total = sum(counts.values.values())
        shares = "".join(f"{counts.values[verdict]:>15}" for verdict in VERDICTS)
        print(f"{name:22}{style:8}{total:>8}{shares}{counts.wrong_evidence:>10}")
        for example in counts.examples[: arguments.show]:
            print("    ", example)


def sample_texts(rng: random.Random, number: int, files: list[Path]) -> list[str]:
    """Half made-up sentences, half paragraphs of the seeds and the files."""
    pieces = [piece for text in _sources(files) for piece in _pieces(text)]
    real = rng.sample(pieces, min(len(pieces), number // 2))
    return real + [make_text(rng) for _ in range(number - len(real))]


def _sources(files: list[Path]) -> Iterator[str]:
    for seed in sorted((ROOT / "seeds").glob("*.txt")):
        yield clean(Document.from_text(seed.read_text(encoding="utf-8", errors="replace"))).text
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield clean(Document.from_text(re.sub("<[^>]*>|&[a-z]+;", "", str(row.get("content") or row["text"])))).text


def _pieces(text: str) -> Iterator[str]:
    piece = ""
    for line in text.split("\n"):
        if piece and len(piece) + len(line) > _LONGEST:
            yield piece
            piece = ""
        piece = f"{piece}\n{line}" if piece else line
    if len(piece) > 40:
        yield piece


def run(texts: list[str], names: list[str], seed: int) -> dict[tuple[str, str], Counts]:
    """The counts by transform and style."""
    table = {(name, style): Counts() for name in names for style in STYLES}
    for number, text in enumerate(texts):
        form, answers, reading = untransformed(text)
        if form.speeches > 1:
            continue
        for name in names:
            changed = TRANSFORMS[name](random.Random(f"{seed} {number} {name}"), text)
            if changed is None:
                continue
            for style in STYLES:
                base = form if style == "form" else reading
                compare(base, convert_changed(changed, style, answers), table[name, style], changed)
    return table


def untransformed(text: str) -> tuple[Result, Json, Result]:
    """The record by forms, the answers made of it, and the record by reading these answers."""
    document = Document.from_text(text)
    form = convert(document, None)
    answers = answers_of(form.record, text)
    return form, answers, convert(document, answers)


def convert_changed(changed: Changed, style: str, answers: Json) -> Result:
    document = replace(Document.from_text(changed.text), media=changed.media)
    if style == "form":
        return convert(document, None)
    return convert(document, answers if style == "clean" else copied(answers, changed, clean(document)))


def convert(document: Document, answers: Json | None) -> Result:
    """Convert by forms, or with these answers."""
    profile = SMALL if answers is None else LARGE
    recipe = Recipe(load_schema("meeting"), "scripted", profile)

    def call(request: Request) -> Reply:
        answer = answers if answers is not None else _form_answer(answer_schema_of(request.body))
        message = {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)}
        return Reply({"choices": [{"message": message, "finish_reason": "stop"}], "usage": {}})

    lines = [convert_speech(speech, "t", recipe, call).line for speech in split_speeches(clean(document))]
    items: dict[str, list[Json]] = {}
    for line in lines:
        for name, value in line["record"].items():
            items.setdefault(name, []).extend(value if isinstance(value, list) else [value] if value else [])
    evidence = [entry for line in lines for entry in _evidence_in([line["record"], line["evidence"]])]
    wrong = [entry for entry in evidence if document.text[entry["start"] : entry["end"]] != entry["text"]]
    problems = [dict(problem) for line in lines for problem in line["problems"]]
    return Result(items, problems, wrong, lines[0]["record"] if lines else {}, len(lines))


def _form_answer(schema: Json) -> Json:
    """Every candidate is taken, and nothing is worded; of the dates the first."""
    answer: Json = shortest_answer(schema)
    for name, inner in schema["properties"].items():
        if "enum" in inner:
            answer[name] = inner["enum"][0]
    return answer


def _evidence_in(value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        for inner in value:
            yield from _evidence_in(inner)
    elif isinstance(value, dict):
        if {"text", "start", "end"} <= value.keys():
            yield value
        for inner in value.values():
            yield from _evidence_in(inner)


def answers_of(record: Json, text: str) -> Json:
    """A record as the answer of a model that reads, and every other number of the text as a statistic."""
    answers = {name: _words(value) for name, value in record.items()}
    said = [item["value"] for item in answers.get("statistics", [])]
    others = [text[i:j] for i, j in find_quantities(text)]
    for value in said:
        if value in others:
            others.remove(value)
    answers["statistics"] = [*answers.get("statistics", []), *({"indicator": "数", "value": value} for value in others)]
    return answers


def _words(value: Any) -> Any:
    if isinstance(value, list):
        return [_words(inner) for inner in value]
    if isinstance(value, dict):
        if "number" in value or "edtf" in value:
            return value["text"]
        return {name: _words(inner) for name, inner in value.items() if name != "evidence"}
    return value


def copied(answers: Json, changed: Changed, excerpt: Excerpt) -> Json:
    """The answers with their words as the laid-out passage has them, at their first place in the text."""
    places = changed.places()

    def copy(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: inner if name in ("roles", "indicator") else copy(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [copy(inner) for inner in value]
        at = changed.base.find(value) if isinstance(value, str) and value else -1
        if at < 0:
            return value
        start, end = places[at][0], places[at + len(value) - 1][1]
        seen = [c for c, i in zip(excerpt.text, excerpt.starts, strict=True) if start <= i < end]
        return "".join(seen) or value

    return {name: copy(value) for name, value in answers.items()}


def compare(base: Result, other: Result, counts: Counts, changed: Changed) -> None:
    """Add to the counts what became of each value of `base` in `other`."""
    counts.texts += 1
    counts.wrong_evidence += len(other.wrong_evidence)
    for entry in other.wrong_evidence[:2]:
        counts.examples.append(f"evidence {entry['text']!r} is not {changed.text[entry['start'] : entry['end']]!r}")
    for name in {*base.items, *other.items}:
        wanted, found = ([_plain(item, changed.allowed) for item in one.items.get(name, [])] for one in (base, other))
        same = [item for item in wanted if item in found and not found.remove(item)]  # type: ignore[func-returns-value]
        for item in same:
            wanted.remove(item)
            counts.values["unchanged"] += sum(map(_size, item.values()))
        noted = {part for problem in other.problems for part in (problem["field"], problem["field"].partition(".")[0])}
        if "" in noted:  # the layout of the text is in doubt
            noted |= {name, *(f"{name}.{leaf}" for item in wanted for leaf in item)}
        for item in wanted:
            twin = max(found, key=lambda one: _likeness(item, one), default=None)
            if twin is not None and _likeness(item, twin) > 0:
                found.remove(twin)
                _count_leaves(name, item, twin, noted, counts, changed)
            else:
                counts.values["absent, noted" if name in noted else "absent"] += sum(map(_size, item.values()))
                if name not in noted:
                    counts.examples.append(f"absent {name} {item} in {_around(changed, item)!r}")
        for item in found:
            counts.values["changed, noted" if "" in noted else "changed"] += 1
            counts.examples.append(f"new {name} {item} in {_around(changed, item)!r}")


def _count_leaves(name: str, item: Json, twin: Json, problems: set[str], counts: Counts, changed: Changed) -> None:
    noted = name in problems
    for leaf, value in item.items():
        other = twin[leaf]
        if other == ["mentioned"]:  # what a schema says where no role is shown
            other = []
        pairs = [(value, other)]
        if isinstance(value, list):
            pairs = [(one, one if one in other else None) for one in value]
            pairs += [(None, one) for one in other if one not in value]
        for one, two in pairs:
            if one == two:
                counts.values["unchanged"] += _size(one)
            elif two is None:
                counts.values["absent, noted" if noted else "absent"] += 1
                if not noted:
                    counts.examples.append(f"absent {name}.{leaf} {one} in {_around(changed, item)!r}")
            elif f"{name}.{leaf}" in problems:
                counts.values["changed, noted"] += 1
            else:
                counts.values["changed"] += 1
                counts.examples.append(f"{name}.{leaf} {one} became {two} in {_around(changed, twin)!r}")


def _size(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value is not None)


def _around(changed: Changed, item: Json) -> str:
    """The laid-out text around the words of an item, for reading."""
    words = next((v for k in ("name", "text", "value") if isinstance(v := item.get(k), str | list) and v), "")
    word = words if isinstance(words, str) else ""
    at = next((i for i in range(len(changed.base)) if word and fold(changed.base[i : i + 3]) == word[:3]), 0)
    start = changed.places()[at][0] if changed.base else 0
    return changed.text[max(0, start - 25) : start + 60]


def _likeness(item: Json, other: Json) -> int:
    return sum(item[leaf] == other.get(leaf) and bool(item[leaf]) for leaf in item)


def _plain(item: Any, left_out: tuple[str, ...]) -> Json:
    """An item for comparison: without evidence, words folded, a number by its value and unit."""
    if not isinstance(item, dict):
        return {"value": _folded(item)}
    plain: Json = {}
    for leaf, value in item.items():
        if leaf == "evidence" or leaf in left_out:
            continue
        if isinstance(value, dict) and "number" in value:
            keys = ("number", "low", "high", "unit", "approx", "change")
            plain[leaf] = " ".join(f"{value.get(key)}" for key in keys if value.get(key) is not None)
        elif isinstance(value, list):
            plain[leaf] = sorted(map(_folded, value))
        else:
            plain[leaf] = _folded(value)
    if "edtf" in plain:
        plain["text"] = None  # the words of a date keep the noise of the source
    return plain


def _folded(value: Any) -> Any:
    """Words without blanks, width, script and pinyin; a tag or a mark within them remains, and is a change."""
    if not isinstance(value, str):
        return value
    return fold(re.sub(r"\s+|\([a-zà-ǜ]+\)", "", value))


if __name__ == "__main__":
    main()
