"""An endpoint's error response as one of the errors in `extractor.errors`, by its words or its status.

The words come from the providers' own lists of errors.
"""

from __future__ import annotations

import re
from typing import Any

from extractor.errors import (
    BadRequestError,
    ContentFilteredError,
    ContextTooLongError,
    KeyRefusedError,
    OverloadedError,
    ProviderError,
    QuotaUsedUpError,
    RateLimitedError,
    ServerError,
    TimedOutError,
    UnknownModelError,
)

# Providers' words, whatever the status: 余额不足 comes with 400, 402, 403 and 429. The first match wins.
_WORDS: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        # A locked account, or a model outside its plan: Zhipu answers 429.
        (
            r"账[户号].{0,12}锁定|非活动状态|暂未开放.{0,40}权限|account (?:is |has been )?(?:locked|disabled)",
            KeyRefusedError,
        ),
        (r"engine_overloaded|overloaded", OverloadedError),
        # A rate limit, even if it says quota: Alibaba allocates tokens per minute, Google says when to retry.
        (
            r"throttling|allocated quota|(?:retry|try again) (?:in|after) [\d.]+ ?[a-z]|"
            r"rate[ _-]?limit[ _](?:reached|exceeded)|too many requests|[rt]pm limit|"
            r"速率限制|流量限制|访问量过大|请求过于频繁|频率过高|并发数?过高",
            RateLimitedError,
        ),
        (
            r"insufficient[ _](?:\w{1,20}[ _])?(?:quota|balance|credits?|funds)|"
            r"balance.{0,20}(?:insufficient|not enough)|"
            r"exceeded[ _](?:your[ _])?(?:current|monthly)[ _]quota|usage limit|billing[ _]hard[ _]limit|arrearage|"
            r"good standing|free[ _]?tier|free quota|quota[ _](?:has been )?exhausted|"
            r"额度(?:已|已经)?(?:用尽|用完|耗尽|不足)|余额(?:不足|已用[完尽])|欠费|使用上限|次数限额|套餐已到期",
            QuotaUsedUpError,
        ),
        (
            r"data_?inspection_?failed|content[ _](?:filter|policy|moderation)|inappropriate content|sensitive content|"
            r"requires moderation|high risk|敏感内容|敏感词|内容安全|内容违规|违规内容",
            ContentFilteredError,
        ),
    )
)
# Looked for in refusals (400, 404, 413, 422) only: with other statuses these words may mean something else.
_REFUSALS: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (
            r"context[ _](?:length|size|window)|token limit|range of input length|"
            r"(?:prompt|input|tokens?|characters|request)[^.]{0,40}too[ _]long|"
            r"超长|(?:输入|上下文|长度).{0,20}超[过出]",
            ContextTooLongError,
        ),
        (
            r"model[ _]?not[ _]?(?:found|exist)|model .{0,80}(?:not found|does not exist)|模型不存在|invalid_model",
            UnknownModelError,
        ),
    )
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
    503: OverloadedError,
    529: OverloadedError,
}


def error_of(status: int, body: Any, where: str, retry_after: float | None = None) -> ProviderError:
    """The error that `where` reported; `body` is the JSON of its response, or the text if it is not JSON."""
    words = _words(body)
    named = next((kind for pattern, kind in _WORDS if pattern.search(words)), None)
    if named is None and status in (400, 404, 413, 422):
        named = next((kind for pattern, kind in _REFUSALS if pattern.search(words)), None)
    if named is None:
        named = _STATUS.get(status) or (ServerError if status >= 500 else BadRequestError)
    message = f": {words}" if words else " without a message"
    return named(f"{where} answered {status}{message}".rstrip(".") + ".", status=status, retry_after=retry_after)


def _words(body: Any) -> str:
    """The message and codes of an error response, wherever they are; at most 1,000 characters."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, dict) and body.get("error"):
        body = body["error"]
    if isinstance(body, dict):
        body = "; ".join(
            str(body[key]) for key in ("message", "detail", "msg", "type", "code", "metadata") if body.get(key)
        )
    return " ".join(str(body or "").split())[:1000]
