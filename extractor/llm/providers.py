"""Providers by name, with their addresses, the environment variables that hold their keys, and their dialects.

`openai/gpt-4o` names a provider in the table and one of its models; `--base-url` takes any other
OpenAI-compatible server. To add a provider, add a row to PROVIDERS: its name, its base URL, the variable of
its key, its dialect if it differs from the default, and the page that says so. Nothing else needs to change.
(Prices of its models go into `price_list`.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from extractor.document import Json
from extractor.errors import KeyMissingError, UnknownEndpointError
from extractor.llm.addresses import checked, host_of, is_loopback
from extractor.llm.call import AnswerFormat, LimitField
from extractor.llm.headers import carries_key


@dataclass(frozen=True, slots=True)
class ModelRule:
    """What some models take in a request that others don't.

    `pattern` is searched for in the model's name, whatever its case. `fields` are sent with the request; a
    field that is None is left out.
    """

    pattern: str
    fields: Mapping[str, Json | str | float | bool | None]

    def covers(self, model: str) -> bool:
        return re.search(self.pattern, model, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an endpoint accepts in a request; many endpoints refuse unknown fields.

    `answer` is how the answer's JSON Schema is sent (see `Profile`), `limit` the field that limits the
    answer's tokens, `longest` the highest limit that the endpoint takes (None: any), and `rules` what single
    models need.
    """

    answer: AnswerFormat = "json_schema"
    limit: LimitField = "max_tokens"
    longest: int | None = None
    rules: tuple[ModelRule, ...] = ()

    def sampling_of(self, model: str, sampling: Json) -> Json:
        """The sampling fields of a request to this model, given those of the profile."""
        rules = [rule for rule in (*MODEL_RULES, *self.rules) if rule.covers(model)]
        fields = {**sampling, **{name: value for rule in rules for name, value in rule.fields.items()}}
        return {name: value for name, value in fields.items() if value is not None}


