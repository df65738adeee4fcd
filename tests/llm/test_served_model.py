"""The model behind an address: waited for while it is loaded, and called as its server calls it."""

from __future__ import annotations

import pytest
from fake_endpoint import Step, completion_body, serve

from extractor import errors
from extractor.llm.call import Call, Reply, Request
from extractor.llm.client import connect
from extractor.llm.models import choose, opened
from extractor.llm.providers import Endpoint
from extractor.llm.replies import without_folder
from extractor.llm.served_model import LONGEST_LOADING, listed_models, wait_until_loaded

REQUEST = Request({"model": "asked", "messages": []})
ECHO = Step(body=completion_body(model="asked"))


def loading(times: int) -> Call:
    left = [errors.ModelLoadingError("http://h answered 503: Loading model.")] * times

    def call(request: Request) -> Reply:
        if left:
            raise left.pop()
        return Reply({}, {})

    return call


def test_a_server_that_loads_its_model_is_waited_for() -> None:
    slept: list[float] = []
    said: list[str] = []
    assert wait_until_loaded(loading(7), slept.append, said.append)(REQUEST) == Reply({}, {})
    assert len(slept) == 7
    assert said == ["http://h answered 503: Loading model. Waiting for it …"]


def test_a_server_that_never_has_its_model_is_given_up() -> None:
    slept: list[float] = []
    with pytest.raises(errors.ModelLoadingError):
        wait_until_loaded(loading(100_000), slept.append, [].append)(REQUEST)
    assert sum(slept) == LONGEST_LOADING


def test_a_503_of_a_server_that_loads_is_one_attempt_each() -> None:
    """Not five, with the waits of an overload between them."""
    with serve(Step(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}})) as fake:
        endpoint = Endpoint("custom", "m", fake.base_url)
        with pytest.raises(errors.ModelLoadingError):
            connect(endpoint, timeout=10, sleep=[].append)(REQUEST)
        assert len(fake.seen) == 1


def listing(*names: str) -> Step:
    return Step(body={"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


@pytest.mark.parametrize(
    ("listed", "model"),
    [
        (listing("/srv/models/qwen3-8b.gguf"), "qwen3-8b.gguf"),
        (listing("C:\\models\\qwen3-8b.gguf"), "qwen3-8b.gguf"),
        (listing("Qwen/Qwen3-8B"), "Qwen/Qwen3-8B"),
        (listing("one", "two"), "asked"),
        (listing(), "asked"),
        (Step(404, {"detail": "Not Found"}), "asked"),
        (Step(500, "boom"), "asked"),
        (Step(body="<html>"), "asked"),
        (Step(body=["one"]), "asked"),
        (Step(body={"data": 7}), "asked"),
        (Step(body={"data": [{"id": 7}, "two"]}), "asked"),
        (Step(302, "", {"Location": "http://127.0.0.1:9/"}), "asked"),
        (Step(drop=True), "asked"),
    ],
)
def test_a_reply_says_which_model_answered(listed: Step, model: str) -> None:
    with serve(ECHO, ECHO) as fake:
        fake.refuse = lambda call: listed if call == "GET /models" else None
        with opened(choose("asked", fake.base_url, {"EXTRACTOR_API_KEY": "k"})) as call:
            replies = [call(REQUEST), call(REQUEST)]
        assert [reply.by["model"] for reply in replies] == [model, model]
        assert fake.calls == ["GET /models"]
        assert fake.keys == {"Bearer k"}


def test_a_server_that_names_its_model_is_not_asked_for_a_list() -> None:
    with serve(Step(body=completion_body(model="/srv/models/qwen3-8b.gguf"))) as fake:
        with opened(choose("asked", fake.base_url, {})) as call:
            assert call(REQUEST).by["model"] == "qwen3-8b.gguf"
        assert fake.calls == []


def test_the_list_is_asked_for_without_a_key_if_there_is_none() -> None:
    with serve() as fake:
        fake.refuse = lambda call: listing("one")
        assert listed_models(Endpoint("custom", "m", fake.base_url)) == ["one"]
        assert fake.keys == {""}


@pytest.mark.parametrize(
    ("name", "shown"),
    [("gpt-4o", "gpt-4o"), ("Qwen/Qwen3", "Qwen/Qwen3"), ("./m.gguf", "m.gguf"), ("~/a/m.gguf", "m.gguf")],
)
def test_only_paths_are_shortened(name: str, shown: str) -> None:
    assert without_folder(name) == shown
