"""Headers that the user adds to every request, such as those by which a gateway knows its tenants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from extractor.errors import UnknownEndpointError

# The characters of a header's name (RFC 9110).
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers that carry a key: those of OpenAI, Azure, Portkey, and common gateways.
_WITH_KEY = frozenset({"authorization", "api-key", "x-api-key", "x-portkey-api-key"})


def read_headers(lines: Sequence[str]) -> dict[str, str]:
    """The headers that `--header "Name: value"` gives, by name. Raises SetupError, which shows no value."""
    headers = {}
    for line in lines:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not value or not _NAME.fullmatch(name):
            shown = repr(name) if colon and _NAME.fullmatch(name) else "what was given"
            raise UnknownEndpointError(f"{shown} is not a header.", 'Write it like --header "X-Tenant: value".')
        if not (value.isascii() and value.isprintable()):
            raise UnknownEndpointError(
                f"The value of the header {name!r} contains characters that a header cannot have.",
                "Use printable ASCII characters only.",
            )
        headers[name.title()] = value  # one spelling, so that a header is replaced and not sent twice
    return headers


def carries_key(headers: Mapping[str, str]) -> bool:
    """Whether one of the headers says who asks."""
    return any(name.lower() in _WITH_KEY for name in headers)


def without_values(arguments: Sequence[str], lines: Sequence[str]) -> list[str]:
    """The arguments of a command without the values of the headers among them."""
    shown = {line: f"{line.partition(':')[0]}: ***" for line in lines}
    shown |= {f"--header={line}": f"--header={hidden}" for line, hidden in shown.items()}
    return [shown.get(argument, argument) for argument in arguments]
