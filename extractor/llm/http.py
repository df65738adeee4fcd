"""Transport: the requests of all threads over one event loop, in a thread of its own.

A thread that sends and reads by itself wakes for every packet and waits for its turn with the interpreter each time; one loop
wakes once for all that has come. Loaded at the first question only.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import urllib.request
import weakref
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import httpx2
import openai

from extractor.document import Json
from extractor.errors import SetupError
from extractor.llm.providers import Endpoint

Done = TypeVar("Done")

# Seconds for which an unused connection is kept: less than the 5 s of common servers.
KEPT = 4.0
# How many may be under way is the pace's affair: the client's own limit is out of its way.
_CONNECTIONS = 100_000
# Seconds after which a computing thread gives way to the loop; Python's own 5 ms, at each packet, would add up.
_SWITCH = 0.0005
# Seconds to wait for connections to be closed.
_CLOSING = 1.0
# What is raised where no answer came, or not all of it.
UNREACHED = (openai.APIConnectionError, httpx2.HTTPError, TimeoutError)
# Seconds in which a request that was given up is ended.
_SETTLING = 0.1
_NAME = "transport"
_loops: list[asyncio.AbstractEventLoop] = []
_starting = threading.Lock()


class Transport:
    """A client of one endpoint. Threads share it; its connections are closed when nobody holds it any more."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._timeout = timeout
        self._options: openai.RequestOptions = {} if endpoint.key else {"headers": {"Authorization": openai.Omit()}}
        self._client = _client(endpoint, timeout)
        weakref.finalize(self, _close, self._client)

    def post(self, body: Json) -> httpx2.Response:
        """The answer, to its last byte, within the timeout. Raises what the openai client raises, and TimeoutError."""
        return _in_loop(self._post(body))

    async def _post(self, body: Json) -> httpx2.Response:
        # A reply that trickles passes every wait for its next byte: the time is that of the whole.
        async with asyncio.timeout(self._timeout):
            return await self._client.post(
                "/chat/completions", body=body, cast_to=httpx2.Response, options=self._options
            )


def open_client(endpoint: Endpoint, timeout: float) -> openai.OpenAI:
    """A client for files, in the calling thread; `timeout` in seconds for each wait. It tries once."""
    try:
        http = openai.DefaultHttpxClient(trust_env=not endpoint.loopback)
    except (ImportError, ValueError) as error:
        raise _no_proxy(error) from error
    client = openai.OpenAI(
        api_key=endpoint.key or "none", base_url=endpoint.base_url, timeout=timeout, max_retries=0, http_client=http
    )
    if endpoint.name != "openai":
        client.organization = client.project = None
    return client


def _no_proxy(error: Exception) -> SetupError:
    """A SOCKS proxy without its package, or an address that is none."""
    return SetupError(f"The proxy settings do not work: {error}.", "Check HTTPS_PROXY and ALL_PROXY.")


def _client(endpoint: Endpoint, timeout: float) -> openai.AsyncOpenAI:
    # A proxy of the environment does not lead to a server on this machine.
    trusting = not endpoint.loopback
    proxied = trusting and {"http", "https", "all"} & urllib.request.getproxies().keys()
    # aiohttp's client costs half of httpx2's time, and knows no SOCKS.
    kind = openai.DefaultAsyncHttpxClient if proxied else openai.DefaultAioHttpClient
    limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=256, keepalive_expiry=KEPT)
    try:
        http = kind(trust_env=trusting, limits=limits)
    except (ImportError, ValueError) as error:
        raise _no_proxy(error) from error
    client = openai.AsyncOpenAI(
        api_key=endpoint.key or "none",
        base_url=endpoint.base_url,
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        max_retries=0,
        http_client=http,
    )
    if endpoint.name != "openai":  # read from the environment, and nobody else's business
        client.organization = client.project = None
    return client


def _close(client: openai.AsyncOpenAI) -> None:
    closing = asyncio.run_coroutine_threadsafe(client.close(), _loop())
    if threading.current_thread().name != _NAME:  # where the garbage collector happens to run
        with suppress(TimeoutError):
            closing.result(_CLOSING)


def _in_loop(work: Coroutine[Any, Any, Done]) -> Done:
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    except BaseException:
        if future.done():
            raise
        future.cancel()  # Ctrl-C: nobody waits for it any more
        # A server in this process that is stopped next would wait, and keep the loop, for a connection that is open.
        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(_SETTLING), _loop()).result(_CLOSING)
        raise


def _loop() -> asyncio.AbstractEventLoop:
    """The one event loop; it ends with the process."""
    with _starting:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, name=_NAME, daemon=True).start()
            sys.setswitchinterval(min(_SWITCH, sys.getswitchinterval()))
        return _loops[0]
