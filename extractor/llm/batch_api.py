"""The batch API of an OpenAI-compatible endpoint: upload requests, create a batch, download its replies.

It shares errors, retries and the reading of replies with live calls. Calls that are safe to repeat are
retried; a batch is created with a single attempt, since a second batch would be charged as well.
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
from extractor.errors import MalformedResponseError, NotJsonError, ProviderError, ServerError, SetupError
from extractor.llm.call import Reply
from extractor.llm.client import with_retries
from extractor.llm.error_words import error_of
from extractor.llm.providers import Endpoint
from extractor.llm.replies import read_batched_reply, redact, translated_errors

if TYPE_CHECKING:
    import openai

Result = TypeVar("Result")

# Seconds per wait for the network. A whole file may take much longer: 100 MB up, several times that down.
TIMEOUT = 180.0
# The key in a batch's metadata that holds our name for it.
TAG = "extractor"
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
# How many pages, of a hundred batches each, are searched for a batch whose id was not saved.
_PAGES = 50
# HTTP statuses that mean the path does not exist.
_ABSENT = (404, 405, 501)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, as described by the endpoint: `output` and `errors` are file ids, `why` explains a failure."""

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
    """The batch API of one endpoint. Nothing is opened before the first call. Raises ExtractorError."""

    def __init__(self, endpoint: Endpoint, cancellation: Cancellation | None = None) -> None:
        self._endpoint = endpoint
        self._sleep = (cancellation or Cancellation()).sleep
        self._opened: openai.OpenAI | None = None

    # The endpoint path in each line of a request file.
    url = "/v1/chat/completions"

    @property
    def host(self) -> str:
        """Scheme, host and port: what may be shown."""
        return self._endpoint.host

    def upload(self, file: Path) -> str:
        """Upload a file of requests; returns its id."""

        def attempt() -> Json:
            with file.open("rb") as stream, self._checked():
                response = self._client.files.with_raw_response.create(
                    file=(file.name, stream), purpose="batch", extra_headers=self._headers
                )
                return self._json(response.content)

        return str(with_retries(attempt, self._sleep).get("id"))

    def create(self, file: str, tag: str) -> Batch:
        """Create a batch from an uploaded file; `tag` is a unique name for it."""
        with self._checked():
            response = self._client.batches.with_raw_response.create(
                input_file_id=file,
                endpoint=self.url,  # type: ignore[arg-type]
                completion_window="24h",
                metadata={TAG: tag},
                extra_headers=self._headers,
            )
            return self._batch(self._json(response.content))

    def find(self, file: str, tag: str) -> Batch | None:
        """The batch created from a file or with a tag, or None."""
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
        """The batch's current state."""
        return self._call_batch(batch, lambda client: client.batches.with_raw_response.retrieve)

    def cancel(self, batch: str) -> Batch:
        """Cancel a batch; what was answered until then can still be collected."""
        return self._call_batch(batch, lambda client: client.batches.with_raw_response.cancel)

    def results(self, file: str) -> Iterator[Json]:
        """The lines of an output or error file, as they arrive."""
        rest = b""
        with translated_errors(self._endpoint):
            response = self._client.files.with_streaming_response.content(file, extra_headers=self._headers)
            with response as stream:
                for chunk in stream.iter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from map(self._result, filter(None, lines))
        if rest.strip():
            yield self._result(rest)

    def reply(self, result: Json) -> tuple[str, Reply | ProviderError]:
        """A result line as the request's `custom_id` and its reply or error."""
        name = str(result.get("custom_id"))
        response, error = result.get("response"), result.get("error")
        try:
            if not isinstance(response, dict) or error:
                return name, self._error_of(error)
            status = int(response.get("status_code") or 200)
            return name, read_batched_reply(status, response.get("body"), self._endpoint)
        except ProviderError as failure:
            return name, failure

    def with_retries(self, attempt: Callable[[], Result]) -> Result:
        """The result of `attempt`, retried where that can help."""
        return with_retries(attempt, self._sleep)

    @property
    def _client(self) -> openai.OpenAI:
        if self._opened is None:
            from extractor.llm.http import open_client

            self._opened = open_client(self._endpoint, TIMEOUT)
        return self._opened

    @property
    def _headers(self) -> dict[str, Any]:
        from extractor.llm.http import without_key

        return without_key(self._endpoint)

    def _page(self, after: dict[str, str]) -> Json:
        def attempt() -> Json:
            with self._checked():
                listed = self._client.batches.with_raw_response.list(
                    limit=100, extra_query=after, extra_headers=self._headers
                )
                return self._json(listed.content)

        return with_retries(attempt, self._sleep)

    def _call_batch(self, batch: str, method: Callable[[openai.OpenAI], Callable[..., Any]]) -> Batch:
        def attempt() -> Batch:
            with translated_errors(self._endpoint):
                response = method(self._client)(batch, extra_headers=self._headers)
                return self._batch(self._json(response.content))

        try:
            return with_retries(attempt, self._sleep)
        except ProviderError as error:
            if error.status in _ABSENT:
                raise SetupError(
                    f"{self.host} has no batch {batch}: {error.what}",
                    "Use the key and the project that it was created with.",
                    status=error.status,
                ) from error
            raise

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """A path that does not exist means that the endpoint has no batch API."""
        try:
            with translated_errors(self._endpoint):
                yield
        except ProviderError as error:
            if error.status in _ABSENT:
                raise SetupError(
                    f"{self.host} has no batch API: {error.what}",
                    "Leave out --batch to ask live, or use another endpoint.",
                    status=error.status,
                ) from error
            raise

    def _json(self, content: bytes) -> Json:
        try:
            body = json.loads(content)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise NotJsonError(f"{self.host} described a batch in something that is not a JSON object.")
        return body

    def _batch(self, body: Json) -> Batch:
        counts, errors = body.get("request_counts") or {}, body.get("errors")
        listed = errors.get("data") or () if isinstance(errors, dict) else (errors,) if errors else ()
        why = "; ".join(str(e.get("message") or e.get("code")) if isinstance(e, dict) else str(e) for e in listed[:3])
        completed, failed, total = (int(counts.get(name) or 0) for name in ("completed", "failed", "total"))
        files = (body.get("output_file_id") or None, body.get("error_file_id") or None)
        return Batch(
            str(body.get("id")), str(body.get("status")), completed, failed, total, *files, redact(why, self._endpoint)
        )

    def _result(self, line: bytes) -> Json:
        try:
            result = json.loads(line)
        except ValueError:
            result = None
        if not isinstance(result, dict):
            raise MalformedResponseError(f"{self.host} sent a result file with a line that is not JSON.")
        return result

    def _error_of(self, error: Any) -> ProviderError:
        """The error of a request without a response: the batch never got to it, or it was refused."""
        words = json.loads(redact(json.dumps(error), self._endpoint))
        if isinstance(words, dict) and str(words.get("code", "")).startswith("batch_"):
            reason = words.get("message") or words["code"]
            return ServerError(f"{self.host} did not process this request: {reason}")
        return error_of(500, {"error": words}, self.host)
