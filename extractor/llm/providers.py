"""Providers by name, with their addresses and the environment variables that hold their keys.

`openai/gpt-4o` names a provider in the table and one of its models; `--base-url` takes any other
OpenAI-compatible server. To add a provider, add a row to PROVIDERS: its name, its base URL, the variable of
its key and, if it differs from the default, its dialect. Nothing else needs to change. (Prices of its models
go into `price_list`.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from extractor.errors import KeyMissingError, UnknownEndpointError


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an endpoint accepts in a request; many endpoints refuse unknown fields.

    `response_format` is how the answer's JSON Schema is sent: beside the messages, in OpenAI's strict mode,
    or not at all (it is then described in words). `extras` are the sampling fields it accepts beside
    `temperature`. `limit` is the field that limits the answer's tokens.
    """

    response_format: Literal["json_schema", "strict", "json_object"] = "json_schema"
    extras: frozenset[str] = frozenset()
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at an address. The repr does not show the key."""

    name: str
    model: str
    base_url: str
    key: str | None = field(default=None, repr=False)
    dialect: Dialect = Dialect()

    @property
    def host(self) -> str:
        """Scheme, host and port: the part of the address that may be shown and recorded."""
        return _host(self.base_url)

    @property
    def loopback(self) -> bool:
        """True for a server on this machine, which no proxy can reach."""
        return urlsplit(self.base_url).hostname in ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Provider:
    """A row of the table. `variable` is the environment variable of the key, None if no key is needed."""

    base_url: str
    variable: str | None
    dialect: Dialect = Dialect()


_OBJECT = Dialect("json_object")
_LLAMA = Dialect(extras=frozenset({"seed", "repeat_penalty", "cache_prompt"}))
_VLLM = Dialect(extras=frozenset({"seed", "repetition_penalty"}))

EMBEDDED = _LLAMA
"""The dialect of the embedded model, which llama.cpp serves."""

PROVIDERS: dict[str, Provider] = {
    "openai": Provider(
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        Dialect("strict", extras=frozenset({"seed"}), limit="max_completion_tokens"),
    ),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", _OBJECT),
    "dashscope": Provider("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", _OBJECT),
    "zhipu": Provider("https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY", _OBJECT),
    "moonshot": Provider("https://api.moonshot.cn/v1", "MOONSHOT_API_KEY", _OBJECT),
    "siliconflow": Provider("https://api.siliconflow.cn/v1", "SILICONFLOW_API_KEY", _OBJECT),
    "volcengine": Provider("https://ark.cn-beijing.volces.com/api/v3", "ARK_API_KEY", _OBJECT),
    "qianfan": Provider("https://qianfan.baidubce.com/v2", "QIANFAN_API_KEY", _OBJECT),
    "hunyuan": Provider("https://api.hunyuan.cloud.tencent.com/v1", "HUNYUAN_API_KEY", _OBJECT),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "ollama": Provider("http://127.0.0.1:11434/v1", None, Dialect(extras=frozenset({"seed"}))),
    "lmstudio": Provider("http://127.0.0.1:1234/v1", None, _LLAMA),
    "llamacpp": Provider("http://127.0.0.1:8080/v1", None, _LLAMA),
    "vllm": Provider("http://127.0.0.1:8000/v1", None, _VLLM),
}


def resolve(model: str, base_url: str | None, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that `--model` and `--base-url` name. Keys come from the environment only.

    With a base URL, the whole of `model` is the model's name, including slashes. Raises SetupError.
    """
    if base_url:
        return _addressed(model, _checked(base_url), environ)
    prefix, _, name = model.partition("/")
    provider = PROVIDERS.get(prefix.lower())
    if provider is None or not name.strip():
        raise UnknownEndpointError(
            f"{model!r} does not name a model of a known provider.",
            f"Write PROVIDER/NAME with one of {', '.join(PROVIDERS)}, or `local` for the embedded model, "
            "or give the server's address with `--base-url`.",
        )
    key = _key(environ, provider.variable) if provider.variable else None
    if provider.variable and key is None:
        raise KeyMissingError(
            f"{model!r} needs a key, and {provider.variable} is not set.",
            f"Put the key into the environment, `export {provider.variable}=…`, or use `--model local`.",
        )
    return Endpoint(prefix.lower(), name.strip(), provider.base_url, key, provider.dialect)


def dialect_of(model: str, base_url: str | None) -> Dialect:
    """The dialect of the endpoint that `resolve` would return; it needs no key."""
    prefix = model.partition("/")[0].lower()
    if base_url:
        prefix = next((name for name, p in PROVIDERS.items() if _host(p.base_url) == _host(base_url)), "")
    return PROVIDERS[prefix].dialect if prefix in PROVIDERS else Dialect()


def _addressed(model: str, base_url: str, environ: Mapping[str, str]) -> Endpoint:
    known = next((name for name, p in PROVIDERS.items() if p.variable and _host(p.base_url) == _host(base_url)), None)
    if known:  # each provider gets its own key only: OpenAI's key does not go to the others in the table
        variable = PROVIDERS[known].variable or ""
        return Endpoint(known, model, base_url, _first_key(environ, variable), PROVIDERS[known].dialect)
    return Endpoint("custom", model, base_url, _first_key(environ, "OPENAI_API_KEY"))


def _first_key(environ: Mapping[str, str], variable: str) -> str | None:
    return _key(environ, "EXTRACTOR_API_KEY") or _key(environ, variable)


def _key(environ: Mapping[str, str], variable: str) -> str | None:
    key = environ.get(variable, "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise KeyMissingError(
            f"{variable} contains characters that a key cannot have.",
            "Copy the key again, without quotes or spaces.",
        )
    return key or None


def _checked(base_url: str) -> str:
    url = base_url.strip().rstrip("/").removesuffix("/chat/completions")
    try:
        parts = urlsplit(url)
        hidden, complete = parts.username or parts.query, parts.hostname and (parts.port or True)
    except ValueError:
        hidden, complete, parts = None, None, urlsplit("")
    if hidden:  # the message must not repeat the address
        raise UnknownEndpointError(
            "The base URL contains a user name or a query.",
            "Remove them, and put the key into EXTRACTOR_API_KEY.",
        )
    if not complete or parts.scheme not in ("http", "https"):
        raise UnknownEndpointError(
            f"The base URL {base_url!r} is not a web address.", "Write it like http://127.0.0.1:8000/v1."
        )
    return url


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
