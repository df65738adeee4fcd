"""What a run is named by: everything that decides its records, apart from the sources.

Each field has a name of its own, of what decides what is asked for it and what becomes of the answer: where it is the
same, the field's values still hold. Where a field stands, comments and docstrings are no part of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property

from extractor.document import Json
from extractor.llm.call import Profile, Usage
from extractor.llm.prices import Price
from extractor.schema.loading import Prompts, Schema, digest
from extractor.schema.shape import Field, Leaf

# The engine's own version of what stages do to a text and an answer; raised when records change for the same replies.
ENGINE = 2


@dataclass(frozen=True)
class Recipe:
    """Schema, prompts, model and how it is asked. `model` is the name in requests: "qwen2.5-…", "gpt-…"."""

    schema: Schema
    model: str
    profile: Profile
    price: Price | None = None

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits that differ whenever records could."""
        expected = {field.name: repr(field.expects) for field in self.schema.fields}
        return digest(json.dumps([self.fields, expected], sort_keys=True))[:12]

    @cached_property
    def fields(self) -> dict[str, str]:
        """8 hexadecimal digits for each field, which differ whenever its values could."""
        return {field.name: self._name(field, field.name) for field in self.schema.fields}

    @cached_property
    def renamed(self) -> dict[str, str]:
        """For each field that had another name (`Was`) the digits that it had by that name, with all else as it is."""
        return {field.name: self._name(field, field.was) for field in self.schema.fields if field.was}

    def _name(self, field: Field, called: str) -> str:
        words = _words(self.schema.prompts, field, called, self.profile)
        doc = field.item.__doc__ if self.profile.verify and field.item is not None else None
        meaning = [called, told(field), words, doc, self.model, _unlike_default(self.profile), ENGINE]
        return digest(json.dumps(meaning, ensure_ascii=False, sort_keys=True))[:8]

    def cost(self, usage: Usage) -> float | None:
        """What the usage cost, in US dollars; None where no price is known."""
        return None if self.price is None else round(self.price.of(usage), 6)

    def to_json(self) -> Json:
        """All that it names, for the history of runs."""
        return {
            "digest": self.digest,
            "schema": self.schema.name,
            "fields": {
                field.name: {"fingerprint": self.fields[field.name], **told(field)} for field in self.schema.fields
            },
            "prompts": digest("\0".join(sorted(_templates(self.schema.prompts))))[:12],
            "model": self.model,
            "profile": asdict(self.profile),
            "engine": ENGINE,
        }


def told(field: Field) -> Json:
    """What the schema says of a field that decides what is asked and what is made of the answer, part by part."""
    return {
        "description": field.description,
        "type": f"{'list of ' if field.many else ''}{field.item.__name__ if field.item else field.leaves[0].kind.name}",
        "most": field.max_items,
        "markers": _spelled(field.cue, field.unless, field.mood),
        # A field that is a value of its own is its only part.
        "parts": {leaf.name if field.item else "": _told_of_leaf(leaf) for leaf in field.leaves},
    }


def _unlike_default(profile: Profile) -> Json:
    """What is set of a profile: a setting that is new, and not used, changes no name."""
    plain = asdict(Profile())
    return {name: value for name, value in asdict(profile).items() if value != plain[name]}


def _told_of_leaf(leaf: Leaf) -> Json:
    shown = leaf.shown and [leaf.shown.otherwise, leaf.shown.patterns]
    return {
        "description": leaf.description,
        "type": f"{'list of ' if leaf.many else ''}{leaf.kind.name}{' or null' if leaf.optional else ''}",
        "bounds": [leaf.longest, leaf.max_items],
        "choices": list(leaf.choices),
        "within": leaf.within,
        "markers": [
            *_spelled(leaf.cue, leaf.beside, leaf.subject, leaf.period, leaf.like),
            *([repr(shown)] if shown else []),
        ],
    }


def _spelled(*markers: object) -> list[str]:
    return [repr(marker) for marker in markers if marker is not None]


def _words(prompts: Prompts, field: Field, called: str, profile: Profile) -> list[object]:
    """What of the prompts a field is asked with: of the example the text, and its own answer."""
    words: list[object] = [prompts.task.template, prompts.read.template]
    if profile.combine and field.group:
        words.append(prompts.group.template)
    if profile.style == "form":
        words.append(prompts.form.template)
    if profile.verify:
        words.append(prompts.verify.template)
    if prompts.example is not None:
        answers = prompts.example.record
        words += [prompts.example.text, answers.get(field.name, answers.get(called))]
    return words


def _templates(prompts: Prompts) -> list[str]:
    return [template.template for template in (prompts.task, prompts.read, prompts.group, prompts.form, prompts.verify)]
