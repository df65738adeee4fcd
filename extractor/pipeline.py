"""The line: from a document to its records, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from extractor.ask import ask, ask_again
from extractor.clean import clean
from extractor.coverage import Covered, cover, uncovered
from extractor.data import Answer, Call, Document, Excerpt, Json, Problem, Reply, Request, Usage
from extractor.faults import Fault
from extractor.ground import Item, ground, prepare
from extractor.merge import Merged, merge
from extractor.normalise import infer_meeting_year, normalise
from extractor.passages import split_passages
from extractor.recipe import Recipe
from extractor.shape import Field
from extractor.speeches import split_speeches

# The mark of items that came of asking once more.
FILLED = "filled"


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
    found = Found(speech)
    shapes, profile = recipe.schema.fields, recipe.profile
    for passage in split_passages(speech, profile.passage):
        for shape in shapes:
            found.take(shape, ask(shape, passage, speech, recipe, meter))
    merged = merge(shapes, found.items, speech.document)
    covered = cover(shapes, speech, merged.record, merged.evidence)
    if profile.fill:
        for shape in shapes:
            for passage in _left(shape, merged, covered, speech, profile.passage):
                found.take(shape, ask_again(shape, passage, recipe, meter), mark=FILLED)
        merged = merge(shapes, found.items, speech.document)
        covered = cover(shapes, speech, merged.record, merged.evidence)
    line = _line(name, speech, found, merged, covered, recipe, meter.usage)
    return Converted(line, found.failures, meter.usage, found.asked)


class Found:
    """What the answers about one speech have come to: items that stand in it, problems, failures."""

    def __init__(self, speech: Excerpt) -> None:
        self._prepared = prepare(speech)
        self._year = infer_meeting_year(speech)
        self.items: list[tuple[Item, Json]] = []
        self.problems: list[Problem] = []
        self.failures: list[Failure] = []
        self.asked = 0

    def take(self, shape: Field, answer: Answer, mark: str | None = None) -> None:
        """Ground and normalise an answer; its items get the `mark`."""
        self.asked += 1
        failed = [Failure(shape.name, i, j, fault) for i, j, fault in answer.failed if isinstance(fault, Fault)]
        self.failures += failed
        self.problems += [_unanswered(failure) for failure in failed]
        grounded, ungrounded = ground(answer, shape, self._prepared)
        self.problems += ungrounded
        for item in grounded:
            values, unreadable = normalise(item, shape, self._year)
            self.problems += unreadable
            if values is not None:
                marked = replace(item, marks=item.marks | {mark}) if mark else item
                self.items.append((marked, values))


def _left(shape: Field, merged: Merged, covered: Mapping[str, Covered], speech: Excerpt, longest: int) -> list[Excerpt]:
    """Where to ask for a field once more. A field of one value that has it needs no other."""
    if shape.name not in covered or not (
        isinstance(merged.record[shape.name], list) or merged.record[shape.name] is None
    ):
        return []
    return [part for left in uncovered(covered[shape.name], speech, longest) for part in split_passages(left, longest)]


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
    found: Found,
    merged: Merged,
    covered: Mapping[str, Covered],
    recipe: Recipe,
    usage: Usage,
) -> Json:
    """The output line: the record as its own schema reads and writes it, so that it round-trips."""
    document = speech.document
    return {
        "id": name,
        "source": {"path": document.path, "sha256": document.sha256, "start": speech.start, "end": speech.end},
        "record": recipe.schema.record.model_validate(merged.record).model_dump(mode="json"),
        "evidence": merged.evidence,
        "marks": merged.marks,
        "coverage": {name: covered.to_json(speech) for name, covered in covered.items()},
        "problems": [problem.to_json() for problem in found.problems + merged.problems],
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
