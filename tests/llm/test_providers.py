"""Endpoints by name and by address, and the keys that they get."""

from __future__ import annotations

import pytest
from fake_endpoint import Step, completion_body, serve
from scripted import cases

from extractor import errors
from extractor.document import Json
from extractor.llm.call import Request, Usage
from extractor.llm.headers import read_headers
from extractor.llm.models import choose, opened
from extractor.llm.providers import PROVIDERS, Dialect, Provider, dialect_of, resolve

KEY = "sk-secret-0123456789abcdef"


def test_provider_and_name_resolve_to_an_endpoint() -> None:
    endpoint = resolve("openai/gpt-4o", None, {"OPENAI_API_KEY": f" {KEY}\n"})
    assert (endpoint.name, endpoint.model, endpoint.base_url, endpoint.key) == (
        "openai",
        "gpt-4o",
        "https://api.openai.com/v1",
        KEY,
    )
    assert resolve("siliconflow/Qwen/Qwen3-8B", None, {"SILICONFLOW_API_KEY": "k"}).model == "Qwen/Qwen3-8B"
    assert resolve("ollama/qwen3", None, {"OPENAI_API_KEY": KEY}).key is None
    assert resolve("vllm/qwen3", None, {"EXTRACTOR_API_KEY": KEY}).key == KEY
    assert resolve("deepseek/v9", None, {"EXTRACTOR_API_KEY": "e", "DEEPSEEK_API_KEY": "d"}).key == "d"


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_resolves(name: str) -> None:
    variable = PROVIDERS[name].variable
    endpoint = resolve(f"{name}/m", None, {variable: "k"} if variable else {})
    assert endpoint.base_url == PROVIDERS[name].base_url
    assert endpoint.loopback is (variable is None)
    assert resolve("m", endpoint.base_url, {"EXTRACTOR_API_KEY": "k"}).base_url == endpoint.base_url


def test_a_new_provider_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Step(body=completion_body())) as fake:
        monkeypatch.setitem(PROVIDERS, "acme", Provider(fake.base_url, "ACME_API_KEY", Dialect("json_object")))
        model = choose("acme/big-1", None, {"ACME_API_KEY": KEY})
        with opened(model) as call:
            assert call(Request({"model": model.name, "messages": []})).body == completion_body()
    assert (model.name, model.profile.answer) == ("big-1", "json_object")
    assert fake.seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("environ", "url", "key"),
    [
        ({}, "http://10.0.0.5:8000/v1", None),
        ({"OPENAI_API_KEY": "o"}, "http://10.0.0.5:8000/v1", None),
        ({"OPENAI_API_KEY": "o"}, "https://api.openai.com.evil.example/v1", None),
        ({"OPENAI_API_KEY": "o"}, "http://api.openai.com/v1", None),
        ({"OPENAI_API_KEY": "o"}, "https://api.openai.com/v2", "o"),
        ({"OPENAI_API_KEY": "o", "EXTRACTOR_API_KEY": "e"}, "https://api.openai.com/v1", "e"),
        ({"OPENAI_API_KEY": "o", "EXTRACTOR_API_KEY": "e"}, "http://10.0.0.5:8000/v1", "e"),
        ({"OPENAI_API_KEY": "o", "DEEPSEEK_API_KEY": "d"}, "https://api.deepseek.com/beta", "d"),
        ({"OPENAI_API_KEY": "o"}, "https://api.deepseek.com/beta", None),
    ],
)
def test_the_key_for_an_address(environ: dict[str, str], url: str, key: str | None) -> None:
    endpoint = resolve("Qwen/Qwen3", url, environ)
    assert (endpoint.model, endpoint.base_url, endpoint.key) == ("Qwen/Qwen3", url, key)


def test_an_address_may_be_copied_with_its_path() -> None:
    assert resolve("m", " https://h.cn/v1/chat/completions/ ", {}).base_url == "https://h.cn/v1"


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(errors.KeyMissingError) as caught:
        resolve("deepseek/deepseek-chat", None, {})
    assert str(caught.value) == (
        "'deepseek/deepseek-chat' needs a key, and DEEPSEEK_API_KEY is not set. "
        "Put the key into the environment, `export DEEPSEEK_API_KEY=…`, or use `--model local`."
    )


@pytest.mark.parametrize("key", ["sk-秘密", "sk-a sk-b", "sk-a\nX-Evil: 1"])
def test_an_invalid_key_is_not_repeated(key: str) -> None:
    with pytest.raises(errors.KeyMissingError) as caught:
        resolve("openai/m", None, {"OPENAI_API_KEY": key})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("model", ["gpt-4o", "nobody/m", "openai/", "openai/ ", ""])
def test_an_unknown_provider_lists_the_known_ones(model: str) -> None:
    with pytest.raises(errors.UnknownEndpointError, match="one of openai, deepseek, dashscope, zhipu"):
        resolve(model, None, {"OPENAI_API_KEY": "k"})


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://h/v1", "http://", "http://h:99999/v1", "http://[::1/v1"])
def test_an_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(errors.UnknownEndpointError, match="is not a web address"):
        resolve("m", url, {})


@pytest.mark.parametrize("url", ["https://me:hunter2@h.cn/v1", "https://h.cn/v1?key=hunter2"])
def test_a_secret_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(errors.UnknownEndpointError) as caught:
        resolve("m", url, {})
    assert "hunter2" not in str(caught.value)


