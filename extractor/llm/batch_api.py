"""The batch desk of an OpenAI-compatible endpoint: a file of requests up, a batch of it made, its replies down.

Beside `provider`, with the same client, faults and reading of answers. What may be done twice is tried again where that
can help; a batch is created once, since a second one would be paid as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from extractor.cancellation import Cancellation
from extractor.document import Json
from extractor.errors import MalformedResponseError, NotJsonError, ProviderError, ServerError, SetupError, error_of
from extractor.llm.call import Reply
from extractor.llm.client import blot, patiently, read_reply, translated_errors
from extractor.llm.providers import Endpoint

if TYPE_CHECKING:
    import openai

Done = TypeVar("Done")

# Seconds for each wait: a file as a whole, of 100 MB up and several times that down, may take long.
TIMEOUT = 180.0
# In the metadata of a batch: the name that we gave it.
TAG = "extractor"
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
# Pages of a hundred batches that are looked through for one that was not noted.
_PAGES = 50
# HTTP statuses of an address that is not there.
_ABSENT = (404, 405, 501)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the endpoint tells of it: `output` and `errors` are its files, `why` says why it failed."""

    id: str
    status: str
    completed: int
    failed: int
    total: int
    output: str | None
    errors: str | None
    why: str

    @property
    def has_ended(self) -> bool:
        """Whether no more replies will come."""
        return self.status in ENDED


