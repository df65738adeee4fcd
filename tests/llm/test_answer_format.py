"""The form of answer that an endpoint takes, found out at an address that is not known."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_endpoint import Step, answering, completion_body, serve

from extractor import errors
from extractor.document import Json
from extractor.llm.answer_format import AdaptedCall, weakened
from extractor.llm.call import Call, Reply, Request
from extractor.llm.models import choose, opened

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
BODY: Json = {
    "model": "m",
    "messages": [{"role": "system", "content": "规则"}, {"role": "user", "content": "原文"}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "A", "schema": SCHEMA}},
    "max_tokens": 50,
}
# What llama-cpp-python's server says, with a 500.
REFUSAL = {"error": {"message": "{'loc': ('body', 'response_format', 'type')}", "type": "internal_server_error"}}


def form_of(body: Json) -> str:
    form: str = body.get("response_format", {"type": "text"})["type"]
    return form


def taking(*forms: str) -> Call:
    """A Call to an endpoint that takes these forms of answer only."""

    def call(request: Request) -> Reply:
        if form_of(request.body) not in forms:
            raise errors.FormatRefusedError("no.", status=400)
        return Reply({"form": form_of(request.body)}, {"model": "m"})

    return call


def test_a_weaker_form_has_the_schema_in_words_in_front_of_the_text() -> None:
    asked = json.dumps(BODY)
    assert weakened(BODY, "json_schema") == BODY
    as_object, as_text = weakened(BODY, "json_object"), weakened(BODY, "text")
    assert as_object["response_format"] == {"type": "json_object"}
    assert "response_format" not in as_text
    for body in (as_object, as_text):
        rules, passage = body["messages"]
        assert rules["content"] == f"规则\n按此 JSON Schema 输出 JSON：{json.dumps(SCHEMA)}"
        assert passage == BODY["messages"][1]
        assert body["max_tokens"] == 50
    assert json.dumps(BODY) == asked


@pytest.mark.parametrize(
    ("takes", "form", "lines"),
    [
        (("json_schema", "json_object", "text"), "json_schema", 0),
        (("json_object", "text"), "json_object", 1),
        (("text",), "text", 2),
    ],
)
def test_the_strongest_form_that_is_taken_is_kept(takes: tuple[str, ...], form: str, lines: int) -> None:
    said: list[str] = []
    call = AdaptedCall(taking(*takes), "http://h", said.append)
    replies = [call(Request(BODY)) for _ in range(3)]
    assert [reply.body["form"] for reply in replies] == [form] * 3
    assert len(said) == lines
    found = None if form == "json_schema" else form
    assert [reply.by.get("answer_format") for reply in replies] == [found] * 3


def test_an_endpoint_that_takes_none_says_so() -> None:
    with pytest.raises(errors.FormatRefusedError):
        AdaptedCall(taking(), "http://h", [].append)(Request(BODY))


def test_a_question_without_a_schema_is_not_asked_again() -> None:
    bare = {name: value for name, value in BODY.items() if name != "response_format"}
    with pytest.raises(errors.FormatRefusedError):
        AdaptedCall(taking(), "http://h", [].append)(Request(bare))


def test_threads_that_are_refused_together_weaken_the_form_once() -> None:
    together = threading.Barrier(8, timeout=20)
    asked: list[str] = []

    def call(request: Request) -> Reply:
        form = form_of(request.body)
        asked.append(form)
        if form == "json_schema":
            together.wait()
        return taking("json_object", "text")(request)

    said: list[str] = []
    adapted = AdaptedCall(call, "http://h", said.append)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: adapted(Request(BODY)), range(8)))
    assert {reply.body["form"] for reply in replies} == {"json_object"}
    assert sorted(asked) == ["json_object"] * 8 + ["json_schema"] * 8
    assert len(said) == 1


def test_a_refusal_is_not_retried_and_the_request_that_is_kept_stays_the_same() -> None:
    said: list[str] = []
    with serve(Step(500, REFUSAL), Step(body=completion_body())) as fake:
        model = choose("m", fake.base_url, {}, announce=said.append)
        with opened(model) as call:
            call(Request(BODY))
        host = fake.base_url.removesuffix("/v1")
    assert [form_of(seen.body) for seen in fake.seen] == ["json_schema", "json_object"]
    assert said == [f"{host} takes no answer as json_schema (500): asked for a JSON object, with the schema in words"]


@pytest.mark.parametrize("answer", ["json_schema", "json_object", "text", "strict"])
def test_a_form_that_the_user_names_is_the_only_one(answer: str) -> None:
    with serve(Step(500, REFUSAL), Step(body=completion_body())) as fake:
        model = choose("m", fake.base_url, {}, answer=answer)  # type: ignore[arg-type]
        assert model.profile.answer == answer
        with opened(model) as call, pytest.raises(errors.FormatRefusedError, match="--answer-format json-object"):
            call(Request(BODY))
    assert len(fake.seen) == 1


def test_a_known_provider_is_asked_in_its_own_form() -> None:
    assert choose("deepseek/m", None, {}).profile.answer == "json_object"
    assert choose("deepseek/m", None, {}, answer="text").profile.answer == "text"
    with answering(lambda body: Step(400, REFUSAL)) as fake, opened(choose("m", fake.base_url, {})) as call:
        with pytest.raises(errors.FormatRefusedError):
            call(Request(BODY))
        assert len(fake.seen) == 3
