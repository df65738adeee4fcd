"""The line: from a document to its records, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from extractor.ask import ask
from extractor.clean import clean
from extractor.data import Call, Document, Excerpt, Json, Problem, Reply, Request, Usage
from extractor.faults import Fault
from extractor.ground import ground, prepare
from extractor.merge import merge
from extractor.normalise import infer_meeting_year, normalise
from extractor.passages import split_passages
from extractor.recipe import Recipe
from extractor.speeches import split_speeches


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that got no answer, and the fault that is to blame."""

    field: str
    start: int
    end: int
    fault: Fault


@dataclass(slots=True)
class Converted:
    """One speech's output line, the questions that failed, and what was spent; `asked` counts all questions."""

    line: Json
    failures: list[Failure] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    asked: int = 0


def convert(document: Document, recipe: Recipe, call: Call) -> Iterator[Converted]:
    """The document's records, one a speech. Raises a Fault only if no question at all can be answered."""
    speeches = split_speeches(clean(document))
    for number, speech in enumerate(speeches, 1):
        name = document.id if len(speeches) == 1 else f"{document.id}#{number}"
        yield convert_speech(speech, name, recipe, call)


def convert_speech(speech: Excerpt, name: str, recipe: Recipe, call: Call) -> Converted:
    """One speech's record."""
    meter = Meter(call)
    problems: list[Problem] = []
    failures: list[Failure] = []
    items = []
    asked = 0
    prepared = prepare(speech)
    year = infer_meeting_year(speech)
    for passage in split_passages(speech, recipe.profile.passage):
        for shape in recipe.schema.fields:
            asked += 1
            answer = ask(shape, passage, speech, recipe, meter)
            failed = [Failure(shape.name, i, j, fault) for i, j, fault in answer.failed if isinstance(fault, Fault)]
            failures += failed
            problems += [_unanswered(failure) for failure in failed]
            grounded, ungrounded = ground(answer, shape, prepared)
            problems += ungrounded
            for item in grounded:
                values, unreadable = normalise(item, shape, year)
                problems += unreadable
                if values is not None:
                    items.append((item, values))
    record, evidence, conflicts = merge(recipe.schema.fields, items, speech.document)
    problems += conflicts
    line = _line(name, speech, record, evidence, problems, recipe, meter.usage)
    return Converted(line, failures, meter.usage, asked)


def _unanswered(failure: Failure) -> Problem:
    fault = failure.fault
    return Problem("unanswered", failure.field, None, failure.start, failure.end, f"{fault.kind}: {fault.what}")


class Meter:
    """A Call that counts what passes through it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.usage = Usage()

    def __call__(self, request: Request) -> Reply:
        reply = self._call(request)
        usage = reply.body.get("usage") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        self.usage += Usage(1, usage.get("prompt_tokens") or 0, cached, usage.get("completion_tokens") or 0)
        return reply


def _line(
    name: str,
    speech: Excerpt,
    record: Json,
    evidence: Json,
    problems: list[Problem],
    recipe: Recipe,
    usage: Usage,
) -> Json:
    """The output line: the record as its own schema reads and writes it, so that it round-trips."""
    checked = recipe.schema.record.model_validate(record).model_dump(mode="json")
    document = speech.document
    return {
        "id": name,
        "source": {"path": document.path, "sha256": document.sha256, "start": speech.start, "end": speech.end},
        "record": checked,
        "evidence": evidence,
        "problems": [problem.to_json() for problem in problems],
        "run": {
            "schema": recipe.schema.name,
            "recipe": recipe.digest,
            "model": recipe.model,
            "requests": usage.requests,
            "input_tokens": usage.input_tokens,
            "cached_tokens": usage.cached_tokens,
            "output_tokens": usage.output_tokens,
            "cost": recipe.cost(usage),
        },
    }
