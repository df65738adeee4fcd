"""Serving a model file. A fake replaces llama.cpp; the live tests use the real one and the embedded model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from extractor import errors
from extractor.llm import local_server, local_weights
from extractor.llm.call import Request
from extractor.llm.client import connect
from extractor.llm.providers import EMBEDDED, Endpoint


class FakeRuntime:
    """Replaces xllamacpp: keeps the settings and loads files named *.gguf."""

    class CommonParams:
        def __init__(self) -> None:
            self.model, self.cpuparams, self.cpuparams_batch = Bag(), Bag(), Bag()

    def __init__(self) -> None:
        self.running: list[Any] = []

    def Server(self, settings: Any) -> Any:
        if not settings.model.path.endswith(".gguf"):
            raise RuntimeError("Failed to init server, please check the input params.")
        return Served(self.running, settings)


class Bag:
    pass


class Served:
    listening_address = "http://127.0.0.1:1"

    def __init__(self, running: list[Any], settings: Any) -> None:
        self.running = running
        running.append(settings)

    def __del__(self) -> None:
        self.running.clear()


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    fake = FakeRuntime()
    monkeypatch.setitem(sys.modules, "xllamacpp", fake)
    return fake


def test_serves_on_loopback_and_quietly(runtime: FakeRuntime) -> None:
    with local_server.serve(Path("/m/mine.gguf"), threads=3, context=4096) as base_url:
        assert base_url == "http://127.0.0.1:1/v1"
        (given,) = runtime.running
    assert (given.hostnames, given.port, given.verbosity) == (["127.0.0.1"], 0, 0)
    assert (given.n_ctx, given.n_parallel, given.cpuparams.n_threads) == (4096, 1, 3)
    assert given.model_alias == {"mine"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_stops_whatever_happens(runtime: FakeRuntime, error: type[BaseException]) -> None:
    serving = local_server.serve(Path("mine.gguf"))
    serving.__enter__()
    assert len(runtime.running) == 1
    assert not serving.__exit__(error, error(), None)
    assert runtime.running == []


@pytest.mark.usefixtures("runtime")
def test_a_file_that_is_not_a_model() -> None:
    with (
        pytest.raises(
            errors.CannotServeError, match=r"llama\.cpp cannot load 'notes\.txt'\. Check that the file is a GGUF"
        ),
        local_server.serve(Path("notes.txt")),
    ):
        pass


def test_llama_cpp_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with (
        pytest.raises(errors.ModelMissingError, match=r"needs xllamacpp"),
        local_server.serve(Path("mine.gguf")),
    ):
        pass


def test_uses_at_least_one_core_and_no_more_than_exist() -> None:
    assert 1 <= local_server._cores() <= (os.cpu_count() or 1)


LIVE = """
import sys
from extractor.llm import local_server as local, local_weights as weights
with local.serve(weights.find().path) as base_url:
    print(base_url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.live
def test_the_embedded_model_fills_a_schema(capfd: pytest.CaptureFixture[str]) -> None:
    embedded = local_weights.find()
    schema = {
        "type": "object",
        "properties": {"indicators": {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 4}},
        "required": ["indicators"],
        "additionalProperties": False,
    }
    body = {
        "model": embedded.name,
        "messages": [
            {"role": "user", "content": "全市生产总值增长6.5%，城镇新增就业3.2万人。\n\n列出这段话里的指标。"}
        ],
        "temperature": 0,
        "max_tokens": 100,
        "seed": 0,
        "cache_prompt": True,
        "repeat_penalty": 1.05,
        "response_format": {"type": "json_schema", "json_schema": {"name": "indicators", "schema": schema}},
    }
    with local_server.serve(embedded.path) as base_url:
        endpoint = Endpoint("local", embedded.name, base_url, None, EMBEDDED)
        call = connect(endpoint, timeout=300, max_attempts=1, by=local_weights.answered_by(embedded))
        first, second = call(Request(body)), call(Request(body))
        with pytest.raises(errors.ContextTooLongError):
            call(Request({**body, "messages": [{"role": "user", "content": "增长。" * 9000}]}))
    answer = json.loads(first.body["choices"][0]["message"]["content"])
    assert any("生产总值" in indicator for indicator in answer["indicators"])
    assert second.body["choices"] == first.body["choices"]
    assert second.body["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    assert first.body["model"] == embedded.name
    assert first.by["digest"] == f"sha256:{local_weights.MODEL.sha256}"
    assert capfd.readouterr() == ("", "")


@pytest.mark.live
def test_an_interrupt_ends_the_server(capfd: pytest.CaptureFixture[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert stderr.strip().endswith("KeyboardInterrupt")


def test_ctrl_c_is_deferred_while_the_model_loads() -> None:
    """A signal that reaches llama.cpp while it loads makes it hang, so it is raised when the block ends."""
    if not hasattr(signal, "pthread_sigmask"):
        pytest.skip("no signal masks here")
    reached = False
    # A shell starts what runs in its background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (where it is raised is what is tested)
            with local_server._interrupts_deferred():
                signal.raise_signal(signal.SIGINT)
                reached = True
            raise AssertionError("the interrupt was lost")
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached
