"""Collecting: replies of batches go into the answer cache, from which an ordinary run writes the records."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.cancellation import Cancellation
from extractor.document import Json
from extractor.errors import FATAL, ExtractorError, ProviderError
from extractor.llm.call import Attempt, Reply, Request, Usage
from extractor.output.answer_cache import AnswerCache, answer_cache_path
from extractor.output.files import OutputError, followed
from extractor.pipeline.read.read import InputError
from extractor.runs.batch import describe_part, find_created, open_submission
from extractor.runs.batch_submission import Part, Submission, delete_requests, load_submission, postpone
from extractor.runs.budget import Budget
from extractor.runs.convert_to_file import Deferral, convert_to
from extractor.runs.observer import Observer
from extractor.runs.session import Session
from extractor.runs.settings import Settings
from extractor.runs.summary import Summary

if TYPE_CHECKING:
    from extractor.llm.batch_api import Batch, BatchClient


def collect(
    output: Path,
    progress: Observer,
    cancellation: Cancellation,
    arguments: list[str],
    headers: tuple[str, ...] = (),
) -> Summary:
    """Fetch the replies of batches that have ended, and write the records that they complete."""
    path = followed(output)
    submission, client = open_submission(output, cancellation, headers)
    notes: list[str] = []

    def before(session: Session) -> None:
        latest = load_submission(path) or submission  # another run may have saved it since
        notes.extend(_collect_batches(latest, client, session.budget))

    def after(summary: Summary) -> None:
        summary.add_notes(*notes)
        latest = load_submission(path)
        if summary.open and latest is not None and not latest.is_under_way:
            summary.add_notes(
                "next: run the same command with --batch to submit the open questions as another batch, "
                "or without it to ask them live"
            )

    try:
        settings = replace(Settings.from_json(submission.settings), headers=headers)
    except ValueError as error:
        raise OutputError(
            f"The batch of {path} was submitted by another version of extractor ({error}): collect it with that version."
        ) from error
    try:
        return convert_to(settings, path, progress, cancellation, arguments, Deferral(before, postpone, after))
    except InputError as error:
        if os.getcwd() == submission.folder:
            raise
        raise InputError(f"{error} The batch was submitted in {submission.folder}: collect it there.") from error


def _collect_batches(submission: Submission, client: BatchClient, budget: Budget) -> Iterator[str]:
    """Put the replies of ended batches into the answer cache; a line on each batch."""
    replies = CollectedReplies(submission, client, budget)
    for part in submission.parts:
        if part.collected:
            continue
        if part.id is None and part.intended is not None:
            find_created(submission, part, client)
        yield (
            describe_part(part, None, part.state) if part.id is None else _collect_part(part, part.id, client, replies)
        )
        submission.save()
    if not submission.is_under_way:
        delete_requests(submission.output)


def _collect_part(part: Part, batch_id: str, client: BatchClient, replies: CollectedReplies) -> str:
    batch = client.get(batch_id)
    part.state = batch.status
    line = describe_part(part, batch, batch.status)
    if not batch.has_ended:
        return line
    counts = replies.add(batch)
    # The answers must be on disk before the batch is marked as collected.
    if hasattr(os, "sync"):
        os.sync()
    part.collected = True
    received = ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "nothing"
    missing = part.requests - sum(counts.values())
    return f"{line}; received {received}" + (f", {missing} missing" if missing > 0 else "")


class CollectedReplies:
    """Writes the replies of batches into the answer cache of an output."""

    def __init__(self, submission: Submission, client: BatchClient, budget: Budget) -> None:
        self._submission, self._client, self._budget = submission, client, budget
        self._cache = AnswerCache(answer_cache_path(submission.output))

    def add(self, batch: Batch) -> Counter[str]:
        """Add all replies of a batch; how many answers there were, and how many errors of each kind."""
        counts: Counter[str] = Counter()
        abouts = self._submission.asked()
        for file in filter(None, (batch.output, batch.errors)):

            def attempt(file: str = file) -> Counter[str]:
                counted: Counter[str] = Counter()
                for result in self._client.results(file):
                    key, reply = self._client.reply(result)
                    counted["answers" if isinstance(reply, Reply) else reply.kind] += 1
                    self._put(key, abouts(key), reply)
                return counted

            counts += self._client.with_retries(attempt)
        return counts

    def _put(self, key: str, abouts: list[Json], reply: Reply | ProviderError) -> None:
        """Add a reply for each question that asked for it.

        An error that a retry may fix leaves the questions open.
        """
        if isinstance(reply, ExtractorError) and (reply.retryable or isinstance(reply, FATAL)):
            return
        is_new = False
        for about in abouts:
            document = str(about.get("document", "unnamed"))
            if not self._cache.contains(document, key):
                self._cache.add(document, key, about, reply)
                is_new = True
        if is_new:
            usage = Usage.of(reply.body) if isinstance(reply, Reply) else Usage()
            error = reply.kind if isinstance(reply, ExtractorError) else None
            self._budget.record_attempt(Attempt(Request({}, abouts[0]), 1, 0.0, usage, error))
