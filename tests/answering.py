"""The fake server as a model that answers: each request by a function of it, over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fake_server import FakeServer, Step, completion, serve
from scripted import least

Json = dict[str, Any]
Respond = Callable[[Json], Step | None]

PASSAGE = re.compile("【原文】(.*?)【原文完】", re.DOTALL)
FACTS: dict[str, tuple[str, Callable[[re.Match[str]], Any]]] = {
    "officials": (
        "(书记|市长|局长)([一-鿿]{2})(?=主持)",
        lambda m: {"name": m[2], "titles": [m[1]], "roles": ["chair"]},
    ),
    "statistics": (
        "([一-鿿]{4})([0-9]+(?:处|人))",
        lambda m: {"indicator": m[1], "value": m[2], "period": None, "region": None},
    ),
    "targets": ("确保[^，。]+", lambda m: {"text": m[0], "value": None, "deadline": None}),
    "measures": ("加强[^，。]+", lambda m: {"text": m[0], "responsible": []}),
    "obligations": ("[^，。\\n]*应当[^，。]+", lambda m: {"text": m[0], "responsible": [], "deadline": None}),
}
WORDS = {"date": "[0-9]+月[0-9]+日", "venue": "(?<=在)[^，。]*礼堂", "issuer": "[一-鿿]+局(?=通知)"}


def field_of(body: Json) -> str:
    """The field that a request asks for."""
    name: str = next(iter(_shape(body)["properties"]))
    return name


def passage_of(body: Json) -> str:
    """The passage that a request is about."""
    texts = [message["content"] for message in body["messages"] if message["role"] == "user"]
    found = PASSAGE.search(texts[0])
    return found[1] if found else ""


def read_facts(body: Json) -> Json:
    """What stands in the passage, where a simple pattern finds it; else the least that fits."""
    name, text = field_of(body), passage_of(body)
    if name in FACTS:
        pattern, item = FACTS[name]
        return {name: [item(m) for m in re.finditer(pattern, text)]}
    if name in WORDS and (found := re.search(WORDS[name], text)):
        return {name: found[0]}
    value: Json = least(_shape(body))
    return value


def say(answer: Any, finish_reason: str = "stop") -> Step:
    """An answer as the server sends it."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return Step(body=completion(text, finish_reason))


@contextmanager
def answering(misbehave: Respond = lambda body: None) -> Iterator[FakeServer]:
    """A model that finds simple facts, but where `misbehave` has another answer to the request."""
    with serve() as fake:

        class Steps(list[Step]):
            def __bool__(self) -> bool:
                return True

            def pop(self, index: Any = -1) -> Step:
                body = fake.mine.seen.body  # the last one seen may be another thread's
                return misbehave(body) or say(read_facts(body))

        fake.steps = Steps()
        yield fake


def _shape(body: Json) -> Json:
    schema: Json = body["response_format"]["json_schema"]["schema"]
    return schema
