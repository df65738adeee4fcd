"""The line: from a document to its records, stage by stage."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from extractor.ask import ask, ask_again, ask_together, confirm
from extractor.backfill import Kept, keep, together
from extractor.clean import clean
from extractor.coverage import Covered, cover, uncovered
from extractor.data import AGAIN, Answer, Call, Document, Excerpt, Json, Problem, Reply, Request, Usage
from extractor.evidence import prepare
from extractor.faults import FATAL, Fault, Postponed
from extractor.ground import Item, ground, wording_of
from extractor.merge import Merged, merge
from extractor.normalise import infer_meeting_year, normalise
from extractor.passages import split_passages
from extractor.recipe import Recipe
from extractor.shape import Field
from extractor.speeches import split_speeches

# The mark of items that came of asking once more.
FILLED = "filled"
# And of those that the model, asked about them alone, does not call items.
UNCONFIRMED = "unconfirmed"


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


Task = Callable[[], Any]
Gather = Callable[[Sequence[Task]], Sequence[Any]]
"""Does tasks, each a question to the model, and gives their results in order: one after the other, or side by side."""


def one_by_one(tasks: Sequence[Task]) -> list[Any]:
    """The tasks in order, each when the one before is done."""
    return [task() for task in tasks]


Known = Callable[[str], "Older | None"]
"""The line that an earlier run made of a speech, by its name, if there is one."""


@dataclass(frozen=True, slots=True)
class Older:
    """A line of an earlier run; questions for the fields in `without` had failed."""

    line: Json
    without: frozenset[str] = frozenset()


def nothing_known(name: str) -> Older | None:
    """There is no earlier run."""
    return None


def convert(
    document: Document, recipe: Recipe, call: Call, gather: Gather = one_by_one, known: Known = nothing_known
) -> Iterator[Converted]:
    """The document's records, one a speech. Raises a Fault only if no question at all can be answered."""
    speeches = split_speeches(clean(document))
    for number, speech in enumerate(speeches, 1):
        name = document.id if len(speeches) == 1 else f"{document.id}#{number}"
        yield convert_speech(speech, name, recipe, call, gather, known(name))


def convert_speech(
    speech: Excerpt, name: str, recipe: Recipe, call: Call, gather: Gather = one_by_one, older: Older | None = None
) -> Converted:
    """One speech's record. What of an `older` line holds under this recipe is kept and not asked for."""
    meter = Meter(call)
    kept = keep(older.line, recipe, speech, older.without) if older else Kept()
    profile = recipe.profile
    shapes = [shape for shape in recipe.schema.fields if shape.name not in kept]
    passages = split_passages(speech, profile.passage) if shapes else []
    groups = _groups(shapes, recipe)
    asked = [(shape, passage) for passage in passages for group in groups for shape in group]
    questions = [partial(_ask_group, group, p, speech, recipe, meter) for p in passages for group in groups]
    answers = gather(questions)
    # Only now: no question need wait until the speech is prepared for grounding.
    found = Found(speech, recipe, meter, gather)
    found.take(asked, [answer for several in answers for answer in several])
    merged, covered = _merge(found, kept, shapes, speech, recipe)
    # What is left uncited is not known before all has been answered.
    if profile.fill and not found.is_waiting:
        again = [(shape, p) for shape in shapes for p in _left(shape, merged, covered, speech, profile.passage)]
        found.take(again, gather([partial(ask_again, shape, p, recipe, meter) for shape, p in again]), mark=FILLED)
        merged, covered = _merge(found, kept, shapes, speech, recipe)
    line = _line(name, speech, found, merged, covered, recipe, meter, kept)
    return Converted(line, found.failures, meter.total, found.asked)


def _groups(shapes: Sequence[Field], recipe: Recipe) -> list[list[Field]]:
    """The fields that share a question, in the order of their first ones."""
    groups: dict[str, list[Field]] = {}
    for shape in shapes:
        shared = recipe.profile.together and recipe.profile.style == "read" and shape.group
        groups.setdefault(f"group {shape.group}" if shared else f"field {shape.name}", []).append(shape)
    return list(groups.values())


def _ask_group(group: Sequence[Field], passage: Excerpt, speech: Excerpt, recipe: Recipe, call: Call) -> list[Answer]:
    if len(group) == 1:
        return [ask(group[0], passage, speech, recipe, call)]
    return ask_together(group, passage, speech, recipe, call)


def _merge(
    found: Found, kept: Kept, shapes: Sequence[Field], speech: Excerpt, recipe: Recipe
) -> tuple[Merged, dict[str, Covered]]:
    merged = together(merge(shapes, found.items, speech.document), kept, recipe)
    return merged, cover(recipe.schema.fields, speech, merged.record, merged.evidence)


