"""Score what the line makes of answers that are given: how much of a good model's answer reaches the record.

    python benchmarks/given_answers.py ANSWERS... --gold fixtures/gold --texts seeds [--show]

Each file of ANSWERS holds `document`, `passage` and answers under any other keys (`complete`, `guide_known` …), each of
the shape that a question to a large model asks for. No model is asked; a passage is asked about in one question. Prints the scores of each key, what the line did not take, and with --show every slip.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from extractor.document import Document
from extractor.evaluation.scoring import fields_of, read_gold, score
from extractor.evaluation.tables import mean_f1, tabulate
from extractor.lang.fold import fold
from extractor.llm.call import Reply, Request
from extractor.llm.models import LARGE
from extractor.pipeline.clean.clean import clean
from extractor.pipeline.convert import convert_speech
from extractor.pipeline.read.read import read
from extractor.pipeline.recipe import Recipe
from extractor.pipeline.split.speeches import split_speeches
from extractor.schema.loading import load_schema

Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("answers", nargs="+", type=Path)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    given = [json.loads(file.read_text(encoding="utf-8")) for file in arguments.answers]
    recipe = Recipe(load_schema("meeting"), "given", LARGE)
    gold = read_gold(arguments.gold)
    for key in [key for key in given[0] if key not in ("document", "passage")]:
        lines = {line["id"]: line for line in (line_of(one, key, arguments.texts, recipe) for one in given)}
        wanted = {name: gold[name] for name in lines}
        scored = score(recipe.schema.fields, wanted, {name: line["record"] for name, line in lines.items()})
        fields = fields_of(recipe.schema.fields, wanted)
        print(f"\n{key}: mean F1 {mean_f1(scored.values(), fields):.3f}")
        for row in tabulate(scored, fields):
            print(f"  {row.name:24} {row.precision:.3f} {row.recall:.3f} {row.f1:.3f}")
        print("  ", dict(Counter(f"{p['kind']} {p['field']}" for line in lines.values() for p in line["problems"])))
        for name, line in lines.items() if arguments.show else ():
            for problem in line["problems"]:
                print("   ", name, problem["kind"], problem["field"], problem["value"], "|", problem["detail"])
            for slip in scored[name].slips:
                print("   ", name, slip.kind, slip.field, slip.text)


def line_of(one: Json, key: str, texts: Path, recipe: Recipe) -> Any:
    """The output line of the speech that holds the passage, made from the answer under `key`."""

    def call(request: Request) -> Reply:
        message = {"role": "assistant", "content": json.dumps(one[key], ensure_ascii=False)}
        return Reply({"choices": [{"message": message, "finish_reason": "stop"}], "usage": {}})

    file = next(file for file in texts.iterdir() if file.stem == one["document"].split(".")[0])
    for document in read([str(file)]):
        assert isinstance(document, Document)
        for speech in split_speeches(clean(document)):
            if fold(one["passage"][:60]) in fold(speech.text):
                return convert_speech(speech, one["document"].replace(".", "#"), recipe, call).line
    raise SystemExit(f"{one['document']}: no speech of {file} holds its passage.")


if __name__ == "__main__":
    main()
