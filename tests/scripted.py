"""A scripted model: a Call, within the process, that answers by a function of the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from fake_endpoint import completion_body

from extractor.document import Document, Excerpt, Json
from extractor.llm.call import Call, Profile, Reply, Request
from extractor.llm.models import LARGE, SMALL
from extractor.pipeline.ask.structured_output import answer_schema_of
from extractor.pipeline.recipe import Recipe
from extractor.runs.estimate import shortest_answer
from extractor.schema.loading import load_schema

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases"


def cases(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def labels(case: Json) -> str:
    return str(case["label"])


def document(text: str, name: str = "d") -> Document:
    return Document(name, f"{name}.txt", text, "0" * 64)


def whole(text: str) -> Excerpt:
    return Excerpt.whole(document(text))


def recipe(schema: str = "meeting", style: str = "read", **changes: Any) -> Recipe:
    """How to ask a scripted model: "read" like a large one, a field per question, "form" like a small one."""
    profile: Profile = {"read": replace(LARGE, combine=False), "form": SMALL}[style]
    return Recipe(load_schema(schema), "scripted", replace(profile, **changes))


def completion(content: str | None, finish_reason: str = "stop") -> Reply:
    """A chat completion of this content; 1000 tokens in, 100 out."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    body = completion_body(content, finish_reason, id="scripted", created=0, model="scripted", usage=usage)
    return Reply(body, {"model": "scripted"})


def scripted(answer: Callable[[Request], Any], asked: list[Request] | None = None) -> Call:
    """A Call that answers with `answer(request)`, JSON or a whole Reply. `asked` collects the requests."""

    def call(request: Request) -> Reply:
        if asked is not None:
            asked.append(request)
        value = answer(request)
        return value if isinstance(value, Reply) else completion(json.dumps(value, ensure_ascii=False))

    return call


def by_field(**answers: Any) -> Callable[[Request], Any]:
    """One answer per field, whatever the passage; fields that are not named get an empty answer."""

    def answer(request: Request) -> Any:
        name = request.about["field"]
        return {name: answers[name]} if name in answers else nothing(request)

    return answer


def nothing(request: Request) -> Any:
    """The smallest answer that fits the schema: null, [] or 无 where that is allowed."""
    return shortest_answer(answer_schema(request))


def answer_schema(request: Request) -> Json:
    return answer_schema_of(request.body)