class BatchClient:
    """The desk of one endpoint. Nothing is opened before the first call. Each raises Fault."""

    def __init__(self, endpoint: Endpoint, cancellation: Cancellation | None = None) -> None:
        self._endpoint = endpoint
        self._sleep = (cancellation or Cancellation()).sleep
        self._opened: openai.OpenAI | None = None

    # What a line of a file of requests is put to.
    url = "/v1/chat/completions"

    @property
    def host(self) -> str:
        """Scheme, host and port: what may be shown."""
        return self._endpoint.host

    def upload(self, file: Path) -> str:
        """A file of requests; the id that it has there."""

        def attempt() -> Json:
            with file.open("rb") as stream, self._asked():
                made = self._client.files.with_raw_response.create(
                    file=(file.name, stream), purpose="batch", extra_headers=self._headers
                )
                return self._json(made.content)

        return str(patiently(attempt, self._sleep).get("id"))

    def create(self, file: str, tag: str) -> Batch:
        """A batch of an uploaded file, under a name that no other has."""
        with self._asked():
            made = self._client.batches.with_raw_response.create(
                input_file_id=file,
                endpoint=self.url,  # type: ignore[arg-type]
                completion_window="24h",
                metadata={TAG: tag},
                extra_headers=self._headers,
            )
            return self._batch(self._json(made.content))

    def find(self, file: str, tag: str) -> Batch | None:
        """The batch that was made of a file, or under a name, where there is one."""
        after: dict[str, str] = {}
        for _ in range(_PAGES):
            page = self._page(after)
            listed = [entry for entry in page.get("data") or () if isinstance(entry, dict)]
            for entry in listed:
                if entry.get("input_file_id") == file or (entry.get("metadata") or {}).get(TAG) == tag:
                    return self._batch(entry)
            if not listed or not page.get("has_more"):
                return None
            after = {"after": str(listed[-1].get("id"))}
        return None

    def get(self, batch: str) -> Batch:
        """How far a batch is."""
        return self._of_batch(batch, lambda client: client.batches.with_raw_response.retrieve)

    def cancel(self, batch: str) -> Batch:
        """Have the endpoint stop; what it has answered by then can be collected."""
        return self._of_batch(batch, lambda client: client.batches.with_raw_response.cancel)

    def results(self, file: str) -> Iterator[Json]:
        """The lines of an output or error file, as they come."""
        rest = b""
        with translated_errors(self._endpoint):
            answer = self._client.files.with_streaming_response.content(file, extra_headers=self._headers)
            with answer as stream:
                for chunk in stream.iter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from map(self._result, filter(None, lines))
        if rest.strip():
            yield self._result(rest)

    def reply(self, result: Json) -> tuple[str, Reply | ProviderError]:
        """What a line of a result says: the name of the request, and its answer or the fault that it met."""
        name = str(result.get("custom_id"))
        response, error = result.get("response"), result.get("error")
        try:
            if not isinstance(response, dict) or error:
                return name, self._fault_of(error)
            return name, read_reply(int(response.get("status_code") or 200), response.get("body"), self._endpoint)
        except ProviderError as fault:
            return name, fault

    def patiently(self, attempt: Callable[[], Done]) -> Done:
        """What `attempt` gives, tried again where that can help."""
        return patiently(attempt, self._sleep)

    @property
    def _client(self) -> openai.OpenAI:
        if self._opened is None:
            from extractor.llm.http import open_client

            self._opened = open_client(self._endpoint, TIMEOUT)
        return self._opened

    @property
    def _headers(self) -> dict[str, Any]:
        import openai

        return {} if self._endpoint.key else {"Authorization": openai.Omit()}

    def _page(self, after: dict[str, str]) -> Json:
        def attempt() -> Json:
            with self._asked():
                listed = self._client.batches.with_raw_response.list(
                    limit=100, extra_query=after, extra_headers=self._headers
                )
                return self._json(listed.content)

        return patiently(attempt, self._sleep)

    def _of_batch(self, batch: str, method: Callable[[openai.OpenAI], Callable[..., Any]]) -> Batch:
        def attempt() -> Batch:
            with translated_errors(self._endpoint):
                told = method(self._client)(batch, extra_headers=self._headers)
                return self._batch(self._json(told.content))

        try:
            return patiently(attempt, self._sleep)
        except ProviderError as fault:
            if fault.status in _ABSENT:
                raise SetupError(
                    f"{self.host} knows no batch {batch}: {fault.what}",
                    "Use the key and the project that it was made with.",
                    status=fault.status,
                ) from fault
            raise

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """An address that is not there means that there is no such desk."""
        try:
            with translated_errors(self._endpoint):
                yield
        except ProviderError as fault:
            if fault.status in _ABSENT:
                raise SetupError(
                    f"{self.host} has no batch API: {fault.what}",
                    "Leave out --batch to ask live, or name another endpoint.",
                    status=fault.status,
                ) from fault
            raise

    def _json(self, content: bytes) -> Json:
        try:
            told = json.loads(content)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise NotJsonError(f"{self.host} told of a batch in something that is no JSON.")
        return told

    def _batch(self, told: Json) -> Batch:
        counts, errors = told.get("request_counts") or {}, told.get("errors")
        said = errors.get("data") or () if isinstance(errors, dict) else (errors,) if errors else ()
        why = "; ".join(str(e.get("message") or e.get("code")) if isinstance(e, dict) else str(e) for e in said[:3])
        completed, failed, total = (int(counts.get(name) or 0) for name in ("completed", "failed", "total"))
        files = (told.get("output_file_id") or None, told.get("error_file_id") or None)
        return Batch(
            str(told.get("id")), str(told.get("status")), completed, failed, total, *files, blot(why, self._endpoint)
        )

    def _result(self, line: bytes) -> Json:
        try:
            result = json.loads(line)
        except ValueError:
            result = None
        if not isinstance(result, dict):
            raise MalformedResponseError(f"{self.host} sent a file of replies with a line that is no JSON.")
        return result

    def _fault_of(self, error: Any) -> ProviderError:
        """Of a request that has no answer: it was not reached, or the endpoint says what is wrong with it."""
        words = json.loads(blot(json.dumps(error), self._endpoint))
        if isinstance(words, dict) and str(words.get("code", "")).startswith("batch_"):
            return ServerError(f"{self.host} did not come to this request: {words.get('message') or words['code']}")
        return error_of(500, {"error": words}, self.host)
