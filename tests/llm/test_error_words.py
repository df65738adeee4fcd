"""The error responses of real providers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import cases, labels

from extractor.errors import ProviderError
from extractor.llm.error_words import error_of
from extractor.llm.providers import Endpoint
from extractor.llm.replies import read_batched_reply


@pytest.mark.parametrize("case", cases("provider"), ids=labels)
def test_errors_of_real_providers_are_classified(case: dict[str, Any]) -> None:
    error = error_of(case["status"], case["body"], "https://api.example.com")
    assert type(error).__name__ == case["expect"]
    assert error.status == case["status"]


@pytest.mark.parametrize("case", cases("servers"), ids=lambda case: f"{case['provider']}: {case['label']}")
def test_errors_of_real_servers_and_gateways_are_classified(case: dict[str, Any]) -> None:
    """Each with its source: the server and version that answered so, or the page or file that says so."""
    endpoint = Endpoint("custom", "m", "https://api.example.com/v1", "a-key-of-sixteen-signs")
    with pytest.raises(ProviderError) as caught:
        read_batched_reply(case["status"], case["body"], endpoint)
    assert caught.value.kind == case["expect"]
    assert "without a message" not in caught.value.what


def test_an_error_quotes_the_provider_and_names_the_next_step() -> None:
    error = error_of(429, {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试"}}, "https://x.cn")
    assert str(error) == (
        "https://x.cn answered 429: 您的账户已欠费，请充值后重试; 1113. "
        "Top up the account, then run the same command again: finished work is kept."
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50, deadline=None)
@given(st.integers(300, 599), JSON | st.fixed_dictionaries({"error": JSON, "message": JSON}))
def test_any_error_response_becomes_a_sentence(status: int, body: Any) -> None:
    error = error_of(status, body, "https://x.cn")
    assert str(error).startswith(f"https://x.cn answered {status}")
    assert len(str(error)) < 1500
