"""An endpoint's error response as one of the errors in `extractor.errors`, by its words or its status.

The words come from the providers' own lists of errors and from what servers and gateways really answered:
tests/cases/provider.json has them, with their sources.
"""

from __future__ import annotations

import json
import re
from typing import Any

from extractor.errors import (
    BadRequestError,
    ContentFilteredError,
    ContextTooLongError,
    FormatRefusedError,
    KeyRefusedError,
    ModelLoadingError,
    OverloadedError,
    ProviderError,
    QuotaUsedUpError,
    RateLimitedError,
    ServerError,
    TimedOutError,
    UnknownModelError,
)

# The longest message that is shown, and the longest part of a response that has none, in characters.
_LONGEST, _LONGEST_UNKNOWN = 1000, 300

Kinds = tuple[tuple[re.Pattern[str], type[ProviderError]], ...]


def _compiled(*kinds: tuple[str, type[ProviderError]]) -> Kinds:
    return tuple((re.compile(pattern, re.IGNORECASE), kind) for pattern, kind in kinds)


# Providers' words, whatever the status: 余额不足 comes with 400, 402, 403 and 429. The first match wins.
_WORDS = _compiled(
    # A locked account, or a model outside its plan: Zhipu answers 429.
    (
        r"账[户号].{0,12}锁定|非活动状态|暂未开放.{0,40}权限|account (?:is |has been )?(?:locked|disabled)",
        KeyRefusedError,
    ),
    (r"overloaded|server busy|负载已?(?:饱和|过高)", OverloadedError),
    # A rate limit, even if it says quota: Alibaba allocates tokens per minute, Google says when to retry.
    (
        r"throttling(?!_error)|allocated quota|(?:retry|try again) (?:in|after) [\d.]+ ?[a-z]|"
        r"rate[ _-]?limit[ _]?(?:reached|exceeded)|too many requests|[rt]pm limit|qps request limit|"
        r"速率限制|流量限制|限频|限流|访问量过大|请求(?:过于频繁|频率|过多)|频率过高|并发数?过高",
        RateLimitedError,
    ),
    (
        r"insufficient[ _](?:\w{1,20}[ _])?(?:quota|balance|credits?|funds)|"
        r"(?:balance|credits?).{0,20}(?:insufficient|not enough|too low|depleted)|quota is not enough|"
        r"exceeded[ _](?:your[ _])?(?:current|monthly)[ _]quota|usage limit|billing[ _]hard[ _]limit|arrearage|"
        r"budget[ _](?:has been )?exceeded|accountoverdue|overdue balance|daily request limit|set inference limit|"
        r"good standing|free[ _]?tier|free quota|quota[ _](?:has been )?exhausted|"
        r"额度(?:已|已经)?(?:用尽|用完|耗尽|不足)|余额(?:不足|已用[完尽])|欠费|使用上限|次数限额|套餐已到期|资源包已?(?:用[完尽]|耗尽)",
        QuotaUsedUpError,
    ),
    (
        r"data_?inspection_?failed|content[ _](?:filter|moderation|management policy)|"
        r"content[ _]?policy|inappropriate content|sensitive[ _]?content|requires moderation|high risk|"
        r"censorship|(?:in|out)put new_sensitive|敏感内容|敏感词|内容安全|内容违规|违规内容",
        ContentFilteredError,
    ),
    # LiteLLM looks for a key that it doesn't know in its database, and says so if it has none.
    (
        r"no connected db|no_db_connection|missing credentials|no api[ _]?key|invalid[ _](?:or expired )?api[ _]key|"
        r"api[ _]?key (?:not valid|is (?:invalid|missing|required))|incorrect api[ _]key|令牌无效|无效的令牌|鉴权失败",
        KeyRefusedError,
    ),
)
# Looked for with these statuses only: with others the words may mean something else.
_REFUSED = (400, 404, 413, 422)
_BY_STATUS: dict[int, Kinds] = {
    503: _compiled(
        (r"(?<!error )(?<!failed )loading model|model .{0,80}is (?:currently |still )?loading", ModelLoadingError),
        (r"无可用渠道|no available channels?", UnknownModelError),
    ),
    500: _compiled(
        (r"context (?:size|length|window) (?:has been )?exceeded|exceeds? (?:the )?context", ContextTooLongError),
        (r"response_?format|json[ _]?schema|grammar", FormatRefusedError),
    ),
} | dict.fromkeys(
    _REFUSED,
    _compiled(
        (
            r"context[ _](?:length|size|window)|token limit|range of input length|reduce the length|"
            r"(?:prompt|input|tokens?|characters|request)[^.]{0,40}too[ _]long|"
            r"超长|(?:输入|上下文|长度).{0,20}超[过出]",
            ContextTooLongError,
        ),
        (r"response_?format|json[ _]?schema|\bgrammar|structured[ _]outputs?|json mode", FormatRefusedError),
        (
            r"model[ _]?not[ _]?(?:found|exist)|model .{0,80}(?:not found|does not exist)|invalid[ _]model|"
            r"invalidendpointormodel|unknown model|no healthy deployments|模型不存在|模型名称?错误",
            UnknownModelError,
        ),
    ),
)
_STATUS: dict[int, type[ProviderError]] = {
    401: KeyRefusedError,
    402: QuotaUsedUpError,
    403: KeyRefusedError,
    404: UnknownModelError,
    408: TimedOutError,
    409: ServerError,
    413: ContextTooLongError,
    425: ServerError,
    429: RateLimitedError,
    451: ContentFilteredError,
    503: OverloadedError,
    529: OverloadedError,
}
# The codes of MiniMax, which come with status 200, and words that may say nothing.
_MINIMAX: dict[int, type[ProviderError]] = {
    1000: ServerError,
    1001: ServerError,
    1002: RateLimitedError,
    1004: KeyRefusedError,
    1008: QuotaUsedUpError,
    1024: ServerError,
    1026: ContentFilteredError,
    1027: ContentFilteredError,
    1033: ServerError,
    1039: ContextTooLongError,
    2049: KeyRefusedError,
}