OWN_KEY = "EXTRACTOR_API_KEY"
"""The variable of the key for an address that the user names. Keys of providers go to their addresses only."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at an address.

    `variable` is where its key comes from, `headers` are those that the user adds to every request. The repr
    shows neither the key nor the headers, whose values may be secrets too.
    """

    name: str
    model: str
    base_url: str
    key: str | None = field(default=None, repr=False)
    dialect: Dialect = Dialect()
    variable: str = OWN_KEY
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """Scheme, host and port: the part of the address that may be shown and recorded."""
        return host_of(self.base_url)

    @property
    def loopback(self) -> bool:
        """True for a server on this machine, which no proxy can reach."""
        return is_loopback(self.base_url)

    @property
    def is_authorized(self) -> bool:
        """Whether a request carries a key, or a header in its place."""
        return self.key is not None or carries_key(self.headers)

    @property
    def sends_authorization(self) -> bool:
        """Whether a request has the header Authorization."""
        return self.key is not None or "Authorization" in self.headers

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message and no file may hold: the key, the values of the headers, and the last word of each."""
        values = (*((self.key,) if self.key else ()), *self.headers.values())
        return tuple(dict.fromkeys(form for value in values for form in (value, value.split()[-1])))


@dataclass(frozen=True, slots=True)
class Provider:
    """A row of the table.

    `variable` is the environment variable of the key, None if no key is needed. `elsewhere` are further
    addresses with the same keys' variable and dialect, mostly those of another region: `--base-url` reaches
    them. `source` is the page of the provider's documentation that says so, read on READ; what it does not
    say, or what was not found at all, follows after "not found".
    """

    base_url: str
    variable: str | None
    dialect: Dialect = Dialect()
    elsewhere: tuple[str, ...] = ()
    source: str = ""


READ = date(2026, 11, 28)
"""The day on which the sources of the table were read, in stored copies of their pages."""

# Whoever serves these models, a temperature other than their own is refused (or, by DeepSeek, ignored).
# developers.openai.com/api/docs/guides/reasoning and github.com/akitaonrails/ai-memory/issues/851 (gpt-6);
# platform.kimi.com/docs/api/models-overview (from kimi-k2.5 on).
MODEL_RULES = (
    ModelRule(r"(?:^|/)(?:o\d\b|gpt-[5-9]|deepseek-reasoner|kimi-(?:k2\.[5-9]|k[3-9]))", {"temperature": None}),
)
# Qwen3 models think by default. With a thought, JSON mode is not supported, and open models refuse an answer
# that is not streamed. Models that only think refuse the field.
_QWEN_ANSWERS_AT_ONCE = ModelRule(r"(?:^|/)qwen3(?!-max|.*(?:thinking|instruct|coder))", {"enable_thinking": False})
# 0 is no valid temperature there: the range is (0, 1].
_NO_TEMPERATURE = ModelRule("", {"temperature": None})

_OBJECT = Dialect("json_object")
EMBEDDED = Dialect()
"""The dialect of the embedded model, which llama.cpp serves."""

PROVIDERS: dict[str, Provider] = {
    "openai": Provider(
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        Dialect("strict", limit="max_completion_tokens"),
        source="https://github.com/openai/openai-python/blob/main/src/openai/types/chat/completion_create_params.py",
    ),
    "deepseek": Provider(
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        _OBJECT,
        source="https://api-docs.deepseek.com/api/create-chat-completion",
    ),
    "dashscope": Provider(
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        Dialect("json_object", rules=(_QWEN_ANSWERS_AT_ONCE,)),  # a schema: newer models only
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1",),
        "https://www.alibabacloud.com/help/en/model-studio/json-mode",
    ),
    "zhipu": Provider(
        "https://open.bigmodel.cn/api/paas/v4",
        "ZHIPUAI_API_KEY",
        _OBJECT,
        source="https://docs.bigmodel.cn/api-reference/模型-api/对话补全",
    ),
    "moonshot": Provider(
        "https://api.moonshot.cn/v1",
        "MOONSHOT_API_KEY",
        # A schema would have to be in Moonshot's own flavour. max_tokens is deprecated.
        Dialect("json_object", "max_completion_tokens"),
        ("https://api.moonshot.ai/v1",),
        "https://platform.kimi.com/docs/api/chat.md",
    ),
    "siliconflow": Provider(
        "https://api.siliconflow.cn/v1",
        "SILICONFLOW_API_KEY",
        _OBJECT,
        ("https://api.siliconflow.com/v1",),
        "https://docs.siliconflow.cn/cn/api-reference/chat-completions/chat-completions",
    ),
    "volcengine": Provider(
        "https://ark.cn-beijing.volces.com/api/v3",
        "ARK_API_KEY",
        _OBJECT,  # a schema: beta, and not for all models
        ("https://ark.ap-southeast.bytepluses.com/api/v3",),
        "https://www.volcengine.com/docs/82379/1568221",
    ),
    "qianfan": Provider(
        "https://qianfan.baidubce.com/v2",
        "QIANFAN_API_KEY",
        _OBJECT,
        source="https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb; not found: which models take a schema",
    ),
    "hunyuan": Provider(
        "https://api.hunyuan.cloud.tencent.com/v1",
        "HUNYUAN_API_KEY",
        _OBJECT,
        source="https://cloud.tencent.com/document/product/1729/111007; not found: response_format",
    ),
    "tokenhub": Provider(  # where Tencent serves Hy3 and later models
        "https://tokenhub.tencentmaas.com/v1",
        "TOKENHUB_API_KEY",
        _OBJECT,
        source="https://cloud.tencent.com/document/product/1823/132252; not found: the usual name of the key's variable",
    ),
    "minimax": Provider(
        "https://api.minimaxi.com/v1",
        "MINIMAX_API_KEY",
        Dialect("text", "max_completion_tokens", 2048, (_NO_TEMPERATURE,)),
        ("https://api.minimax.io/v1",),
        "https://platform.minimax.io/docs/api-reference/text-chat; not found: response_format",
    ),
    "stepfun": Provider(
        "https://api.stepfun.com/v1",
        "STEP_API_KEY",
        _OBJECT,
        ("https://api.stepfun.ai/v1",),
        "https://platform.stepfun.com/docs/zh/api-reference/chat/chat-completion-create.md; not found: which models "
        "take a schema",
    ),
    "mistral": Provider(
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        source="https://github.com/mistralai/client-ts/blob/main/docs/models/components/responseformats.md",
    ),
    "groq": Provider(
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        _OBJECT,  # a schema: some models only
        source="https://console.groq.com/docs/structured-outputs",
    ),
    "xai": Provider(
        "https://api.x.ai/v1",
        "XAI_API_KEY",
        Dialect(limit="max_completion_tokens"),
        source="https://docs.x.ai/developers/advanced-api-usage/prompt-caching/usage-and-pricing; not found: its own page on "
        "response_format and limits, which copies of its API description give",
    ),
    "gemini": Provider(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        _OBJECT,  # a schema: a part of JSON Schema, which part is not said
        source="https://ai.google.dev/api/compatibility",
    ),
    "together": Provider(
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        source="https://docs.together.ai/docs/inference/chat/structured-outputs",
    ),
    "fireworks": Provider(
        "https://api.fireworks.ai/inference/v1",
        "FIREWORKS_API_KEY",
        source="https://docs.fireworks.ai/structured-responses/structured-response-formatting",
    ),
    "openrouter": Provider(
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        source="https://openrouter.ai/docs/structured-outputs",
    ),
    "ollama": Provider("http://127.0.0.1:11434/v1", None, source="not found: its page on the OpenAI API"),
    # LM Studio takes a schema only.
    "lmstudio": Provider("http://127.0.0.1:1234/v1", None, source="https://lmstudio.ai/docs/api/structured-output"),
    "llamacpp": Provider(
        "http://127.0.0.1:8080/v1",
        None,
        source="the server itself, which the embedded model runs on",
    ),
    "vllm": Provider(
        "http://127.0.0.1:8000/v1",
        None,
        source="https://docs.vllm.ai/en/latest/features/structured_outputs/",
    ),
}


def resolve(
    model: str, base_url: str | None, environ: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> Endpoint:
    """The endpoint that `--model` and `--base-url` name. Keys come from the environment only.

    With a base URL, the whole of `model` is the model's name, including slashes. Raises SetupError.
    """
    headers = headers or {}
    if base_url:
        return _addressed(model, checked(base_url), environ, headers)
    prefix, _, name = model.partition("/")
    provider = PROVIDERS.get(prefix.lower())
    if provider is None or not name.strip():
        raise UnknownEndpointError(
            f"{model!r} does not name a model of a known provider.",
            f"Write PROVIDER/NAME with one of {', '.join(PROVIDERS)}, or `local` for the embedded model, "
            "or give the server's address with `--base-url`.",
        )
    variable = provider.variable or OWN_KEY
    endpoint = Endpoint(
        prefix.lower(), name.strip(), provider.base_url, _key(environ, variable), provider.dialect, variable, headers
    )
    if provider.variable and not endpoint.is_authorized:
        raise KeyMissingError(
            f"{model!r} needs a key, and {provider.variable} is not set.",
            f"Put the key into the environment, `export {provider.variable}=…`, or use `--model local`.",
        )
    return endpoint


def dialect_of(model: str, base_url: str | None) -> Dialect:
    """The dialect of the endpoint that `resolve` would return; it needs no key."""
    name = _provider_at(base_url) if base_url else model.partition("/")[0].lower()
    return PROVIDERS[name].dialect if name in PROVIDERS else Dialect()


def _provider_at(base_url: str) -> str | None:
    """The provider whose address, or one of whose other addresses, has the host of `base_url`."""
    host = host_of(base_url)
    return next((name for name, p in PROVIDERS.items() if host in map(host_of, (p.base_url, *p.elsewhere))), None)


def _addressed(model: str, base_url: str, environ: Mapping[str, str], headers: Mapping[str, str]) -> Endpoint:
    known = _provider_at(base_url)
    variable = PROVIDERS[known].variable if known else None
    key = _key(environ, OWN_KEY)
    if known and variable:  # a provider's key goes to its own addresses and nowhere else
        key = key or _key(environ, variable)
        return Endpoint(known, model, base_url, key, PROVIDERS[known].dialect, variable, headers)
    return Endpoint("custom", model, base_url, key, variable=OWN_KEY, headers=headers)


def _key(environ: Mapping[str, str], variable: str) -> str | None:
    key = environ.get(variable, "").strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise KeyMissingError(
            f"{variable} contains characters that a key cannot have.",
            "Copy the key again, without quotes or spaces.",
        )
    return key or None
