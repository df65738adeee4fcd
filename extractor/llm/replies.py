"""Read what an endpoint sent back: a completion, or an error.

Live responses and the lines of a batch's result file are read alike. Keys are removed from everything that
may be shown or recorded.
"""

from __future__ import annotations

import html
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urljoin, urlsplit

from extractor.document import Json
from extractor.errors import (
    ContentFilteredError,
    KeyRefusedError,
    MalformedResponseError,
    NetworkError,
    NotJsonError,
    OverloadedError,
    ProviderError,
    RedirectedError,
    ServerError,
    TimedOutError,
    UnreachableError,
)
from extractor.llm.call import Reply
from extractor.llm.error_words import error_of, reports_error, says_nothing
from extractor.llm.providers import OWN_KEY, Endpoint

if TYPE_CHECKING:
    import httpx2

# Values of finish_reason that mean there is no answer: OpenAI's and most others', Zhipu's two, DeepSeek's.
_UNFINISHED: dict[str, type[ProviderError]] = {
    "content_filter": ContentFilteredError,
    "sensitive": ContentFilteredError,
    "network_error": ServerError,
    "insufficient_system_resource": OverloadedError,
}
# Keys of any account that an endpoint may repeat in its errors: sk-…, ak-…, Bearer …; and a key's digest, by which
# LiteLLM names whose limit it is.
_KEYS = re.compile(r"\b(?:sk|ak|pk)-[\w-]{6,}|(?<=Bearer )[^\s\"\\]+|\b[0-9a-f]{64}\b")
# A key of at least this length cannot be an ordinary word of an answer.
_LONG_KEY = 8


def read_reply(content: bytes, media: str, endpoint: Endpoint, by: Json | None = None) -> Reply:
    """The reply in a 200 response. Raises the ProviderError that the response reports.

    `by` says who answered if that is known better than from the response itself.
    """
    body = _completion(content, media, endpoint)
    return Reply(body, dict(by) if by else _answered_by(body, endpoint))


def read_batched_reply(status: int, body: Any, endpoint: Endpoint) -> Reply:
    """The reply in a line of a batch's result file. Raises the ProviderError that it reports."""
    if status != 200:
        raise _reported(status, _redacted(body, endpoint), endpoint)
    return read_reply(json.dumps(body).encode(), "application/json", endpoint)


@contextmanager
def translated_errors(
    endpoint: Endpoint, now: Callable[[], float] = time.time, headers: dict[str, str] | None = None
) -> Iterator[None]:
    """Turn what the client raises in the block into an ExtractorError.

    The headers of an error response are put into `headers`.
    """
    import openai

    from extractor.llm.http import UNREACHED

    cause: Exception
    try:
        yield
        return
    except openai.APIStatusError as refusal:
        (headers if headers is not None else {}).update(refusal.response.headers)
        cause, error = refusal, _error_response(refusal.response, endpoint, now)
    except UNREACHED as failure:
        cause, error = failure, _unreached(failure, endpoint)
    raise error from (cause if redact(str(cause), endpoint) == str(cause) else None)


def redact(text: str, endpoint: Endpoint) -> str:
    """The text without the endpoint's key and headers, and without anything that looks like a key."""
    return _KEYS.sub("***", _without(text, [secret for secret in endpoint.secrets if len(secret) > 3]))


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, "***")
    return text


@lru_cache(maxsize=64)
def _forms(key: str) -> tuple[str, ...]:
    """The key as it may be echoed: as it is, or escaped as in JSON, a URL or a web page; the longest first."""
    escaped = json.dumps(key)[1:-1]
    in_json = {escaped, escaped.replace("/", "\\/")}
    in_json |= {"".join(c if c.isalnum() or c in "-_" else f"\\u{ord(c):04{case}}" for c in key) for case in "xX"}
    in_url = {quote(key), quote(key, safe=""), quote_plus(key)}
    in_url |= {re.sub("%..", lambda match: match[0].lower(), form) for form in in_url}
    return tuple(
        sorted({key, html.escape(key), html.escape(key, quote=False), *in_json, *in_url}, key=len, reverse=True)
    )


def _redacted(value: Any, endpoint: Endpoint) -> Any:
    """Decoded JSON with all its text redacted."""
    return _mapped(value, lambda text: redact(text, endpoint))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): _mapped(item, change) for name, item in value.items()}
    return value


def _unreached(failure: Exception, endpoint: Endpoint) -> ProviderError:
    """The error for no response, or only a part of one.

    A timeout reported by the transport may be a dropped connection: only the chain of causes shows which.
    """
    from extractor.llm.http import NOT_CONNECTED

    causes = [failure]
    while isinstance(cause := causes[-1].__cause__, Exception):
        causes.append(cause)
    if isinstance(causes[-1], ProviderError):
        return causes[-1]
    kind = UnreachableError if any(isinstance(cause, NOT_CONNECTED) for cause in causes) else NetworkError
    if kind is NetworkError and any(isinstance(cause, TimeoutError) for cause in causes):
        return TimedOutError(f"{endpoint.host} did not answer in time.")
    numbers = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno and cause.errno > 0]
    why = os.strerror(numbers[-1]) if numbers else str(failure.__cause__ or failure) or type(failure.__cause__).__name__
    what = "cannot be reached" if kind is UnreachableError else "broke the connection"
    return kind(redact(f"{endpoint.host} {what}: {why.rstrip('.')}.", endpoint))