def error_of(status: int, body: Any, where: str, retry_after: float | None = None) -> ProviderError:
    """The error that `where` reported; `body` is the JSON of its response, or the text if it is not JSON."""
    words = _words(body)
    kind = _meant(status, body, words) or _STATUS.get(status) or (ServerError if status >= 500 else BadRequestError)
    message = f": {words}" if words else " without a message"
    return kind(f"{where} answered {status}{message}".rstrip(".") + ".", status=status, retry_after=retry_after)


def reports_error(body: Any) -> bool:
    """Whether the JSON of a response with status 200, which holds no answer, is an error that is known by its words."""
    return isinstance(body, dict) and (_minimax_code(body) > 0 or _meant(400, body, _words(body)) is not None)


def says_nothing(status: int, body: Any) -> bool:
    """Whether a 500 says nothing but that it is one."""
    return status == 500 and _words(body).strip(".").lower() in ("", "internal server error", "error")


def _meant(status: int, body: Any, words: str) -> type[ProviderError] | None:
    """The error that the words mean, or the code; None if they are not known."""
    known = (*_WORDS, *_BY_STATUS.get(status, ()))
    named = next((kind for pattern, kind in known if pattern.search(words)), None)
    return named or _MINIMAX.get(_minimax_code(body))


def _minimax_code(body: Any) -> int:
    base = body.get("base_resp") if isinstance(body, dict) else None
    code = base.get("status_code") if isinstance(base, dict) else None
    return code if isinstance(code, int) else 0


def _words(body: Any) -> str:
    """The message and codes of an error response, wherever they are; else the beginning of what came."""
    said = " ".join("; ".join(dict.fromkeys(_said(body))).split())[:_LONGEST]
    if said or not body:
        return said
    return json.dumps(body, ensure_ascii=False)[:_LONGEST_UNKNOWN]


def _said(body: Any) -> list[str]:
    """The texts of an error response: messages first, then codes."""
    if isinstance(body, list):
        return _said_in_list(body)
    if not isinstance(body, dict):
        return [str(body)] if body not in (None, "", True, False) else []
    within = [_said(body[name]) for name in ("error", "Error", "Response", "base_resp", "errors") if body.get(name)]
    # The code of an error stands for what is around it, such as {"error": {…}, "code": 400}.
    names = ("message", "detail", "msg", "error_msg", "status_msg", "Message", "error_description")
    codes = () if any(within) else ("type", "code", "Code", "error_code", "param", "metadata")
    own = [body[name] for name in (*names, *codes) if body.get(name)]
    texts = [text for value in own for text in ([_compact(value)] if isinstance(value, dict) else _said(value))]
    return [text for said in within for text in said] + texts


def _said_in_list(body: list[Any]) -> list[str]:
    """The first error of a list. FastAPI's say where they are, and repeat the request, which is left out."""
    if not body:
        return []
    if all(isinstance(entry, dict) and "loc" in entry and "msg" in entry for entry in body):
        return [f"{'.'.join(map(str, entry['loc'] or ()))}: {entry['msg']}" for entry in body[:3]]
    return _said(body[0])


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
