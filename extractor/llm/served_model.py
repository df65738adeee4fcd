"""The model behind an address: when it is ready, and what it is called there.

A server may take any name and answer with the one model that it has (llama.cpp's does). What it lists says
which that is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from extractor.errors import ExtractorError, ModelLoadingError
from extractor.llm.call import Call, Reply, Request, with_changed_reply
from extractor.llm.providers import Endpoint
from extractor.llm.replies import translated_errors, without_folder

# Seconds to wait for a server that loads its model, in all and between two questions.
LONGEST_LOADING, _BETWEEN = 600.0, 5.0
# Seconds for the list of models.
_TIMEOUT = 10.0


def wait_until_loaded(call: Call, sleep: Callable[[float], None], announce: Callable[[str], None]) -> Call:
    """`call`, which asks again while the server loads its model. `announce` is told once."""
    told = threading.Event()

    def patient(request: Request) -> Reply:
        waited = 0.0
        while True:
            try:
                return call(request)
            except ModelLoadingError as error:
                if waited >= LONGEST_LOADING:
                    raise
                if not told.is_set():
                    told.set()
                    announce(f"{error.what} Waiting for it …")
            sleep(_BETWEEN)
            waited += _BETWEEN

    return patient


@dataclass(eq=False)
class NamedCall:
    """A Call whose replies say which model answered: where a reply repeats the name that was asked for, and the
    server lists a single model, it is that one. The list is asked for once.
    """

    call: Call
    endpoint: Endpoint
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listed: list[str] | None = None

    def __call__(self, request: Request) -> Reply:
        return with_changed_reply(self.call, request, self._named)

    def _named(self, reply: Reply) -> Reply:
        if reply.by.get("model") != self.endpoint.model:
            return reply
        with self._lock:
            if self._listed is None:
                self._listed = listed_models(self.endpoint)
        if len(self._listed) != 1:
            return reply
        return replace(reply, by={**reply.by, "model": self._listed[0]})


def listed_models(endpoint: Endpoint) -> list[str]:
    """The names of the models that the server lists; none if it has no list, or does not say in time."""
    from extractor.llm.http import open_client, without_key

    with suppress(ExtractorError, ValueError), translated_errors(endpoint):
        with open_client(endpoint, _TIMEOUT) as client:
            body = json.loads(client.models.with_raw_response.list(extra_headers=without_key(endpoint)).content)
        listed = body.get("data") if isinstance(body, dict) else None
        entries = listed if isinstance(listed, list) else ()
        names = [entry.get("id") for entry in entries if isinstance(entry, dict)]
        return [without_folder(name) for name in names if isinstance(name, str)]
    return []
