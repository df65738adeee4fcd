"""The tree of errors, and the error responses of real providers."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import cases, labels

from extractor import errors


@pytest.mark.parametrize("case", cases("provider"), ids=labels)
def test_errors_of_real_providers_are_classified(case: dict[str, Any]) -> None:
    error = errors.error_of(case["status"], case["body"], "https://api.example.com")
    assert type(error).__name__ == case["expect"]
    assert error.status == case["status"]


def test_an_error_quotes_the_provider_and_names_the_next_step() -> None:
    error = errors.error_of(429, {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试"}}, "https://x.cn")
    assert str(error) == (
        "https://x.cn answered 429: 您的账户已欠费，请充值后重试; 1113. "
        "Top up the account, then run the same command again: finished work is kept."
    )


def every_error(of: type[errors.ExtractorError] = errors.ExtractorError) -> list[type[errors.ExtractorError]]:
    return [of, *(error for direct in of.__subclasses__() for error in every_error(direct))]


def test_every_error_has_its_own_kind_and_can_be_pickled() -> None:
    kinds = [error.kind for error in every_error()]
    assert len(kinds) == len(set(kinds))
    for error in every_error():
        sent = error("What happened.", status=429, retry_after=3.0)
        got = pickle.loads(pickle.dumps(sent))
        assert (type(got), str(got), got.status, got.retry_after) == (error, str(sent), 429, 3.0)


def test_the_tree_in_the_docstring_lists_every_error() -> None:
    for error in every_error():
        assert f" {error.__name__} " in f"{errors.__doc__} ".replace("\n", " ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50, deadline=None)
@given(st.integers(300, 599), JSON | st.fixed_dictionaries({"error": JSON, "message": JSON}))
def test_any_error_response_becomes_a_sentence(status: int, body: Any) -> None:
    error = errors.error_of(status, body, "https://x.cn")
    assert str(error).startswith(f"https://x.cn answered {status}")
    assert len(str(error)) < 1500
