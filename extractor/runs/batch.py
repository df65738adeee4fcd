"""Batching: a run whose questions go to the provider's batch desk, and whose answers are collected later.

Gathering is the ordinary run with a Call that writes the questions down (`submission.Requests`); collecting puts the
replies into the journal and is then the ordinary run again, which finds them there and asks nothing. What is still open
after that (a re-ask, the halves of what was cut off, a second round) is gathered by the next --batch, or asked live.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.cancellation import Cancellation
from extractor.errors import FATAL, ExtractorError, ProviderError
from extractor.llm.call import Attempt, Reply, Request, Usage
from extractor.llm.models import batch_client
from extractor.output.answer_cache import AnswerCache, answer_cache_path
from extractor.output.event_log import now
from extractor.output.files import OutputError, followed, open_output
from extractor.pipeline.read.read import InputError
from extractor.runs.batch_submission import (
    Part,
    Requests,
    Submission,
    batch_path,
    forget,
    load_submission,
    postpone,
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
    """Convert what can be without asking, and hand the questions of the rest to the batch desk. Raises OutputError where a
    batch is under way, but goes on with a submission that was cut short."""
    client = batch_client(settings.model, settings.base_url, os.environ, cancellation)
    path = followed(output)
    if _go_on(path, settings, client):
        return Summary(notes=[f"batch: the submission of an earlier run is complete now; {_next(path)}"])
    requests = Requests(path, client.url)

    def first(ready: Session) -> None:
        refuse_under_way(path)
        batch_path(path).unlink(missing_ok=True)
        forget(path)

    def last(summary: Summary) -> None:
        requests.close()
        if summary.stopped is not None or not requests.parts:
            forget(path)
            return
        submission = Submission(path, client.host, os.getcwd(), settings.to_json(), requests.parts)
        submission.save()
        _send(submission, client)
        summary.submitted, summary.open = summary.open, 0
        count = sum(part.requests for part in requests.parts)
        ids = ", ".join(part.id or "" for part in requests.parts)
        summary.notes.append(
            f"batch: {count} requests in {len(requests.parts)} ({ids}) at {client.host}; {_next(path)}"
        )

    return convert_to(settings, output, progress, cancellation, arguments, Deferral(first, requests, last))


def _next(path: Path) -> str:
    return f"next: `extractor batch status {path}`, then `extractor batch collect {path}`"


def _go_on(path: Path, settings: Settings, client: BatchClient) -> bool:
    """Whether a submission was cut short; it is completed, from the requests on disk."""
    submission = load_submission(path)
    if submission is None or not submission.is_cut_short:
        return False
    if client.host != submission.endpoint or settings.model != submission.settings["model"]:
        raise OutputError(
            f"A submission to {submission.endpoint} ({submission.settings['model']}) for {path} was cut short: go on with "
            f"the same --model and --base-url, or give it up with `extractor batch cancel {path}`."
        )
    with open_output(path):
        _send(submission, client)
    return True


def _send(submission: Submission, client: BatchClient) -> None:
    """Make the batches that are not made, each step noted. Raises Fault."""
    for part in submission.parts:
        if part.id is None and part.intended is not None:
            _look_up(submission, part, client)
        if part.id is not None:
            continue
        if part.file is None:
            part.file = client.upload(submission.requests(part))
        part.intended = now()
        submission.save()
        try:
            made = client.create(part.file, part.tag)
        except ExtractorError as fault:
            if fault.status is not None and fault.status < 500 and fault.status != 408:  # refused: there is none
                part.intended = None
                submission.save()
            raise
        part.id, part.state = made.id, made.status
        submission.save()


def _look_up(submission: Submission, part: Part, client: BatchClient) -> None:
    """Whether a batch that was about to be made has been made."""
    found = client.find(part.file or "", part.tag)
    if found is not None:
        part.id, part.state = found.id, found.status
    else:
        part.intended = None
    submission.save()


# --- how far it is ---


def look(output: Path) -> tuple[list[str], int]:
    """A line a batch, and the exit code: 0 all are completed, 1 not, or not whole. Changes nothing."""
    submission, client = _submitted(output)
    lines, code = [], 0
    for part in submission.parts:
        batch = None if part.collected else _told(part, client)
        status = part.state if batch is None else batch.status
        code |= status != "completed"
        lines.append(_line(part, batch, status))
    return lines, code


def _told(part: Part, client: BatchClient) -> Batch | None:
    if part.id is not None:
        return client.get(part.id)
    return client.find(part.file or "", part.tag) if part.intended else None


def _line(part: Part, batch: Batch | None, status: str) -> str:
    name = batch.id if batch is not None else part.id or f"(number {part.number})"
    if batch is None:
        told = f"{part.requests} requests" + (", collected" if part.collected else "")
    else:
        told = f"{batch.completed} completed, {batch.failed} failed, {batch.total or part.requests} in all"
    age = "" if part.intended is None else f", {_age(part.intended)} old"
    why = f": {batch.why}" if batch is not None and batch.why else ""
    return f"{name}  {status}  {told}{age}{why}"


def _age(since: str) -> str:
    minutes = (time.time() - datetime.fromisoformat(since).timestamp()) / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def cancel(output: Path) -> list[str]:
    """Ask the desk to end the batches that have not ended; a line for each."""
    path = followed(output)
    with open_output(path):
        submission, client = _submitted(output)
        lines = []
        for part in submission.parts:
            if part.id is None and part.intended is not None:
                _look_up(submission, part, client)
            if part.id is None or part.collected:
                continue
            batch = client.get(part.id)
            if not batch.has_ended:
                batch = client.cancel(part.id)
            part.state = batch.status
            lines.append(_line(part, batch, batch.status))
        # What was not made yet is not made any more.
        submission.parts = [part for part in submission.parts if part.id is not None]
        submission.save()
    return lines


def _submitted(output: Path, cancellation: Cancellation | None = None) -> tuple[Submission, BatchClient]:
    path = followed(output)
    submission = load_submission(path)
    if submission is None:
        raise OutputError(f"Nothing was submitted for {output}: there is no {batch_path(path)}.")
    saved = submission.settings
    return submission, batch_client(saved["model"], saved["base_url"], os.environ, cancellation)


# --- home ---


def collect(output: Path, progress: Observer, cancellation: Cancellation, arguments: list[str]) -> Summary:
    """Bring the replies of ended batches home, and write the records that are complete with them."""
    path = followed(output)
    submission, client = _submitted(output, cancellation)
    notes: list[str] = []

    def first(ready: Session) -> None:
        noted = load_submission(path) or submission  # another run may have written it since
        notes.extend(_bring_home(noted, client, ready))

    def last(summary: Summary) -> None:
        summary.notes += notes
        noted = load_submission(path)
        if summary.open and noted is not None and not noted.is_under_way:
            summary.notes.append(
                "next: the same command with --batch for another batch of what is open, without it to ask that live"
            )

    settings = Settings.from_json(submission.settings)
    try:
        return convert_to(settings, path, progress, cancellation, arguments, Deferral(first, postpone, last))
    except InputError as error:
        if os.getcwd() == submission.folder:
            raise
        raise InputError(f"{error} The batch was made in {submission.folder}: collect it there.") from error


def _bring_home(submission: Submission, client: BatchClient, ready: Session) -> Iterator[str]:
    """Put what has come into the journal; a line on each batch."""
    home = CollectedReplies(submission, client, ready)
    for part in submission.parts:
        if part.collected:
            continue
        if part.id is None and part.intended is not None:
            _look_up(submission, part, client)
        if part.id is None:
            yield _line(part, None, part.state)
            continue
        batch = client.get(part.id)
        part.state = batch.status
        if batch.has_ended:
            outcome = home.take(batch)
            # The answers are on disk before the batch is known to be home.
            if hasattr(os, "sync"):
                os.sync()
            part.collected = True
            told = ", ".join(f"{n} {kind}" for kind, n in outcome.items())
            missing = part.requests - sum(outcome.values())
            yield (
                _line(part, batch, batch.status)
                + f"; {told or 'nothing'} came"
                + (f", {missing} did not" if missing > 0 else "")
            )
        else:
            yield _line(part, batch, batch.status)
        submission.save()
    if not submission.is_under_way:
        forget(submission.output)


class CollectedReplies:
    """The journal, as the replies of batches come into it."""

    def __init__(self, submission: Submission, client: BatchClient, ready: Session) -> None:
        self._desk, self._ready = client, ready
        self._cache = AnswerCache(answer_cache_path(submission.output))
        self._submission = submission

    def take(self, batch: Batch) -> Counter[str]:
        """All that came of a batch; how many answers, and how many faults of which kind."""
        outcome: Counter[str] = Counter()
        abouts = self._submission.asked()
        for file in filter(None, (batch.output, batch.errors)):

            def attempt(file: str = file) -> Counter[str]:
                counted: Counter[str] = Counter()
                for result in self._desk.results(file):
                    name, reply = self._desk.reply(result)
                    counted["answers" if isinstance(reply, Reply) else reply.kind] += 1
                    self._put(name, abouts(name), reply)
                return counted

            outcome += self._desk.with_retries(attempt)
        return outcome

    def _put(self, name: str, abouts: list[dict[str, object]], reply: Reply | ProviderError) -> None:
        """Into the journal of each document that asked. What another try may mend is left open."""
        if isinstance(reply, ExtractorError) and (reply.retryable or isinstance(reply, FATAL)):
            return
        is_new = False
        for about in abouts:
            document = str(about.get("document", "unnamed"))
            if not self._cache.holds(document, name):
                self._cache.add(document, name, about, reply)
                is_new = True
        if is_new:
            usage = Usage.of(reply.body) if isinstance(reply, Reply) else Usage()
            fault = reply.kind if isinstance(reply, ExtractorError) else None
            self._ready.budget.heard(Attempt(Request({}, abouts[0]), 1, 0.0, usage, fault))
