"""The Call of a run: its layers, and what each sees."""

from __future__ import annotations

from typing import Any

import pytest
from fake_endpoint import completion_body

from extractor.cancellation import Cancellation
from extractor.errors import KeyRefusedError, RunStoppedError, ServerError
from extractor.llm.call import Call, Reply, Request
from extractor.runs.call_stack import CallStack, Layer, assemble_call
from extractor.runs.workers import ComputeLock


def test_the_layers_are_called_outermost_first() -> None:
    order: list[str] = []

    def layer(name: str) -> Layer:
        def wrap(call: Call, cancellation: Cancellation | None = None) -> Call:
            def noting(request: Request) -> Reply:
                order.append(name)
                return call(request)

            return noting

        return wrap

    class FakeLayers:
        """Replaces the recordings, the answer cache and the budget."""

        over, reuse_answers, limit_call = layer("recordings"), layer("cache"), layer("budget")

        def __getattribute__(self, name: str) -> Any:
            return type(self).__dict__[name]

    layers: Any = FakeLayers()
    stack = CallStack(
        model=layer("model")(lambda request: Reply(completion_body("{}"))),
        budget=layers,
        on_asked=layer("asked"),
        cache=layers,
        on_unrecorded=layer("unrecorded"),
        recordings=layers,
        on_question=layer("question"),
    )

    class Noted(Cancellation):
        def check(self) -> None:
            order.append("cancellation")

    class NotedLock(ComputeLock):
        def released_during(self, call: Call) -> Call:
            return layer("lock")(super().released_during(call))

    lock = NotedLock()
    with lock:
        assemble_call(stack, Noted(), lock)(Request({}))
    assert order == [
        *("cancellation", "lock"),
        "question",
        "recordings",
        "unrecorded",
        "cache",
        "asked",
        "budget",
        "model",
    ]


def test_layers_that_are_not_given_are_left_out() -> None:
    def model(request: Request) -> Reply:
        return Reply({})

    assert assemble_call(CallStack(model=model)) is model


def test_a_fatal_error_cancels_the_run_and_another_does_not() -> None:
    errors = iter([ServerError("broken"), KeyRefusedError("no")])

    def model(request: Request) -> Reply:
        raise next(errors)

    cancellation = Cancellation()
    call = assemble_call(CallStack(model=model), cancellation)
    with pytest.raises(ServerError):
        call(Request({}))
    cancellation.check()
    with pytest.raises(KeyRefusedError):
        call(Request({}, {"document": "d"}))
    assert cancellation.document == "d"
    with pytest.raises(RunStoppedError):
        call(Request({}))