def _error_response(response: httpx2.Response, endpoint: Endpoint, now: Callable[[], float]) -> ProviderError:
    if 300 <= response.status_code < 400:
        return _redirect(response, endpoint)
    # Decoded first: JSON may write the "/" of a key as "\\/" or as an escape.
    try:
        body = _redacted(json.loads(response.text), endpoint)
    except (ValueError, RecursionError):
        body = redact(_plain(redact(response.text, endpoint)), endpoint)
    return _reported(response.status_code, body, endpoint, _retry_after(response.headers, now))


def _reported(status: int, body: Any, endpoint: Endpoint, retry_after: float | None = None) -> ProviderError:
    """The error that a redacted error response reports. Where no key was sent, the next step is to send one."""
    error = error_of(status, body, endpoint.host, retry_after)
    # LiteLLM meets a missing key with a bare 500.
    if endpoint.is_authorized or not (isinstance(error, KeyRefusedError) or says_nothing(status, body)):
        return error
    others = " (OPENAI_API_KEY and other providers' keys go to their own addresses only)"
    hint = (
        f"No key was sent, because {endpoint.variable} is not set{others if endpoint.variable == OWN_KEY else ''}: "
        f"if the server wants one, `export {endpoint.variable}=…`."
    )
    return type(error)(error.what, hint, status=error.status, retry_after=error.retry_after)


def _redirect(response: httpx2.Response, endpoint: Endpoint) -> ProviderError:
    """A redirect, which is never followed: it names where it points to, without its query."""
    target = urljoin(f"{endpoint.base_url}/", response.headers.get("location", "")).partition("?")[0]
    parts = urlsplit(target)
    shown = redact(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:300], endpoint)
    return RedirectedError(f"{endpoint.host} answered {response.status_code} and points to {shown}.")


def _completion(content: bytes, media: str, endpoint: Endpoint) -> Json:
    """The chat completion in a 200 response. Raises the ProviderError that the response reports."""
    body = _parsed(content, media, endpoint)
    if isinstance(body, dict) and body.get("error") and not body.get("choices"):
        raise _error_in_disguise(body, endpoint)
    choice = _first_choice(body)
    if choice is None and reports_error(body):
        raise _reported(200, _redacted(body, endpoint), endpoint)
    if choice is None:
        start = redact(json.dumps(body, ensure_ascii=False), endpoint)[:200]
        raise NotJsonError(f"{endpoint.host} answered with JSON that is not a chat completion: {start}.")
    if not isinstance(choice.get("finish_reason"), str):  # a list or an object can't even be looked up
        choice["finish_reason"] = None
    if error := _UNFINISHED.get(str(choice.get("finish_reason"))):
        raise error(f"{endpoint.host} stopped its answer: finish_reason {choice['finish_reason']!r}.", status=200)
    return dict(body)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _parsed(content: bytes, media: str, endpoint: Endpoint) -> Any:
    try:
        # NaN, Infinity and 1e999 become null: written again, they would not be JSON.
        body = json.loads(content, parse_constant=lambda _: None, parse_float=_finite)
        body = _without_key(body, endpoint)
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate could not be written to disk later
    except (ValueError, RecursionError):
        start = redact(_plain(redact(content[:20_000].decode("utf-8", "replace"), endpoint)), endpoint)[:200]
        if "html" in media or content.lstrip()[:1] == b"<":
            raise NotJsonError(f"{endpoint.host} answered with a web page: {start!r}.") from None
        raise MalformedResponseError(
            f"{endpoint.host} answered with {len(content)} bytes that are not JSON: {start!r}."
        ) from None
    return body


def _first_choice(body: Any) -> Json | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) and isinstance(choice.get("message"), dict) else None


def _error_in_disguise(body: Json, endpoint: Endpoint) -> ProviderError:
    """The error in a response with status 200; some gateways put the real status into its `code`."""
    error = _redacted(body["error"], endpoint)
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    return _reported(status, {"error": error}, endpoint)


def _answered_by(body: Json, endpoint: Endpoint) -> Json:
    return {
        "model": without_folder(str(body.get("model") or endpoint.model)),
        "version": body.get("system_fingerprint"),
        "digest": None,
        "endpoint": endpoint.host,
    }


def without_folder(name: str) -> str:
    """The name of a model's file without its folder, which stays private; another name as it is."""
    return re.split(r"[/\\]", name)[-1] if re.match(r"[/~.]|[A-Za-z]:\\", name) else name


def _retry_after(headers: httpx2.Headers, now: Callable[[], float]) -> float | None:
    """Seconds from `retry-after-ms`, or from `Retry-After` in seconds or as a date; None if invalid."""
    seconds = None
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif "retry-after" in headers:
            seconds = float(headers["retry-after"])
    except ValueError:
        try:
            seconds = parsedate_to_datetime(headers["retry-after"]).timestamp() - now()
        except (KeyError, ValueError, OverflowError):
            return None
    return seconds if seconds is not None and math.isfinite(seconds) and seconds > 0 else None


def _plain(text: str) -> str:
    """The words of a web page, roughly: enough to recognise a proxy's login page in an error message."""
    return " ".join(re.sub(r"<[^<>]*>", " ", text[:20_000]).split())


def _without_key(body: Any, endpoint: Endpoint) -> Any:
    """Decoded JSON without the secrets, which would be recorded. A short one stays: it may be an ordinary word."""
    secrets = [secret for secret in endpoint.secrets if len(secret) >= _LONG_KEY]
    return _mapped(body, lambda text: _without(text, secrets)) if secrets else body