class Found:
    """What the answers about one speech have come to: items that stand in it, problems, failures."""

    def __init__(self, speech: Excerpt, recipe: Recipe, call: Call, gather: Gather) -> None:
        self._prepared = prepare(speech)
        self._year = infer_meeting_year(speech)
        self._recipe, self._call, self._gather = recipe, call, gather
        self.items: list[tuple[Item, Json]] = []
        self.problems: list[Problem] = []
        self.failures: list[Failure] = []
        self.asked = 0
        self.is_waiting = False

    def take(self, asked: Sequence[tuple[Field, Excerpt]], answers: Sequence[Answer], mark: str | None = None) -> None:
        """Ground and normalise the answers to what was asked; their items get the `mark`, and another if the model does
        not confirm them."""
        self.asked += len(asked)
        items: list[tuple[Field, Excerpt, Item, Json]] = []
        for (shape, passage), answer in zip(asked, answers, strict=True):
            for start, end, fault in answer.failed:
                self.is_waiting |= isinstance(fault, Postponed)
                self._fail(shape, start, end, fault)
            grounded, ungrounded = ground(answer, shape, self._prepared)
            self.problems += ungrounded
            for item in grounded:
                values, unreadable = normalise(item, shape, self._year)
                self.problems += unreadable
                if values is not None:
                    items.append((shape, passage, item, values))
        sure = self._confirm(items) if self._recipe.profile.confirm else [True] * len(items)
        for (_, _, item, values), is_sure in zip(items, sure, strict=True):
            marks = {mark} if mark else set()
            marks |= set() if is_sure else {UNCONFIRMED}
            self.items.append((replace(item, marks=item.marks | marks), values))

    def _confirm(self, items: Sequence[tuple[Field, Excerpt, Item, Json]]) -> list[bool]:
        self.asked += len(items)
        tasks = [partial(self._confirms, shape, passage, item) for shape, passage, item, _ in items]
        sure = []
        for (shape, _, item, _), answer in zip(items, self._gather(tasks), strict=True):
            sure.append(answer is True)
            if not isinstance(answer, bool):
                self._fail(shape, *item.places[0], answer)
        return sure

    def _confirms(self, shape: Field, passage: Excerpt, item: Item) -> bool | Exception:
        words, clause = wording_of(item, shape, self._prepared)
        try:
            return confirm(shape, passage, words, clause, self._recipe, self._call)
        except FATAL:
            raise
        except Fault as fault:
            return fault

    def _fail(self, shape: Field, start: int, end: int, error: Exception) -> None:
        detail = str(error)
        if isinstance(error, Fault):
            self.failures.append(Failure(shape.name, start, end, error))
            detail = f"{error.kind}: {error.what}"
        self.problems.append(Problem("unanswered", shape.name, None, start, end, detail))


def _left(shape: Field, merged: Merged, covered: Mapping[str, Covered], speech: Excerpt, longest: int) -> list[Excerpt]:
    """Where to ask for a field once more. A field of one value that has it needs no other."""
    if shape.name not in covered or not (
        isinstance(merged.record[shape.name], list) or merged.record[shape.name] is None
    ):
        return []
    return [part for left in uncovered(covered[shape.name], speech, longest) for part in split_passages(left, longest)]


class Meter:
    """A Call that counts what passes through it, from whatever thread, by field: all, and of that the re-asks."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.Lock()
        self.usage: defaultdict[str, Usage] = defaultdict(Usage)
        self.again: defaultdict[str, Usage] = defaultdict(Usage)
        self.retries: Counter[str] = Counter()

    def __call__(self, request: Request) -> Reply:
        reply = self._call(request)
        usage = Usage.of(reply.body)
        # Of fields that share a question the first stands for all.
        name = request.about.get("field", "").partition("+")[0]
        with self._lock:
            self.usage[name] += usage
            self.retries[name] += reply.attempts - 1
            if request.about.get(AGAIN):
                self.again[name] += usage
        return reply

    @property
    def total(self) -> Usage:
        """Of all fields."""
        return sum(self.usage.values(), Usage())

    def to_json(self, field: str) -> Json:
        """What was asked for a field, but for what there was none of."""
        counted = {
            **self.usage[field].to_json(),
            "again": _nonzero(self.again[field].to_json()),
            "retries": self.retries[field],
        }
        return _nonzero(counted)


def _nonzero(counted: Json) -> Json:
    return {name: value for name, value in counted.items() if value}


def _line(
    name: str,
    speech: Excerpt,
    found: Found,
    merged: Merged,
    covered: Mapping[str, Covered],
    recipe: Recipe,
    meter: Meter,
    kept: Kept,
) -> Json:
    """The output line: the record as its own schema reads and writes it, so that it round-trips."""
    document = speech.document
    problems = [problem.to_json() for problem in found.problems + merged.problems]
    by_field = {shape.name: kept.problems.get(shape.name, []) for shape in recipe.schema.fields}
    for problem in problems:
        by_field[problem["field"].partition(".")[0]].append(problem)
    return {
        "id": name,
        "source": {"path": document.path, "sha256": document.sha256, "start": speech.start, "end": speech.end},
        "record": recipe.schema.record.model_validate(merged.record).model_dump(mode="json"),
        "evidence": merged.evidence,
        "marks": merged.marks,
        "coverage": {name: covered.to_json(speech) for name, covered in covered.items()},
        "problems": [problem for noted in by_field.values() for problem in noted],
        "run": {
            "schema": recipe.schema.name,
            "recipe": recipe.digest,
            "model": recipe.model,
            **_totals(recipe, meter, kept),
        },
    }


def _totals(recipe: Recipe, meter: Meter, kept: Kept) -> Json:
    """What the line cost: for each field, whenever it was asked, and in all."""
    asked = {
        name: kept.asked.get(name) or {"as": digits, **meter.to_json(name)} for name, digits in recipe.fields.items()
    }
    usage = sum((Usage.from_json(entry) for entry in asked.values()), Usage())
    again = sum((Usage.from_json(entry.get("again", {})) for entry in asked.values()), Usage())
    return {
        **usage.to_json(),
        "cost": recipe.cost(usage),
        "again": {**again.to_json(), "cost": recipe.cost(again)},
        "retries": sum(entry.get("retries", 0) for entry in asked.values()),
        "fields": asked,
    }
