"""Addresses of servers: what `--base-url` may be, what of it may be shown, and which of them are this machine."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from extractor.errors import UnknownEndpointError


def checked(base_url: str) -> str:
    """The base URL without what was copied along with it. Raises UnknownEndpointError."""
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
    with suppress(OSError):  # 127.1 is an address for the system, but not for HTTP clients
        whole = socket.inet_ntoa(socket.inet_aton(parts.hostname or ""))
        url = parts._replace(netloc=f"{whole}:{parts.port}" if parts.port else whole).geturl()
    return url


def host_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine, by name or by any form of its addresses."""
    host = (urlsplit(url).hostname or "").rstrip(".").partition("%")[0]
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return address is not None and (address.is_loopback or address.is_unspecified)
