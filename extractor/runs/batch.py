"""Batches: a run whose questions go to the provider's batch API, and whose replies are collected later.

Submitting is an ordinary run with a Call that writes the questions down (`batch_submission.Requests`).
Collecting (`batch_collect`) puts the replies into the answer cache and then runs again, asking nothing.
Questions that come up only then (re-asks, the halves of a passage whose answer was cut off, a second pass) go
into the next --batch, or are asked live.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.cancellation import Cancellation
from extractor.errors import ExtractorError
from extractor.llm.models import batch_client
from extractor.output.event_log import now
from extractor.output.files import OutputError, followed, open_output
from extractor.runs.batch_submission import (
    Part,
    Requests,
    Submission,
    batch_path,
    delete_requests,
    load_submission,
    refuse_under_way,
)
from extractor.runs.convert_to_file import Deferral, convert_to
from extractor.runs.observer import Observer
from extractor.runs.session import Session
from extractor.runs.settings import Settings
from extractor.runs.summary import Summary

if TYPE_CHECKING:
    from extractor.llm.batch_api import Batch, BatchClient


def submit(
    settings: Settings, output: Path, progress: Observer, cancellation: Cancellation, arguments: list[str]
) -> Summary:
    """Convert what needs no question, and submit the questions of the rest as batches.

    A submission that was cut short is completed instead. Raises OutputError if a batch is under way.
    """
    client = batch_client(settings.model, settings.base_url, os.environ, cancellation, settings.headers)
    path = followed(output)
    if _complete_earlier(path, settings, client):
        return Summary(notes=[f"batch: the submission of an earlier run is complete now; {_next(path)}"])
    requests = Requests(path, client.url)

    def before(session: Session) -> None:
        refuse_under_way(path)
        batch_path(path).unlink(missing_ok=True)
        delete_requests(path)

    def after(summary: Summary) -> None:
        requests.close()
        if summary.stopped is not None or not requests.parts:
            delete_requests(path)
            return
        submission = Submission(path, client.host, os.getcwd(), settings.to_json(), requests.parts)
        submission.save()
        _send(submission, client)
        summary.submit()
        summary.add_notes(f"batch: {_describe_sent(requests.parts)} at {client.host}; {_next(path)}")

    return convert_to(settings, output, progress, cancellation, arguments, Deferral(before, requests, after))


def _describe_sent(parts: list[Part]) -> str:
    ids = ", ".join(part.id or "" for part in parts)
    return f"{sum(part.requests for part in parts)} requests in {len(parts)} ({ids})"


def _next(path: Path) -> str:
    return f"next: `extractor batch status {path}`, then `extractor batch collect {path}`"


def _complete_earlier(path: Path, settings: Settings, client: BatchClient) -> bool:
    """Complete a submission that was cut short, from the requests on disk. Returns whether there was one."""
    submission = load_submission(path)
    if submission is None or not submission.is_cut_short:
        return False
    if client.host != submission.endpoint or settings.model != submission.settings["model"]:
        raise OutputError(
            f"A submission to {submission.endpoint} ({submission.settings['model']}) for {path} was cut short: "
            "complete it with the same --model and --base-url, or give it up with "
            f"`extractor batch cancel {path}`."
        )
    with open_output(path):
        _send(submission, client)
    return True


def _send(submission: Submission, client: BatchClient) -> None:
    """Create the batches that are not created yet, and save each step. Raises ExtractorError."""
    for part in submission.parts:
        if part.id is None and part.intended is not None:
            find_created(submission, part, client)
        if part.id is not None:
            continue
        if part.file is None:
            part.file = client.upload(submission.requests(part))
        part.intended = now()
        submission.save()
        try:
            created = client.create(part.file, part.tag)
        except ExtractorError as error:
            # A batch that the provider refused does not exist; after any other error it may.
            if error.status is not None and error.status < 500 and error.status != 408:
                part.intended = None
                submission.save()
            raise
        part.id, part.state = created.id, created.status
        submission.save()


def find_created(submission: Submission, part: Part, client: BatchClient) -> None:
    """Look whether a batch was created before the run was cut short, and save what was found."""
    found = client.find(part.file or "", part.tag)
    if found is not None:
        part.id, part.state = found.id, found.status
    else:
        part.intended = None
    submission.save()


# --- status ---


def look(output: Path, headers: Sequence[str] = ()) -> tuple[list[str], int]:
    """One line per batch, and the exit code: 0 if all are completed, else 1. Changes nothing."""
    submission, client = open_submission(output, headers=headers)
    lines, code = [], 0
    for part in submission.parts:
        batch = None if part.collected else _current(part, client)
        status = part.state if batch is None else batch.status
        code |= status != "completed"
        lines.append(describe_part(part, batch, status))
    return lines, code


def _current(part: Part, client: BatchClient) -> Batch | None:
    if part.id is not None:
        return client.get(part.id)
    return client.find(part.file or "", part.tag) if part.intended else None


def describe_part(part: Part, batch: Batch | None, status: str) -> str:
    """One batch in a line: its id, status, counts and age; `batch` is its state at the provider now."""
    name = batch.id if batch is not None else part.id or f"(number {part.number})"
    if batch is None:
        counts = f"{part.requests} requests" + (", collected" if part.collected else "")
    else:
        counts = f"{batch.completed} completed, {batch.failed} failed, {batch.total or part.requests} in all"
    age = "" if part.intended is None else f", {_age(part.intended)} old"
    why = f": {batch.why}" if batch is not None and batch.why else ""
    return f"{name}  {status}  {counts}{age}{why}"


def _age(since: str) -> str:
    minutes = (time.time() - datetime.fromisoformat(since).timestamp()) / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def cancel(output: Path, headers: Sequence[str] = ()) -> list[str]:
    """Cancel the batches that have not ended; one line for each."""
    path = followed(output)
    with open_output(path):
        submission, client = open_submission(output, headers=headers)
        lines = []
        for part in submission.parts:
            if part.id is None and part.intended is not None:
                find_created(submission, part, client)
            if part.id is None or part.collected:
                continue
            batch = client.get(part.id)
            if not batch.has_ended:
                batch = client.cancel(part.id)
            part.state = batch.status
            lines.append(describe_part(part, batch, batch.status))
        # A batch that was not created yet never will be.
        submission.parts = [part for part in submission.parts if part.id is not None]
        submission.save()
    return lines


def open_submission(
    output: Path, cancellation: Cancellation | None = None, headers: Sequence[str] = ()
) -> tuple[Submission, BatchClient]:
    """The submission of an output, and a client for its endpoint. Raises OutputError if there is none."""
    path = followed(output)
    submission = load_submission(path)
    if submission is None:
        raise OutputError(f"Nothing was submitted for {output}: there is no {batch_path(path)}.")
    saved = submission.settings
    return submission, batch_client(saved["model"], saved["base_url"], os.environ, cancellation, headers)