LOOPBACK = [
    "http://127.0.0.1:8000/v1",
    "http://127.0.0.2/v1",
    "http://127.255.255.254:1/v1",
    "http://127.1:8000/v1",
    "http://2130706433/v1",
    "http://0x7f.1/v1",
    "http://0.0.0.0:8000/v1",
    "http://localhost/v1",
    "http://LOCALHOST.:80/v1",
    "http://models.localhost:8000/v1",
    "http://[::1]:8000/v1",
    "http://[::]:8000/v1",
    "http://[::ffff:127.0.0.1]/v1",
    "http://[0:0:0:0:0:ffff:7f00:2]/v1",
]
ELSEWHERE = [
    "http://126.0.0.1/v1",
    "http://128.0.0.1/v1",
    "http://10.0.0.1/v1",
    "http://127.0.0.1.example.com/v1",
    "http://localhost.example.com/v1",
    "http://notlocalhost/v1",
    "http://[::2]/v1",
    "http://[::ffff:10.0.0.1]/v1",
]


@pytest.mark.parametrize("url", LOOPBACK)
def test_an_address_of_this_machine_is_known_in_any_form(url: str) -> None:
    assert resolve("m", url, {}).loopback


@pytest.mark.parametrize("url", ELSEWHERE)
def test_an_address_elsewhere_is_no_loopback(url: str) -> None:
    assert not resolve("m", url, {}).loopback


def test_headers_are_read_and_sent_in_one_spelling() -> None:
    read = read_headers(["x-tenant:  a: b ", "X-Team: 7", "x-TEAM: 8", "authorization: Basic abc"])
    assert read == {"X-Tenant": "a: b", "X-Team": "8", "Authorization": "Basic abc"}
    assert resolve("openai/m", None, {}, read).is_authorized  # no KeyMissingError either
    assert not resolve("m", "http://h/v1", {}, {"X-Tenant": "a"}).is_authorized


@pytest.mark.parametrize(
    "line",
    ["hunter2", "X Tenant: hunter2", ": hunter2", "X-Tenant hunter2", "X-T: hunter2\r\nX-Evil: 1", "X-T: 密hunter2"],
)
def test_a_line_that_is_no_header_is_refused_without_its_value(line: str) -> None:
    with pytest.raises(errors.SetupError) as caught:
        read_headers([line])
    assert "hunter2" not in str(caught.value)


# --- what a request holds ---


@pytest.mark.parametrize(
    ("model", "sampling"),
    [
        ("openai/gpt-4o", {"temperature": 0.0}),
        ("openai/gpt-4.1-mini", {"temperature": 0.0}),
        ("openai/o4-mini", {}),
        ("openai/gpt-5.4", {}),
        ("openai/gpt-6.1-sol", {}),
        ("openrouter/openai/gpt-6-luna", {}),
        ("deepseek/deepseek-flash", {"temperature": 0.0}),
        ("deepseek/deepseek-reasoner", {}),
        ("moonshot/kimi-k3", {}),
        ("moonshot/kimi-k2.6", {}),
        ("moonshot/kimi-k2-0905-preview", {"temperature": 0.0}),
        ("siliconflow/Pro/moonshotai/Kimi-K2.6", {}),
        ("minimax/MiniMax-M3", {}),
        ("dashscope/qwen-plus", {"temperature": 0.0}),
        ("dashscope/qwen3-max", {"temperature": 0.0}),
        ("dashscope/qwen3.8-max", {"temperature": 0.0, "enable_thinking": False}),
        ("dashscope/qwen3.5-flash-2026-02-23", {"temperature": 0.0, "enable_thinking": False}),
        ("dashscope/qwen3-235b-a22b-thinking-2507", {"temperature": 0.0}),
        ("dashscope/qwen3-coder-plus", {"temperature": 0.0}),
        ("ollama/qwen3:8b", {"temperature": 0.0}),
        ("siliconflow/Qwen/Qwen3-8B", {"temperature": 0.0}),
    ],
)
def test_a_model_gets_the_sampling_fields_that_it_takes(model: str, sampling: Json) -> None:
    assert choose(model, None, {}).profile.sampling == sampling


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_dialect_of_a_row_reaches_the_request(name: str) -> None:
    dialect, profile = PROVIDERS[name].dialect, choose(f"{name}/m", None, {}).profile
    assert (profile.answer, profile.limit) == (dialect.answer, dialect.limit)
    assert profile.output == (dialect.longest or 6000)


@pytest.mark.parametrize(("name", "address"), [(n, a) for n, p in PROVIDERS.items() for a in p.elsewhere])
def test_another_address_of_a_provider_is_asked_in_its_dialect_with_its_key(name: str, address: str) -> None:
    endpoint = resolve("m", address, {PROVIDERS[name].variable or "": "k", "OPENAI_API_KEY": KEY})
    assert (endpoint.name, endpoint.base_url, endpoint.key) == (name, address, "k")
    assert dialect_of("m", address) == endpoint.dialect == PROVIDERS[name].dialect


def test_no_two_providers_have_an_address_in_common() -> None:
    addresses = [address for p in PROVIDERS.values() for address in (p.base_url, *p.elsewhere)]
    assert len({*addresses}) == len(addresses)
    assert not any(address.endswith("/") or "chat/completions" in address for address in addresses)


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_row_names_its_source_or_says_that_none_was_found(name: str) -> None:
    source = PROVIDERS[name].source
    assert source.startswith("https://") or "not found" in source or name == "llamacpp"


@pytest.mark.parametrize("case", cases("usage"), ids=lambda case: case["from"])
def test_tokens_are_counted_as_each_provider_reports_them(case: Json) -> None:
    read, cached, written = case["counts"]
    assert Usage.of({"usage": case["usage"]}) == Usage(1, read, cached, written)
