"""HTTP: the requests of all threads share one event loop, which runs in a separate thread.

A thread that does its own network I/O wakes for every packet and waits for the interpreter lock each time;
one loop wakes once for everything that has arrived. This module is imported at the first question only.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import urllib.request
import weakref
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import aiohttp
import httpx2
import openai

from extractor.document import Json
from extractor.errors import OversizedAnswerError, SetupError
from extractor.llm.providers import Endpoint
from extractor.llm.tokens import longest_answer

Result = TypeVar("Result")

# Seconds to keep an idle connection: less than the 5 s of common servers.
KEEP_ALIVE = 4.0
# The rate limiter decides how many requests run at a time, so the client's own limit must not interfere.
_CONNECTIONS = 100_000
# Seconds after which a computing thread yields to the loop; Python's default of 5 ms per packet would add up.
_SWITCH = 0.0005
# Seconds to wait for connections to close.
_CLOSING = 1.0
# Raised when no response came, or only a part of one.
UNREACHED = (openai.APIConnectionError, httpx2.HTTPError, TimeoutError)
# Among their causes: no connection was made, so nothing was sent. (openai's transport reports all that aiohttp
# raises before a response as a timeout.)
NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, httpx2.ConnectError)
# Seconds for a cancelled request to end.
_SETTLING = 0.1
# Bytes of the longest response, unpacked: what surrounds an answer (some servers repeat the request), and the bytes of
# the longest tokens, such as a run of 128 blanks; but never more than the last number.
_AROUND, _TOKEN, _LONGEST = 1_000_000, 128, 32_000_000
# Bytes that are read of a response that is no success: its message stands at the beginning.
_LONGEST_ERROR = 100_000
_NAME = "transport"
_loops: list[asyncio.AbstractEventLoop] = []
_starting = threading.Lock()


class Transport:
    """A client of one endpoint. Threads share it; its connections are closed when it is garbage-collected."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._timeout = timeout
        self._options: openai.RequestOptions = {"headers": without_key(endpoint)}
        self._client = _client(endpoint, timeout)
        # With its loop: the collector may come while a thread holds the lock of `_loop`.
        weakref.finalize(self, _close, self._client, _loop())

    def post(self, body: Json) -> httpx2.Response:
        """The whole response, within the timeout and the size that an answer may have.

        Raises the openai client's errors and TimeoutError.
        """
        return _in_loop(self._post(body))

    async def _post(self, body: Json) -> httpx2.Response:
        # The timeout covers the whole response: one that trickles never exceeds the wait for a byte.
        async with asyncio.timeout(self._timeout):
            return await self._client.post(
                "/chat/completions", body=body, cast_to=httpx2.Response, options=self._options
            )


class _BoundedBody(httpx2.AsyncByteStream):
    """The unpacked bytes of a response, up to the size that an answer may have.

    Raises OversizedAnswerError if there are more; the rest of a response that is no success is left out.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self._packed = httpx2.Response(
            response.status_code, headers=response.headers, stream=response.stream, request=response.request
        )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        is_answer = self._packed.is_success
        left = _longest(self._packed.request) if is_answer else _LONGEST_ERROR
        longest = left
        async for part in self._packed.aiter_bytes():
            left -= len(part)
            if left >= 0:
                yield part
            elif is_answer:
                host = self._packed.request.url.host
                raise OversizedAnswerError(f"{host} sent more than {longest / 1e6:.1f} MB in answer to one question.")
            else:
                yield part[:left]
                return

    async def aclose(self) -> None:
        await self._packed.aclose()


async def _bound(response: httpx2.Response) -> None:
    """Let no more of a response be read than an answer may have, however far it unpacks. A hook of the client."""
    response.stream = _BoundedBody(response)
    response.headers.pop("content-encoding", None)


def _longest(request: httpx2.Request) -> int:
    """The most bytes that the answer to a request may have."""
    return min(_AROUND + _TOKEN * longest_answer(json.loads(request.content)), _LONGEST)


def open_client(endpoint: Endpoint, timeout: float) -> openai.OpenAI:
    """A synchronous client for files, without retries; `timeout` is in seconds per wait."""
    try:
        http = openai.DefaultHttpxClient(trust_env=not endpoint.loopback, follow_redirects=False)
    except (ImportError, ValueError) as error:
        raise _no_proxy(error) from error
    client = openai.OpenAI(
        api_key=endpoint.key or "none", base_url=endpoint.base_url, timeout=timeout, max_retries=0, http_client=http
    )
    _ignore_environment(client, endpoint)
    return client


def without_key(endpoint: Endpoint) -> dict[str, str | openai.Omit]:
    """Headers that keep the client, which needs some key, from sending it where there is none."""
    return {} if endpoint.sends_authorization else {"Authorization": openai.Omit()}


def _ignore_environment(client: openai.OpenAI | openai.AsyncOpenAI, endpoint: Endpoint) -> None:
    """Undo what the client reads from OPENAI_ORG_ID, OPENAI_PROJECT_ID (meant for OpenAI) and OPENAI_CUSTOM_HEADERS."""
    if endpoint.name != "openai":
        client.organization = client.project = None
    client._custom_headers = dict(endpoint.headers)  # no argument of the constructor keeps the variable out


def _no_proxy(error: Exception) -> SetupError:
    """A SOCKS proxy without the package it needs, or an invalid proxy address."""
    return SetupError(f"The proxy settings do not work: {error}.", "Check HTTPS_PROXY and ALL_PROXY.")


def _client(endpoint: Endpoint, timeout: float) -> openai.AsyncOpenAI:
    # A proxy cannot reach a server on this machine, so loopback ignores the environment's proxy settings.
    trust_env = not endpoint.loopback
    proxied = trust_env and {"http", "https", "all"} & urllib.request.getproxies().keys()
    # aiohttp's client takes half the time of httpx2's, but does not support SOCKS.
    kind = openai.DefaultAsyncHttpxClient if proxied else openai.DefaultAioHttpClient
    limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=256, keepalive_expiry=KEEP_ALIVE)
    try:
        # A redirect would carry the text and its headers elsewhere, or turn the POST into a GET.
        http = kind(trust_env=trust_env, limits=limits, follow_redirects=False, event_hooks={"response": [_bound]})
    except (ImportError, ValueError) as error:
        raise _no_proxy(error) from error
    client = openai.AsyncOpenAI(
        api_key=endpoint.key or "none",
        base_url=endpoint.base_url,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        max_retries=0,
        http_client=http,
    )
    _ignore_environment(client, endpoint)
    return client


def _close(client: openai.AsyncOpenAI, loop: asyncio.AbstractEventLoop) -> None:
    closing = asyncio.run_coroutine_threadsafe(client.close(), loop)
    if threading.current_thread().name != _NAME:  # the garbage collector may run in the loop's own thread
        with suppress(TimeoutError):
            closing.result(_CLOSING)


def _in_loop(work: Coroutine[Any, Any, Result]) -> Result:
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        if future.done():
            raise
        future.cancel()  # Ctrl-C: the caller no longer waits
        # A server in this process, stopped next, would block the loop while this connection is open.
        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(_SETTLING), _loop()).result(_CLOSING)
        raise


def _loop() -> asyncio.AbstractEventLoop:
    """The one event loop. It runs until the process ends."""
    with _starting:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, name=_NAME, daemon=True).start()
            sys.setswitchinterval(min(_SWITCH, sys.getswitchinterval()))
        return _loops[0]
